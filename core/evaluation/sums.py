"""Questions that several classes answer together: pneumonia is bacterial or viral, so their probabilities add up.

A sum is a question of its own with a cut of its own, chosen on validation like any other.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from core.evaluation.report import evaluate
from core.evaluation.thresholds import choose_threshold, cut_of
from core.types import ClassSum, ModelCard, Predictions, SumAnswer

REST = "Other"


def summed(pred: Predictions, name: str, classes: Sequence[str]) -> Predictions:
    """The same rows as a binary question: `name` is any of `classes`, against all the others.

    The other side is called by the one class that is left, or "Other" where several are.
    """
    inside = np.isin(pred.class_names, list(classes))
    others = [own for own, within in zip(pred.class_names, inside, strict=True) if not within]
    rest = others[0] if len(others) == 1 else REST
    positive = pred.y_prob[:, inside].sum(axis=1).clip(0.0, 1.0)
    return Predictions(
        run_id=pred.run_id, split=pred.split, task="binary", class_names=(rest, name), positive_class=name,
        image_ids=pred.image_ids, groups=pred.groups, y_true=inside[pred.y_true].astype(np.int64),
        y_prob=np.stack([1.0 - positive, positive], axis=1),
    )  # fmt: skip


def class_sums(
    sums: Mapping[str, Sequence[str]], validation: Predictions, test: Predictions, *, rule: str, unit: str
) -> tuple[ClassSum, ...]:
    """Each sum with its cut from validation and its estimates on test, both on the scores given (calibrated ones)."""
    found = []
    for name, classes in sums.items():
        threshold = choose_threshold(summed(validation, name, classes), rule)
        evaluation = evaluate(summed(test, name, classes), threshold, unit=unit)
        found.append(
            ClassSum(name=name, classes=tuple(classes), threshold=threshold, estimates=evaluation.estimates)
        )  # fmt: skip
    return tuple(found)


def sum_answers(probabilities: Sequence[float], card: ModelCard) -> tuple[SumAnswer, ...]:
    """What a picture's calibrated probabilities (C,) say to each sum of the card."""
    given = dict(zip(card.class_names, map(float, probabilities), strict=True))
    answers = []
    for one in card.sums:
        probability, cut = min(1.0, sum(given[name] for name in one.classes)), cut_of(one.threshold, one.name)
        answers.append(SumAnswer(name=one.name, probability=probability, cut=cut, called=probability >= cut))
    return tuple(answers)
