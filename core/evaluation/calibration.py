"""Do the stated probabilities mean what they say? Temperature fitted on validation, and reliability in bins.

The temperature divides the logits: above 1 it makes scores more modest, below 1 bolder. It changes no
ranking of one class in binary and multilabel tasks, and no decision for the most probable class.
"""

import math
from dataclasses import replace

import numpy as np

from core.errors import SpecInvalid
from core.evaluation.metrics import calibration_error
from core.evaluation.resampled import CALIBRATION_BINS, bin_of, calibration_points
from core.language import said
from core.types import Calibration, Predictions, Threshold

CLIP = 1e-12  # a score of exactly 0 or 1 has no logit
SMALLEST, LARGEST = 0.05, 20.0  # beyond these, scores are certain or all alike
Z_95 = 1.959963984540054  # 97.5 % point of the standard normal


def _logits(pred: Predictions) -> np.ndarray:
    """(n, C); multilabel: the log odds of each score, otherwise log p, which softmax takes as logits."""
    scores = np.clip(np.asarray(pred.y_prob, dtype=np.float64), CLIP, 1.0)
    if pred.task == "multilabel":
        scores = np.minimum(scores, 1 - CLIP)
        return np.log(scores) - np.log1p(-scores)
    return np.log(scores)


def _scaled(logits: np.ndarray, inverse: float, multilabel: bool) -> np.ndarray:
    """Probabilities from logits times `inverse` (1 / temperature)."""
    z = logits * inverse
    if multilabel:
        return np.exp(-np.logaddexp(0.0, -z))
    z = np.exp(z - z.max(axis=1, keepdims=True))
    return z / z.sum(axis=1, keepdims=True)


def fit_temperature(pred: Predictions) -> float:
    """The temperature that makes the negative log-likelihood of the truth smallest, in [0.05, 20].

    The likelihood is convex in 1 / temperature, so the point where its slope is 0 is found by bisection:
    the same to the last digits on every machine, which a minimiser on the flat bottom would not be.

    Args:
        pred: predictions of the validation split.
    Raises: SpecInvalid for any other split, for the test split must not choose it.
    Source: Guo et al. 2017, arXiv:1706.04599.
    """
    if pred.split != "validation":
        raise SpecInvalid(
            said("A temperature is fitted on the validation split, never on {split}.", split=repr(pred.split))
        )
    from scipy.optimize import brentq  # half a second to import, and pages that only show results need none of it

    logits, multilabel = _logits(pred), pred.task == "multilabel"
    if multilabel:
        truth = pred.y_true.astype(np.float64)
    else:
        truth = (pred.y_true[:, None] == np.arange(len(pred.class_names))).astype(np.float64)

    def slope(inverse: float) -> float:
        return float(((_scaled(logits, inverse, multilabel) - truth) * logits).sum(axis=1).mean())

    low, high = 1 / LARGEST, 1 / SMALLEST
    if slope(low) >= 0:  # even the most modest scores are too bold
        return LARGEST
    if slope(high) <= 0:
        return SMALLEST
    return 1.0 / float(brentq(slope, low, high, xtol=1e-14, rtol=8.9e-16))


def apply_temperature(pred: Predictions, temperature: float) -> Predictions:
    """The predictions with calibrated scores: softmax (multilabel: sigmoid) of logits / `temperature`.

    Raises: SpecInvalid when the temperature is not a positive number.
    """
    if not (math.isfinite(temperature) and temperature > 0):
        raise SpecInvalid(
            said("A temperature of {temperature} scales nothing; expected a positive number.", temperature=temperature)
        )
    return replace(pred, y_prob=_scaled(_logits(pred), 1.0 / temperature, pred.task == "multilabel"))


def calibrated_threshold(threshold: Threshold, task: str, temperature: float) -> Threshold:
    """The cuts for calibrated scores that call the same images as `threshold` does on raw scores.

    Binary and multilabel only: in a multiclass task the calibrated score of one class depends on all others,
    so there choose the threshold anew on `apply_temperature(validation, temperature)`.
    Raises: SpecInvalid for multiclass.
    """
    if task == "multiclass":
        raise SpecInvalid(
            said("Multiclass cuts do not carry over to calibrated scores; choose them on calibrated ones.")
        )
    values = {}
    for name, cut in threshold.values.items():
        if 0 < cut < 1:
            odds = (math.log(cut) - math.log1p(-cut)) / temperature
            cut = 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0
        values[name] = cut  # 0 calls everything and a cut above 1 nothing, at any temperature
    return replace(threshold, values=values)


def wilson_interval(successes: float, n: float, z: float = Z_95) -> tuple[float, float]:
    """95 % interval of a share, as fractions. `n` must be positive. Source: Wilson 1927, JASA 22:209."""
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    return low, 1.0 if successes == n else min(1.0, centre + half)


def reliability(pred: Predictions, *, temperature: float | None = None, bins: int = CALIBRATION_BINS) -> Calibration:
    """Stated against observed shares in `bins` bins of equal width; an empty bin has None.

    Args:
        temperature: fitted on validation; `error_after` is the error of the scores divided by it.
    Source: Naeini et al. 2015, AAAI 29; intervals of the observed share: Wilson 1927.
    """
    predicted, observed = (points.ravel() for points in calibration_points(pred))
    which = bin_of(predicted, bins)
    count = np.bincount(which, minlength=bins)
    stated = np.bincount(which, weights=predicted, minlength=bins)
    hits = np.bincount(which, weights=observed, minlength=bins)
    intervals = [wilson_interval(h, int(n)) if n else (None, None) for h, n in zip(hits, count, strict=True)]
    edges = [i / bins for i in range(bins + 1)]
    error = float(np.abs(hits - stated).sum() / len(predicted))
    after = calibration_error(apply_temperature(pred, temperature)) if temperature is not None else None
    return Calibration(
        bin_low=tuple(edges[:-1]),
        bin_high=tuple(edges[1:]),
        mean_predicted=tuple(float(s / n) if n else None for s, n in zip(stated, count, strict=True)),
        observed=tuple(float(h / n) if n else None for h, n in zip(hits, count, strict=True)),
        observed_low=tuple(low for low, _ in intervals),
        observed_high=tuple(high for _, high in intervals),
        count=tuple(int(n) for n in count),
        error=error,
        temperature=temperature,
        error_after=after,
    )
