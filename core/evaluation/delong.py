"""DeLong's variance of an AUC, and the paired test of two AUCs on the same images, in n log n.

It takes every image as independent. Where patients have several images its intervals are too narrow; the
bootstrap over patients, which stands beside it, is then the one to believe.
Source: DeLong et al. 1988, Biometrics 44:837; Sun & Xu 2014, doi:10.1109/LSP.2014.2337313.
"""

import math
from statistics import NormalDist

import numpy as np

from core.errors import UndefinedMetric
from core.language import said


def components(scores: np.ndarray, truth: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The AUC and its structural components.

    Args:
        scores: (n,) higher means more likely positive. truth: (n,) bool.
    Returns: AUC; (m,) share of the negatives that each positive beats; (k,) share of the positives that beat
        each negative. Ties count one half.
    Raises: UndefinedMetric with one class only.
    """
    positives, negatives = scores[truth], scores[~truth]
    m, k = len(positives), len(negatives)
    if m == 0 or k == 0:
        raise UndefinedMetric(
            said("An AUC needs both classes; there are {m} positive and {k} negative images.", m=m, k=k)
        )
    together = midranks(np.concatenate([positives, negatives]))
    of_positives = (together[:m] - midranks(positives)) / k
    of_negatives = 1.0 - (together[m:] - midranks(negatives)) / m
    return float(of_positives.mean()), of_positives, of_negatives


def midranks(values: np.ndarray) -> np.ndarray:
    """(n,) ranks from 1; equal values share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place])


def normal_quantile(level: float) -> float:
    """How many standard errors the two-sided interval of `level` reaches: 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def normal_p(z: float) -> float:
    """Two-sided p-value of a standard normal statistic."""
    return math.erfc(abs(z) / math.sqrt(2))


def auc_variance(of_positives: np.ndarray, of_negatives: np.ndarray) -> float | None:
    """Variance of an AUC from its components; None with fewer than two images of a class."""
    if len(of_positives) < 2 or len(of_negatives) < 2:
        return None
    return float(of_positives.var(ddof=1) / len(of_positives) + of_negatives.var(ddof=1) / len(of_negatives))


def auc_interval(scores: np.ndarray, truth: np.ndarray, level: float) -> tuple[float, float | None, float | None]:
    """AUC with its normal interval, cut off at 0 and 1. Low and high are None where there is no variance to take."""
    value, of_positives, of_negatives = components(scores, truth)
    variance = auc_variance(of_positives, of_negatives)
    if variance is None:
        return value, None, None
    half = normal_quantile(level) * math.sqrt(variance)
    return value, max(0.0, value - half), min(1.0, value + half)


def paired_difference(first: np.ndarray, second: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """AUC of `first` minus AUC of `second` on the same images.

    Returns: difference, its standard error, and the two-sided p-value (1 where both rank alike).
    Raises: UndefinedMetric with fewer than two images of a class.
    """
    return difference_of(components(first, truth), components(second, truth))


Components = tuple[float, np.ndarray, np.ndarray]


def difference_of(first: Components, second: Components) -> tuple[float, float, float]:
    """As `paired_difference`, from the two runs' `components`."""
    variance = auc_variance(first[1] - second[1], first[2] - second[2])
    if variance is None:
        raise UndefinedMetric(said("DeLong's test needs two positive and two negative images at least."))
    difference, error = first[0] - second[0], math.sqrt(variance)
    if error == 0:
        return difference, 0.0, 1.0 if difference == 0 else 0.0
    return difference, error, normal_p(difference / error)
