"""A cut that someone moves: the numbers of the slider, with intervals over patients."""

import pytest

from core.errors import UnknownKey
from core.evaluation.at_cut import MOVED, estimates_at, estimates_of_cuts
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


# truth A A B B C, and cuts that call the third image twice and the last one not at all
SEVERAL = ([0, 0, 1, 1, 2], [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1], [0.35, 0.35, 0.3]])
CUTS = Threshold(values={"A": 0.4, "B": 0.5, "C": 0.9}, rule="f1;A=0.4", chosen_on="validation")


def test_each_class_is_judged_at_its_own_cut_as_worked_by_hand(make):
    found = {(e.class_name, e.metric): e.value for e in estimates_of_cuts(make(*SEVERAL, task="multiclass"), CUTS)}
    assert found == pytest.approx({
        # A is called in images 1 and 3: one of its two found, one of two calls right
        ("A", "sensitivity_at_cut"): 1 / 2, ("A", "ppv_at_cut"): 1 / 2, ("A", "f1_at_cut"): 2 / 4,
        # B in images 2, 3 and 4: both found, two of three calls right
        ("B", "sensitivity_at_cut"): 1.0, ("B", "ppv_at_cut"): 2 / 3, ("B", "f1_at_cut"): 4 / 5,
        # C never: not one call to be right
        ("C", "sensitivity_at_cut"): 0.0, ("C", "ppv_at_cut"): None, ("C", "f1_at_cut"): 0.0,
    })  # fmt: skip


def test_the_interval_at_a_stored_cut_is_that_of_the_slider_on_the_same_cut(drawn):
    pred = drawn("multiclass", n=90, classes=3, seed=6, images_per_group=2)
    cuts = Threshold(values={"A": 0.3, "B": 0.4, "C": 0.5}, rule="f1", chosen_on="validation")
    known = {e.metric: (e.value, e.low, e.high) for e in estimates_at(pred, "B", 0.4, n_bootstrap=50)}
    for estimate in estimates_of_cuts(pred, cuts, n_bootstrap=50):
        metric = estimate.metric.removesuffix("_at_cut")
        if estimate.class_name == "B" and metric in known:
            assert (estimate.value, estimate.low, estimate.high) == pytest.approx(known[metric], abs=1e-12)
            assert estimate.low < estimate.value < estimate.high
