"""How much would more images help? A learning curve through stored runs, carried on with its doubt.

The error (1 minus the metric) of a trained model falls with the number of its training images about as an inverse
power, error = floor + scale * n ** -rate. The curve is fitted to the runs' test values; its interval comes from
fitting it again to values drawn from the runs' own intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.errors import UndefinedMetric
from core.evaluation.turns import apart, mean_estimate, recipe_of, turns_of
from core.language import said
from core.registry.metrics import find_estimate
from core.types import Estimate, RunRecord

FEWEST_POINTS = 4  # three numbers are fitted
RATES = np.linspace(0.02, 2.0, 100)
AHEAD = (1.0, 2.0, 4.0)  # times the images of the largest run
Z_95 = 1.959964
DRAWS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One run (or the mean of several turns): training images, and the metric on test as a fraction."""

    n_images: int
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """The fitted curve as arrays over `n_images` (K,): the metric, and the 95 % interval of the curve (low, high).

    `gain` is the rise of the metric from the largest run to twice its images, (value, low, high); `told` says whether
    the interval of the gain leaves out nothing at all (0.000: a fitted curve never falls).
    """

    metric: str
    points: tuple[CurvePoint, ...]
    n_images: np.ndarray
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    gain: tuple[float, float, float]

    @property
    def told(self) -> bool:
        """Whether more images would help, as far as these runs can tell."""
        return round(self.gain[1], 3) > 0


def learning_curve(points: Sequence[CurvePoint], *, draws: int = DRAWS, seed: int = 0) -> LearningCurve:
    """Fit the curve to at least four different numbers of images.

    Args:
        points: of one metric for which higher is better; each with an interval.
        draws: how often the curve is fitted to drawn values.
    Raises: UndefinedMetric when there are too few points, one has no interval, or they are of several metrics.
    Source: Figueroa et al. 2012, BMC Med Inform Decis Mak 12:8, doi:10.1186/1472-6947-12-8 (the inverse power law).
    """
    points = sorted(points, key=lambda point: point.n_images)
    known = [p for p in points if None not in (p.estimate.value, p.estimate.low, p.estimate.high)]
    if len({p.n_images for p in known}) < FEWEST_POINTS or len(known) < len(points):
        raise UndefinedMetric(
            said(
                "A learning curve needs runs on {fewest_points} or more numbers of training images, each "
                "with an interval; {n} are here.",
                fewest_points=FEWEST_POINTS,
                n=len({p.n_images for p in known}),
            )
        )
    metrics = {p.estimate.metric for p in points}
    if len(metrics) > 1:
        raise UndefinedMetric(
            said("A learning curve is of one metric, not of {listed}.", listed=", ".join(sorted(metrics)))
        )
    n = np.array([p.n_images for p in known], dtype=float)
    values = np.array([float(p.estimate.value or 0.0) for p in known])
    spread = np.array([(float(p.estimate.high or 0) - float(p.estimate.low or 0)) / (2 * Z_95) for p in known])
    spread = np.maximum(spread, 1e-4)
    grid = np.unique(np.round(np.geomspace(n.min(), n.max() * AHEAD[-1], 40)))
    ahead = np.array([n.max(), 2 * n.max()])
    rng = np.random.default_rng(seed)
    drawn = _fit(n, values + rng.normal(0, spread, (draws, len(n))), spread)
    gains = np.diff(_at(drawn, ahead))[:, 0]
    best = _fit(n, values[None], spread)
    low, high = np.percentile(_at(drawn, grid), (2.5, 97.5), axis=0)
    gain = float(np.diff(_at(best, ahead))[0, 0])
    return LearningCurve(
        metric=metrics.pop(), points=tuple(known), n_images=grid, values=_at(best, grid)[0], low=low, high=high,
        gain=(gain, float(np.percentile(gains, 2.5)), float(np.percentile(gains, 97.5))),
    )  # fmt: skip


def _at(curves: np.ndarray, n: np.ndarray) -> np.ndarray:
    """(D, K) values of D curves (D, 3), floor, scale and rate, at K numbers of images."""
    floor, scale, rate = curves.T
    return np.asarray(1 - (floor[:, None] + scale[:, None] * n[None, :] ** -rate[:, None]))


def _fit(n: np.ndarray, values: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """(D, 3) floor, scale and rate for D rows of values (D, len(n)): least weighted squares over a grid of rates.

    Floor and scale are not below 0. For a fixed rate the rest is linear; a grid cannot run away as a search in three
    directions does.
    """
    weights = 1 / spread
    target = ((1 - values) * weights).T
    best, least = np.zeros((len(values), 3)), np.full(len(values), np.inf)
    for rate in RATES:
        design = np.stack([np.ones_like(n), n**-rate], axis=1) * weights[:, None]
        found = _not_negative(design, target)
        miss = ((design @ found - target) ** 2).sum(axis=0)
        better = miss < least
        best[better] = np.column_stack([found.T[better], np.full(better.sum(), rate)])
        least = np.minimum(least, miss)
    return best


def _not_negative(design: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(2, D) least squares of a design (m, 2) for targets (m, D), both numbers at least 0: inside, or on an edge."""
    inside = np.linalg.lstsq(design, target, rcond=None)[0]
    edges = np.zeros((2, *inside.shape))
    for column in (0, 1):
        own = design[:, column]
        edges[column, column] = np.maximum(0, own @ target / (own @ own))
    misses = [((design @ edge - target) ** 2).sum(axis=0) for edge in edges]
    edge = np.where(misses[0] <= misses[1], edges[0], edges[1])
    return np.where((inside >= 0).all(axis=0), inside, edge)


def curve_points(record: RunRecord, records: Sequence[RunRecord], metric: str = "auc") -> list[CurvePoint]:
    """The runs of `record`'s recipe on every share of its training groups, one point a share: the mean of its turns.

    Returns: by number of training images; empty where the recipe stands on one share only.
    """
    alike = replace(recipe_of(record.spec), train_share=1.0)
    here = [
        other
        for other in records
        if other.status == "done"
        and other.dataset_fingerprint == record.dataset_fingerprint
        and replace(recipe_of(other.spec), train_share=1.0) == alike
    ]
    points = []
    for turns in turns_of(here):
        found = [_of_test(turn, metric) for turn in turns]
        images = [count.n_images for turn in turns for count in turn.counts if count.split == "train"]
        if None in found or len(images) != len(turns):
            continue
        estimate = mean_estimate([e for e in found if e is not None], independent=apart(turns))
        points.append(CurvePoint(n_images=round(sum(images) / len(images)), estimate=estimate))
    return sorted(points, key=lambda point: point.n_images) if len(points) > 1 else []


def _of_test(record: RunRecord, metric: str) -> Estimate | None:
    evaluation = next((e for e in record.evaluations if e.split == "test"), None)
    return None if evaluation is None else find_estimate(evaluation, metric)
