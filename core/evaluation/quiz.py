"""Who was right more often, the class or the network: shares with Wilson intervals on the same images.

A dozen images is little: the intervals say so, and nothing here is a test of people or of networks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluation.calibration import wilson_interval
from core.types import Estimate

WILSON = "Wilson"


@dataclass(frozen=True, slots=True)
class QuizPicture:
    """One picture to guess: where it comes from (core/data/sources.py reads it) and its class."""

    image_id: str
    path: str
    truth: str


def mixed_deck(pictures: Sequence[QuizPicture], rng: np.random.Generator, size: int) -> tuple[QuizPicture, ...]:
    """`size` of the pictures, classes in turn so that each is met about equally often, in an order of chance."""
    order = [pictures[i] for i in rng.permutation(len(pictures))]
    seen: dict[str, int] = {}
    turns = []
    for picture in order:
        seen[picture.truth] = seen.get(picture.truth, 0) + 1
        turns.append(seen[picture.truth])
    chosen = [order[i] for i in np.argsort(turns, kind="stable")[:size]]
    return tuple(chosen[i] for i in rng.permutation(len(chosen)))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuizAnswer:
    """One image that has been answered: its truth, the class's guess, the network's decision and its probability.

    `hands` counts who voted for what, where hands were counted; `stated` is the probability of `network`.
    """

    image_id: str
    truth: str
    guess: str
    network: str
    stated: float
    hands: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuizScore:
    """Shares right, with Wilson intervals; `hands` is None where none were counted.

    `both`, `only_class`, `only_network` and `neither` count images, and add up to all of them.
    """

    guesses: Estimate
    network: Estimate
    hands: Estimate | None
    both: int
    only_class: int
    only_network: int
    neither: int


def quiz_score(answers: Sequence[QuizAnswer]) -> QuizScore | None:
    """The score after `answers`; None before the first one.

    The interval over all hands takes every hand as independent, which hands on the same image are not.
    """
    if not answers:
        return None
    guessed = [a.guess == a.truth for a in answers]
    called = [a.network == a.truth for a in answers]
    raised = sum(sum(a.hands.values()) for a in answers)
    return QuizScore(
        guesses=share_right(sum(guessed), len(answers)),
        network=share_right(sum(called), len(answers)),
        hands=share_right(sum(a.hands.get(a.truth, 0) for a in answers), raised) if raised else None,
        both=sum(g and c for g, c in zip(guessed, called, strict=True)),
        only_class=sum(g and not c for g, c in zip(guessed, called, strict=True)),
        only_network=sum(c and not g for g, c in zip(guessed, called, strict=True)),
        neither=sum(not g and not c for g, c in zip(guessed, called, strict=True)),
    )


def share_right(right: int, n: int) -> Estimate:
    """`right` of `n` as an estimate with its Wilson interval. `n` must be positive."""
    low, high = wilson_interval(right, n)
    return Estimate(
        metric="accuracy", value=right / n, low=low, high=high, level=0.95, n_images=n, n_groups=n, method=WILSON,
        split="quiz",
    )  # fmt: skip


def majority(hands: Mapping[str, int]) -> str | None:
    """What most hands are up for; None without hands or with a tie."""
    ordered = sorted(hands.values(), reverse=True)
    if not ordered or ordered[0] == 0 or ordered[:2] == [ordered[0]] * 2:
        return None
    return next(name for name, count in hands.items() if count == ordered[0])
