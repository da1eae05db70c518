"""A share of the training groups: the other parts stay, shares are nested, no class is lost in silence."""

import numpy as np
import pytest

from core.data.fewer import fewer_training_groups
from core.data.splits import assign_splits
from core.errors import DatasetInvalid, SpecInvalid


@pytest.fixture
def divided(make_labelled):
    classes = [0, 1] * 100
    return assign_splits(make_labelled(classes, [f"p{i // 4}" for i in range(200)]), "group", 0)


def ids(labelled, split):
    return set(labelled.rows["image_id"].iloc[labelled.indices(split)])


def test_whole_training_groups_go_and_the_other_parts_stay(divided):
    half = fewer_training_groups(divided, 0.5, seed=3)
    for split in ("validation", "test"):
        assert ids(half, split) == ids(divided, split)
    groups = [set(part.rows["group"].iloc[part.indices("train")]) for part in (half, divided)]
    assert groups[0] < groups[1] and len(groups[0]) == len(groups[1]) / 2
    left = half.rows["group"].isin(groups[0]).sum()
    assert left == divided.rows["group"].isin(groups[0]).sum(), "a group is kept whole or not at all"
    assert sum(half.dropped.values()) - sum(divided.dropped.values()) == len(divided) - len(half)
    assert half.split_kind == divided.split_kind == "group"


def test_a_larger_share_holds_the_smaller_and_another_seed_draws_others(divided):
    parts = [ids(fewer_training_groups(divided, share, 0), "train") for share in (0.1, 0.3, 0.7, 1)]
    assert parts[0] < parts[1] < parts[2] < parts[3] == ids(divided, "train")
    assert ids(fewer_training_groups(divided, 0.3, 1), "train") != parts[1]


def test_the_order_of_the_rows_draws_nothing(divided):
    from dataclasses import replace

    turned = np.arange(len(divided))[::-1]
    other = replace(
        divided, rows=divided.rows.iloc[turned].reset_index(drop=True), y_true=divided.y_true[turned],
        splits=divided.splits[turned],
    )  # fmt: skip
    assert ids(fewer_training_groups(other, 0.4, 0), "train") == ids(fewer_training_groups(divided, 0.4, 0), "train")


def test_a_share_that_loses_a_class_or_is_none_is_refused(make_labelled, divided):
    rare = assign_splits(make_labelled([0] * 190 + [1] * 10, [f"p{i}" for i in range(200)]), "group", 0)
    with pytest.raises(DatasetInvalid, match="no training image shows"):
        fewer_training_groups(rare, 0.01, 0)
    for share in (0, -1, 1.5):
        with pytest.raises(SpecInvalid, match="above 0"):
            fewer_training_groups(divided, share, 0)
