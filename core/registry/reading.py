"""What goes into a simulated reading room and what comes out of it: the words that figures and pages share."""

from dataclasses import dataclass
from typing import Literal

from core.errors import SpecInvalid

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
                f"{self.readers} readers, {self.minutes} minutes a picture, {self.per_hour} pictures an hour, "
                f"prevalence {self.prevalence}: expected at least one reader, times and rates above 0, and a "
                "prevalence between 0 and 1."
            )
        if self.spread not in SPREADS:
            raise SpecInvalid(f"Unknown spread of reading times {self.spread!r}. Known: {', '.join(SPREADS)}.")
        if self.utilisation >= 1:
            raise SpecInvalid(
                f"{self.per_hour:g} pictures an hour ask for {self.per_hour * self.minutes:g} minutes of reading, and "
                f"{self.readers} {'reader has' if self.readers == 1 else 'readers have'} {60 * self.readers}: the list "
                "would grow without end, in whatever order it is read. Add readers, or lower the rate or the minutes."
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
