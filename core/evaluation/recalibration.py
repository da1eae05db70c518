"""Calibration slope and intercept: how the stated log odds would have to be stretched and moved to come true.

A slope below 1 means scores that are too extreme, above 1 too modest. The intercept "in the large" keeps the slope at
1 and says whether the finding is stated too rarely (above 0) or too often. Both are perfect at 1 and 0.
Source: Cox 1958, Biometrika 45:562; Van Calster et al. 2019, BMC Med 17:230.
"""

from dataclasses import dataclass

import numpy as np

from core.evaluation.delong import normal_quantile
from core.evaluation.intervals import LEVEL

EDGE = 1e-6  # scores of 0 and 1 have no log odds; nearer ones count as this near
STEPS = 60
SEPARATED = 50.0  # a slope beyond this stands for no slope: the scores part the classes without an error


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibration:
    """(value, low, high) of slope, of the intercept beside it, and of the intercept at slope 1.

    Values are None where the scores part the classes completely, or all scores or all truths are alike. Intervals are
    normal, with a variance that takes groups, not images, as independent.
    """

    slope: tuple[float | None, float | None, float | None]
    intercept: tuple[float | None, float | None, float | None]
    in_the_large: tuple[float | None, float | None, float | None]
    n_images: int
    n_groups: int


NOTHING = (None, None, None)


def recalibration(scores: np.ndarray, truth: np.ndarray, groups: np.ndarray, *, level: float = LEVEL) -> Recalibration:
    """Logistic regression of the truth on the log odds of the scores.

    Args:
        scores: (n,) stated probabilities of the class. truth: (n,) zeros and ones. groups: (n,) names.
    Source of the variance over groups: Liang & Zeger 1986, Biometrika 73:13.
    """
    inside = np.clip(np.asarray(scores, dtype=np.float64), EDGE, 1 - EDGE)
    odds = np.log(inside) - np.log1p(-inside)
    y = np.asarray(truth, dtype=np.float64)
    names, of_image = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    reach = normal_quantile(level)
    both = NOTHING, NOTHING
    if 0 < y.sum() < len(y):
        ones = np.ones_like(odds)
        if np.ptp(odds) > 0:
            found = _logistic(np.column_stack([ones, odds]), np.zeros(len(y)), y, of_image, len(names))
            if found is not None and abs(found[0][1]) < SEPARATED:
                both = tuple(_interval(found, i, reach) for i in (1, 0))  # type: ignore[assignment]
        large = _logistic(ones[:, None], odds, y, of_image, len(names))
        in_the_large = NOTHING if large is None else _interval(large, 0, reach)
    else:
        in_the_large = NOTHING
    return Recalibration(
        slope=both[0], intercept=both[1], in_the_large=in_the_large, n_images=len(y), n_groups=len(names)
    )  # fmt: skip


def _logistic(
    design: np.ndarray, offset: np.ndarray, y: np.ndarray, of_image: np.ndarray, n_groups: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Coefficients (k,) by Newton's method and their standard errors (k,) over groups; None where none exist."""
    beta = np.zeros(design.shape[1])
    for _ in range(STEPS):
        p = _sigmoid(design @ beta + offset)
        curvature = (design * (p * (1 - p))[:, None]).T @ design
        try:
            step = np.linalg.solve(curvature, design.T @ (y - p))
        except np.linalg.LinAlgError:
            return None
        step *= min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-300))  # far from the optimum Newton overshoots
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    else:
        return None
    p = _sigmoid(design @ beta + offset)
    bread = np.linalg.inv((design * (p * (1 - p))[:, None]).T @ design)
    slopes = design * (y - p)[:, None]
    meat = np.stack([np.bincount(of_image, weights=column, minlength=n_groups) for column in slopes.T])
    correction = n_groups / (n_groups - 1) if n_groups > 1 else np.nan
    variance = bread @ (meat @ meat.T) @ bread * correction
    return beta, np.sqrt(np.diag(variance))


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-np.logaddexp(0.0, -z)))


def _interval(
    found: tuple[np.ndarray, np.ndarray], i: int, reach: float
) -> tuple[float | None, float | None, float | None]:
    value, error = float(found[0][i]), float(found[1][i])
    if not np.isfinite(error):
        return value, None, None
    return value, value - reach * error, value + reach * error
