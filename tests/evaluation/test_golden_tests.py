"""The statistics against independent implementations, published worked examples, and simulated truth."""

import math

import numpy as np
import pytest
from scipy.stats import beta, binomtest, chi2
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from core.evaluation.agreement import agreement, cohens_kappa
from core.evaluation.compare import holm, mcnemar, sign_test_p
from core.evaluation.cut_table import cut_table, decision_curve
from core.evaluation.intervals import bootstrap_values, percentile_interval
from core.evaluation.recalibration import recalibration
from core.types import Threshold

HALF = Threshold(values={"P": 0.5}, rule="fixed:0.5", chosen_on="none")


def logit(p):
    return np.log(p) - np.log1p(-p)


def test_mcnemar_is_the_binomial_test_of_the_discordant_pairs(make):
    # Agresti 1990 (Categorical Data Analysis, table 10.1): approval of a prime minister, 794, 150, 86, 570 of 1,600.
    # Asymptotic z^2 = (86 - 150)^2 / (86 + 150) = 17.36
    cells = [(1, 1)] * 794 + [(1, 0)] * 150 + [(0, 1)] * 86 + [(0, 0)] * 570
    truth = np.arange(1600) % 2
    runs = [
        make(truth, np.where([c[i] for c in cells], truth, 1 - truth) * 0.8 + 0.1, run_id=name)
        for i, name in enumerate(("first", "second"))
    ]
    found = mcnemar(runs[0], runs[1], (HALF, HALF))
    assert found.difference == pytest.approx((150 - 86) / 1600)
    assert found.p_value == pytest.approx(binomtest(86, 236, 0.5).pvalue, rel=1e-9)
    assert found.p_value == pytest.approx(chi2.sf((86 - 150) ** 2 / 236, 1), rel=0.3)
    # the published interval of the paired difference, 0.04 give or take 1.96 * 0.0095: 0.021 to 0.059 (10.1.1)
    assert (found.low, found.high) == pytest.approx((0.04 - 0.0187, 0.04 + 0.0187), abs=2e-4)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 5), (59, 6), (121, 59), (300, 301)])
def test_the_sign_test_is_scipys(first, second):
    wanted = binomtest(first, first + second).pvalue if first + second else 1.0
    assert sign_test_p(first, second) == pytest.approx(wanted, rel=1e-9)


def test_holm_is_as_worked_by_hand_step_by_step():
    # smallest times 4, next times 3, then 2 and 1, never falling: 0.005 * 4, 0.01 * 3, 0.03 * 2, max(0.04, 0.06)
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.011, 0.012, 0.5]) == pytest.approx((0.033, 0.033, 0.5))


@pytest.mark.parametrize("seed", range(3))
def test_slope_and_intercept_are_those_of_scikit_learn_without_penalty(seed):
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-rng.normal(-0.5, 1.5, 400)))
    truth = (rng.random(400) < 1 / (1 + np.exp(-(0.4 + 0.6 * logit(p))))).astype(int)
    found = recalibration(p, truth, np.arange(400))
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=2000).fit(logit(p)[:, None], truth)
    assert found.slope[0] == pytest.approx(model.coef_[0, 0], abs=1e-5)
    assert found.intercept[0] == pytest.approx(model.intercept_[0], abs=1e-5)
    assert found.slope[1] < 0.6 < found.slope[2]
    # in the large: the mean of the moved scores is the share of the truth, which defines it
    moved = 1 / (1 + np.exp(-(logit(p) + found.in_the_large[0])))
    assert moved.mean() == pytest.approx(truth.mean(), abs=1e-9)


def test_the_variance_over_groups_is_the_sandwich_worked_out_with_matrices():
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(60), 4)
    p = 1 / (1 + np.exp(-rng.normal(size=240)))
    truth = (rng.random(240) < np.repeat(rng.random(60), 4)).astype(int)
    found = recalibration(p, truth, groups)
    x = np.column_stack([np.ones(240), logit(p)])
    fitted = 1 / (1 + np.exp(-x @ [found.intercept[0], found.slope[0]]))
    bread = np.linalg.inv(x.T @ np.diag(fitted * (1 - fitted)) @ x)
    meat = sum(
        np.outer(s, s) for s in ((x[groups == g] * (truth - fitted)[groups == g, None]).sum(axis=0) for g in range(60))
    )
    errors = np.sqrt(np.diag(bread @ meat @ bread) * 60 / 59)
    assert (found.slope[2] - found.slope[0]) / 1.959964 == pytest.approx(errors[1], rel=1e-5)
    assert (found.intercept[2] - found.intercept[0]) / 1.959964 == pytest.approx(errors[0], rel=1e-5)


