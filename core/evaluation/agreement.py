"""Two runs on the same images: where both are right, both wrong, or one alone; and which images those are.

Two runs of equal accuracy may fail on different images; then they differ although their numbers do not, and together
they could know more than either.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.evaluation.compare import decided_rightly, mcnemar_comparison
from core.evaluation.paired import shared_images
from core.evaluation.thresholds import decide
from core.types import Comparison, Predictions, Threshold

CELLS = ("both_right", "only_first", "only_second", "both_wrong")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Agreement:
    """One row per shared image in `images`: `image_id`, `group`, `truth`, `first`, `second` (what each run decides, in
    words), `first_score` and `second_score` (of the positive class, else of the decision), and `cell`, one of CELLS.

    `kappa` is Cohen's agreement of the decisions beyond chance, None where it is not defined or labels are several.
    `mcnemar` is the paired test of the two accuracies.
    """

    first: str
    second: str
    images: pd.DataFrame
    kappa: float | None
    mcnemar: Comparison

    def count(self, cell: str) -> int:
        """How many images lie in one of CELLS."""
        return int((self.images["cell"] == cell).sum())

    def of(self, cell: str) -> pd.DataFrame:
        """The images of one of CELLS, those on which the two scores differ most first."""
        rows = self.images[self.images["cell"] == cell]
        order = (rows["first_score"] - rows["second_score"]).abs().sort_values(ascending=False, kind="stable").index
        return rows.loc[order]


def agreement(first: Predictions, second: Predictions, thresholds: tuple[Threshold, Threshold]) -> Agreement:
    """Sort the shared images by who is right; multilabel: right is an image all of whose labels are.

    Raises: PredictionsInvalid when the runs do not belong together.
    Source: Cohen 1960, Educ Psychol Meas 20:37.
    """
    one, two = shared_images((first, second))
    runs = (one, two)
    right = tuple(decided_rightly(run, cut) for run, cut in zip(runs, thresholds, strict=True))
    called = [decide(run, cut) for run, cut in zip(runs, thresholds, strict=True)]
    cell = np.select(
        [right[0] & right[1], right[0] & ~right[1], ~right[0] & right[1]], CELLS[:3], default=CELLS[3]
    )  # fmt: skip
    images = pd.DataFrame(
        {
            "image_id": one.image_ids.astype(str),
            "group": one.groups.astype(str),
            "truth": in_words(one, one.y_true),
            "first": in_words(one, called[0]),
            "second": in_words(two, called[1]),
            "first_score": shown_scores(one, called[0]),
            "second_score": shown_scores(two, called[1]),
            "cell": cell,
        }
    )
    kappa = None if one.task == "multilabel" else cohens_kappa(called[0], called[1], len(one.class_names))
    return Agreement(
        first=one.run_id, second=two.run_id, images=images, kappa=kappa,
        mcnemar=mcnemar_comparison(runs, (right[0], right[1])),
    )  # fmt: skip


def in_words(pred: Predictions, classes: np.ndarray) -> np.ndarray:
    """(n,) names of class indices (n,); of zeros and ones (n, C) the names joined by " + ", or "none"."""
    names = np.array(pred.class_names, dtype=object)
    if classes.ndim == 1:
        return np.asarray(names[classes])
    joined = [" + ".join(names[row.astype(bool)]) or "none" for row in classes]
    return np.array(joined, dtype=object)


def shown_scores(pred: Predictions, called: np.ndarray) -> np.ndarray:
    """(n,) the score that speaks for the decision: of the positive class, of the class decided for, or the highest."""
    scores = np.asarray(pred.y_prob, dtype=np.float64)
    if pred.task == "binary":
        return scores[:, pred.positive_index]
    if pred.task == "multilabel":
        return scores.max(axis=1)
    return np.asarray(scores[np.arange(len(pred)), called])


def cohens_kappa(first: np.ndarray, second: np.ndarray, classes: int) -> float | None:
    """Agreement of two raters beyond chance, at most 1; None when chance alone would make them agree always."""
    n = len(first)
    table = np.bincount(first * classes + second, minlength=classes * classes).reshape(classes, classes) / n
    chance = float(table.sum(axis=1) @ table.sum(axis=0))
    return None if chance >= 1 else float((np.trace(table) - chance) / (1 - chance))
