"""A patient's earlier images: worked by hand, within one group and one part, and never in the order of a name."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.history import ARBITRARY, MISSING, Sequences, patient_history
from core.errors import SpecInvalid
from core.registry.datasets import dataset_spec
from core.registry.labels import label_scheme
from core.types import DatasetTable, LabelledSet


def labelled(groups, splits, visits=None, content=None, y_true=None):
    n = len(groups)
    rows = pd.DataFrame({
        "image_id": [f"i{k}" for k in range(n)], "path": [f"/{k}.png" for k in range(n)], "label": "No Finding",
        "group": groups, "split": "", "content_hash": content or [f"{k:03d}" for k in range(n)],
    })  # fmt: skip
    if visits is not None:
        rows["visit"] = visits
    spec = dataset_spec("nih-chest-xray")
    table = DatasetTable(spec=spec, rows=rows, fingerprint="f")
    truth = np.zeros(n, dtype=np.int64) if y_true is None else y_true
    return LabelledSet(
        table=table, scheme=label_scheme("nih_any"), rows=rows, y_true=truth, splits=np.array(splits, dtype=object)
    )


# patient a: rows 0, 2, 4 and 5, the last in another part; b: rows 1 and 3
GROUPS, SPLITS = list("ababaa"), ["train"] * 5 + ["test"]


def test_the_earlier_images_stand_in_the_order_of_their_visits_with_the_image_itself_last():
    history = patient_history(labelled(GROUPS, SPLITS, visits=[2, 0, 0, 1, 1, 3]), 3)
    assert history.order == "visit"
    assert history.positions.tolist() == [[2, 4, 0], [-1, -1, 1], [-1, -1, 2], [-1, 1, 3], [-1, 2, 4], [-1, -1, 5]]
    assert history.earlier.tolist() == [2, 0, 0, 1, 1, 0]


def test_only_the_last_images_are_kept():
    history = patient_history(labelled(GROUPS, SPLITS, visits=[2, 0, 0, 1, 1, 3]), 2)
    assert history.positions.tolist() == [[4, 0], [-1, 1], [-1, 2], [1, 3], [2, 4], [-1, 5]]
    alone = patient_history(labelled(GROUPS, SPLITS), 1)
    assert alone.positions.tolist() == [[k] for k in range(6)]
    assert not alone.earlier.any()


@pytest.mark.parametrize(
    "visits", [None, [2, 0, -1, 1, 1, 3], [2, 0, float("nan"), 1, 1, 3], ["2", "x", "", "1", "1", "3"]]
)
def test_without_a_time_for_every_image_the_content_orders_and_the_record_says_so(visits):
    history = patient_history(labelled(GROUPS, SPLITS, visits, content=list("fedcba")), 3)
    assert history.order == ARBITRARY
    assert history.positions[0].tolist() == [4, 2, 0]  # b < d < f; row 5 comes first by content, but in another part


def test_visits_may_be_text_of_a_table_and_count_as_numbers():
    history = patient_history(labelled(["a", "a"], ["train"] * 2, ["10", "9"]), 2)
    assert (history.order, history.positions.tolist()) == ("visit", [[1, 0], [-1, 1]])


def test_positions_within_a_part_count_its_rows():
    splits = ["test", "train", "test", "train", "test", "train"]
    data = labelled(list("ababaa"), splits)
    rows = data.indices("test")
    assert patient_history(data, 2).within(rows).tolist() == [[-1, 0], [0, 1], [1, 2]]


def test_a_history_without_an_image_is_refused():
    with pytest.raises(SpecInvalid, match="holds 0 images"):
        patient_history(labelled(["a"], ["train"]), 0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), length=st.integers(1, 7), timed=st.booleans())
def test_no_image_of_another_group_or_part_is_ever_used_and_labels_change_nothing(seed, length, timed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    groups = rng.integers(0, 8, n).astype(str)
    splits = rng.choice(["train", "validation", "test"], n)  # as a random split does: patients in several parts
    visits = rng.integers(0, 4, n) if timed else None
    content = [f"{value:08x}" for value in rng.permutation(n)]
    data = labelled(groups, splits, visits, content, rng.integers(0, 2, n))
    positions = patient_history(data, length).positions
    keys = [(0 if visits is None else visits[i], content[i]) for i in range(n)]
    for row in range(n):
        mates = [i for i in range(n) if (groups[i], splits[i]) == (groups[row], splits[row]) and keys[i] <= keys[row]]
        expected = sorted(mates, key=keys.__getitem__)[-length:]
        assert positions[row].tolist() == [-1] * (length - len(expected)) + expected
    flipped = labelled(groups, splits, visits, content, 1 - data.y_true)
    assert (patient_history(flipped, length).positions == positions).all()


def test_features_are_gathered_for_the_rows_that_are_asked_for_and_absent_images_are_marked():
    features = np.arange(6, dtype=np.float32).reshape(3, 2)
    sequences = Sequences(features, np.array([[-1, 0], [0, 1], [1, 2]]))
    assert (len(sequences), sequences.shape) == (3, (3, 2, 2))
    assert sequences[np.array([2, 0])].tolist() == [[[2, 3], [4, 5]], [[MISSING] * 2, [0, 1]]]
    assert sequences[1:].shape == (2, 2, 2)
    assert sequences.last().tolist() == features.tolist()
    assert features.min() == 0  # gathering writes into a copy