def test_scores_that_part_the_classes_or_say_nothing_have_no_slope():
    groups = np.arange(8)
    parted = recalibration(np.array([0.1] * 4 + [0.9] * 4), np.array([0] * 4 + [1] * 4), groups)
    assert parted.slope == parted.intercept == (None, None, None)
    alike = recalibration(np.full(8, 0.3), np.array([0, 1] * 4), groups)
    assert alike.slope == (None, None, None)
    assert alike.in_the_large[0] == pytest.approx(-logit(0.3))  # the odds of one half are 0
    assert recalibration(np.linspace(0.1, 0.9, 8), np.zeros(8), groups).in_the_large == (None, None, None)


def test_net_benefit_is_vickers_formula_on_scikit_learns_confusion(make):
    rng = np.random.default_rng(2)
    truth = (rng.random(300) < 0.3).astype(int)
    scores = np.clip(0.25 * truth + rng.random(300) * 0.7, 0, 1)
    curve = decision_curve(cut_table(make(truth, scores), "P", n_bootstrap=0))
    for p in (0.05, 0.2, 0.5, 0.8):
        _, fp, _, tp = confusion_matrix(truth, scores >= p).ravel()
        at = int(np.flatnonzero(np.isclose(curve.threshold, p))[0])
        assert curve.benefit[at] == pytest.approx(tp / 300 - fp / 300 * p / (1 - p), abs=1e-7)
        share = truth.mean()
        assert curve.everybody[at] == pytest.approx(share - (1 - share) * p / (1 - p), abs=1e-7)


def test_net_benefit_is_as_worked_by_hand_with_the_published_formula(make):
    # Vickers & Elkin 2006: calling all of 1,000 finds 200 ill and alarms 800; at a threshold of 10 % its net benefit
    # is 200/1000 - 800/1000 * 0.1/0.9 = 0.1111
    truth = np.array([1] * 200 + [0] * 800)
    curve = decision_curve(cut_table(make(truth, np.full(1000, 0.5)), "P", n_bootstrap=0))
    at = int(np.flatnonzero(np.isclose(curve.threshold, 0.1))[0])
    assert curve.benefit[at] == pytest.approx(0.1111, abs=5e-5)
    assert curve.everybody[at] == pytest.approx(0.1111, abs=5e-5)


def test_kappa_is_scikit_learns(drawn):
    cut = Threshold(values={}, rule="fixed:0.5", chosen_on="none")
    one, two = drawn("multiclass", 120, 4, 1), drawn("multiclass", 120, 4, 1, shift=0.4)
    found = agreement(one, two, (cut, cut))
    calls = [p.y_prob.argmax(axis=1) for p in (one, two)]
    assert found.kappa == pytest.approx(cohen_kappa_score(*calls), abs=1e-12)
    assert cohens_kappa(np.zeros(5, dtype=int), np.zeros(5, dtype=int), 2) is None


def test_intervals_of_a_bootstrap_over_patients_cover_the_truth_in_93_to_97_of_100():
    """400 simulated studies of 80 patients with three images each, whose hits share the patient's own chance.

    The true sensitivity is the mean of the Beta(4, 2) that the patients' chances come from: 2 / 3.
    """
    studies, patients, resamples = 400, 80, 300
    rng = np.random.default_rng(20)
    chance = beta(4, 2).ppf(rng.random((studies, patients)))
    hits = rng.binomial(3, chance)  # found images of each patient
    covered = 0
    for study in range(studies):
        counts = rng.multinomial(patients, [1 / patients] * patients, size=resamples)
        low, high = percentile_interval((counts @ hits[study]) / (3 * patients))
        covered += low <= 2 / 3 <= high
    assert 0.93 <= covered / studies <= 0.97


def test_our_resamples_are_such_a_bootstrap(make):
    # the same study through our own weights: standard error as theory has it, s / sqrt(patients)
    rng = np.random.default_rng(3)
    hits = rng.binomial(3, rng.beta(4, 2, 80))
    found = (np.arange(3) < hits[:, None]).ravel()
    groups = [str(i // 3) for i in range(240)]
    pred = make(np.ones(240, dtype=int), np.where(found, 0.9, 0.1), groups=groups)
    drawn = bootstrap_values(pred, HALF, metrics=("sensitivity",), n_bootstrap=2000)["sensitivity", None]
    assert drawn.std() == pytest.approx((hits / 3).std() / math.sqrt(80), rel=0.06)


def test_auc_intervals_cover_the_true_auc_in_93_to_97_of_100(make):
    """400 simulated studies of 60 ill and 60 healthy, scores one standard deviation apart: true AUC 0.7602."""
    true_auc = 0.5 * (1 + math.erf(0.5))
    covered = 0
    for seed in range(400):
        rng = np.random.default_rng(1000 + seed)
        truth = np.repeat([0, 1], 60)
        score = 1 / (1 + np.exp(-(rng.normal(size=120) + truth)))
        values = bootstrap_values(make(truth, score), None, metrics=("auc",), n_bootstrap=200, seed=seed)["auc", None]
        low, high = percentile_interval(values)
        covered += low <= true_auc <= high
    assert 0.93 <= covered / 400 <= 0.97
