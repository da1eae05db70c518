"""ROC and precision-recall curves with a band: what other patients from the same source might have drawn.

The band is pointwise: at each x it covers 95 % of the resampled curves, not 95 % of whole curves.
"""

from dataclasses import dataclass

import numpy as np

from core.errors import UndefinedMetric
from core.evaluation.intervals import LEVEL, resample_weights
from core.language import said
from core.types import Predictions

LOWEST = 1e-3  # the first false alarm rate of the grid above 0, for an axis of powers of ten
ROC_GRID = np.unique(np.concatenate([np.linspace(0, 1, 101), np.geomspace(LOWEST, 0.1, 25)]))
PR_GRID = np.linspace(0.01, 1.0, 100)
RESAMPLES = 200  # the edge of a pointwise band at 2.5 % rests on five of them; it is drawn, never quoted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurveBand:
    """A curve on a grid (m,): ROC (x: 1 - specificity) or PR (x: recall), with its band; NaN where not defined.

    `class_name` None is the mean over the classes. `n_resamples` made the band.
    """

    kind: str
    class_name: str | None
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n_resamples: int


def curve_bands(
    pred: Predictions,
    class_name: str | None = None,
    *,
    n_bootstrap: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> tuple[CurveBand, CurveBand]:
    """ROC and PR of one class against the rest, or their mean over the classes, by resampling whole groups.

    Between two points a ROC curve is a straight line; precision at a recall is that of the highest cut that reaches it.

    Args:
        class_name: None averages the curves of all classes that have one (the positive class alone for binary).
    Raises: UndefinedMetric when the class is in all images or in none.
    """
    if class_name is None:
        names = [str(pred.positive_class)] if pred.task == "binary" else list(pred.class_names)
    else:
        names = [class_name]
    truths = {n: pred.truth_of(pred.class_names.index(n)).astype(bool) for n in names}
    judged = [n for n, truth in truths.items() if truth.any() and not truth.all()]
    if not judged:
        raise UndefinedMetric(
            said("A curve of {listed} needs images with it and images without it.", listed=", ".join(names))
        )
    blocks = [np.ones((1, len(pred)))]
    if n_bootstrap > 0 and pred.n_groups > 1:
        blocks += list(resample_weights(pred.groups, n_bootstrap, seed))
    weights = np.concatenate(blocks)
    sums = [np.zeros((len(weights), len(grid))) for grid in (ROC_GRID, PR_GRID)]
    for name in judged:
        scores = np.asarray(pred.y_prob[:, pred.class_names.index(name)], dtype=np.float64)
        for total, drawn in zip(sums, _curves(scores, truths[name], weights), strict=True):
            total += drawn
    found = []
    for kind, grid, total in zip(("roc", "pr"), (ROC_GRID, PR_GRID), sums, strict=True):
        drawn = total / len(judged)
        low, high = _edges(drawn[1:], level, len(grid))
        found.append(
            CurveBand(
                kind=kind, class_name=class_name, x=grid, y=drawn[0], low=low, high=high, n_resamples=len(drawn) - 1
            )
        )  # fmt: skip
    return found[0], found[1]


def _edges(drawn: np.ndarray, level: float, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Pointwise quantiles of the resamples that have a curve; NaN without any."""
    kept = drawn[np.isfinite(drawn).all(axis=1)]
    if len(kept) == 0:
        return np.full(points, np.nan), np.full(points, np.nan)
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def _curves(scores: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sensitivity (B, m) at ROC_GRID and precision (B, m) at PR_GRID, NaN rows where a resample has one class only."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # the last image of each score
    sign = truth[order]
    roc, pr = np.empty((len(weights), len(ROC_GRID))), np.empty((len(weights), len(PR_GRID)))
    for row, weight in enumerate(weights):
        mine = weight[order]
        found = np.cumsum(np.where(sign, mine, 0.0))[last]
        alarms = np.cumsum(np.where(sign, 0.0, mine))[last]
        if found[-1] == 0 or alarms[-1] == 0:
            roc[row] = pr[row] = np.nan
            continue
        share, false = np.append(0.0, found / found[-1]), np.append(0.0, alarms / alarms[-1])
        roc[row] = np.interp(ROC_GRID, false, share)
        at = np.searchsorted(found, PR_GRID * found[-1] - 1e-9)
        pr[row] = found[at] / (found[at] + alarms[at])
    return roc, pr
