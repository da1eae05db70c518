"""Every metric at once, for many weightings of the same images: the engine behind values and intervals.

A weighting says how often each image counts. Ones give the plain value; the counts of a bootstrap resample
give that resample's value. Scores are sorted once per class, then all weightings are worked off as matrices.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import PredictionsInvalid
from core.evaluation.thresholds import decide
from core.language import said
from core.types import Predictions, Threshold

CALIBRATION_BINS = 10
SCORE_METRICS = ("auc", "average_precision")
COUNT_METRICS = ("sensitivity", "specificity", "ppv", "npv", "f1")
OVERALL_METRICS = ("accuracy", "balanced_accuracy", "brier", "calibration_error")
NEEDS_THRESHOLD = (*COUNT_METRICS, "accuracy", "balanced_accuracy")
ALL_METRICS = (*SCORE_METRICS, *COUNT_METRICS, *OVERALL_METRICS)

Key = tuple[str, str | None]  # (metric, class name; None is overall)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """One class against the rest: where the sorted positives stand among each other and among the negatives."""

    positives: np.ndarray  # rows of the positives, by rising score
    negatives: np.ndarray
    below: np.ndarray  # per positive: negatives with a lower score
    upto: np.ndarray  # per positive: negatives with a lower or the same score
    first_tie: np.ndarray  # per positive: positives with a lower score
    ties: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """What does not change from one weighting to the next. `counted` columns are, per class, tn, fp, fn, tp."""

    class_names: tuple[str, ...]
    task: str
    positive_index: int | None
    ranked: Mapping[int, _Ranked]  # class index -> its ranking
    counted: np.ndarray | None  # (n, 4 C) zeros and ones
    brier: np.ndarray  # (n,)
    binned: np.ndarray  # (n, bins): observed minus predicted, in the bin of the prediction
    present: np.ndarray  # (C,) classes that the truth shows
    pairs: np.ndarray  # (C,) classes that the truth shows in some images and not in others
    metrics: tuple[str, ...]


def calibration_points(pred: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """(predicted, observed), both (n, k): what a reliability diagram compares.

    Binary: the positive class, k = 1. Multiclass: the most probable class and whether it is the true one,
    k = 1. Multilabel: every class score, k = C.
    """
    scores = np.asarray(pred.y_prob, dtype=np.float64)
    if pred.task == "binary":
        i = pred.positive_index
        return scores[:, [i]], pred.truth_of(i)[:, None].astype(np.float64)
    if pred.task == "multilabel":
        return scores, pred.y_true.astype(np.float64)
    top = scores.argmax(axis=1)
    return scores.max(axis=1)[:, None], (top == pred.y_true)[:, None].astype(np.float64)


def bin_of(predicted: np.ndarray, bins: int = CALIBRATION_BINS) -> np.ndarray:
    """The bin of equal width of each probability; a bin holds its lower edge, the last one both edges."""
    return np.minimum((predicted * bins).astype(np.int64), bins - 1)


def brier_terms(pred: Predictions) -> np.ndarray:
    """(n,) squared distances. Binary: of the positive class, in [0, 1]. Multiclass: summed over the classes,
    in [0, 2] (Brier's own definition). Multilabel: the mean over the classes, in [0, 1]."""
    scores = np.asarray(pred.y_prob, dtype=np.float64)
    if pred.task == "binary":
        i = pred.positive_index
        return (scores[:, i] - pred.truth_of(i)) ** 2
    truth = np.stack([pred.truth_of(i) for i in range(len(pred.class_names))], axis=1)
    squared = (scores - truth) ** 2
    return squared.mean(axis=1) if pred.task == "multilabel" else squared.sum(axis=1)


def prepare(
    pred: Predictions, threshold: Threshold | None, metrics: Iterable[str] = ALL_METRICS, *, per_class: bool = True
) -> Prepared:
    """Sort and count once.

    Args:
        per_class: False where only the overall values are asked for; a binary task then ranks one class alone.
    Raises: PredictionsInvalid when a metric needs a threshold and there is none.
    """
    wanted = tuple(metrics)
    scores = np.asarray(pred.y_prob, dtype=np.float64)
    count = len(pred.class_names)
    truth = np.stack([pred.truth_of(i) for i in range(count)], axis=1).astype(bool)
    if threshold is None and set(wanted) & set(NEEDS_THRESHOLD):
        raise PredictionsInvalid(
            said(
                "{run_id}: {listed} need a threshold.",
                run_id=pred.run_id,
                listed=", ".join(set(wanted) & set(NEEDS_THRESHOLD)),
            )
        )
    counted = None
    if threshold is not None and set(wanted) & set(NEEDS_THRESHOLD):
        called = decide(pred, threshold)
        calls = called.astype(bool) if pred.task == "multilabel" else called[:, None] == np.arange(count)
        cells = np.stack([~truth & ~calls, ~truth & calls, truth & ~calls, truth & calls], axis=2)
        counted = cells.reshape(len(pred), 4 * count).astype(np.float64)
    shown = truth.sum(axis=0)
    predicted, observed = calibration_points(pred)
    binned = np.zeros((len(pred), CALIBRATION_BINS))
    rows = np.repeat(np.arange(len(pred)), predicted.shape[1])
    np.add.at(binned, (rows, bin_of(predicted).ravel()), (observed - predicted).ravel() / predicted.shape[1])
    ranked: dict[int, _Ranked] = {}
    if set(wanted) & set(SCORE_METRICS):
        alone = pred.task == "binary" and not per_class
        ranked = {i: _rank(scores[:, i], truth[:, i]) for i in ([pred.positive_index] if alone else range(count))}
    return Prepared(
        class_names=pred.class_names,
        task=pred.task,
        positive_index=pred.positive_index if pred.task == "binary" else None,
        ranked=ranked,
        counted=counted,
        brier=brier_terms(pred),
        binned=binned,
        present=shown > 0,
        pairs=(shown > 0) & (shown < len(pred)),
        metrics=wanted,
    )


def _rank(scores: np.ndarray, truth: np.ndarray) -> _Ranked:
    positives, negatives = np.flatnonzero(truth), np.flatnonzero(~truth)
    positives = positives[np.argsort(scores[positives], kind="stable")]
    negatives = negatives[np.argsort(scores[negatives], kind="stable")]
    high, low = scores[positives], scores[negatives]
    below, upto = np.searchsorted(low, high, "left"), np.searchsorted(low, high, "right")
    first_tie = np.searchsorted(high, high, "left")
    ties = bool((below != upto).any() or (first_tie != np.arange(len(high))).any())
    return _Ranked(positives, negatives, below, upto, first_tie, ties)


def weighted_values(prepared: Prepared, weights: np.ndarray) -> Mapping[Key, np.ndarray]:
    """All metrics under each of B weightings.

    Args:
        weights: (B, n) float64, how often each image counts; 0 leaves it out.
    Returns: (metric, class name or None for overall) -> (B,) float64, NaN where it is not defined.
        Overall is the positive class for binary, otherwise the macro mean: over the classes that the images
        show (for AUC also: that some images do not show), and NaN when one of these is not defined.
    """
    values: dict[Key, np.ndarray] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        if prepared.ranked:
            for metric, per_class in _ranking_values(prepared, weights).items():
                if metric in prepared.metrics:
                    _add(values, metric, per_class, prepared, prepared.pairs)
        if prepared.counted is not None:
            _count_values(values, prepared, weights)
        total = weights.sum(axis=1)
        if "brier" in prepared.metrics:
            values["brier", None] = weights @ prepared.brier / total
        if "calibration_error" in prepared.metrics:
            values["calibration_error", None] = np.abs(weights @ prepared.binned).sum(axis=1) / total
    return values


def _add(values: dict[Key, np.ndarray], metric: str, per_class: np.ndarray, prepared: Prepared,
         included: np.ndarray) -> None:  # fmt: skip
    """Enter `per_class` (B, C) and the overall value."""
    if prepared.positive_index is not None:
        values[metric, None] = per_class[:, prepared.positive_index]
    elif included.any():
        values[metric, None] = per_class[:, included].mean(axis=1)
    else:
        values[metric, None] = np.full(len(per_class), np.nan)
    for i, name in enumerate(prepared.class_names):
        if metric not in SCORE_METRICS or i in prepared.ranked:
            values[metric, name] = per_class[:, i]


def _ranking_values(prepared: Prepared, weights: np.ndarray) -> dict[str, np.ndarray]:
    auc = np.full((len(weights), len(prepared.class_names)), np.nan)
    precision = auc.copy()
    for i, ranked in prepared.ranked.items():
        auc[:, i], precision[:, i] = _rank_class(ranked, weights, "average_precision" in prepared.metrics)
    return {"auc": auc, "average_precision": precision}


def _rank_class(ranked: _Ranked, weights: np.ndarray, with_precision: bool) -> tuple[np.ndarray, np.ndarray | float]:
    """AUC (the Mann-Whitney share, ties one half) and average precision (step sum, or NaN), each (B,)."""
    positive = weights.take(ranked.positives, axis=1)
    negatives = np.zeros((len(weights), len(ranked.negatives) + 1))
    np.cumsum(weights.take(ranked.negatives, axis=1), axis=1, out=negatives[:, 1:])
    total_positive, total_negative = positive.sum(axis=1), negatives[:, -1]
    below = negatives.take(ranked.below, axis=1)
    won = below if not ranked.ties else 0.5 * (below + negatives.take(ranked.upto, axis=1))
    auc = np.einsum("ij,ij->i", positive, won) / (total_positive * total_negative)
    if not with_precision:
        return auc, math.nan
    positives = np.zeros((len(weights), len(ranked.positives) + 1))
    np.cumsum(positive, axis=1, out=positives[:, 1:])
    if ranked.ties:
        true_calls = total_positive[:, None] - positives.take(ranked.first_tie, axis=1)
    else:
        true_calls = total_positive[:, None] - positives[:, :-1]
    calls = true_calls + (total_negative[:, None] - below)
    # a positive of weight 0 at the top has no call at all: its term is nothing, not 0 / 0
    shares = np.divide(true_calls, calls, out=np.zeros_like(calls), where=calls > 0)
    return auc, np.einsum("ij,ij->i", positive, shares) / total_positive


def _count_values(values: dict[Key, np.ndarray], prepared: Prepared, weights: np.ndarray) -> None:
    classes = len(prepared.class_names)
    cells = (weights @ prepared.counted).reshape(len(weights), classes, 4)
    tn, fp, fn, tp = (cells[:, :, i] for i in range(4))
    per_class = {
        "sensitivity": (tp / (tp + fn), prepared.present),
        "specificity": (tn / (tn + fp), prepared.pairs),
        "ppv": (tp / (tp + fp), prepared.present),
        "npv": (tn / (tn + fn), prepared.present),
        "f1": (2 * tp / (2 * tp + fp + fn), prepared.present),
    }
    for metric, (value, included) in per_class.items():
        if metric in prepared.metrics:
            _add(values, metric, value, prepared, included)
    if "accuracy" in prepared.metrics:
        right = tp.sum(axis=1) / weights.sum(axis=1)
        values["accuracy", None] = (
            (tp + tn).sum(axis=1) / cells.sum(axis=(1, 2)) if prepared.task == "multilabel" else right
        )
    if "balanced_accuracy" in prepared.metrics:
        each = per_class["sensitivity"][0]
        if prepared.task == "multilabel":
            each = (each + per_class["specificity"][0]) / 2
        included = prepared.pairs if prepared.task == "multilabel" else prepared.present
        values["balanced_accuracy", None] = (
            each[:, included].mean(axis=1) if included.any() else np.full(len(weights), np.nan)
        )
