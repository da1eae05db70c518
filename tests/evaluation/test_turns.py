"""Turns of one recipe: which runs they are, and their mean with an interval that simulation confirms."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import SpecInvalid
from core.evaluation.turns import apart, mean_estimate, turns_of
from core.types import Estimate, RunRecord, RunSpec

SPEC = RunSpec(dataset="d", label_scheme="l", architecture="a", head="h")


def estimate(value, low, high, n=100, **changes):
    one = Estimate(
        metric="auc", value=value, low=low, high=high, level=0.95, n_images=n, n_groups=n // 2, method="m",
        split="test",
    )  # fmt: skip
    return replace(one, **changes)


def record(run_id, fingerprint="f", **changes):
    return RunRecord(
        schema_version=1, run_id=run_id, status="done", created_utc="now", task="binary", class_names=("a", "b"),
        spec=replace(SPEC, **changes), dataset_fingerprint=fingerprint,
    )  # fmt: skip


def test_runs_that_differ_in_the_draw_alone_belong_together_in_the_order_of_the_draw():
    runs = [
        record("c", fold=2), record("other head", head="x", fold=0), record("a", fold=0), record("b", fold=1),
        record("on c", weights="run:base-2222", fold=2), record("on a", weights="run:base-1111", fold=0),
        record("on another", weights="run:base2-1111", fold=0),
        record("together b", members=("base-2222", "x-2"), fold=1), record("together a", members=("base-1111", "x-1")),
        record("other members", members=("base-1111", "y-1")),
    ]  # fmt: skip
    assert [[r.run_id for r in group] for group in turns_of(runs)] == [
        ["a", "b", "c"], ["other head"], ["on a", "on c"], ["on another"],
        ["together a", "together b"], ["other members"],
    ]  # fmt: skip


def test_only_different_folds_of_one_draw_share_nobody():
    assert apart([record("a", fold=0), record("b", fold=1)])
    assert not apart([record("a", fold=0), record("b", fold=0, seed=1)])
    assert not apart([record("a", fold=0), record("b", fold=1, split_seed=1)])
    assert not apart([record("a", seed=0), record("b", seed=1)])
    assert not apart([record("a", fold=0), record("b", "other data", fold=1)])


def test_the_mean_and_its_interval_by_hand():
    """Distances below 0.03 and 0.04, above 0.02 and 0.02: apart 0.05 / 2 and 0.0283 / 2, else 0.07 / 2 and 0.04 / 2."""
    both = [estimate(0.80, 0.77, 0.82), estimate(0.90, 0.86, 0.92, n=50)]
    one = mean_estimate(both, independent=True)
    assert (one.value, one.low, one.high) == pytest.approx((0.85, 0.825, 0.85 + 0.02 * 2**0.5 / 2))
    assert (one.n_images, one.n_groups) == (150, 75)
    shared = mean_estimate(both, independent=False)
    assert (shared.value, shared.low, shared.high) == pytest.approx((0.85, 0.815, 0.87))
    assert (shared.n_images, shared.n_groups) == (100, 50)
    assert "2 turns" in one.method and "share nobody" in one.method and "share test images" in shared.method


def test_what_a_turn_does_not_define_its_mean_does_not_either():
    bare = mean_estimate([estimate(0.8, 0.7, 0.9), estimate(0.9, None, None)], independent=True)
    assert (bare.value, bare.low, bare.high) == (pytest.approx(0.85), None, None)
    none = mean_estimate([estimate(0.8, 0.7, 0.9), estimate(None, None, None)], independent=True)
    assert (none.value, none.low, none.high) == (None, None, None)
    with pytest.raises(SpecInvalid, match="one metric"):
        mean_estimate([estimate(0.8, 0.7, 0.9), estimate(0.8, 0.7, 0.9, metric="f1")], independent=True)


def test_the_interval_of_independent_turns_covers_95_of_100_as_simulated():
    """Shares of 200 successes in three turns with Wald intervals; 4,000 studies, so 94 to 96 is within 3 errors."""
    rng = np.random.default_rng(0)
    p, n = 0.6, 200
    shares = rng.binomial(n, p, size=(4000, 3)) / n
    half = 1.959964 * np.sqrt(shares * (1 - shares) / n)
    found = [
        mean_estimate([estimate(v, v - h, v + h) for v, h in zip(*study, strict=True)], independent=True)
        for study in zip(shares, half, strict=True)
    ]
    assert 0.94 <= np.mean([e.low <= p <= e.high for e in found]) <= 0.96
