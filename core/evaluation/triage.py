"""The order of a reading list: what is urgent, who is read first, and which pictures a person must look at anyway.

Urgency is a probability that a model gives, nothing else; a picture that has none gets no place, and is never dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.errors import SpecInvalid
from core.evaluation.decision import decided_rows
from core.evaluation.operating import ThresholdTable
from core.evaluation.thresholds import candidate_cuts, cut_of
from core.language import said
from core.types import Estimate, ModelCard, Predictions

Flag = Literal["not read", "unlike", "near the cut", "called", "not called"]
NOT_READ: Flag = "not read"
UNLIKE: Flag = "unlike"
NEAR: Flag = "near the cut"
CALLED: Flag = "called"
NOT_CALLED: Flag = "not called"
POINT_METRICS = ("sensitivity", "specificity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What counts as urgent: any of `classes`, whose probabilities add up.

    `cut` is None where the most probable class counts instead of a cut; `estimates` are sensitivity and specificity
    of the model's own decision, empty where nobody measured them for this question.
    """

    name: str
    classes: tuple[str, ...]
    cut: float | None = None
    estimates: tuple[Estimate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One picture of a batch: its calibrated probabilities (C,), or why it has none.

    `unlike` says whether a gate finds it unlike the training images; None where the model has no such gate.
    """

    name: str
    probabilities: tuple[float, ...] = ()
    reason: str = ""
    unlike: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one picture stands. `arrival` counts all pictures from 0, `place` those with a score from 1 (else None).

    `moved` is how many places it came forward (negative: back) against the order of arrival of those with a score.
    `called` is what the model decides; None without a score.
    """

    arrival: int
    name: str
    place: int | None
    moved: int
    score: float | None
    called: bool | None
    flags: tuple[Flag, ...]
    reason: str = ""


def card_questions(card: ModelCard) -> tuple[Question, ...]:
    """What a model can be asked to put first, its sums before all others.

    Binary: the positive class. Multilabel: each finding. Multiclass: anything but one class (the one that can wait,
    1 - its probability), then each class alone; which of them is urgent is for a person to say.
    """
    sums = tuple(
        Question(
            name=one.name, classes=one.classes, cut=cut_of(one.threshold, one.name),
            estimates=_at_point(one.estimates, None),
        )
        for one in card.sums
    )  # fmt: skip
    cuts = {} if card.task == "multiclass" else card.threshold.values
    own = []
    for question in class_questions(card.task, card.class_names, card.positive_class):
        single = question.classes[0] if len(question.classes) == 1 else None
        overall = card.task == "binary"
        found = _at_point(card.estimates, None if overall else single) if overall or single else ()
        own.append(
            Question(
                name=question.name, classes=question.classes, estimates=found,
                cut=cuts.get(single) if single is not None else None,
            )
        )  # fmt: skip
    return (*sums, *own)


def class_questions(task: str, class_names: Sequence[str], positive_class: str | None) -> tuple[Question, ...]:
    """The questions that the classes of a task allow, without cuts, in the order of `card_questions`."""
    if task == "binary":
        return (Question(name=str(positive_class), classes=(str(positive_class),)),)
    single = tuple(Question(name=name, classes=(name,)) for name in class_names)
    if task == "multilabel":
        return single
    but = tuple(
        Question(name=f"anything but {name}", classes=tuple(c for c in class_names if c != name))
        for name in class_names
    )  # fmt: skip
    return (*but, *single)


def urgency(probabilities: np.ndarray, class_names: Sequence[str], question: Question) -> np.ndarray:
    """How urgent each picture is.

    Args:
        probabilities: (n, C) in class order.
    Returns: (n,) in [0, 1], the sum of the probabilities of the question's classes.
    Raises: SpecInvalid when a class of the question is not one of `class_names`.
    """
    strange = [name for name in question.classes if name not in class_names]
    if strange or not question.classes:
        raise SpecInvalid(
            said(
                "The question {name} asks for {listed}; the classes are: {listed_2}.",
                name=repr(question.name),
                listed=", ".join(strange) or said("no class at all"),
                listed_2=", ".join(class_names),
            )
        )
    inside = np.isin(list(class_names), list(question.classes))
    return np.asarray(probabilities, dtype=np.float64)[:, inside].sum(axis=1).clip(0.0, 1.0)


def urgent_truth(pred: Predictions, question: Question) -> np.ndarray:
    """(n,) bool: does the image show any of the question's classes?"""
    shown = [pred.truth_of(i) for i, name in enumerate(pred.class_names) if name in question.classes]
    return np.any(shown, axis=0)


def order_by_urgency(scores: np.ndarray) -> np.ndarray:
    """Row numbers of scores (n,), the highest first; equal ones stay in the order of arrival."""
    return np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")


def order_batch(
    arrivals: Sequence[Arrival], card: ModelCard, question: Question, band: tuple[float, float] | None = None
) -> tuple[Place, ...]:
    """The reading list of one batch: by urgency; behind them, in order of arrival, what has no score.

    Args:
        question: one of `card_questions(card)`.
        band: scores that count as near the cut (`cut_band`), ends included; None flags none.
    """
    rows = [i for i, a in enumerate(arrivals) if len(a.probabilities) and np.isfinite(a.probabilities).all()]
    places: list[Place] = []
    if rows:
        probabilities = np.array([arrivals[i].probabilities for i in rows], dtype=np.float64)
        scores = urgency(probabilities, card.class_names, question)
        called = _called(probabilities, scores, card, question)
        for place, row in enumerate(order_by_urgency(scores).tolist(), start=1):
            arrival, score = arrivals[rows[row]], float(scores[row])
            near = band is not None and band[0] <= score <= band[1]
            flags = [flag for flag, holds in ((UNLIKE, arrival.unlike), (NEAR, near)) if holds]
            places.append(
                Place(
                    arrival=rows[row], name=arrival.name, place=place, moved=row + 1 - place, score=score,
                    called=bool(called[row]), flags=(*flags, CALLED if called[row] else NOT_CALLED),
                )
            )  # fmt: skip
    for i in sorted(set(range(len(arrivals))) - set(rows)):
        reason = arrivals[i].reason or said("the network gave no number for it")
        places.append(
            Place(
                arrival=i, name=arrivals[i].name, place=None, moved=0, score=None, called=None, flags=(NOT_READ,),
                reason=reason,
            )
        )  # fmt: skip
    return tuple(places)


def score_table(pred: Predictions, question: Question) -> ThresholdTable:
    """The urgencies of a run's images, those that are urgent in truth and those that are not, each rising."""
    scores, truth = urgency(pred.y_prob, pred.class_names, question), urgent_truth(pred, question)
    return ThresholdTable(
        class_name=question.name, positives=np.sort(scores[truth]), negatives=np.sort(scores[~truth])
    )  # fmt: skip


def cut_band(table: ThresholdTable, cut: float, estimates: Sequence[Estimate]) -> tuple[float, float] | None:
    """The scores whose side of the cut these images cannot vouch for.

    All neighbouring cuts at which sensitivity and specificity both stay within the 95 % intervals that they have at
    `cut`: they are as good as it, as far as the images can tell. A score between them would be on the other side of
    one of them.

    Args:
        table: scores on the scale of `cut`, of the split that the estimates are of.
    Returns: (lowest, highest) such cut; None without both intervals, or where `cut` itself is outside of them.
    """
    ranges = [_range(estimates, metric) for metric in POINT_METRICS]
    if any(r is None for r in ranges) or not len(table.positives) or not len(table.negatives):
        return None
    cuts = np.unique(np.append(candidate_cuts(np.concatenate([table.positives, table.negatives])), cut))
    shares = (
        1 - np.searchsorted(table.positives, cuts, "left") / len(table.positives),
        np.searchsorted(table.negatives, cuts, "left") / len(table.negatives),
    )
    good = np.ones(len(cuts), dtype=bool)
    for share, limits in zip(shares, ranges, strict=True):
        low, high = limits if limits is not None else (0.0, 1.0)
        good &= (share >= low) & (share <= high)
    at = int(np.searchsorted(cuts, cut))
    if not good[at]:
        return None
    bad = np.flatnonzero(~good)
    first = bad[bad < at].max() + 1 if (bad < at).any() else 0
    last = bad[bad > at].min() - 1 if (bad > at).any() else len(cuts) - 1
    return float(cuts[first]), float(cuts[last])


def called_by(pred: Predictions, decisions: np.ndarray, question: Question) -> np.ndarray:
    """(n,) bool: do a run's decisions (`thresholds.decide`) name any of the question's classes?"""
    wanted = [i for i, name in enumerate(pred.class_names) if name in question.classes]
    if pred.task == "multilabel":
        return np.asarray(decisions[:, wanted].any(axis=1))
    return np.isin(decisions, wanted)


def _called(probabilities: np.ndarray, scores: np.ndarray, card: ModelCard, question: Question) -> np.ndarray:
    if question.cut is not None:
        return np.asarray(scores >= question.cut)
    return np.array([not set(names).isdisjoint(question.classes) for names in decided_rows(probabilities, card)])


def _at_point(estimates: Sequence[Estimate], class_name: str | None) -> tuple[Estimate, ...]:
    return tuple(e for e in estimates if e.metric in POINT_METRICS and e.class_name == class_name)


def _range(estimates: Sequence[Estimate], metric: str) -> tuple[float, float] | None:
    found = next((e for e in estimates if e.metric == metric), None)
    return (found.low, found.high) if found is not None and found.low is not None and found.high is not None else None
