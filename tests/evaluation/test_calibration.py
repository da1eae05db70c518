"""Calibration: the temperature is the likelihood's own optimum, and the bins are as worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from core.errors import SpecInvalid
from core.evaluation.calibration import (
    apply_temperature,
    calibrated_threshold,
    fit_temperature,
    reliability,
    wilson_interval,
)
from core.evaluation.metrics import auc, calibration_error
from core.evaluation.thresholds import choose_threshold, decide
from core.types import Threshold


def _loss(pred) -> float:
    if pred.task == "multilabel":
        p = np.where(pred.y_true == 1, pred.y_prob, 1 - pred.y_prob)
        return -np.log(p).sum(axis=1).mean()
    return -np.log(pred.y_prob[np.arange(len(pred)), pred.y_true]).mean()


@pytest.mark.parametrize(("task", "classes"), [("binary", 2), ("multiclass", 4), ("multilabel", 3)])
def test_the_temperature_is_where_a_minimiser_finds_the_smallest_loss(drawn, task, classes):
    pred = drawn(task, n=300, classes=classes, seed=1, split="validation", shift=0.6)
    found = minimize_scalar(
        lambda log_t: _loss(apply_temperature(pred, math.exp(log_t))), bounds=(-3, 3), method="bounded",
        options={"xatol": 1e-9},
    )  # fmt: skip
    assert fit_temperature(pred) == pytest.approx(math.exp(found.x), rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(factor=st.floats(0.4, 3.0), seed=st.integers(0, 1000))
def test_scores_made_bolder_are_cooled_by_the_same_factor(drawn, factor, seed):
    pred = drawn("multiclass", n=150, classes=3, seed=seed, split="validation", shift=0.8)
    bolder = apply_temperature(pred, 1 / factor)
    assert fit_temperature(bolder) == pytest.approx(min(20, factor * fit_temperature(pred)), rel=1e-6)


def test_calibrated_scores_are_left_alone(make):
    # of the images scored 0.8, 8 in 10 show the class; of those scored 0.3, 3 in 10
    truth = [1] * 8 + [0] * 2 + [1] * 3 + [0] * 7
    pred = make(truth, [0.8] * 10 + [0.3] * 10, split="validation")
    assert fit_temperature(pred) == pytest.approx(1.0, abs=1e-9)


def test_a_temperature_of_two_halves_the_log_odds(make):
    warm = apply_temperature(make([1], [0.9]), 2.0)
    assert warm.y_prob[0, 1] == pytest.approx(3 / 4)  # odds 9 become odds 3
    assert warm.y_prob.sum() == pytest.approx(1)
    several = apply_temperature(make([[1, 0]], [[0.9, 0.5]], task="multilabel"), 2.0)
    assert several.y_prob[0] == pytest.approx([3 / 4, 1 / 2])


def test_a_temperature_changes_no_ranking_and_no_most_probable_class(drawn):
    pred = drawn("multiclass", n=100, classes=4, seed=9)
    assert (apply_temperature(pred, 3.0).y_prob.argmax(axis=1) == pred.y_prob.argmax(axis=1)).all()
    binary = drawn(n=100, seed=9)
    assert auc(apply_temperature(binary, 3.0)) == auc(binary)


def test_certain_scores_stay_finite_and_the_temperature_stays_in_bounds(make):
    perfect = make([0, 1, 1], [0.0, 1.0, 1.0], split="validation")
    assert fit_temperature(perfect) == 0.05
    assert np.isfinite(apply_temperature(perfect, 0.05).y_prob).all()
    wrong = make([1, 0, 0], [0.0, 1.0, 1.0], split="validation")
    assert fit_temperature(wrong) == 20.0


def test_the_test_split_never_sets_the_temperature(make):
    with pytest.raises(SpecInvalid, match="validation split"):
        fit_temperature(make([0, 1], [0.2, 0.8], split="test"))


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.inf, math.nan])
def test_a_temperature_that_scales_nothing_is_refused(make, temperature):
    with pytest.raises(SpecInvalid, match="positive number"):
        apply_temperature(make([0, 1], [0.2, 0.8]), temperature)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_a_calibrated_cut_calls_the_same_images(drawn, temperature):
    pred = drawn(n=200, seed=6, split="validation")
    threshold = choose_threshold(pred)
    warm = calibrated_threshold(threshold, "binary", temperature)
    assert (decide(apply_temperature(pred, temperature), warm) == decide(pred, threshold)).all()


def test_cuts_that_call_all_or_none_stay_so_and_multiclass_cuts_are_refused():
    threshold = Threshold(values={"A": 0.0, "B": 1.0002, "C": 1e-300}, rule="", chosen_on="")
    warm = calibrated_threshold(threshold, "multilabel", 0.5)
    assert warm.values == {"A": 0.0, "B": 1.0002, "C": 0.0}
    with pytest.raises(SpecInvalid, match="calibrated"):
        calibrated_threshold(threshold, "multiclass", 2.0)


# Newcombe 1998, Stat Med 17:857, Table I, method 3
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_the_published_ones(successes, n, low, high):
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_mirrors_and_reaches_one():
    low, high = wilson_interval(20, 20)
    assert (low, high) == pytest.approx((1 - 0.1611, 1.0), abs=5e-5)


def test_reliability_bins_are_as_worked_by_hand(make):
    # bin 0.2-0.3: .2 and .25, one of two shows the class; bin 0.9-1: .9, 1.0, 0.95, all three do
    pred = make([0, 1, 1, 1, 1], [0.2, 0.25, 0.9, 1.0, 0.95])
    found = reliability(pred)
    assert found.count == (0, 0, 2, 0, 0, 0, 0, 0, 0, 3)
    assert found.bin_low[2] == 0.2 and found.bin_high[9] == 1.0
    assert found.mean_predicted[2] == pytest.approx(0.225) and found.observed[2] == 0.5
    assert found.mean_predicted[9] == pytest.approx(0.95) and found.observed[9] == 1.0
    assert found.observed[0] is None and found.observed_low[0] is None and found.mean_predicted[0] is None
    assert (found.observed_low[2], found.observed_high[2]) == pytest.approx(wilson_interval(1, 2))
    # |1 - 0.45| + |3 - 2.85|, over five images
    assert found.error == pytest.approx((0.55 + 0.15) / 5)
    assert found.temperature is None and found.error_after is None


def test_the_error_after_is_that_of_the_scaled_scores(drawn):
    pred = drawn("multiclass", n=200, classes=3, seed=2)
    found = reliability(pred, temperature=1.7)
    assert found.temperature == 1.7
    assert found.error == pytest.approx(calibration_error(pred), abs=1e-12)
    assert found.error_after == pytest.approx(reliability(apply_temperature(pred, 1.7)).error, abs=1e-12)


def test_multilabel_reliability_counts_every_score(drawn):
    pred = drawn("multilabel", n=50, classes=4)
    assert sum(reliability(pred).count) == 200
