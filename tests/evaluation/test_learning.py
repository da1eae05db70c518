"""Learning curves: a known law comes back, its interval holds the truth, and a flat curve tells nothing."""

import numpy as np
import pytest
from scipy.optimize import nnls

from core.errors import UndefinedMetric
from core.evaluation.learning import CurvePoint, _not_negative, curve_points, learning_curve
from core.types import Calibration, ClassCounts, Estimate, Evaluation, RunRecord, RunSpec, Threshold

EMPTY = Calibration(
    bin_low=(), bin_high=(), mean_predicted=(), observed=(), observed_low=(), observed_high=(), count=(), error=0.0,
    temperature=None, error_after=None,
)  # fmt: skip
SIZES = (250, 500, 1000, 2000, 4000)


def point(n, value, half=0.005, **changes):
    settings = {"metric": "auc", "low": value - half, "high": value + half} | changes
    return CurvePoint(
        n_images=n,
        estimate=Estimate(value=value, level=0.95, n_images=500, n_groups=300, method="m", split="test", **settings),
    )


def law(n, floor=0.05, scale=2.0, rate=0.5):
    return 1 - (floor + scale * n**-rate)


def test_a_known_law_comes_back_and_what_twice_the_images_give_follows_from_it():
    curve = learning_curve([point(n, law(n), half=0.001) for n in SIZES])
    np.testing.assert_allclose(curve.values, law(curve.n_images), atol=2e-4)
    value, low, high = curve.gain
    assert value == pytest.approx(law(8000) - law(4000), abs=2e-4)
    assert low < value < high and curve.told
    assert (curve.low <= curve.values + 1e-3).all() and (curve.values <= curve.high + 1e-3).all()
    assert curve.n_images[0] == 250 and curve.n_images[-1] == 16_000


def test_runs_that_differ_by_chance_alone_tell_nothing():
    curve = learning_curve([point(n, v, half=0.02) for n, v in zip(SIZES, (0.8, 0.81, 0.795, 0.805, 0.8), strict=True)])
    assert not curve.told and abs(curve.gain[0]) < 0.01


def test_the_interval_of_the_gain_holds_the_truth_nineteen_times_in_twenty_or_more():
    """The fit is bounded (a curve cannot fall), so that the interval is at least as wide as it should be."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(60):
        noisy = [point(n, law(n) + rng.normal(0, 0.005), half=0.0098) for n in SIZES]
        _, low, high = learning_curve(noisy, draws=100).gain
        held += low <= law(8000) - law(4000) <= high
    assert held >= 53


def test_the_bounded_fit_is_that_of_scipy():
    rng = np.random.default_rng(1)
    for _ in range(50):
        design, targets = rng.normal(size=(6, 2)), rng.normal(size=(6, 3))
        expected = np.stack([nnls(design, target)[0] for target in targets.T], axis=1)
        np.testing.assert_allclose(_not_negative(design, targets), expected, atol=1e-9)


def test_too_few_sizes_no_interval_or_several_metrics_are_refused():
    three = [point(n, 0.8) for n in (1, 2, 3, 3)]
    bare = [*(point(n, 0.8) for n in SIZES), point(9, 0.8, low=None, high=None)]
    mixed = [*(point(n, 0.8) for n in SIZES), point(9, 0.8, metric="accuracy")]
    for points, words in ((three, "4 or more"), (bare, "4 or more"), (mixed, "one metric")):
        with pytest.raises(UndefinedMetric, match=words):
            learning_curve(points)


def test_the_points_are_the_means_of_the_turns_on_each_share_of_one_recipe():
    def run(name, share, fold, auc, images, **changes):
        spec = RunSpec(
            dataset="d", label_scheme="l", architecture="a", head="h", fold=fold, train_share=share, **changes
        )
        evaluation = Evaluation(
            split="test", task="binary", class_names=("a", "b"), positive_class="b", n_images=500, n_groups=300,
            estimates=(point(1, auc).estimate,), confusion=(), curves=(), calibration=EMPTY,
            threshold=Threshold(values={}, rule="youden", chosen_on="validation"),
        )  # fmt: skip
        return RunRecord(
            schema_version=1, run_id=name, status="done", created_utc="now", task="binary", class_names=("a", "b"),
            spec=spec, evaluations=(evaluation,), dataset_fingerprint="f",
            counts=(ClassCounts(split="train", n_images=images, n_groups=images, images_per_class={}),),
        )  # fmt: skip

    runs = [
        run("a0", 0.5, 0, 0.7, 50), run("a1", 0.5, 1, 0.8, 52), run("b0", 1.0, 0, 0.9, 100),
        run("other head", 0.5, 0, 0.1, 50, strategy="scratch"),
    ]  # fmt: skip
    found = curve_points(runs[2], runs)
    assert [(p.n_images, round(p.estimate.value, 6)) for p in found] == [(51, 0.75), (100, 0.9)]
    assert curve_points(runs[3], runs) == []
