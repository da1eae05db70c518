"""All pairs of several runs: the same numbers as one pair at a time, corrected together."""

import itertools
import time

import numpy as np
import pytest

from core.errors import PredictionsInvalid
from core.evaluation.compare import compare_delong, compare_runs, holm, mcnemar
from core.evaluation.delong import paired_difference
from core.evaluation.metrics import accuracy, auc
from core.evaluation.pairwise import pair_matrix
from core.types import Threshold

HALF = Threshold(values={"P": 0.5}, rule="fixed:0.5", chosen_on="none")


@pytest.fixture(scope="module")
def runs(make):
    rng = np.random.default_rng(5)
    n = 240
    truth = rng.permutation(np.arange(n) % 2)
    base = rng.normal(size=n)
    groups = [f"g{i // 2}" for i in range(n)]
    return [
        make(truth, 1 / (1 + np.exp(-(s * truth - s / 2 + base + rng.normal(size=n)))), groups=groups, run_id=name)
        for name, s in (("a", 2.5), ("b", 2.4), ("c", 0.8))
    ]


def test_every_pair_is_as_if_it_had_been_compared_alone(runs):
    matrix = pair_matrix(runs, thresholds=[HALF] * 3, n_bootstrap=200)
    assert matrix.values == pytest.approx([auc(r) for r in runs])
    singles = [compare_runs(x, y, n_bootstrap=200) for x, y in itertools.combinations(runs, 2)]
    assert [p.comparison for p in matrix.pairs] == singles
    assert [p.corrected_p for p in matrix.pairs] == list(holm([c.p_value for c in singles]))
    exact = holm([compare_delong(x, y).p_value for x, y in itertools.combinations(runs, 2)])
    assert [p.delong_p for p in matrix.pairs] == pytest.approx(exact, rel=1e-12)
    assert [p.mcnemar for p in matrix.pairs] == [
        mcnemar(x, y, (HALF, HALF)) for x, y in itertools.combinations(runs, 2)
    ]
    assert matrix.pair("a", "c").told_apart and not matrix.pair("a", "b").told_apart


def test_a_pair_read_the_other_way_has_the_other_sign(runs):
    matrix = pair_matrix(runs, thresholds=[HALF] * 3, n_bootstrap=100)
    one, other = matrix.pair("a", "c"), matrix.pair("c", "a")
    assert (other.comparison.difference, other.comparison.low) == (-one.comparison.difference, -one.comparison.high)
    assert other.mcnemar.difference == -one.mcnemar.difference
    assert one.mcnemar.difference == pytest.approx(accuracy(runs[0], HALF) - accuracy(runs[2], HALF))
    assert other.corrected_p == one.corrected_p
    with pytest.raises(PredictionsInvalid, match="no pair of a, b, c"):
        matrix.pair("a", "nobody")


def test_tasks_of_several_classes_have_no_delong_and_runs_without_cuts_no_mcnemar(drawn):
    three = [drawn("multiclass", 90, 3, 1, run_id="x"), drawn("multiclass", 90, 3, 1, shift=0.2, run_id="y")]
    (pair,) = pair_matrix(three, n_bootstrap=50).pairs
    assert pair.delong_p is None and pair.mcnemar is None and pair.mcnemar_p is None


def test_one_run_alone_is_no_pair(runs):
    with pytest.raises(PredictionsInvalid, match="two runs"):
        pair_matrix(runs[:1])


def test_ten_runs_of_a_thousand_images_take_under_three_seconds(make):
    rng = np.random.default_rng(0)
    truth = rng.permutation(np.arange(1000) % 2)
    ten = [
        make(truth, 1 / (1 + np.exp(-(truth + rng.normal(size=1000)))), groups=np.arange(1000) // 2, run_id=f"r{i}")
        for i in range(10)
    ]
    start = time.process_time()
    assert len(pair_matrix(ten, thresholds=[HALF] * 10, n_bootstrap=1000).pairs) == 45
    assert time.process_time() - start < 3


# Hanley & McNeil 1983 and DeLong 1988 rank as every pair of images does; here all pairs are counted one by one.
def test_delongs_p_is_that_of_counting_all_pairs_of_images(runs):
    first, second = (r.y_prob[:, 1] for r in runs[:2])
    truth = runs[0].y_true.astype(bool)
    m, k = truth.sum(), (~truth).sum()

    def kernel(s):
        difference = s[truth][:, None] - s[~truth][None, :]
        return (difference > 0) + 0.5 * (difference == 0)

    psi = kernel(first) - kernel(second)
    variance = psi.mean(axis=1).var(ddof=1) / m + psi.mean(axis=0).var(ddof=1) / k
    difference, error, _ = paired_difference(first, second, truth)
    assert difference == pytest.approx(psi.mean(), abs=1e-14)
    assert error == pytest.approx(np.sqrt(variance), rel=1e-10)
