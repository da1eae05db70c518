"""Heads beside a network: fitted on its training part, settled on validation, judged once on test, and bound to it."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from core import limits
from core.data.labelling import apply_scheme
from core.data.load import load_table
from core.errors import ModelDamaged, SpecInvalid
from core.evaluation.calibration import apply_temperature
from core.registry.heads import head_spec
from core.registry.labels import label_scheme
from core.store.models import load_card, save_model
from core.store.runs import load_record
from core.store.siblings import load_siblings, save_siblings, sibling_bytes
from core.training import siblings as fitting
from core.training.prepared import divided
from core.training.siblings import KEYS, fit_siblings

MODELS = Path(__file__).resolve().parents[2] / "models"
SMALL = {"random_forest": {"n_estimators": 20}, "gradient_boosting": {"max_iter": 10}}  # trees enough to be asked


def light(key):
    head = head_spec(key)
    return replace(head, settings={**head.settings, **SMALL.get(key, {})})


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory, folders_of_their_own):
    """phantom-nodule under the name "small", without the heads that it ships with; 60 other patients for its run."""
    folder = tmp_path_factory.mktemp("beside")
    card = replace(load_card("phantom-nodule", MODELS), name="small")
    files = {name: (MODELS / "phantom-nodule" / name).read_bytes() for name in ("model.keras", *card.other_sha256)}
    save_model(card, files, folder)
    table = load_table("phantom", options={"patients": 60, "seed": 5, "size_px": 112})
    spec = load_record(card.run_id, MODELS.parent / "results").spec
    labelled = divided(apply_scheme(table, label_scheme("phantom_nodule", table.spec)), spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDLENS_MODELS", str(folder))
        patch.setenv("MEDLENS_RESULTS", str(MODELS.parent / "results"))
        patch.setattr(fitting, "_parts", lambda *_: labelled)
        patch.setattr(fitting, "head_spec", light)
        patch.setattr(fitting, "evaluate", partial(fitting.evaluate, n_bootstrap=50))
        yield folder


@pytest.fixture(scope="module")
def fitted(store):
    """Heads beside "small", written."""
    result = fit_siblings("small", None)
    save_siblings("small", result.found, result.files)
    return result


def test_all_four_heads_are_there_with_what_a_reader_needs(fitted):
    found = fitted.found
    assert [s.key for s in found.siblings] == list(KEYS)
    assert 60 < found.n_train_images < 140
    assert abs(found.n_train_groups - 36) <= 1, "three fifths of 60 patients"
    for sibling in found.siblings:
        (auc, *_) = (e for e in sibling.estimates if e.metric == "auc" and e.class_name is None)
        assert auc.split == "test" and auc.low <= auc.value <= auc.high
        assert sibling.threshold.chosen_on == "validation"
        assert 0 <= sibling.chosen["validation_auc"] <= 1
    lines = fitted.lines()
    assert "the network itself" in lines[1] and "random forest" in lines[4] and "test," in lines[4]


def test_they_answer_on_the_engine_s_features_as_scikit_learn_does_and_with_their_golden_outputs(fitted):
    import skops.io

    from core.nn.serving import Predictor, golden_images
    from core.nn.siblings import Siblings, features_of
    from core.nn.skops_gate import TREES
    from core.types import Predictions

    predictor = Predictor.load("small")
    heads = Siblings.load(predictor)
    card = predictor.card
    images = golden_images(tuple(range(300, 306)), card.preprocess)
    features = features_of(predictor, images)
    answered = heads.beside(predictor, images)
    np.testing.assert_allclose(answered[:, 0], predictor.probabilities(images), atol=1e-6)
    for position, sibling in enumerate(fitted.found.siblings, 1):
        estimator = skops.io.loads(fitted.files[sibling.file], trusted=list(TREES))
        raw = Predictions(
            run_id="r", split="test", task=card.task, class_names=card.class_names, groups=np.arange(6).astype(str),
            positive_class=card.positive_class, image_ids=np.arange(6).astype(str), y_true=np.zeros(6, np.int64),
            y_prob=estimator.predict_proba(features),
        )  # fmt: skip
        wanted = apply_temperature(raw, sibling.temperature).y_prob
        np.testing.assert_allclose(answered[:, position], wanted, atol=1e-9)


@pytest.fixture(scope="module")
def alone(fitted):
    """Logistic regression fitted again, with every label of the test part turned round."""
    labelled = fitting._parts()
    y, test = labelled.y_true.copy(), labelled.indices("test")
    y[test] = 1 - y[test]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "_parts", lambda *_: replace(labelled, y_true=y))
        return fit_siblings("small", None, keys=("logistic_regression",))


def test_the_test_part_changes_neither_heads_nor_cuts(fitted, alone):
    (other,) = alone.found.siblings
    (same,) = (s for s in fitted.found.siblings if s.key == "logistic_regression")
    assert (other.chosen, other.temperature, other.threshold) == (same.chosen, same.temperature, same.threshold)
    assert other.golden_outputs == same.golden_outputs
    assert other.estimates != same.estimates


def test_heads_of_another_network_are_neither_written_nor_read(fitted):
    card = fitted.card
    assert load_siblings(replace(card, name="elsewhere")) is None
    with pytest.raises(ModelDamaged, match="was replaced while its heads were fitted"):
        save_siblings("small", replace(fitted.found, model_sha256="0" * 64), fitted.files)
    with pytest.raises(ModelDamaged, match=r"fitted on another network .* models siblings small --write"):
        load_siblings(replace(card, sha256="f" * 64))


def test_a_file_that_is_not_the_one_of_the_list_is_refused(fitted):
    sibling = replace(fitted.found.siblings[0], sha256="0" * 64)
    with pytest.raises(ModelDamaged, match="its sha256 is another"):
        sibling_bytes(fitted.card, sibling)
    with pytest.raises(ModelDamaged, match="not among the files"):
        save_siblings("small", fitted.found, {})


def test_a_folder_that_would_grow_too_large_to_ship_stays_as_it_was(fitted, monkeypatch):
    monkeypatch.setattr(limits, "MAX_SHIPPED_BYTES", 1000)
    with pytest.raises(ModelDamaged, match="Leave a head out with --head"):
        save_siblings("small", fitted.found, fitted.files)
    assert load_siblings(load_card("small")) == fitted.found


def test_a_head_whose_golden_outputs_moved_is_refused(fitted):
    from core.nn.serving import Predictor
    from core.nn.siblings import Siblings

    moved = tuple((low + 2e-4, high - 2e-4) for low, high in fitted.found.siblings[1].golden_outputs)
    listed = list(fitted.found.siblings)
    listed[1] = replace(listed[1], golden_outputs=moved)
    save_siblings("small", replace(fitted.found, siblings=tuple(listed)), fitted.files)
    try:
        with pytest.raises(ModelDamaged, match=r"regression answers its golden images differently, by 0\.0002"):
            Siblings.load(Predictor.load("small"))
    finally:
        save_siblings("small", fitted.found, fitted.files)


@pytest.mark.parametrize(
    ("keys", "words"), [((), "Heads none"), (("svm",), "Heads svm"), (("mlp", "mlp"), "each once")]
)
def test_heads_that_do_not_exist_are_named(keys, words):
    with pytest.raises(SpecInvalid, match=words):
        fit_siblings("small", None, keys=keys)


def test_one_head_alone_replaces_the_four_and_their_files_go(fitted, alone):
    target, total = save_siblings("small", alone.found, alone.files)
    assert sorted(path.name for path in target.glob("sibling*")) == [
        "sibling-logistic_regression.skops", "siblings.json"
    ]  # fmt: skip
    assert total == sum(path.stat().st_size for path in target.iterdir())
    save_siblings("small", fitted.found, fitted.files)
