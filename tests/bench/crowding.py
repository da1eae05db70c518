"""Sixteen clients against one: answers a second, the slowest of them, and that everybody gets his own answer."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import median, quantiles

from generated import SHIPPED, SIZE_PX, phantom_jpegs
from loading import Load, distance, drive, numbers, questions
from machine import cores
from processes import api_process
from report import Goal, Row
from settings import MeasurementFailed, Settings
from timing import described, interleaved

CLIENTS = 16
RATE_GOAL, SLOWEST_GOAL, CROSSED_GOAL = Goal("at least", 0.9), Goal("at most", CLIENTS), Goal("at most", 0)
SAME = 1e-3  # one core sums in another order than two; maps are rounded to four digits
APART = 10 * SAME  # pictures whose answers are closer than this could be crossed unseen
LONGEST_SECONDS = 60

Answer = tuple[float, ...]


def check_apart(alone: Mapping[str, Answer]) -> None:
    """Raises MeasurementFailed when two pictures have nearly the same answer."""
    for first, second in combinations(alone, 2):
        if distance(alone[first], alone[second]) < APART:
            raise MeasurementFailed(f"{first} and {second} are answered alike: a crossed answer would not be seen")


def crossed(load: Load, alone: Mapping[str, Answer]) -> int:
    """Answers that name another picture than the one asked for, or are not the ones that it gets alone."""
    return sum(
        name != asked or distance(found, alone[asked]) > SAME
        for asked, answer in load.answers
        for name, found in [numbers(answer)]
    )


def shares(one: Sequence[Load], crowd: Sequence[Load], core_count: int) -> list[float]:
    """Throughput of the crowd as a share of one client's times the cores in use, round by round.

    One client keeps some cores busy (processor seconds of server and client per second, at most all of them); the
    machine could carry `core_count` / that many such clients.
    """
    return [
        many.rate / (single.rate * core_count / min(core_count, single.cores_used))
        for single, many in zip(one, crowd, strict=True)
    ]


def measure(settings: Settings) -> list[Row]:
    """Rounds of one client and of sixteen, in turn, with as many distinct pictures as clients."""
    with api_process() as server:
        asked = questions(phantom_jpegs(CLIENTS, SIZE_PX), [SHIPPED])
        alone = dict(numbers(answer) for _, answer in drive(server, asked, clients=1, count=CLIENTS).answers)
        check_apart(alone)
        rounds = interleaved(
            {
                "one": lambda: drive(server, asked, clients=1, count=settings.rounds(160, 64)),
                "crowd": lambda: drive(server, asked, clients=CLIENTS, count=settings.rounds(480, 160)),
            },
            settings.rounds(7, 3), seconds=LONGEST_SECONDS,
        )  # fmt: skip
    one, crowd = rounds["one"], rounds["crowd"]
    share = shares(one, crowd, cores())
    single = [median(load.latencies) for load in one]
    slowest = [quantiles(many.latencies, n=20)[-1] / took for many, took in zip(crowd, single, strict=True)]
    answers = sum(len(load.answers) for load in (*one, *crowd))
    used = median(load.cores_used for load in one)
    rates = f"{median(load.rate for load in crowd):.0f} a second, one client {median(load.rate for load in one):.0f}"
    return [
        Row(f"{CLIENTS} clients, throughput of one client times the cores in use", median(share), "×",
            f"{rates}; one client keeps {used:.2f} of {cores()} cores busy (processor seconds of server and client a "
            f"second), so the machine carries {cores() / min(cores(), used):.2f} of it; {described(share)}", RATE_GOAL),
        Row("the same, 95th percentile of the single median", median(slowest), "×",
            f"single median {1000 * median(single):.1f} ms; {described(slowest)}", SLOWEST_GOAL),
        Row("the same, crossed answers", sum(crossed(load, alone) for load in (*one, *crowd)), "",
            f"of {answers}, against those given one by one", CROSSED_GOAL),
    ]  # fmt: skip
