"""What goes into a simulated reading room and what comes out of it: the words that figures and pages share."""

from dataclasses import dataclass
from typing import Literal

from core.errors import SpecInvalid
from core.language import said, said_n

Spread = Literal["lognormal", "exponential", "constant"]
SPREADS: tuple[Spread, ...] = ("lognormal", "exponential", "constant")
LOGNORMAL_CV = 0.5  # standard deviation over mean of a reading time: an assumption, said wherever it is used
ARRIVAL, SCORE, PERFECT = "arrival", "score", "perfect"
ORDERS = (ARRIVAL, SCORE, PERFECT)
ALL, ILL, HEALTHY, FOUND, MISSED = "all", "ill", "healthy", "found", "missed"  # found and missed: among the ill
GROUPS = (ALL, ILL, FOUND, MISSED, HEALTHY)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRoom:
    """Who reads, how fast, and what comes in.

    Args:
        readers: people who read side by side from one list.
        minutes: mean time of one reading.
        spread: how reading times differ: "lognormal" (standard deviation half the mean), "exponential", "constant".
        per_hour: pictures that arrive in an hour on average, independently of each other (Poisson).
        prevalence: share of the ill among them, above 0 and below 1.
    Raises: SpecInvalid when a number is out of range, or more comes in than can be read.
    """

    readers: int
    minutes: float
    per_hour: float
    prevalence: float
    spread: Spread = "lognormal"

    def __post_init__(self) -> None:
        if self.readers < 1 or not self.minutes > 0 or not self.per_hour > 0 or not 0 < self.prevalence < 1:
            raise SpecInvalid(
                said(
                    "{readers} readers, {minutes} minutes a picture, {per_hour} pictures an hour, prevalence "
                    "{prevalence}: expected at least one reader, times and rates above 0, and a prevalence "
                    "between 0 and 1.",
                    readers=self.readers,
                    minutes=self.minutes,
                    per_hour=self.per_hour,
                    prevalence=self.prevalence,
                )
            )
        if self.spread not in SPREADS:
            raise SpecInvalid(
                said(
                    "Unknown spread of reading times {spread}. Known: {listed}.",
                    spread=repr(self.spread),
                    listed=", ".join(SPREADS),
                )
            )
        if self.utilisation >= 1:
            raise SpecInvalid(
                said(
                    "{per_hour:g} pictures an hour ask for {asked:g} minutes of reading, and {readers} {have}: the "
                    "list would grow without end, in whatever order it is read. Add readers, or lower the rate or the "
                    "minutes.",
                    per_hour=self.per_hour,
                    asked=self.per_hour * self.minutes,
                    readers=said_n("{n} reader", "{n} readers", self.readers),
                    have=said_n("has {minutes}", "have {minutes}", self.readers, minutes=60 * self.readers),
                )
            )

    @property
    def utilisation(self) -> float:
        """Share of the readers' time that is spent reading, below 1."""
        return self.per_hour * self.minutes / (60 * self.readers)


@dataclass(frozen=True, slots=True)
class OverSeeds:
    """One number: over all seeds together, and the lowest and highest of the seeds one by one."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitSummary:
    """How long one of GROUPS waits in one of ORDERS, in minutes; `over` is the share that waits longer than `limit`."""

    group: str
    order: str
    n: int
    mean: OverSeeds
    median: OverSeeds
    p90: OverSeeds
    p99: OverSeeds
    over: OverSeeds
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitCurve:
    """The share of a group whose reading has begun by `minutes` after arrival; `low` and `high` over the seeds."""

    group: str
    order: str
    n: int
    minutes: tuple[float, ...]
    share: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
