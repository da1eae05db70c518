"""Balancing: golden counts, worked by hand."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from core.data.balance import balanced_rows, class_weights
from core.errors import SpecInvalid

NAMES = ("normal", "virus", "bacteria=rare")
Y = np.array([0] * 10 + [1] * 4 + [2] * 1)


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("rule", ["none", "class_weights"])
def test_rows_stay_as_they_are(rule):
    assert balanced_rows(Y, NAMES, rule, rng()).tolist() == list(range(15))


def test_weights_are_n_over_classes_times_count():
    # 15 / (3 * 10), 15 / (3 * 4), 15 / (3 * 1)
    assert class_weights(Y, NAMES, "class_weights") == {0: 0.5, 1: 1.25, 2: 5.0}
    independent = compute_class_weight("balanced", classes=np.arange(3), y=Y)
    assert list(class_weights(Y, NAMES, "class_weights").values()) == pytest.approx(list(independent))


def test_a_class_without_images_has_no_weight():
    assert class_weights(Y[:14], NAMES, "class_weights") == {0: 0.7, 1: 1.75}


def test_no_weights_unless_asked_for():
    assert class_weights(Y, NAMES, "oversample") is None


def test_oversampling_fills_up_to_the_largest_and_keeps_every_original():
    rows = balanced_rows(Y, NAMES, "oversample", rng())
    assert np.bincount(Y[rows]).tolist() == [10, 10, 10]
    assert set(rows) == set(range(15))


def test_downsampling_keeps_a_share_of_one_class_without_repeats():
    rows = balanced_rows(Y, NAMES, "downsample:normal=0.8", rng())
    assert np.bincount(Y[rows]).tolist() == [8, 4, 1]
    assert len(set(rows)) == 13
    assert rows.tolist() == sorted(rows)


def test_downsampling_leaves_one_image_at_least():
    assert np.bincount(Y[balanced_rows(Y, NAMES, "downsample:virus=0.01", rng())]).tolist() == [10, 1, 1]


def test_a_class_name_may_hold_an_equals_sign():
    assert len(balanced_rows(Y, NAMES, "downsample:bacteria=rare=1", rng())) == 15


def test_the_same_generator_gives_the_same_rows():
    first, second = (balanced_rows(Y, NAMES, "oversample", np.random.default_rng(7)) for _ in range(2))
    assert first.tolist() == second.tolist()


@pytest.mark.parametrize(
    "rule",
    ["", "balanced", "downsample", "downsample:normal", "downsample:cat=0.5", "downsample:normal=0",
     "downsample:normal=2",
     "downsample:normal=nan", "downsample:normal=half", "downsample:normal=-1", "oversample:normal=2"],
)  # fmt: skip
def test_a_rule_that_is_none_is_refused(rule):
    with pytest.raises(SpecInvalid, match="Balance rule"):
        balanced_rows(Y, NAMES, rule, rng())


@pytest.mark.parametrize("rule", ["oversample", "class_weights", "downsample:normal=0.5"])
def test_several_findings_per_image_cannot_be_balanced(rule):
    with pytest.raises(SpecInvalid, match="one class per image"):
        balanced_rows(np.zeros((4, 3), int), NAMES, rule, rng())
