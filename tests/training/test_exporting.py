"""Export and serving: the shipped graph answers as the run did, and refuses to load when it does not."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core.errors import ModelDamaged, ModelError, SpecInvalid
from core.evaluation.calibration import apply_temperature
from core.store.models import list_models, load_card, model_folder, save_model
from core.store.runs import load_predictions

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def exported(study):
    from core.training.exporting import export_run
    from core.training.runner import run

    _, network = study
    settings = {"strategy": "frozen", "weights": f"run:{network.run_id}", "head": "mlp", "epochs": 3}
    record = run(replace(network.spec, **settings))
    export_run(record.run_id, "small-frozen")
    export_run(network.run_id, "small-whole")
    return {"small-frozen": record, "small-whole": network}


@pytest.mark.parametrize("name", ["small-frozen", "small-whole"])
def test_the_exported_model_gives_the_probabilities_of_its_run(exported, name):
    from core.data.sources import read_image
    from core.nn.serving import Predictor
    from core.training.prepared import prepare_data

    record = exported[name]
    predictor = Predictor.load(name)
    stored = load_predictions(record.run_id, "test")
    expected = apply_temperature(stored, predictor.card.temperature).y_prob
    paths, _, _ = prepare_data(record.spec, None).part("test")
    got = np.stack([predictor.predict(read_image(p), False).probabilities for p in paths[:12]])
    np.testing.assert_allclose(got, expected[:12], atol=1e-5)


def test_the_card_says_what_a_reader_must_know(exported):
    card = load_card("small-frozen")
    assert card.synthetic
    assert card.threshold.chosen_on == "validation"
    assert "not a diagnosis" in " ".join(card.limits).lower()
    assert any(e.metric == "auc" and e.low is not None for e in card.estimates)
    assert len(card.golden_outputs) == len(card.golden_seeds) == 5
    assert len(card.feature_mean) == len(card.feature_scale) == 96
    assert card.n_train_groups < card.n_train_images


def test_golden_outputs_are_reproduced_at_load(exported):
    from core.nn.serving import GOLDEN_TOLERANCE, Predictor

    assert Predictor.load("small-frozen").golden_difference <= GOLDEN_TOLERANCE


def copied(name, **changes):
    """The small model under another name and with another card."""
    card, folder = load_card("small-frozen"), model_folder("small-frozen")
    files = {file: folder / file for file in ("model.keras", *card.other_sha256)}
    save_model(replace(card, name=name, **changes), files)


@pytest.mark.parametrize("engine", ["ONNX Runtime", "compiled Keras"])
def test_a_model_that_answers_otherwise_than_its_card_is_not_served(exported, engine):
    from core.nn.serving import Predictor

    moved = tuple(tuple(reversed(row)) for row in load_card("small-frozen").golden_outputs)
    name = f"moved-{engine[:4].lower()}"
    copied(name, golden_outputs=moved, engine=engine)
    with pytest.raises(ModelDamaged, match="golden images"):
        Predictor.load(name)


@pytest.mark.parametrize(
    ("file", "engine"),
    [("model.onnx", "ONNX Runtime"), ("explain.onnx", "ONNX Runtime"), ("model.keras", "compiled Keras")],
)
def test_a_changed_network_file_is_not_served(exported, file, engine):
    from core.nn.serving import Predictor

    name = f"tampered-{file.split('.')[0]}-{engine[:4].lower()}"
    copied(name)
    path = model_folder(name) / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ModelDamaged, match="sha256"):
        Predictor.load(name, engine=engine)
    assert {c.name for c in list_models().cards} >= {"small-frozen", "small-whole"}


def test_both_engines_give_the_same_answer_and_the_same_maps(exported):
    from core.data.phantom import draw_phantom
    from core.nn.serving import Predictor

    picture = draw_phantom(9, 2, 0).pixels
    fast, slow = (Predictor.load("small-frozen", engine=e).predict(picture) for e in ("ONNX Runtime", "compiled Keras"))
    np.testing.assert_allclose(fast.probabilities, slow.probabilities, atol=1e-5)
    for one, other in zip(fast.heatmaps, slow.heatmaps, strict=True):
        np.testing.assert_allclose(one.values, other.values, atol=1e-4)


def test_a_network_without_onnx_form_is_exported_with_the_reason_and_served_by_keras(exported, monkeypatch):
    from core.errors import ExportImpossible
    from core.nn import export
    from core.nn.serving import Predictor
    from core.training.exporting import export_run

    def impossible(*_):
        raise ExportImpossible("The layer 'x' (Spiral) cannot be followed.")

    monkeypatch.setattr(export, "to_onnx", impossible)
    export_run(exported["small-whole"].run_id, "by-keras")
    card = load_card("by-keras")
    assert (card.engine, set(card.other_sha256)) == ("compiled Keras", {"ood.npz"})
    assert "Spiral" in card.engine_reason
    assert Predictor.load("by-keras").engine == "compiled Keras"


def test_an_engine_that_does_not_exist_is_named():
    from core.nn.serving import Predictor

    with pytest.raises(ModelDamaged, match="'abacus'"):
        Predictor.load("small-frozen", engine="abacus")


def test_one_heat_map_per_class_in_the_size_of_the_prepared_picture(exported):
    from core.data.phantom import draw_phantom
    from core.nn.serving import Predictor

    predictor = Predictor.load("small-frozen")
    picture = draw_phantom(3, 1, 0).pixels
    by_method = [predictor.predict(picture, method=method).heatmaps for method in ("gradcam", "gradcam_reference")]
    for maps in by_method:
        assert [m.class_name for m in maps] == list(predictor.card.class_names)
        assert all(m.values.shape == (32, 32) for m in maps)
        assert all(m.grid == (4, 4) for m in maps)
    for fast, reference in zip(*by_method, strict=True):
        assert fast.is_empty == reference.is_empty
        np.testing.assert_allclose(fast.values, reference.values, atol=1e-4)


def test_threads_never_get_each_others_answers(exported):
    from concurrent.futures import ThreadPoolExecutor

    from core.data.phantom import draw_phantom
    from core.nn.serving import Predictor

    predictor = Predictor.load("small-frozen")
    pictures = [draw_phantom(4, patient, 0).pixels for patient in range(8)]
    alone = [predictor.predict(p).probabilities for p in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda p: predictor.predict(p).probabilities, pictures * 4))
    np.testing.assert_allclose(together, alone * 4, atol=1e-6)


def test_a_head_without_layers_cannot_become_a_graph(study):
    from core.training.exporting import export_run
    from core.training.runner import run

    _, network = study
    settings = {"strategy": "frozen", "weights": f"run:{network.run_id}", "head": "logistic_regression"}
    record = run(replace(network.spec, **settings))
    with pytest.raises(SpecInvalid, match="holds no network"):
        export_run(record.run_id, "no-graph")


@pytest.mark.parametrize(("given", "expected"), [(None, "youden"), ("sensitivity:0.9", "sensitivity:0.9")])
def test_the_cuts_are_chosen_by_the_rule_of_the_run_or_by_the_one_given(exported, monkeypatch, given, expected):
    from core.training.exporting import export_run

    class Reached(Exception):
        pass

    def look(name, record, artifacts, evaluation, temperature):
        raise Reached(evaluation.threshold.rule)

    monkeypatch.setattr("core.nn.export.build_model_folder", look)
    with pytest.raises(Reached, match=expected):
        export_run(exported["small-frozen"].run_id, "by-rule", rule=given)


def test_a_name_that_is_taken_is_not_written_over(exported):
    from core.training.exporting import export_run

    with pytest.raises(ModelError):
        export_run(exported["small-frozen"].run_id, "small-frozen")


def test_external_validation_counts_what_the_model_has_seen(exported):
    from core.training.external import evaluate_model

    record = exported["small-frozen"]
    test_only = evaluate_model("small-frozen", "phantom", None, split="test", options=record.spec.dataset_options)
    stored = load_predictions(record.run_id, "test")
    assert test_only.n_seen == 0
    assert test_only.evaluation.n_images == len(stored)
    auc = next(e for e in test_only.evaluation.estimates if e.metric == "auc" and e.class_name is None)
    expected = next(e for e in record.evaluations[1].estimates if e.metric == "auc" and e.class_name is None)
    assert auc.value == pytest.approx(expected.value, abs=1e-6)
    everything = evaluate_model("small-frozen", "phantom", None, split="all", options=record.spec.dataset_options)
    assert everything.n_seen == everything.evaluation.n_images - test_only.evaluation.n_images
    assert "no validation" in everything.warnings()[0]
    json.dumps(everything.document(), allow_nan=False)


@pytest.fixture
def other_folder(tmp_path):
    from PIL import Image

    from core.data.phantom import draw_phantom

    for number, name in enumerate(["healthy"] * 6 + ["lump"] * 6):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.fromarray(draw_phantom(50, number, 0, 64).pixels).save(tmp_path / name / f"{number}.png")
    return tmp_path


def test_labels_of_other_names_are_mapped_by_hand_or_refused(exported, other_folder):
    from core.training.external import evaluate_model

    with pytest.raises(SpecInvalid, match="--map 'RAW=CLASS'"):
        evaluate_model("small-frozen", "folder", other_folder, split="all")
    result = evaluate_model(
        "small-frozen", "folder", other_folder, split="all", label_map=["healthy=No nodule", "lump=Nodule"]
    )
    assert result.evaluation.n_images == 12
    with pytest.raises(SpecInvalid, match="expected RAW=CLASS"):
        evaluate_model("small-frozen", "folder", other_folder, split="all", label_map=["healthy"])


def test_another_data_set_without_a_test_part_asks_for_all(exported, other_folder):
    from core.training.external import evaluate_model

    with pytest.raises(SpecInvalid, match="use --split all"):
        evaluate_model("small-frozen", "folder", other_folder, label_map=["healthy=No nodule", "lump=Nodule"])


def test_a_shipped_model_lends_its_backbone(exported):
    from core.nn.backbones import build_backbone
    from core.nn.saving import load
    from core.nn.weights import backbone_layers
    from core.registry.architectures import architecture_spec
    from core.store.models import model_path

    lent = build_backbone(architecture_spec("compact_cnn"), input_px=32, weights="model:small-whole")
    shipped = load(model_path("small-whole"))
    pairs = list(zip(backbone_layers(lent), backbone_layers(shipped), strict=True))
    assert len(pairs) == 10  # five convolutions, five normalisations
    for mine, theirs in pairs:
        for a, b in zip(mine.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
