"""Heads on a patient's images in order: what they are given, what absent images change, what the record says."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from core.data.history import MISSING, Sequences
from core.errors import SpecInvalid
from core.registry.datasets import dataset_spec
from core.registry.heads import HEADS, images_in_a_row
from core.registry.labels import label_scheme
from core.store.runs import load_predictions
from core.training.sequences import history_told, sequence_parts
from core.types import DatasetTable, LabelledSet, Predictions

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def gru():
    from core.nn.heads import build_head, set_scaler

    model = build_head(HEADS["gru"], 5, 3, "multiclass", seed=4)
    set_scaler(model, np.random.default_rng(1).normal(2, 3, (40, 5)).astype("float32"))
    return model


def test_one_image_in_six_places_is_scored_as_by_the_head_on_one_image(gru):
    from core.nn.fit import predict_array
    from core.nn.heads import build_head

    alone = build_head(HEADS["last_image"], 5, 3, "multiclass", seed=9)
    assert alone.count_params() == gru.count_params()
    alone.set_weights(gru.get_weights())
    features = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    none_before = np.column_stack([np.full((4, 5), -1), np.arange(4)])
    expected = predict_array(alone, Sequences(features, np.arange(4)[:, None]))
    np.testing.assert_allclose(predict_array(gru, Sequences(features, none_before)), expected, atol=1e-6)


def test_an_earlier_image_counts_and_what_stands_in_an_absent_place_does_not(gru):
    x = np.random.default_rng(0).normal(size=(1, 6, 5)).astype("float32")
    x[:, :4] = MISSING
    before = np.asarray(gru.predict_on_batch(x))
    other = x.copy()
    other[0, 4] += 1  # the earlier image
    assert np.abs(np.asarray(gru.predict_on_batch(other)) - before).max() > 1e-4
    # the order counts too
    swapped = x[:, [0, 1, 2, 3, 5, 4]]
    assert np.abs(np.asarray(gru.predict_on_batch(swapped)) - before).max() > 1e-4
    # an absent place is passed over, wherever it stands
    moved = x[:, [4, 0, 1, 2, 3, 5]]
    np.testing.assert_allclose(np.asarray(gru.predict_on_batch(moved)), before, atol=1e-6)


def test_the_head_is_read_back_as_it_was(gru):
    from core.nn.saving import model_bytes, model_from_bytes

    x = np.random.default_rng(3).normal(size=(2, 6, 5)).astype("float32")
    x[0, :3] = MISSING
    again = model_from_bytes(model_bytes(gru))
    np.testing.assert_allclose(again.predict_on_batch(x), gru.predict_on_batch(x), atol=1e-6)


# patients: a has rows 0, 1, 2 in test, b row 3 in test, c rows 4 and 5 in training, d row 6 in validation
GROUPS = list("aaabccd")
SPLITS = ["test"] * 4 + ["train"] * 2 + ["validation"]
FINDING = [0, 1, 1, 0, 0, 1, 0]


def study_of(groups, splits, y_true, **spec):
    rows = pd.DataFrame({
        "image_id": [f"i{k}" for k in range(len(groups))], "path": "p", "label": "No Finding", "group": groups,
        "split": "", "content_hash": [f"{k:03d}" for k in range(len(groups))], "visit": range(len(groups)),
    })  # fmt: skip
    table = DatasetTable(spec=dataset_spec("nih-chest-xray"), rows=rows, fingerprint="f")
    labelled = LabelledSet(
        table=table, scheme=label_scheme("nih_any"), rows=rows, y_true=np.array(y_true), splits=np.array(splits)
    )

    def part(split):
        at = labelled.indices(split)
        return ["p"] * len(at), list(rows["content_hash"].iloc[at]), np.array(y_true)[at]

    data = SimpleNamespace(labelled=labelled, part=part)
    job = SimpleNamespace(
        spec=SimpleNamespace(mixup=spec.get("mixup", 0.0)), data=data,
        rows_used=lambda split: np.arange(len(labelled.indices(split)))[:: spec.get("every", 1)],
        stored_rows=lambda split: labelled.indices(split)[1:],
    )  # fmt: skip
    return job, labelled


def extract(paths, hashes):
    return np.array([[int(content)] for content in hashes], dtype=np.float32)


def test_a_part_holds_its_own_images_alone_and_balancing_leaves_the_histories_whole():
    job, _ = study_of(GROUPS, SPLITS, FINDING, every=2)
    part = sequence_parts(job, HEADS["gru"]).part("test", extract)
    assert part.features.ravel().tolist() == [0, 1, 2, 3]
    assert part.y_true.tolist() == [0, 1]  # rows 0 and 2 are used
    assert part.inputs[:][:, :, 0].tolist() == [[MISSING] * 5 + [0], [MISSING] * 3 + [0, 1, 2]]
    stored = sequence_parts(job, HEADS["gru"]).stored("test", part.features)
    assert stored.inputs[:][:, -2:, 0].tolist() == [[0, 1], [1, 2], [MISSING, 3]]


def test_the_control_sees_the_last_image_in_the_place_of_each_earlier_one():
    job, _ = study_of(GROUPS, SPLITS, FINDING)
    inputs = sequence_parts(job, HEADS["gru_repeated"]).part("test", extract).inputs[:]
    assert inputs[:, :, 0].tolist() == [
        [MISSING] * 5 + [0], [MISSING] * 4 + [1, 1], [MISSING] * 3 + [2, 2, 2], [MISSING] * 5 + [3],
    ]  # fmt: skip
    single = sequence_parts(job, HEADS["last_image"]).part("test", extract).inputs[:]
    assert single[:, :, 0].tolist() == [[0], [1], [2], [3]]


def test_heads_on_single_images_are_left_alone():
    job, labelled = study_of(GROUPS, SPLITS, FINDING)
    assert sequence_parts(job, HEADS["mlp"]) is None
    assert history_told(labelled, "mlp", []) == {}
    assert {key for key, head in HEADS.items() if images_in_a_row(head)} == {"gru", "last_image", "gru_repeated"}


def test_data_without_histories_and_mixing_of_patients_are_refused():
    with pytest.raises(SpecInvalid, match="needs a patient with several images"):
        sequence_parts(study_of(list("abcd"), ["train"] * 3 + ["test"], [0, 1, 0, 1])[0], HEADS["gru"])
    assert sequence_parts(study_of(list("abcd"), ["train"] * 3 + ["test"], [0, 1, 0, 1])[0], HEADS["last_image"])
    with pytest.raises(SpecInvalid, match="set mixup = 0"):
        sequence_parts(study_of(GROUPS, SPLITS, FINDING, mixup=0.2)[0], HEADS["gru"])


def test_the_record_says_how_many_images_have_a_history_and_how_the_head_does_on_them():
    _, labelled = study_of(GROUPS, SPLITS, FINDING)
    scores = np.array([0.4, 0.2, 0.9, 0.3])
    rows = labelled.indices("test")
    pred = Predictions(
        run_id="r", split="test", task="binary", class_names=labelled.scheme.class_names,
        positive_class=labelled.scheme.positive_class, image_ids=rows.astype(str), groups=np.array(list("aaab")),
        y_true=labelled.y_true[rows], y_prob=np.column_stack([1 - scores, scores]),
    )  # fmt: skip
    for head in ("gru", "last_image"):
        told = history_told(labelled, head, [pred])
        assert told["history_order"] == "visit"
        assert told["images_with_history"] == {"train": 1, "validation": 0, "test": 2}
        # findings have 1 and 2 earlier images, the others none
        assert told["history_length_auc"] == {"No finding": 0.0, "Finding": 1.0}
        # of the two images with a history both show a finding; of the two without none does
        assert told["auc_with_history_test"]["value"] is None
        assert told["auc_with_history_test"]["n_images"] == told["auc_without_history_test"]["n_images"] == 2


def test_a_run_keeps_its_histories_in_its_record_and_stores_training_scores_too(study, frozen):
    from core.training.prepared import prepare_data
    from core.training.runner import run

    _, network = study
    record = run(frozen(network, "gru", score_train=True, epochs=2))
    labelled = prepare_data(record.spec, None).labelled
    frame = labelled.rows.assign(part=labelled.splits)
    later = frame.groupby("group").cumcount() > 0  # groups stay in one part, so that counting is all there is to it
    told = record.chosen_settings
    assert told["images_with_history"] == {s: int((later & (frame["part"] == s)).sum()) for s in frame["part"].unique()}
    test = load_predictions(record.run_id, "test")
    assert told["auc_with_history_test"]["n_images"] == told["images_with_history"]["test"]
    assert told["auc_with_history_test"]["n_images"] + told["auc_without_history_test"]["n_images"] == len(test)
    train = load_predictions(record.run_id, "train")
    assert train.image_ids.tolist() == frame["image_id"][frame["part"] == "train"].tolist()


def test_a_head_on_sequences_becomes_no_model_and_trains_no_network(study, frozen):
    from core.training.exporting import export_run
    from core.training.runner import run

    _, network = study
    record = run(frozen(network, "gru", score_train=True, epochs=2))  # stored by the test before
    assert "seen_images.txt" not in record.artifacts
    with pytest.raises(SpecInvalid, match="a network takes one image"):
        export_run(record.run_id, "of-sequences")
    with pytest.raises(SpecInvalid, match="use strategy = 'frozen'"):
        run(frozen(network, "gru", strategy="fine_tune", learning_rates=(1e-3, 1e-5)))
