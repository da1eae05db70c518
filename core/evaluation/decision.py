"""What one image is called: the same rule as for a whole split, applied to one row of scores."""

import numpy as np

from core.evaluation.thresholds import decide
from core.types import ModelCard, Predictions


def decided_classes(probabilities: np.ndarray, card: ModelCard) -> tuple[str, ...]:
    """The classes that a model's card decides for, given calibrated scores (C,).

    Binary and multiclass: exactly one; multilabel: those at or above their cuts, maybe none.
    """
    multilabel = card.task == "multilabel"
    row = Predictions(
        run_id=card.name,
        split="single image",
        task=card.task,
        class_names=card.class_names,
        positive_class=card.positive_class,
        image_ids=np.array(["image"]),
        groups=np.array(["image"]),
        # the truth is not known, and `decide` does not look at it
        y_true=np.zeros((1, len(card.class_names)) if multilabel else 1, dtype=np.int64),
        y_prob=np.asarray(probabilities, dtype=np.float64)[None],
    )
    decision = decide(row, card.threshold)[0]
    if multilabel:
        return tuple(name for name, called in zip(card.class_names, decision, strict=True) if called)
    return (card.class_names[int(decision)],)
