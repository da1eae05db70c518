"""Comparisons: paired on the same images, refused where runs do not belong together."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control

from core.errors import PredictionsInvalid, UndefinedMetric, UnknownKey
from core.evaluation.compare import (
    bootstrap_p,
    compare_delong,
    compare_runs,
    compare_with_best,
    holm,
    mcnemar,
    sign_test_p,
)
from core.evaluation.metrics import all_values, auc
from core.evaluation.paired import shared_images
from core.types import Threshold

HALF = Threshold(values={"P": 0.5}, rule="fixed:0.5", chosen_on="none")


@pytest.fixture(scope="module")
def family(make):
    """family(name, signal, noise): runs that share images, patients and difficulty."""
    rng = np.random.default_rng(11)
    n = 400
    truth = rng.permutation(np.arange(n) % 2)
    base = rng.normal(size=n)
    groups = [f"g{i // 2}" for i in range(n)]

    def member(name, signal=1.5, noise=0.3, seed=0):
        z = signal * truth + base + noise * np.random.default_rng(seed).normal(size=n)
        return make(truth, 1 / (1 + np.exp(-z)), groups=groups, run_id=name)

    return member


def test_the_difference_is_that_of_the_values_and_lies_in_its_interval(family):
    first, second = family("a", 2.0), family("b", 1.0, seed=1)
    found = compare_runs(first, second, n_bootstrap=500)
    assert found.difference == pytest.approx(auc(first) - auc(second), abs=1e-12)
    assert found.low < found.difference < found.high
    assert (found.first, found.second, found.metric) == ("a", "b", "auc")
    assert (found.n_images, found.n_groups) == (400, 200)
    assert found.method == "paired bootstrap over patients, 500 resamples"
    assert found.distinguishable and found.p_value < 0.01


def test_turning_the_pair_round_turns_the_sign(family):
    one = compare_runs(family("a"), family("b", 1.2, seed=1), n_bootstrap=300)
    other = compare_runs(family("b", 1.2, seed=1), family("a"), n_bootstrap=300)
    assert (other.difference, other.low, other.high) == pytest.approx((-one.difference, -one.high, -one.low))
    assert other.p_value == pytest.approx(one.p_value)


def test_a_run_against_itself_differs_by_nothing(family):
    found = compare_runs(family("a"), family("a"), n_bootstrap=200)
    assert (found.difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert not found.distinguishable
    assert compare_delong(family("a"), family("a")).p_value == 1.0
    assert mcnemar(family("a"), family("a"), (HALF, HALF)).p_value == 1.0


def test_pairing_sees_more_than_two_separate_intervals(family):
    # the runs share most of their noise, so the difference is known far better than either value
    found = compare_runs(family("a", 1.5, 0.1), family("b", 1.4, 0.1, seed=1), n_bootstrap=400)
    alone = compare_runs(family("a", 1.5, 0.1), family("dummy", 0.0, 50.0, seed=2), n_bootstrap=400)
    assert found.high - found.low < 0.3 * (alone.high - alone.low)


def test_bootstrap_and_delong_agree_where_every_patient_has_one_image(drawn):
    first, second = drawn(n=500, seed=1, shift=1.4), drawn(n=500, seed=1, shift=1.4)
    noisy = np.clip(second.y_prob[:, 1] + np.random.default_rng(3).normal(0, 0.25, 500), 0, 1)
    second = replace(second, run_id="noisy", y_prob=np.column_stack([1 - noisy, noisy]))
    boot, exact = compare_runs(first, second, n_bootstrap=1500), compare_delong(first, second)
    assert boot.difference == pytest.approx(exact.difference, abs=1e-12)
    assert (boot.low, boot.high) == pytest.approx((exact.low, exact.high), abs=0.006)
    assert exact.method == "DeLong, paired"


def test_only_images_of_both_runs_count(family, make):
    full = family("a")
    part = family("b", 1.2, seed=1)
    keep = np.arange(399, 100, -1)  # fewer, and in another order
    part = replace(part, **{key: value[keep] for key, value in part.arrays().items()})
    found = compare_runs(full, part, n_bootstrap=100)
    assert found.n_images == 299
    one, other = shared_images((full, part))
    assert one.image_ids.tolist() == other.image_ids.tolist() == sorted(part.image_ids)
    assert (one.y_true == other.y_true).all()


def test_runs_that_disagree_about_the_truth_are_refused_with_an_image(family):
    other = family("b")
    truth = other.y_true.copy()
    truth[7] = 1 - truth[7]
    with pytest.raises(PredictionsInvalid, match="1 of 400 images, such as 'i00007'"):
        compare_runs(family("a"), replace(other, y_true=truth))


def test_runs_that_disagree_about_the_patients_are_refused(family):
    other = family("b")
    with pytest.raises(PredictionsInvalid, match="group"):
        compare_runs(family("a"), replace(other, groups=other.groups[::-1].copy()))


def test_runs_without_a_shared_image_are_refused(make):
    one = make([0, 1], [0.2, 0.7], ids=["a", "b"], run_id="one")
    with pytest.raises(PredictionsInvalid, match="share no image"):
        compare_runs(one, make([0, 1], [0.2, 0.7], ids=["c", "d"], run_id="two"))


def test_runs_of_other_classes_or_splits_are_refused(make, drawn):
    one = make([0, 1], [0.2, 0.7])
    with pytest.raises(PredictionsInvalid, match="class_names"):
        compare_runs(one, make([0, 1], [0.2, 0.7], classes=("No", "Yes")))
    with pytest.raises(PredictionsInvalid, match="split"):
        compare_runs(one, make([0, 1], [0.2, 0.7], split="validation"))
    with pytest.raises(PredictionsInvalid, match="task"):
        compare_runs(one, drawn("multiclass", n=6, classes=3))


def test_a_metric_that_is_not_defined_cannot_be_compared(make):
    one = make([1, 1, 1], [0.2, 0.7, 0.5])
    with pytest.raises(UndefinedMetric, match="auc"):
        compare_runs(one, one, n_bootstrap=20)


def test_one_patient_alone_cannot_be_compared(make):
    one = make([0, 1, 1], [0.2, 0.7, 0.5], groups=["g"] * 3)
    with pytest.raises(UndefinedMetric, match="1 groups"):
        compare_runs(one, one, n_bootstrap=20)


@pytest.mark.parametrize("metric", ["balanced_accuracy", "sensitivity", "brier", "calibration_error", "f1", "ppv"])
def test_every_kind_of_metric_can_be_compared(family, metric):
    first, second = family("a", 2.0), family("b", 1.0, seed=1)
    found = compare_runs(first, second, metric, thresholds=(HALF, HALF), n_bootstrap=100)
    expected = all_values(first, HALF)[metric, None] - all_values(second, HALF)[metric, None]
    assert found.difference == pytest.approx(expected, abs=1e-12)


def test_one_class_can_be_compared_and_an_unknown_one_is_named(drawn):
    first = drawn("multiclass", n=90, classes=3, seed=1, run_id="a")
    second = replace(first, run_id="b", y_prob=drawn("multiclass", n=90, classes=3, seed=2).y_prob)
    found = compare_runs(first, second, "auc", class_name="B", n_bootstrap=50)
    assert found.difference == pytest.approx(auc(first, "B") - auc(second, "B"), abs=1e-12)
    with pytest.raises(UnknownKey, match="'Z'"):
        compare_runs(first, second, "auc", class_name="Z", n_bootstrap=50)


def test_mcnemar_counts_only_images_that_one_run_alone_gets_right(make):
    # first alone right 8 times, second alone 2 times, both right 5 times: 2 * (1 + 10 + 45) / 1024
    truth = [1] * 15
    first = make(truth, [0.9] * 8 + [0.1] * 2 + [0.9] * 5, run_id="a")
    second = make(truth, [0.1] * 8 + [0.9] * 2 + [0.9] * 5, run_id="b")
    found = mcnemar(first, second, (HALF, HALF))
    assert found.p_value == pytest.approx(112 / 1024)
    assert found.p_value == pytest.approx(binomtest(8, 10).pvalue)
    assert found.difference == pytest.approx(6 / 15)
    # Wald: (10/15 - (6/15)^2) / 15 is the variance
    assert found.high == pytest.approx(6 / 15 + 1.959964 * np.sqrt((10 / 15 - 36 / 225) / 15), abs=1e-6)
    assert not found.distinguishable and found.method == "McNemar, exact"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_the_sign_test_is_that_of_scipy(first, second):
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert sign_test_p(first, second) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_holm_is_as_worked_by_hand():
    # sorted .005 .01 .03 .04: times 4, 3, 2, 1 is .02 .03 .06 .04, and the last may not fall below .06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()
    assert holm([0.6, 0.7]) == (1.0, 1.0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_raw_and_the_bonferroni_values(p_values):
    corrected = holm(p_values)
    for raw, adjusted in zip(p_values, corrected, strict=True):
        assert raw <= adjusted <= min(1, raw * len(p_values)) + 1e-15
    # Holm is never more lenient than controlling the false discovery rate
    assert (np.array(corrected) >= false_discovery_control(p_values) - 1e-12).all()


def test_few_resamples_beyond_zero_take_the_normal_tail():
    rng = np.random.default_rng(0)
    near, far = rng.normal(1.0, 1.0, 2000), rng.normal(8.0, 1.0, 2000)
    assert bootstrap_p(near, 1.0) == pytest.approx(2 * ((near <= 0).sum() + 1) / 2001)
    assert bootstrap_p(near, 1.0) == pytest.approx(0.317, abs=0.04)  # 2 (1 - Phi(1))
    assert bootstrap_p(far, 8.0) < 1e-12  # counting alone could not go below 2 / 2001


def test_the_best_is_compared_with_every_other_on_the_images_of_all(family):
    runs = [family("c", 1.0, seed=1), family("a", 2.0), family("b", 1.9, seed=2)]
    short = replace(runs[0], **{key: value[:300] for key, value in runs[0].arrays().items()})
    ranking = compare_with_best([short, *runs[1:]], n_bootstrap=200)
    assert ranking.best == "a" and ranking.run_ids == ("c", "a", "b")
    assert [(c.first, c.second, c.n_images) for c in ranking.comparisons] == [("a", "c", 300), ("a", "b", 300)]
    assert ranking.values[1] == pytest.approx(auc(shared_images([short, runs[1]])[1]), abs=1e-12)
    assert ranking.comparisons[0] == compare_runs(
        shared_images([short, runs[1]])[1], short, n_bootstrap=200
    )  # the same resamples, whether two runs are compared or three


def test_the_best_brier_score_is_the_lowest(family):
    ranking = compare_with_best([family("bad", 0.1), family("good", 1.5)], "brier", n_bootstrap=100)
    assert ranking.best == "good" and ranking.comparisons[0].difference < 0


def test_one_run_is_its_own_best_and_none_is_an_error(family):
    ranking = compare_with_best([family("a")], n_bootstrap=50)
    assert (ranking.best, ranking.comparisons) == ("a", ())
    with pytest.raises(PredictionsInvalid, match="no runs"):
        compare_with_best([])


def test_thresholds_must_match_the_runs(family):
    with pytest.raises(PredictionsInvalid, match="2 runs, but 1"):
        compare_with_best([family("a"), family("b")], "accuracy", thresholds=[HALF])
