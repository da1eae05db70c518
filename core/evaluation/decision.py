"""What images are called: the same rule as for a whole split, applied to scores without a known truth."""

import numpy as np

from core.evaluation.thresholds import decide
from core.types import ModelCard, Predictions


def decided_classes(probabilities: np.ndarray, card: ModelCard) -> tuple[str, ...]:
    """The classes that a model's card decides for, given calibrated scores (C,).

    Binary and multiclass: exactly one; multilabel: those at or above their cuts, maybe none.
    """
    return decided_rows(np.asarray(probabilities)[None], card)[0]


def decided_rows(probabilities: np.ndarray, card: ModelCard) -> list[tuple[str, ...]]:
    """The classes that a model's card decides for, image by image, given calibrated scores (n, C), n at least 1."""
    multilabel = card.task == "multilabel"
    n, names = len(probabilities), card.class_names
    ids = np.arange(n).astype(str)
    rows = Predictions(
        run_id=card.name,
        split="without truth",
        task=card.task,
        class_names=names,
        positive_class=card.positive_class,
        image_ids=ids,
        groups=ids,
        # the truth is not known, and `decide` does not look at it
        y_true=np.zeros((n, len(names)) if multilabel else n, dtype=np.int64),
        y_prob=np.asarray(probabilities, dtype=np.float64),
    )
    decisions = decide(rows, card.threshold)
    if multilabel:
        return [tuple(name for name, called in zip(names, row, strict=True) if called) for row in decisions]
    return [(names[int(decision)],) for decision in decisions]
