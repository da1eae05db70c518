"""Questions that several classes answer together: pneumonia is bacterial or viral, so their probabilities add up.

A sum is a question of its own with a cut of its own, chosen on validation like any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.errors import SpecInvalid
from core.evaluation.report import evaluate
from core.evaluation.thresholds import choose_threshold, cut_of
from core.language import said
from core.types import ClassSum, ModelCard, Predictions, SumAnswer

REST = "Other"


def summed(pred: Predictions, name: str, classes: Sequence[str]) -> Predictions:
    """The same rows as a binary question: `name` is any of `classes`, against all the others.

    The other side is called by the one class that is left, or "Other" where several are.
    """
    inside = np.isin(pred.class_names, list(classes))
    scores = summed_scores(pred.y_prob, pred.class_names, classes)
    return Predictions(
        run_id=pred.run_id, split=pred.split, task="binary", class_names=(_rest(pred.class_names, classes), name),
        positive_class=name, image_ids=pred.image_ids, groups=pred.groups,
        y_true=inside[pred.y_true].astype(np.int64), y_prob=scores,
    )  # fmt: skip


def summed_scores(y_prob: np.ndarray, class_names: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Scores (n, C) as (n, 2): of all the other classes together, and of `classes` together."""
    positive = y_prob[:, np.isin(class_names, list(classes))].sum(axis=1).clip(0.0, 1.0)
    return np.stack([1.0 - positive, positive], axis=1)


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


def as_question(card: ModelCard, name: str) -> ModelCard:
    """The card of the same model as if it answered one of its sums and nothing else: binary, at the sum's cut.

    Raises: SpecInvalid, naming the sums that there are.
    """
    one = next((one for one in card.sums if one.name == name), None)
    if one is None:
        there = ", ".join(each.name for each in card.sums) or "none"
        raise SpecInvalid(
            said(
                "{name} has no sum of classes called {sum}; it has: {there}.",
                name=card.name,
                sum=repr(name),
                there=there,
            )
        )
    rest = _rest(card.class_names, one.classes)
    return replace(
        card, task="binary", class_names=(rest, name), positive_class=name, threshold=one.threshold,
        estimates=one.estimates, sums=(),
    )  # fmt: skip


def _rest(class_names: Sequence[str], inside: Sequence[str]) -> str:
    others = [own for own in class_names if own not in inside]
    return others[0] if len(others) == 1 else REST


def sum_answers(probabilities: Sequence[float], card: ModelCard) -> tuple[SumAnswer, ...]:
    """What a picture's calibrated probabilities (C,) say to each sum of the card."""
    given = dict(zip(card.class_names, map(float, probabilities), strict=True))
    answers = []
    for one in card.sums:
        probability, cut = min(1.0, sum(given[name] for name in one.classes)), cut_of(one.threshold, one.name)
        answers.append(SumAnswer(name=one.name, probability=probability, cut=cut, called=probability >= cut))
    return tuple(answers)
