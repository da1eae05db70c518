"""Interleaved measuring: rounds in which every candidate has its turn, and medians over the rounds.

A machine that is slow for some seconds is slow for all candidates of a round; ratios are therefore taken
within a round, and the median over the rounds is reported.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

Measured = TypeVar("Measured")
Clock = Callable[[], float]
FEWEST_ROUNDS = 3  # what a median needs, however slow the machine


def timed(function: Callable[[], object], clock: Clock = time.perf_counter) -> Callable[[], float]:
    """`function` as a measure: a call runs it and returns the seconds it took."""

    def measure() -> float:
        started = clock()
        function()
        return clock() - started

    return measure


def interleaved(
    measures: Mapping[str, Callable[[], Measured]],
    rounds: int,
    *,
    warm_ups: int = 1,
    seconds: float = float("inf"),
    clock: Clock = time.perf_counter,
) -> dict[str, list[Measured]]:
    """What each measure returned, round by round; every second round goes through them backwards.

    Args:
        rounds: at least 1.
        warm_ups: rounds before those that count.
        seconds: no further round begins after so many, once there are three that count.
    """
    if rounds < 1:
        raise ValueError(f"{rounds} rounds measure nothing; expected at least 1.")
    found: dict[str, list[Measured]] = {name: [] for name in measures}
    end = clock() + seconds
    for number in range(warm_ups + rounds):
        if number - warm_ups >= FEWEST_ROUNDS and clock() > end:
            break
        order = list(measures) if number % 2 == 0 else list(reversed(measures))
        for name in order:
            value = measures[name]()
            if number >= warm_ups:
                found[name].append(value)
    return found


def ratios(first: Sequence[float], second: Sequence[float]) -> list[float]:
    """first / second, round by round. Raises ValueError when the rounds differ or a time is not above 0."""
    if len(first) != len(second) or min(second, default=0.0) <= 0:
        raise ValueError(f"{len(first)} and {len(second)} rounds, shortest {min(second, default=0.0)} s: no ratio.")
    return [a / b for a, b in zip(first, second, strict=True)]


def middle_half(values: Sequence[float]) -> tuple[float, float]:
    """What bounds the middle half of the values (all of them, where there are fewer than four)."""
    ordered = sorted(values)
    cut = len(ordered) // 4
    return ordered[cut], ordered[-1 - cut]


def described(values: Sequence[float], unit: str = "") -> str:
    """ "7 rounds, half of them 0.98–1.03 ×": how far the rounds agree; it stands beside every median."""
    low, high = middle_half(values)
    rounds = "1 round" if len(values) == 1 else f"{len(values)} rounds"
    which = ", half of them" if len(values) > 3 else ","
    return f"{rounds}{which} {low:.2f}–{high:.2f}{unit}"
