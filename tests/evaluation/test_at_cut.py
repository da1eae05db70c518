"""A cut that someone moves: the numbers of the slider, with intervals over patients."""

import pytest

from core.errors import UnknownKey
from core.evaluation.at_cut import MOVED, estimates_at
from core.evaluation.intervals import estimates
from core.evaluation.operating import at_threshold, threshold_table
from core.types import Threshold


@pytest.mark.parametrize(
    ("task", "classes", "name"), [("binary", 2, "P"), ("multiclass", 3, "B"), ("multilabel", 3, "C")]
)
@pytest.mark.parametrize("cut", [0.0, 0.37, 1.0])
def test_values_are_those_of_the_class_against_the_rest(drawn, task, classes, name, cut):
    pred = drawn(task, n=60, classes=classes, seed=3)
    point = at_threshold(threshold_table(pred, name), cut)
    for estimate in estimates_at(pred, name, cut, n_bootstrap=20):
        expected = getattr(point, estimate.metric)
        assert estimate.value == (None if expected is None else pytest.approx(expected))
        assert estimate.class_name == name and estimate.split == "test"


def test_at_the_stored_cut_of_a_binary_run_the_intervals_are_the_stored_ones(drawn):
    pred = drawn(n=80, seed=5, images_per_group=2)
    stored = estimates(pred, Threshold(values={"P": 0.4}, rule="youden", chosen_on="validation"), n_bootstrap=100)
    known = {e.metric: (e.value, e.low, e.high) for e in stored if e.class_name is None}
    for estimate in estimates_at(pred, "P", 0.4, n_bootstrap=100):
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx(known[estimate.metric], abs=1e-12)


def test_one_patient_gives_no_interval_and_an_unknown_class_is_named(make):
    pred = make([0, 1], [0.2, 0.8], groups=["a", "a"])
    found = estimates_at(pred, "P", 0.5)
    assert [e.metric for e in found] == list(MOVED)
    assert all((e.value, e.low, e.high) == (1.0, None, None) for e in found)
    with pytest.raises(UnknownKey, match="classes: N, P"):
        estimates_at(pred, "Q", 0.5)
