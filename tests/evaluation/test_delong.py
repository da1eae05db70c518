"""DeLong's variance: by hand, and against the definition worked off pair by pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, rankdata

from core.errors import UndefinedMetric
from core.evaluation import delong


def _pairwise(scores: np.ndarray, truth: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The definition (DeLong 1988, eq. 4 and 5): every positive against every negative."""
    positives, negatives = scores[truth], scores[~truth]
    wins = np.array([[1.0 if p > q else 0.5 if p == q else 0.0 for q in negatives] for p in positives])
    return wins.mean(), wins.mean(axis=1), wins.mean(axis=0)


def test_a_small_case_is_as_worked_by_hand():
    # positives .8 .6 .4, negatives .5 .3: shares of negatives beaten 1, 1, 1/2; of positives above: 2/3, 1
    scores, truth = np.array([0.8, 0.6, 0.4, 0.5, 0.3]), np.array([True, True, True, False, False])
    value, of_positives, of_negatives = delong.components(scores, truth)
    assert value == pytest.approx(5 / 6)
    assert of_positives == pytest.approx([1, 1, 1 / 2])
    assert of_negatives == pytest.approx([2 / 3, 1])
    # variances 1/12 over 3 and 1/18 over 2: 1/36 + 1/36
    assert delong.auc_variance(of_positives, of_negatives) == pytest.approx(1 / 18)
    assert delong.auc_interval(scores, truth, 0.95) == pytest.approx(
        (5 / 6, 5 / 6 - 1.959963984540054 / 18**0.5, 1.0)  # the upper end is cut off at 1
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), ties=st.booleans(), n=st.integers(8, 60))
def test_midranks_give_what_all_pairs_give(seed, ties, n):
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.arange(n) % 3 == 0)
    scores = rng.normal(size=n) + truth
    other = rng.normal(size=n) + 0.5 * truth
    if ties:
        scores, other = np.round(scores), np.round(other)
    for got, expected in zip(delong.components(scores, truth), _pairwise(scores, truth), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-12)
    first, second = _pairwise(scores, truth), _pairwise(other, truth)
    # Var(a) + Var(b) - 2 Cov(a, b), the covariances taken from the components
    both_positive = np.cov(first[1], second[1])
    both_negative = np.cov(first[2], second[2])
    contrast = np.array([1, -1])
    variance = contrast @ (both_positive / truth.sum() + both_negative / (~truth).sum()) @ contrast
    difference, error, p_value = delong.paired_difference(scores, other, truth)
    assert difference == pytest.approx(first[0] - second[0], abs=1e-12)
    assert error == pytest.approx(np.sqrt(max(variance, 0)), abs=1e-9)
    assert 0 <= p_value <= 1


def test_midranks_and_normal_tails_are_those_of_scipy():
    values = np.array([3.0, 1.0, 3.0, 2.0, 3.0, 1.0])
    assert delong.midranks(values).tolist() == rankdata(values).tolist()
    for z in (0.0, 1.0, -1.96, 5.0, 12.0):
        assert delong.normal_p(z) == pytest.approx(2 * norm.sf(abs(z)), rel=1e-12)
    assert delong.normal_quantile(0.95) == pytest.approx(norm.ppf(0.975), abs=1e-14)


def test_two_runs_that_rank_alike_have_p_one():
    scores, truth = np.array([0.1, 0.5, 0.3, 0.9]), np.array([False, True, False, True])
    assert delong.paired_difference(scores, scores**2, truth) == (0.0, 0.0, 1.0)


def test_one_class_alone_is_refused():
    with pytest.raises(UndefinedMetric, match="0 positive and 2 negative"):
        delong.components(np.array([0.1, 0.2]), np.array([False, False]))


def test_a_single_positive_has_a_value_and_no_interval():
    assert delong.auc_interval(np.array([0.9, 0.1, 0.2]), np.array([True, False, False]), 0.95) == (1.0, None, None)
