"""The runner, on phantoms: what is stored, what is skipped, and what an interruption leaves behind."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.errors import MedLensError, SpecInvalid, TrainingFailed
from core.registry.heads import HEADS
from core.store.runs import list_runs, load_history, load_predictions, load_record

pytestmark = pytest.mark.keras
TUNED = {"strategy": "fine_tune", "learning_rates": (1e-3, 1e-5), "epochs": 1, "score_train": True}


def auc_of(record, split="test"):
    evaluation = next(e for e in record.evaluations if e.split == split)
    return next(e for e in evaluation.estimates if e.metric == "auc" and e.class_name is None)


def test_a_scratch_run_is_stored_with_everything_that_a_reader_needs(study):
    _, record = study
    assert record.status == "done"
    assert [e.split for e in record.evaluations] == ["validation", "test"]
    assert {c.split for c in record.counts} == {"train", "validation", "test"}
    assert record.audit.groups_in_several_splits == 0
    assert record.audit.images_in_several_splits == 0
    assert set(record.artifacts) >= {"predictions.csv", "history.csv", "network.keras", "seen_images.txt"}
    assert record.evaluations[1].threshold.chosen_on == "validation"
    assert set(record.seconds) >= {"data", "images", "training", "scoring", "evaluation"}
    assert record.environment.backend == "tensorflow"
    assert 0 < record.params_trained < record.params_total
    history = load_history(record.run_id)
    assert list(history.columns[:3]) == ["stage", "epoch", "seconds"]
    assert {"loss", "val_loss"} <= set(history.columns)
    assert len(history) == 2


# one kind takes whole feature maps, the other several images (test_sequences.py)
NOT_HERE = {key for key, head in HEADS.items() if head.factory in ("castro_perez_dense", "gru")}


@pytest.mark.parametrize("head", [key for key in HEADS if key not in NOT_HERE])
def test_every_head_of_the_registry_fits_on_frozen_features(study, frozen, head):
    from core.training.runner import run

    _, network = study
    record = run(frozen(network, head))
    predictions = load_predictions(record.run_id, "test")
    np.testing.assert_allclose(predictions.y_prob.sum(axis=1), 1, atol=1e-6)
    expected = roc_auc_score(predictions.y_true, predictions.y_prob[:, predictions.positive_index])
    assert auc_of(record).value == pytest.approx(expected, abs=1e-12)
    if head == "dummy":
        assert auc_of(record).value == 0.5
    if HEADS[head].search_space:
        assert set(HEADS[head].search_space) <= set(record.chosen_settings)


def test_all_heads_are_scored_on_the_same_images_in_the_same_order(study, frozen):
    from core.training.runner import run

    _, network = study
    ids = [load_predictions(run(frozen(network, head)).run_id).image_ids.tolist() for head in ("mlp", "random_forest")]
    assert ids[0] == ids[1]


def test_a_stored_run_is_not_trained_again(study, monkeypatch):
    from core.training import runner

    _, record = study
    monkeypatch.setattr(runner, "prepare_data", lambda *a, **k: pytest.fail("the run was trained again"))
    assert runner.run(record.spec).created_utc == record.created_utc


def test_the_same_seed_gives_the_same_numbers(study, frozen):
    from core.training.runner import run

    base, network = study
    spec = frozen(network, "mlp")
    first = load_predictions(run(spec).run_id)
    run(spec, results_folder=base / "again")
    second = load_predictions(first.run_id, folder=base / "again")
    np.testing.assert_array_equal(first.image_ids, second.image_ids)
    np.testing.assert_allclose(first.y_prob, second.y_prob, atol=1e-5)


def test_ctrl_c_leaves_a_readable_interrupted_run_with_its_history_and_the_next_call_finishes_it(
    study, frozen, monkeypatch
):
    from core.training import strategies
    from core.training.runner import run

    _, network = study
    spec = frozen(network, "mlp", seed=77)
    real = strategies.fit_head_on

    def interrupted(job, *parts):
        job.epoch_done({"stage": "head", "epoch": 1, "seconds": 0.1, "loss": 0.5, "val_loss": 0.6})
        raise KeyboardInterrupt

    monkeypatch.setattr(strategies, "fit_head_on", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(spec)
    listing = list_runs()
    assert not listing.damaged
    stopped = next(r for r in listing.records if r.spec == spec)
    assert stopped.status == "interrupted"
    assert "stopped by the user" in stopped.failure
    assert len(load_history(stopped.run_id)) == 1
    monkeypatch.setattr(strategies, "fit_head_on", real)
    assert run(spec).status == "done"


def test_a_failure_is_stored_with_its_reason(study, frozen, monkeypatch):
    from core.training import strategies
    from core.training.runner import run

    _, network = study
    spec = frozen(network, "mlp", seed=78)

    def failing(*_parts):
        raise TrainingFailed("the loss is no longer a finite number")

    monkeypatch.setattr(strategies, "fit_head_on", failing)
    with pytest.raises(TrainingFailed):
        run(spec)
    stored = next(r for r in list_runs().records if r.spec == spec)
    assert (stored.status, stored.failure) == ("failed", "the loss is no longer a finite number")


@pytest.mark.slow
def test_a_learning_rate_that_explodes_stops_with_a_sentence(study, frozen):
    from core.training.runner import run

    _, network = study
    spec = replace(network.spec, learning_rates=(1e30,), epochs=4, seed=3)
    with pytest.raises(TrainingFailed, match="Lower learning_rates"):
        run(spec)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": "none"}, "needs trained weights"),
        ({"head": "castro_perez_dense"}, "whole feature maps"),
        ({"strategy": "scratch", "weights": "none", "head": "random_forest"}, "trains layers"),
        ({"strategy": "scratch"}, "starts from random weights"),
        ({"strategy": "fine_tune", "head": "mlp"}, "two learning_rates"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_in_words(study, frozen, changes, words):
    from core.training.runner import run

    _, network = study
    with pytest.raises(SpecInvalid, match=words):
        run(frozen(network, **({"head": "mlp"} | changes)))


def test_the_rule_of_the_cuts_is_the_spec_s_and_a_class_that_is_not_there_is_named_before_any_work(study, frozen):
    from core.training.runner import run

    _, network = study
    record = run(frozen(network, "logistic_regression", threshold_rule="sensitivity:0.9"))
    assert {e.threshold.rule for e in record.evaluations} == {"sensitivity:0.9"}
    with pytest.raises(SpecInvalid, match="sets a cut for 'Melanoma'; there are cuts for: Nodule"):
        run(frozen(network, "logistic_regression", threshold_rule="f1;Melanoma=0.6"))


def test_weights_of_a_run_that_is_not_there_are_named(study, frozen):
    from core.training.runner import run

    _, network = study
    with pytest.raises(MedLensError, match="run:nothing-here"):
        run(frozen(network, "mlp", weights="run:nothing-here"))


def test_fine_tuning_trains_the_whole_network_from_its_frozen_start(study, frozen):
    from core.training.runner import run

    _, network = study
    record = run(frozen(network, "mlp", **TUNED))
    assert record.status == "done"
    assert set(load_history(record.run_id)["stage"]) == {"head", "fine_tune"}
    assert record.params_trained > load_record(network.run_id).params_trained


def test_a_random_split_is_marked_and_its_leak_counted(study, frozen):
    from core.training.runner import run

    _, network = study
    record = run(frozen(network, "dummy", split="random"))
    assert record.audit.split_kind == "random"
    assert record.audit.groups_in_several_splits > 0


def test_a_network_that_has_seen_the_test_images_is_refused(study, frozen):
    """Another draw of the parts brings images into the test part that the base was trained on."""
    from core.training.runner import run

    _, network = study
    with pytest.raises(SpecInvalid, match=r"has learnt or been tuned on \d+ of the test images"):
        run(frozen(network, "dummy", split_seed=1))
    # the same parts under another name of theirs are welcome
    assert run(frozen(network, "dummy", split_scheme="phantom_nodule")).status == "done"


def test_thinned_data_keep_the_parts_of_the_whole_where_asked_and_may_start_from_its_network(study, frozen):
    from core.training.prepared import prepare_data

    _, network = study
    options = {**network.spec.dataset_options, "keep": "negative=0.5"}
    spec = frozen(network, "dummy", dataset_options=options, split_whole=True)
    thin, whole = prepare_data(spec, None), prepare_data(network.spec, None)
    assert len(thin.labelled) < len(whole.labelled)
    for split in ("train", "validation", "test"):
        kept, parts = set(thin.part(split)[1]), {s: set(whole.part(s)[1]) for s in ("train", "validation", "test")}
        assert kept and kept < parts[split]


def test_a_head_on_a_trained_network_has_seen_what_its_base_has_seen(study, frozen, tmp_path):
    from core.training.prepared import prepare_data
    from core.training.seen import seen_by, seen_file

    _, network = study
    data = prepare_data(network.spec, None)
    base = seen_by(f"run:{network.run_id}")
    assert len(base) == sum(counts.n_images for counts in network.counts if counts.split != "test")
    assert set(seen_file(data, f"run:{network.run_id}").decode().split()) == base
    assert seen_by("imagenet") == seen_by("none") == seen_by("run:") == frozenset()


def test_equal_shares_raise_the_rare_class_and_change_no_ranking(study, frozen):
    from core.training.runner import run

    _, network = study
    true, equal = (run(frozen(network, "logistic_regression", stated_shares=s)) for s in ("true", "equal"))
    assert auc_of(true).value == pytest.approx(auc_of(equal).value, abs=1e-12)
    rare = [load_predictions(r.run_id).y_prob[:, 1].mean() for r in (true, equal)]
    assert rare[1] > rare[0]


def test_the_test_part_is_scored_after_everything_has_been_chosen(study, frozen, monkeypatch):
    """Invariant 5: training gets train and validation only; the test features meet a head that is already fitted."""
    from core.training import strategies
    from core.training.runner import run

    _, network = study
    seen = []
    real = strategies.fit_head_on

    def watched(job, head, train, validation):
        test_features = {tuple(row) for row in job_test_features(job)}
        given = {tuple(row) for part in (train, validation) for row in part.features.round(5)}
        seen.append(len(test_features & given))
        return real(job, head, train, validation)

    def job_test_features(job):
        from core.nn.backbones import build_backbone
        from core.nn.features import extract_features
        from core.registry.architectures import architecture_spec

        backbone = build_backbone(architecture_spec("compact_cnn"), input_px=32, weights=job.spec.weights)
        paths, hashes, _ = job.data.part("test")
        return extract_features(backbone, paths, hashes, job.spec.preprocess).round(5)

    monkeypatch.setattr(strategies, "fit_head_on", watched)
    run(frozen(network, "logistic_regression", seed=9))
    assert seen == [0]


def test_a_stored_run_does_not_answer_for_another_copy_of_the_data(study, frozen, tmp_path):
    from PIL import Image

    from core.data.phantom import draw_phantom
    from core.training.runner import run

    _, network = study
    for number in range(24):
        folder = tmp_path / ("ill" if number % 2 else "well")
        folder.mkdir(exist_ok=True)
        Image.fromarray(draw_phantom(60, number, 0, 64).pixels).save(folder / f"{number}.png")
    spec = frozen(network, "dummy", dataset="folder", label_scheme="as_is", dataset_options={}, balance="none")
    first = run(spec, root=tmp_path)
    assert run(spec, root=tmp_path).created_utc == first.created_utc
    other = tmp_path.parent / "another copy"
    for name in ("ill", "well"):
        (other / name).mkdir(parents=True)
        for file in (tmp_path / name).iterdir():
            (other / name / file.name).write_bytes(file.read_bytes())
    (other / "ill" / "1.png").unlink()
    with pytest.raises(SpecInvalid, match="other data than the folder holds"):
        run(spec, root=other)


def test_training_images_are_scored_beside_the_others_when_asked_for_and_change_no_evaluation(
    study, frozen, monkeypatch
):
    from core.training import runner

    _, network = study
    plain = runner.run(frozen(network, "logistic_regression"))
    monkeypatch.setattr(runner, "MOST_TRAIN_SCORES", 20)
    scored = runner.run(frozen(network, "logistic_regression", score_train=True))
    assert scored.evaluations == plain.evaluations
    train = load_predictions(scored.run_id, "train")
    assert len(train) == 20
    for split in ("validation", "test"):
        other = load_predictions(scored.run_id, split)
        assert not set(train.groups) & set(other.groups)
        np.testing.assert_array_equal(other.y_prob, load_predictions(plain.run_id, split).y_prob)
    with pytest.raises(MedLensError, match="no rows of the train split; it has test, validation"):
        load_predictions(plain.run_id, "train")


def test_a_run_can_start_from_a_fine_tuned_one_which_scores_its_training_images_too(study, frozen):
    from core.nn.backbones import build_backbone
    from core.nn.fit import predict_array
    from core.nn.images import prepared_array
    from core.nn.saving import model_from_bytes
    from core.nn.weights import backbone_layers
    from core.registry.architectures import architecture_spec
    from core.store.runs import load_artifact
    from core.training.prepared import prepare_data
    from core.training.runner import run

    _, network = study
    tuned = run(frozen(network, "mlp", **TUNED))
    model = model_from_bytes(load_artifact(tuned.run_id, "network.keras"))
    stored = load_predictions(tuned.run_id, "train")
    paths, _, y_true = prepare_data(tuned.spec, None).part("train")
    np.testing.assert_array_equal(stored.y_true, y_true)
    again = predict_array(model, prepared_array(paths, tuned.spec.preprocess))
    np.testing.assert_allclose(stored.y_prob, again, atol=1e-5)

    base = build_backbone(architecture_spec("compact_cnn"), input_px=32, weights=f"run:{tuned.run_id}", seed=9)
    theirs = backbone_layers(model)
    assert len(theirs) > 3
    for ours, other in zip(backbone_layers(base), theirs, strict=True):
        for one, two in zip(ours.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)
    assert run(frozen(tuned, "dummy")).status == "done"
