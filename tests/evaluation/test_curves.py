"""Curves: the points of scikit-learn, the area of the metric, and thinning that nobody sees."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from core.errors import UndefinedMetric
from core.evaluation import curves
from core.evaluation.metrics import auc


def test_a_small_roc_curve_is_as_worked_by_hand(make):
    # .9+ .8+ .7- .6+ .5-: up 1/3, up 2/3, right 1/2, up 3/3, right 2/2; the point at .9 lies on a line
    curve = curves.roc_curve(make([1, 1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5]), "P")
    assert curve.x == pytest.approx((0, 0, 0.5, 0.5, 1))
    assert curve.y == pytest.approx((0, 2 / 3, 2 / 3, 1, 1))
    assert curve.thresholds == (None, 0.8, 0.7, 0.6, 0.5)


def test_a_small_pr_curve_is_as_worked_by_hand(make):
    # .9+ .8+ .7- .6+ .5-: (1/3, 1) (2/3, 1) (2/3, 2/3) (1, 3/4) (1, 3/5); the start repeats precision 1
    curve = curves.pr_curve(make([1, 1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5]), "P")
    assert curve.x == pytest.approx((0, 2 / 3, 2 / 3, 1, 1))
    assert curve.y == pytest.approx((1, 1, 2 / 3, 3 / 4, 3 / 5))
    assert curve.thresholds == (None, 0.8, 0.7, 0.6, 0.5)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), ties=st.booleans(), n=st.integers(6, 150))
def test_points_are_those_of_scikit_learn_and_the_area_is_the_auc(drawn, seed, ties, n):
    pred = drawn(n=n, seed=seed, ties=ties)
    truth, score = pred.y_true, pred.y_prob[:, 1]
    roc = curves.roc_curve(pred, "P")
    x, y, cuts = sk.roc_curve(truth, score, drop_intermediate=False)
    assert set(zip(roc.x, roc.y, strict=True)) <= set(zip(x.tolist(), y.tolist(), strict=True))
    assert set(roc.thresholds[1:]) <= set(cuts.tolist())
    assert curves.area(roc) == pytest.approx(auc(pred), abs=1e-12)
    pr = curves.pr_curve(pred, "P")
    precision, recall, _ = sk.precision_recall_curve(truth, score)
    known = np.column_stack([recall, precision])
    for point in zip(pr.x[1:], pr.y[1:], strict=True):
        assert np.abs(known - point).sum(axis=1).min() < 1e-12


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_no_point_of_a_roc_curve_lies_on_a_line_with_its_neighbours(drawn, seed):
    curve = curves.roc_curve(drawn(n=80, seed=seed, ties=True), "P")
    x, y = np.array(curve.x), np.array(curve.y)
    doubled_area = np.diff(x)[:-1] * np.diff(y)[1:] - np.diff(x)[1:] * np.diff(y)[:-1]
    assert (np.abs(doubled_area) > 1e-12).all()


def test_each_threshold_gives_its_point(drawn):
    pred = drawn(n=120, seed=3, ties=True)
    curve = curves.roc_curve(pred, "P")
    for x, y, cut in zip(curve.x[1:], curve.y[1:], curve.thresholds[1:], strict=True):
        called = pred.y_prob[:, 1] >= cut
        assert called[pred.y_true == 0].mean() == pytest.approx(x)
        assert called[pred.y_true == 1].mean() == pytest.approx(y)


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("n", [1000, 2000, 20_000])
def test_thinning_keeps_the_ends_and_the_area_to_a_ten_thousandth(drawn, shift, n):
    pred = drawn(n=n, seed=8, shift=shift)
    for make_curve in (curves.roc_curve, curves.pr_curve):
        exact = make_curve(pred, "P", most_points=10**9)
        thin = make_curve(pred, "P")
        assert len(thin.x) == min(250, len(exact.x))
        assert (thin.x[0], thin.y[0], thin.x[-1], thin.y[-1]) == (exact.x[0], exact.y[0], exact.x[-1], exact.y[-1])
        assert curves.area(thin) == pytest.approx(curves.area(exact), abs=1e-4)
        assert set(zip(thin.x, thin.y, thin.thresholds, strict=True)) <= set(
            zip(exact.x, exact.y, exact.thresholds, strict=True)
        )
        assert (np.diff(thin.x) >= 0).all()


def test_all_scores_alike_give_the_chance_line(make):
    curve = curves.roc_curve(make([0, 1, 1], [0.5, 0.5, 0.5]), "P")
    assert (curve.x, curve.y, curve.thresholds) == ((0.0, 1.0), (0.0, 1.0), (None, 0.5))


def test_a_perfect_pr_curve_stays_at_one_until_all_are_found(make):
    curve = curves.pr_curve(make([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1]), "P")
    assert curve.x == (0.0, 1.0, 1.0)
    assert curve.y == (1.0, 1.0, 0.5)


def test_the_chance_level_is_the_prevalence(make):
    assert curves.chance_level(make([0, 1, 0, 0], [0.1, 0.2, 0.3, 0.4]), "P") == 0.25


def test_a_curve_that_is_not_defined_is_left_out_or_refused(make):
    scores = [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.3, 0.6, 0.1]]
    pred = make([0, 1, 1], scores, task="multiclass")
    assert [(c.kind, c.class_name) for c in curves.curves_of(pred)] == [
        ("roc", "A"), ("roc", "B"), ("pr", "A"), ("pr", "B"),
    ]  # fmt: skip
    with pytest.raises(UndefinedMetric, match="'C'"):
        curves.roc_curve(pred, "C")
    with pytest.raises(UndefinedMetric, match="'C'"):
        curves.pr_curve(pred, "C")


def test_a_binary_task_has_the_curves_of_its_positive_class(drawn):
    assert [(c.kind, c.class_name) for c in curves.curves_of(drawn(n=30))] == [("roc", "P"), ("pr", "P")]
