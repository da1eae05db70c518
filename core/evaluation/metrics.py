"""The metrics as plain values: each a pure function of predictions, and of a threshold where calls are counted.

None means not defined (a PPV without a call, an AUC with one class); it is never replaced by 0 or 1.
Overall (`class_name` None) is the positive class for binary, and the macro mean otherwise.
"""

import math
from collections.abc import Iterable, Mapping

import numpy as np

from core.errors import UnknownKey
from core.evaluation.resampled import ALL_METRICS, Key, prepare, weighted_values
from core.evaluation.thresholds import decide
from core.language import said
from core.registry.metrics import metric_spec
from core.types import Predictions, Threshold


def all_values(
    pred: Predictions, threshold: Threshold | None, metrics: Iterable[str] = ALL_METRICS
) -> Mapping[Key, float | None]:
    """(metric, class name or None for overall) -> value, in [0, 1] (multiclass Brier: [0, 2])."""
    values = weighted_values(prepare(pred, threshold, metrics), np.ones((1, len(pred))))
    return {key: defined(value[0]) for key, value in values.items()}


def defined(value: float) -> float | None:
    """A Python float, or None for NaN."""
    return None if math.isnan(value) else float(value)


def metric_value(
    pred: Predictions, metric: str, threshold: Threshold | None = None, class_name: str | None = None
) -> float | None:
    """One metric. Raises UnknownKey for an unknown metric or class, PredictionsInvalid without a needed threshold."""
    metric_spec(metric)
    values = all_values(pred, threshold, (metric,))
    if (metric, class_name) not in values:
        raise UnknownKey(
            said(
                "{metric} has no value for {class_name}; classes: {listed}.",
                metric=metric,
                class_name=repr(class_name),
                listed=", ".join(pred.class_names),
            )
        )
    return values[metric, class_name]


def auc(pred: Predictions, class_name: str | None = None) -> float | None:
    """Area under the ROC curve: the chance that a random image of the class scores above a random other one.

    Ties count one half. Multiclass and multilabel: each class against the rest; overall the mean of the
    classes that are present in some images and absent from others. None where there is no such pair.
    Source: Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747.
    """
    return metric_value(pred, "auc", None, class_name)


def average_precision(pred: Predictions, class_name: str | None = None) -> float | None:
    """Precision averaged over all cuts, weighted by the gain in recall (a step sum, nothing interpolated).

    A random ranking gets the prevalence. None for a class that no image shows.
    Source: Saito & Rehmsmeier 2015, doi:10.1371/journal.pone.0118432.
    """
    return metric_value(pred, "average_precision", None, class_name)


def sensitivity(pred: Predictions, threshold: Threshold, class_name: str | None = None) -> float | None:
    """Share of the images with the class that are called so (recall). Source: Altman & Bland 1994, BMJ 308:1552."""
    return metric_value(pred, "sensitivity", threshold, class_name)


def specificity(pred: Predictions, threshold: Threshold, class_name: str | None = None) -> float | None:
    """Share of the images without the class that are not called so. Source: Altman & Bland 1994, BMJ 308:1552."""
    return metric_value(pred, "specificity", threshold, class_name)


def ppv(pred: Predictions, threshold: Threshold, class_name: str | None = None) -> float | None:
    """Share of the calls that are right, at the prevalence of these images; None without a call.

    Source: Altman & Bland 1994, BMJ 309:102.
    """
    return metric_value(pred, "ppv", threshold, class_name)


def npv(pred: Predictions, threshold: Threshold, class_name: str | None = None) -> float | None:
    """Share of the all-clears that are right, at the prevalence of these images; None without an all-clear.

    Source: Altman & Bland 1994, BMJ 309:102.
    """
    return metric_value(pred, "npv", threshold, class_name)


def f1(pred: Predictions, threshold: Threshold, class_name: str | None = None) -> float | None:
    """2 tp / (2 tp + fp + fn). None for a class that is neither there nor called."""
    return metric_value(pred, "f1", threshold, class_name)


def accuracy(pred: Predictions, threshold: Threshold) -> float | None:
    """Share of the images that are decided rightly; multilabel: of all decisions, one per image and class."""
    return metric_value(pred, "accuracy", threshold)


def balanced_accuracy(pred: Predictions, threshold: Threshold) -> float | None:
    """Mean of the sensitivities of the classes present; multilabel: mean of (sensitivity + specificity) / 2.

    Source: Brodersen et al. 2010, doi:10.1109/ICPR.2010.764.
    """
    return metric_value(pred, "balanced_accuracy", threshold)


def brier(pred: Predictions) -> float | None:
    """Mean squared distance between the stated probabilities and the truth; 0 is best.

    Binary: of the positive class, in [0, 1]. Multiclass: summed over the classes, in [0, 2], as Brier defined
    it. Multilabel: mean over the classes, in [0, 1].
    Source: Brier 1950, Mon Weather Rev 78:1.
    """
    return metric_value(pred, "brier")


def calibration_error(pred: Predictions) -> float | None:
    """Expected calibration error over 10 bins of equal width: mean gap between stated and observed share.

    Source: Naeini et al. 2015, AAAI 29.
    """
    return metric_value(pred, "calibration_error")


def confusion(pred: Predictions, threshold: Threshold) -> tuple[tuple[int, ...], ...]:
    """Counts: rows are the truth, columns the decision, in class order; multilabel: (tn, fp, fn, tp) per class."""
    called = decide(pred, threshold)
    if pred.task == "multilabel":
        return tuple(
            tuple(int(n) for n in np.bincount(2 * pred.y_true[:, i] + called[:, i], minlength=4))
            for i in range(len(pred.class_names))
        )
    width = len(pred.class_names)
    counts = np.bincount(pred.y_true * width + called, minlength=width * width).reshape(width, width)
    return tuple(tuple(int(n) for n in row) for row in counts)
