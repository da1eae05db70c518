"""ROC and precision-recall curves as points: exact, without the points that lie on a straight line.

A curve of more than 250 points is thinned from its flattest corners on, which keeps its area to 1e-4.
"""

import numpy as np

from core.errors import UndefinedMetric
from core.language import said
from core.types import Curve, Predictions

MOST_POINTS = 250
AREA_DRIFT = 5e-5  # half of what thinning may change


def roc_curve(pred: Predictions, class_name: str, *, most_points: int = MOST_POINTS) -> Curve:
    """x: 1 - specificity, y: sensitivity, from (0, 0) to (1, 1); the class against the rest.

    Raises: UndefinedMetric when the class is in all images or in none.
    """
    cuts, false, true = _counts(pred, class_name)
    if true[-1] == 0 or false[-1] == 0:
        raise UndefinedMetric(
            said("A ROC curve of {class_name} needs images with it and images without it.", class_name=repr(class_name))
        )
    # integers, so that "on one line" is decided exactly
    keep = _bends(false, true)
    x, y = false[keep] / false[-1], true[keep] / true[-1]
    return _curve("roc", class_name, x, y, cuts[keep], most_points)


def pr_curve(pred: Predictions, class_name: str, *, most_points: int = MOST_POINTS) -> Curve:
    """x: recall, y: precision, by falling cut; the class against the rest.

    The first point has recall 0 and no call, so no precision of its own: it repeats the next one's.
    Raises: UndefinedMetric when no image shows the class.
    """
    cuts, false, true = _counts(pred, class_name)
    if true[-1] == 0:
        raise UndefinedMetric(
            said("A precision-recall curve of {class_name} needs images with it.", class_name=repr(class_name))
        )
    calls = false + true
    recall = true / true[-1]
    precision = np.divide(true, calls, out=np.ones(len(calls)), where=calls > 0)
    precision[0] = precision[1]
    # inner points of a vertical run (same recall) or of a level one (same precision, always 0 or 1 or alike)
    same_recall = (true[:-2] == true[1:-1]) & (true[1:-1] == true[2:])
    level = (precision[:-2] == precision[1:-1]) & (precision[1:-1] == precision[2:])
    keep = np.concatenate([[True], ~(same_recall | level), [True]])
    return _curve("pr", class_name, recall[keep], precision[keep], cuts[keep], most_points)


def curves_of(pred: Predictions) -> tuple[Curve, ...]:
    """ROC and PR of the positive class (binary) or of every class; a curve that is not defined is left out."""
    names = (str(pred.positive_class),) if pred.task == "binary" else pred.class_names
    found: list[Curve] = []
    for make in (roc_curve, pr_curve):
        for name in names:
            truth = pred.truth_of(pred.class_names.index(name))
            if truth.any() and (make is pr_curve or not truth.all()):
                found.append(make(pred, name))
    return tuple(found)


def chance_level(pred: Predictions, class_name: str) -> float:
    """Precision of a random ranking: the prevalence, as a fraction. (The chance line of a ROC curve is y = x.)"""
    return float(pred.truth_of(pred.class_names.index(class_name)).mean())


def area(curve: Curve) -> float:
    """Area under the points by the trapezium rule. For ROC this is the AUC; for PR it is not average precision."""
    return float(np.trapezoid(curve.y, curve.x))


def _counts(pred: Predictions, class_name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Falling cuts with the false and the true calls at each; first a cut above every score (NaN), with none."""
    i = pred.class_names.index(class_name)
    scores = np.asarray(pred.y_prob[:, i], dtype=np.float64)
    order = np.argsort(-scores, kind="stable")
    scores, truth = scores[order], pred.truth_of(i)[order].astype(np.int64)
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)  # the last image of each score
    true = np.cumsum(truth)[last]
    return (
        np.concatenate([[np.nan], scores[last]]),
        np.concatenate([[0], last + 1 - true]),
        np.concatenate([[0], true]),
    )


def _bends(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which points are corners: both ends, and those where the direction changes."""
    dx, dy = np.diff(x), np.diff(y)
    turns = dx[:-1] * dy[1:] != dx[1:] * dy[:-1]
    return np.concatenate([[True], turns, [True]])


def thin(x: np.ndarray, y: np.ndarray, most_points: int) -> np.ndarray:
    """Positions to keep so that at most `most_points` are left; both ends always stay.

    In each round the corners that cut off the smallest triangles go, never two neighbours at once, and as
    much area is given as is taken.
    Source: the measure is that of Visvalingam & Whyatt 1993, Cartogr J 30:46.
    """
    kept, drift = np.arange(len(x)), 0.0
    while len(kept) > max(most_points, 2):
        u, v = x[kept], y[kept]
        # what the curve loses below it when the inner point goes, exact as long as its neighbours stay
        lost = ((u[2:] - u[:-2]) * (v[1:-1] - v[:-2]) - (u[1:-1] - u[:-2]) * (v[2:] - v[:-2])) / 2
        goes = _flattest(lost, len(kept) - most_points)
        goes = _balanced(goes, lost, drift)
        drift += float(lost[goes].sum())
        kept = np.delete(kept, goes + 1)
    return kept


def _flattest(lost: np.ndarray, most: int) -> np.ndarray:
    """Inner points with the smallest triangles, smallest first: at most half of them, and no two neighbours."""
    order = np.argsort(np.abs(lost), kind="stable")[: max(1, len(lost) // 2)]
    rank = np.full(len(lost) + 2, len(lost))
    rank[order + 1] = np.arange(len(order))
    # a point goes when both neighbours are worth more
    first = (rank[1:-1] < rank[:-2]) & (rank[1:-1] < rank[2:])
    return order[first[order]][:most]


def _balanced(goes: np.ndarray, lost: np.ndarray, drift: float) -> np.ndarray:
    """`goes` without the largest triangles of the sign that would carry the area away."""
    total = drift + float(lost[goes].sum())
    if abs(total) <= AREA_DRIFT:
        return goes
    same = goes[np.sign(lost[goes]) == np.sign(total)]
    largest = same[np.argsort(-np.abs(lost[same]), kind="stable")]
    spared = np.searchsorted(np.cumsum(np.abs(lost[largest])), abs(total) - AREA_DRIFT) + 1
    fewer = np.setdiff1d(goes, largest[:spared], assume_unique=True)
    # a curve that bends one way throughout has nothing to give back: it goes on, its triangles are tiny
    return fewer if len(fewer) > len(goes) // 10 else goes


def _curve(kind: str, class_name: str, x: np.ndarray, y: np.ndarray, cuts: np.ndarray, most_points: int) -> Curve:
    kept = thin(x, y, most_points)
    return Curve(
        kind="roc" if kind == "roc" else "pr",
        class_name=class_name,
        x=tuple(x[kept].tolist()),
        y=tuple(y[kept].tolist()),
        thresholds=tuple(None if np.isnan(cut) else float(cut) for cut in cuts[kept]),
    )
