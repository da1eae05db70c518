"""Stored runs that answer together: the mean of their logits, image by image, and nothing that does not fit."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import MedLensError, SpecInvalid
from core.store.runs import load_predictions
from core.training.ensemble import joined
from core.training.plan import load_plan


@pytest.fixture(scope="module")
def members(study):
    """A whole network, and a head on its features."""
    from core.training.runner import run

    _, network = study
    settings = {"strategy": "frozen", "weights": f"run:{network.run_id}", "head": "random_forest", "balance": "none"}
    return network, run(replace(network.spec, **settings))


def together(*records, **changes):
    spec = replace(
        records[0].spec, strategy="ensemble", weights="none", members=tuple(record.run_id for record in records)
    )
    return replace(spec, **changes)


def test_the_mean_of_logits_by_hand():
    """Two members say 0.9 and 0.5: odds 9 and 1, whose geometric mean is 3, which is 0.75."""
    members = np.array([[[0.1, 0.9]], [[0.5, 0.5]]])
    np.testing.assert_allclose(joined(members, "binary"), [[0.25, 0.75]])
    # of three classes: sqrt(0.64 * 0.16), sqrt(0.32 * 0.02), sqrt(0.04 * 0.82), brought to one
    three = np.array([[[0.64, 0.32, 0.04]], [[0.16, 0.02, 0.82]]])
    raised = np.sqrt([0.64 * 0.16, 0.32 * 0.02, 0.04 * 0.82])
    np.testing.assert_allclose(joined(three, "multiclass"), [raised / raised.sum()])
    # labels of their own do not share one sum
    own = joined(np.array([[[0.9, 0.5]], [[0.5, 0.5]]]), "multilabel")
    np.testing.assert_allclose(own, [[0.75, 0.5]])


def test_a_member_that_is_wholly_sure_is_outvoted_and_no_number_is_lost():
    answers = joined(np.array([[[0.0, 1.0]], [[1.0, 0.0]], [[0.8, 0.2]]]), "binary")
    assert np.isfinite(answers).all()
    np.testing.assert_allclose(answers.sum(axis=1), 1)
    assert answers[0, 0] > 0.5


def test_the_run_joins_its_members_image_by_image(members):
    from core.training.runner import run

    record = run(together(*members))
    assert record.status == "done"
    assert record.params_total == sum(member.params_total for member in members)
    assert set(record.artifacts) == {"predictions.csv"}
    assert record.model_bytes == sum(member.model_bytes for member in members)
    for split in ("validation", "test"):
        ours = load_predictions(record.run_id, split)
        parts = [load_predictions(member.run_id, split) for member in members]
        # looked up by name, not by place
        scores = []
        for part in parts:
            row = {image: at for at, image in enumerate(part.image_ids)}
            scores.append(np.clip([part.y_prob[row[image]] for image in ours.image_ids], 1e-7, 1 - 1e-7))
        raised = np.sqrt(scores[0] * scores[1])
        np.testing.assert_allclose(ours.y_prob, raised / raised.sum(axis=1, keepdims=True), atol=1e-9)
        assert ours.y_true.tolist() == parts[0].y_true.tolist()


def test_a_member_whose_rows_stand_in_another_order_is_joined_by_the_names_of_its_images(members, monkeypatch):
    from core.training import ensemble
    from core.training.runner import run

    straight = load_predictions(run(together(*members)).run_id, "test")
    order = np.random.default_rng(0).permutation(len(straight.image_ids))

    def shuffled(run_id, split, folder):
        found = load_predictions(run_id, split, folder)
        if run_id != members[1].run_id or split != "test":
            return found
        return replace(found, image_ids=found.image_ids[order], groups=found.groups[order],
                       y_true=found.y_true[order], y_prob=found.y_prob[order])  # fmt: skip

    monkeypatch.setattr(ensemble, "load_predictions", shuffled)
    again = run(together(*members, seed=5))  # another run of the same members
    np.testing.assert_allclose(load_predictions(again.run_id, "test").y_prob, straight.y_prob, atol=1e-12)


def test_it_cannot_become_a_model_and_says_so(members):
    from core.training.exporting import export_run
    from core.training.runner import run

    record = run(together(*members))
    with pytest.raises(SpecInvalid, match="2 runs that answer together"):
        export_run(record.run_id, "both")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"members": ("run-a",)}, "needs two or more different runs"),
        ({"members": ("run-a", "run-a")}, "needs two or more different runs"),
        ({"members": ("run-a", "run-b")}, "run-a"),
        ({"stated_shares": "equal"}, "at true shares; this run has .* at equal shares"),
        ({"label_scheme": "phantom_appearance"}, "Members answer one question"),
        ({"split_seed": 1}, "has not scored .* images, among them"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(members, changes, words):
    from core.training.runner import run

    with pytest.raises(MedLensError, match=words):
        run(together(*members, **changes))


def test_a_plan_names_the_members_of_its_own_runs(tmp_path):
    head = 'dataset = "phantom"\nlabel_scheme = "phantom_nodule"\narchitecture = "compact_cnn"\nhead = "linear"\n'
    file = tmp_path / "both.toml"
    file.write_text(
        f"[defaults]\n{head}\n"
        '[[runs]]\nname = "one"\nstrategy = "scratch"\nweights = "none"\n'
        '[[runs]]\nname = "two"\nstrategy = "scratch"\nweights = "none"\nseed = 1\n'
        '[[runs]]\nstrategy = "ensemble"\nweights = "none"\nmembers = ["one", "two", "another-run"]\n',
        encoding="utf-8",
    )
    from core.store.codec import run_id_of

    one, two, both = load_plan(str(file)).runs
    assert both.members == (run_id_of(one), run_id_of(two), "another-run")
    file.write_text(file.read_text().replace('members = ["one", "two", "another-run"]', ""), encoding="utf-8")
    with pytest.raises(SpecInvalid, match="belong together"):
        load_plan(str(file))
