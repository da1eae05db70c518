"""What one cut does to one class, fast enough for a slider: scores are sorted once, each cut is two look-ups."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import UnknownKey
from core.language import said
from core.types import Predictions

SHARES = ("sensitivity", "specificity", "ppv", "npv", "f1", "accuracy")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ThresholdTable:
    """Rising scores of the images with the class (m,) and without it (k,)."""

    class_name: str
    positives: np.ndarray
    negatives: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """The class against the rest at one cut: counts, and shares as fractions (None where not defined)."""

    class_name: str
    cut: float
    tn: int
    fp: int
    fn: int
    tp: int
    sensitivity: float | None
    specificity: float | None
    ppv: float | None
    npv: float | None
    f1: float | None
    accuracy: float | None


def threshold_table(pred: Predictions, class_name: str | None = None) -> ThresholdTable:
    """Sort the scores of one class once.

    Args:
        class_name: the class to look for; None is the positive class of a binary task.
    Raises: UnknownKey when there is no such class, or none is named in a task without a positive one.
    """
    name = class_name if class_name is not None else pred.positive_class
    if name not in pred.class_names:
        raise UnknownKey(
            said(
                "No class {name} to set a cut for; classes: {listed}.",
                name=repr(name),
                listed=", ".join(pred.class_names),
            )
        )
    i = pred.class_names.index(name)
    truth = pred.truth_of(i).astype(bool)
    scores = np.asarray(pred.y_prob[:, i], dtype=np.float64)
    return ThresholdTable(class_name=name, positives=np.sort(scores[truth]), negatives=np.sort(scores[~truth]))


def at_threshold(table: ThresholdTable, cut: float) -> OperatingPoint:
    """Counts and shares when every score at or above `cut` is a call; `cut` may lie outside [0, 1]."""
    fn = int(np.searchsorted(table.positives, cut, "left"))
    tn = int(np.searchsorted(table.negatives, cut, "left"))
    tp, fp = len(table.positives) - fn, len(table.negatives) - tn
    return OperatingPoint(
        class_name=table.class_name,
        cut=float(cut),
        tn=tn,
        fp=fp,
        fn=fn,
        tp=tp,
        sensitivity=_share(tp, tp + fn),
        specificity=_share(tn, tn + fp),
        ppv=_share(tp, tp + fp),
        npv=_share(tn, tn + fn),
        f1=_share(2 * tp, 2 * tp + fp + fn),
        accuracy=_share(tp + tn, tp + tn + fp + fn),
    )


def threshold_frame(table: ThresholdTable, n: int = 101) -> pd.DataFrame:
    """One row per cut, `n` cuts from 0 to 1: `cut, tn, fp, fn, tp`, then the shares (NaN where not defined)."""
    cuts = np.linspace(0.0, 1.0, n)
    fn, tn = np.searchsorted(table.positives, cuts, "left"), np.searchsorted(table.negatives, cuts, "left")
    tp, fp = len(table.positives) - fn, len(table.negatives) - tn
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = {
            "sensitivity": tp / (tp + fn),
            "specificity": tn / (tn + fp),
            "ppv": tp / (tp + fp),
            "npv": tn / (tn + fn),
            "f1": 2 * tp / (2 * tp + fp + fn),
            "accuracy": (tp + tn) / (tp + tn + fp + fn),
        }
    return pd.DataFrame({"cut": cuts, "tn": tn, "fp": fp, "fn": fn, "tp": tp, **shares})


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
