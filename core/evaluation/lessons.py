"""What the lessons count: accuracy at another prevalence, and Grad-CAM done by hand.

Both start from stored numbers: the predictions of a run, and the trace of a network (core/store/traces.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import UndefinedMetric
from core.evaluation.intervals import bootstrap_values, percentile_interval
from core.evaluation.metrics import all_values
from core.language import said
from core.types import Predictions, Threshold

SHARES = ("sensitivity", "specificity")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OverPrevalence:
    """Accuracy of one binary run where other shares of the images are ill; its cut stays where it was.

    `prevalence`, `accuracy`, `low` and `high` are (m,) fractions; `low` and `high` are the 95 % interval, NaN without
    resamples. `sensitivity` and `specificity` belong to the cut and not to the prevalence.
    """

    prevalence: np.ndarray
    accuracy: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sensitivity: float
    specificity: float

    @property
    def balanced_accuracy(self) -> float:
        """The mean of both, which no prevalence moves."""
        return (self.sensitivity + self.specificity) / 2


def over_prevalence(
    pred: Predictions, threshold: Threshold, prevalences: Sequence[float], *, n_bootstrap: int = 1000, seed: int = 0
) -> OverPrevalence:
    """Accuracy = prevalence x sensitivity + (1 - prevalence) x specificity, with intervals over whole groups.

    It supposes that ill images look as ill, and healthy ones as healthy, however many there are of them.

    Args:
        pred: binary predictions.
        prevalences: fractions in [0, 1].
    Raises: UndefinedMetric when the predictions are not binary, or one of the two classes is missing.
    """
    plain = all_values(pred, threshold, SHARES) if pred.task == "binary" else {}
    sensitivity, specificity = plain.get(("sensitivity", None)), plain.get(("specificity", None))
    if sensitivity is None or specificity is None:
        raise UndefinedMetric(
            said(
                "{run_id}: accuracy at another prevalence needs a binary run with images of both classes.",
                run_id=pred.run_id,
            )
        )
    share = np.asarray(prevalences, dtype=np.float64)
    low = high = np.full(len(share), np.nan)
    if n_bootstrap > 0 and pred.n_groups > 1:
        drawn = bootstrap_values(pred, threshold, metrics=SHARES, n_bootstrap=n_bootstrap, seed=seed)
        found, left = (drawn[metric, None] for metric in SHARES)
        bounds = [percentile_interval(p * found + (1 - p) * left) for p in share]
        low, high = (np.array([np.nan if b[i] is None else b[i] for b in bounds], np.float64) for i in (0, 1))
    return OverPrevalence(
        prevalence=share, accuracy=share * sensitivity + (1 - share) * specificity, low=low, high=high,
        sensitivity=sensitivity, specificity=specificity,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class NaturalFrequencies:
    """Whole people out of `of`: so many are ill, of whom so many are found; so many healthy ones get an alarm."""

    of: int
    ill: int
    found: int
    alarms: int

    @property
    def missed(self) -> int:
        return self.ill - self.found

    @property
    def right(self) -> int:
        """Everyone who gets the right answer."""
        return self.of - self.missed - self.alarms


def natural_frequencies(
    prevalence: float, sensitivity: float, specificity: float, of: int = 1000
) -> NaturalFrequencies:
    """The same shares as counts of `of` people, each rounded once.

    Source: Gigerenzer & Hoffrage 1995, Psychol Rev 102:684.
    """
    ill = round(prevalence * of)
    return NaturalFrequencies(
        of=of, ill=ill, found=round(ill * sensitivity), alarms=round((of - ill) * (1 - specificity))
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GradCamSteps:
    """Grad-CAM of one class, step by step, for a network with one weighted sum behind its last stage.

    `weights` (d,): mean gradient of the class score over the cells of a channel. `order` (d,): channels by how much
    they add to the map in all, the largest first. `summed` (h, w): the weighted sum; `map` (h, w): without what lies
    below 0, in [0, 1].
    """

    weights: np.ndarray
    order: np.ndarray
    summed: np.ndarray
    map: np.ndarray


def gradcam_steps(activations: np.ndarray, head: np.ndarray) -> GradCamSteps:
    """From the last activations (h, w, d) and the head's weights (d,) of one class to its map.

    Whether the network keeps the strongest cell or the mean of a channel, the gradients of its cells add up to the
    head's weight; their mean is that weight divided by the number of cells.
    Source: Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74.
    """
    values = np.asarray(activations, dtype=np.float64)
    weights = np.asarray(head, dtype=np.float64) / (values.shape[0] * values.shape[1])
    summed = values @ weights
    positive = np.maximum(summed, 0.0)
    top = positive.max()
    return GradCamSteps(
        weights=weights, order=np.argsort(-np.abs(weights) * values.sum(axis=(0, 1)), kind="stable"), summed=summed,
        map=positive / top if top > 0 else positive,
    )  # fmt: skip
