"""Which images a run gets wrong: the worst of them, the classes it confuses, and the images of one confusion cell."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.errors import UnknownKey
from core.evaluation.agreement import in_words
from core.evaluation.thresholds import decide
from core.language import said
from core.types import Predictions, Threshold

MISSED, ALARM = "missed", "false alarm"


def worst_errors(pred: Predictions, threshold: Threshold, class_name: str, kind: str, most: int = 12) -> pd.DataFrame:
    """The images that are furthest on the wrong side for one class, the worst first.

    Args:
        kind: "missed" (shows the class, is not called so) or "false alarm" (does not show it, is called so).
    Returns: `image_id`, `group`, `truth`, `decision`, `score` (of the class).
    Raises: UnknownKey for another kind or class.
    """
    if kind not in (MISSED, ALARM) or class_name not in pred.class_names:
        raise UnknownKey(
            said(
                "No errors of kind {kind} for {class_name}; kinds: {missed}, {alarm}.",
                kind=repr(kind),
                class_name=repr(class_name),
                missed=MISSED,
                alarm=ALARM,
            )
        )
    i = pred.class_names.index(class_name)
    truth = pred.truth_of(i).astype(bool)
    called = called_as(pred, threshold, i)
    rows = np.flatnonzero(truth & ~called if kind == MISSED else ~truth & called)
    scores = np.asarray(pred.y_prob[:, i], dtype=np.float64)
    order = np.argsort(scores[rows] if kind == MISSED else -scores[rows], kind="stable")
    return image_rows(pred, threshold, rows[order][:most], i)


def called_as(pred: Predictions, threshold: Threshold, class_index: int) -> np.ndarray:
    """(n,) bool: does the decision name this class?"""
    called = decide(pred, threshold)
    if pred.task == "multilabel":
        return np.asarray(called[:, class_index].astype(bool))
    return np.asarray(called == class_index)


def cell_images(pred: Predictions, threshold: Threshold, truth: str, decision: str) -> pd.DataFrame:
    """The images of one cell of the confusion matrix, the highest score of the decision first.

    Columns as in `worst_errors`; `score` is that of the class decided for. Binary and multiclass.
    Raises: UnknownKey when one of the two is no class.
    """
    for name in (truth, decision):
        if name not in pred.class_names:
            raise UnknownKey(
                said("No class {name}; classes: {listed}.", name=repr(name), listed=", ".join(pred.class_names))
            )
    i, j = pred.class_names.index(truth), pred.class_names.index(decision)
    rows = np.flatnonzero((pred.y_true == i) & (decide(pred, threshold) == j))
    order = np.argsort(-np.asarray(pred.y_prob[rows, j]), kind="stable")
    return image_rows(pred, threshold, rows[order], j)


def image_rows(pred: Predictions, threshold: Threshold, rows: np.ndarray, class_index: int) -> pd.DataFrame:
    """What is known of the images at `rows` (m,): id, group, truth and decision in words, score of one class."""
    called = decide(pred, threshold)
    return pd.DataFrame(
        {
            "image_id": pred.image_ids[rows].astype(str),
            "group": pred.groups[rows].astype(str),
            "truth": in_words(pred, pred.y_true)[rows],
            "decision": in_words(pred, called)[rows],
            "score": np.asarray(pred.y_prob[rows, class_index], dtype=np.float64),
        }
    )


def confused_pairs(counts: Sequence[Sequence[int]], class_names: Sequence[str]) -> list[tuple[str, str, int, int]]:
    """(truth, decision, images, images of that truth) of every wrong cell that holds images, the fullest first."""
    found = [
        (class_names[i], class_names[j], n, sum(row))
        for i, row in enumerate(counts)
        for j, n in enumerate(row)
        if i != j and n
    ]
    return sorted(found, key=lambda cell: (-cell[2], cell[0], cell[1]))
