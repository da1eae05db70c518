"""Who was right more often, the class or the networks: shares with intervals on the same images.

A dozen images is little: the intervals say so, and nothing here is a test of people or of networks. What is drawn anew
in thought is always the image: hands on one image are no independent answers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluation.calibration import Z_95, wilson_interval
from core.types import Estimate

WILSON = "Wilson"
WILSON_OVER_IMAGES = "Wilson, effective number of answers over images"
SQUARE_AND_ADD = "Newcombe, paired over images"
FEW = 3  # images that say nothing about how alike two of their scores are


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
class Gap:
    """Mean share right of the class minus that of a network, over the same images, in [-1, 1]."""

    value: float
    low: float
    high: float
    n_images: int
    method: str = SQUARE_AND_ADD


@dataclass(frozen=True, slots=True, kw_only=True)
class QuizScore:
    """Shares right, with intervals over the images.

    `guesses` are the answers given (of a room: the vote); `hands` is the mean over the images of the share of hands
    that was right, None where none were counted. `network` is the one that answers beside the class, `others` are
    further ones by key. `gaps` holds, for each of them by key ("" for the first), how far the class is ahead: by its
    hands where they were counted, else by its answer. `both`, `only_class`, `only_network` and `neither` count images
    by vote and first network, and add up to all of them.
    """

    guesses: Estimate
    network: Estimate
    hands: Estimate | None
    others: Mapping[str, Estimate]
    gaps: Mapping[str, Gap]
    both: int
    only_class: int
    only_network: int
    neither: int


def quiz_score(answers: Sequence[QuizAnswer], others: Mapping[str, Sequence[str]] | None = None) -> QuizScore | None:
    """The score after `answers`; None before the first one.

    Args:
        others: key of a further network -> the class that it decides for on each answered image, in their order.
    """
    if not answers:
        return None
    guessed = [a.guess == a.truth for a in answers]
    called = [a.network == a.truth for a in answers]
    raised = sum(sum(a.hands.values()) for a in answers)
    shares = [right_share(a) for a in answers]
    more = {
        key: [call == a.truth for call, a in zip(calls, answers, strict=True)] for key, calls in (others or {}).items()
    }
    vote, network = share_right(sum(guessed), len(answers)), share_right(sum(called), len(answers))
    hands = mean_share(shares, raised) if raised else None
    others_right = {key: share_right(sum(right), len(answers)) for key, right in more.items()}
    theirs = {"": network, **others_right}
    return QuizScore(
        guesses=vote, network=network, hands=hands, others=others_right,
        gaps={
            key: gap(shares, right, hands or vote, theirs[key]) for key, right in {"": called, **more}.items()
        },
        both=sum(g and c for g, c in zip(guessed, called, strict=True)),
        only_class=sum(g and not c for g, c in zip(guessed, called, strict=True)),
        only_network=sum(c and not g for g, c in zip(guessed, called, strict=True)),
        neither=sum(not g and not c for g, c in zip(guessed, called, strict=True)),
    )  # fmt: skip


def right_share(answer: QuizAnswer) -> float:
    """The share of hands that was right, in [0, 1]; without hands whether the answer was, 0 or 1."""
    raised = sum(answer.hands.values())
    return answer.hands.get(answer.truth, 0) / raised if raised else float(answer.guess == answer.truth)


def mean_share(shares: Sequence[float], hands: int) -> Estimate:
    """The mean of each image's share of right hands, with Wilson's interval for as many answers as they are worth.

    Hands on one image agree more than hands on different ones: an easy image is easy for all. So many independent
    answers would have given the spread that the shares show: p (1 - p) / (variance of their mean), at most all hands,
    less what Student's t takes for few images, at least the number of images.

    Args:
        shares: one per image, in [0, 1], at least one.
        hands: raised in all.
    Source: Korn & Graubard 1998, Surv Methodol 24:193; Franco et al. 2019, J Surv Stat Methodol 7:334.
    """
    values, n = np.asarray(shares, dtype=np.float64), len(shares)
    mean = float(values.mean())
    worth = float(n)
    if n > 1:
        variance = float(values.var(ddof=1)) / n
        spread = mean * (1 - mean)
        # where all images have one share, their spread says nothing and all hands count
        alike = min(spread / variance, hands) if variance > 0 else float(hands)
        worth = max(float(n), alike * (Z_95 / _t_95(n - 1)) ** 2)
    low, high = wilson_interval(mean * worth, worth)
    return Estimate(
        metric="accuracy", value=mean, low=low, high=high, level=0.95, n_images=n, n_groups=n,
        method=WILSON_OVER_IMAGES, split="quiz",
    )  # fmt: skip


def gap(shares: Sequence[float], right: Sequence[bool], ours: Estimate, theirs: Estimate) -> Gap:
    """How far the class is ahead of a network, image by image.

    The distances from each share to its own limits are squared and added, less what both have in common because an
    easy image is easy for both. A network that has been right so far keeps its doubt that way.

    Args:
        shares: of the class, one per image, in [0, 1]. right: whether the network was, for the same images.
        ours, theirs: the means of the two with their intervals.
    Source: Newcombe 1998, Stat Med 17:2635; for any two estimates: Zou & Donner 2008, Stat Med 27:1693.
    """
    n, value = len(shares), (ours.value or 0.0) - (theirs.value or 0.0)
    first, second = np.asarray(shares, dtype=np.float64), np.asarray(right, dtype=np.float64)
    common = 0.0
    if n > FEW and first.std() > 0 and second.std() > 0:
        common = float(np.corrcoef(first, second)[0, 1]) * (n - FEW) / n  # of few images it is hardly known
    below, above = _arms(ours)
    their_below, their_above = _arms(theirs)
    down = below**2 + their_above**2 - 2 * common * below * their_above
    up = above**2 + their_below**2 - 2 * common * above * their_below
    return Gap(
        value=value, low=max(-1.0, value - math.sqrt(max(0.0, down))), high=min(1.0, value + math.sqrt(max(0.0, up))),
        n_images=n,
    )  # fmt: skip


def _arms(estimate: Estimate) -> tuple[float, float]:
    """From the value of a share down to its lower limit, and up to its upper one."""
    value, low, high = (0.0 if v is None else v for v in (estimate.value, estimate.low, estimate.high))
    return value - low, high - value


def _t_95(degrees: int) -> float:
    """The 97.5 % point of Student's t."""
    from scipy.stats import t as student

    return float(student.ppf(0.975, degrees))


def share_right(right: int, n: int) -> Estimate:
    """`right` of `n` as an estimate with its Wilson interval. `n` must be positive."""
    low, high = wilson_interval(right, n)
    return Estimate(
        metric="accuracy", value=right / n, low=low, high=high, level=0.95, n_images=n, n_groups=n, method=WILSON,
        split="quiz",
    )  # fmt: skip


def leaders(hands: Mapping[str, int]) -> tuple[str, ...]:
    """What most hands are up for: one class, several with a tie, none without hands."""
    most = max(hands.values(), default=0)
    return tuple(name for name, count in hands.items() if count == most) if most else ()


def majority(hands: Mapping[str, int]) -> str | None:
    """The one class that most hands are up for; None without hands or with a tie."""
    leading = leaders(hands)
    return leading[0] if len(leading) == 1 else None
