"""A reading room as a queue: how long the ill and the healthy wait when pictures are read as they came, or by score.

Nobody is interrupted, and no reader is idle while a picture waits. Reading times do not depend on what a picture
shows, so the moments at which readings begin are the same in every order: an order only decides who gets which one.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from core.errors import SpecInvalid, UndefinedMetric
from core.language import said
from core.registry.reading import (
    ALL,
    ARRIVAL,
    FOUND,
    GROUPS,
    HEALTHY,
    ILL,
    LOGNORMAL_CV,
    MISSED,
    ORDERS,
    PERFECT,
    SCORE,
    OverSeeds,
    ReadingRoom,
    WaitCurve,
    WaitSummary,
)

WARM_UP_SHARE = 0.2  # of the pictures of a seed: the room opens empty, and those who come first hardly wait
SEEDS = tuple(range(1, 21))
N_IMAGES = 2500  # a seed; with twenty of them a slider answers in under a second
MOST_REDRAWS = 100  # of patients, until both the ill and the healthy are among them
CURVE_POINTS = 121
CURVE_END = 0.95  # the axis ends where this share of the slowest group is being read


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waiting:
    """Minutes from arrival until reading begins, by seed (s) and picture (n).

    `ill` and `called` are (s, n) bool; `minutes` maps each of ORDERS to (s, n). The same pictures, arrivals and
    reading times stand behind every order.
    """

    room: ReadingRoom
    ill: np.ndarray
    called: np.ndarray
    minutes: Mapping[str, np.ndarray]


def start_times(arrivals: np.ndarray, reading: np.ndarray, readers: int) -> np.ndarray:
    """When readings begin, rising (n,): the k-th as soon as the k-th picture is there and a reader is free.

    Args:
        arrivals: (n,) rising times.
        reading: (n,) times that the first, second, ... reading takes, whoever's picture it is.
    """
    free = [0.0] * readers
    starts = []
    for arrived, takes in zip(arrivals.tolist(), reading.tolist(), strict=True):
        start = max(arrived, free[0])
        heapq.heapreplace(free, start + takes)
        starts.append(start)
    return np.array(starts)


def waiting_times(arrivals: np.ndarray, starts: np.ndarray, priority: np.ndarray) -> np.ndarray:
    """Time from arrival until reading begins (n,) when of those who wait the highest priority goes first.

    Args:
        arrivals, starts: (n,) rising, of `start_times`.
        priority: (n,); equal ones are read in the order of arrival.
    """
    by_rank = np.argsort(-np.asarray(priority, dtype=np.float64), kind="stable")
    rank = np.empty(len(by_rank), dtype=np.int64)
    rank[by_rank] = np.arange(len(by_rank))
    came, ranks, who = arrivals.tolist(), rank.tolist(), by_rank.tolist()
    waiting: list[int] = []
    begun, arrived = [0.0] * len(came), 0
    for start in starts.tolist():
        while arrived < len(came) and came[arrived] <= start:
            heapq.heappush(waiting, ranks[arrived])
            arrived += 1
        begun[who[heapq.heappop(waiting)]] = start
    return np.array(begun) - arrivals


def simulate(
    scores: np.ndarray,
    ill: np.ndarray,
    called: np.ndarray,
    groups: np.ndarray,
    room: ReadingRoom,
    *,
    seeds: Sequence[int] = SEEDS,
    n_images: int = N_IMAGES,
) -> Waiting:
    """Read the pictures of a test split in three orders: as they came, by score, and the ill first.

    Each seed redraws the patients of the split, then fills the room's prevalence from their pictures, and draws
    arrivals and reading times anew.

    Args:
        scores, ill, called: (n,) urgency, truth and decision of each image.
        groups: (n,) patients; all pictures of one are drawn together.
        n_images: pictures a seed; the first fifth fills the room and is not counted.
    Raises: UndefinedMetric when the split shows only ill or only healthy images; SpecInvalid for too few pictures.
    """
    ill = np.asarray(ill, dtype=bool)
    if ill.all() or not ill.any():
        raise UndefinedMetric(said("These test images are all ill or all healthy: there is nobody to be read first."))
    if n_images < 10 or not len(seeds):
        raise SpecInvalid(
            said(
                "{n_images} pictures and {n} seeds: expected at least 10 and at least one.",
                n_images=n_images,
                n=len(seeds),
            )
        )
    skipped = int(WARM_UP_SHARE * n_images)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("ill", "called", *ORDERS)}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        drawn = _draw_images(ill, groups, room.prevalence, n_images, rng)
        arrivals = np.cumsum(rng.exponential(60 / room.per_hour, n_images))
        starts = start_times(arrivals, _reading_times(room, n_images, rng), room.readers)
        columns["ill"].append(ill[drawn])
        columns["called"].append(np.asarray(called, dtype=bool)[drawn])
        columns[ARRIVAL].append(starts - arrivals)
        columns[SCORE].append(waiting_times(arrivals, starts, np.asarray(scores)[drawn]))
        columns[PERFECT].append(waiting_times(arrivals, starts, ill[drawn]))
    kept = {name: np.stack(rows)[:, skipped:] for name, rows in columns.items()}
    return Waiting(
        room=room, ill=kept["ill"], called=kept["called"],
        minutes=MappingProxyType({order: kept[order] for order in ORDERS}),
    )  # fmt: skip


def marked(waiting: Waiting, group: str) -> np.ndarray:
    """Which pictures (s, n) belong to one of GROUPS. Raises SpecInvalid for any other name."""
    ill, called = waiting.ill, waiting.called
    groups = {ALL: np.ones_like(ill), ILL: ill, HEALTHY: ~ill, FOUND: ill & called, MISSED: ill & ~called}
    if group not in groups:
        raise SpecInvalid(
            said(
                "Unknown group {group} of a reading list. Known: {listed}.", group=repr(group), listed=", ".join(groups)
            )
        )
    return groups[group]


def wait_summary(waiting: Waiting, group: str, order: str, limit: float) -> WaitSummary | None:
    """How long a group waits in one order; None where no seed has such a picture. Seeds without one are left out."""
    kept = _minutes_of(waiting, group, order)
    if not kept:
        return None

    def over_seeds(measure: Callable[[np.ndarray], float]) -> OverSeeds:
        each = [float(measure(minutes)) for minutes in kept]
        return OverSeeds(float(measure(np.concatenate(kept))), min(each), max(each))

    return WaitSummary(
        group=group, order=order, n=sum(map(len, kept)), limit=limit,
        mean=over_seeds(lambda minutes: float(np.mean(minutes))),
        median=over_seeds(lambda minutes: float(np.median(minutes))),
        p90=over_seeds(lambda minutes: float(np.quantile(minutes, 0.9))),
        p99=over_seeds(lambda minutes: float(np.quantile(minutes, 0.99))),
        over=over_seeds(lambda minutes: float(np.mean(minutes > limit))),
    )  # fmt: skip


def wait_summaries(waiting: Waiting, limit: float) -> tuple[WaitSummary, ...]:
    """Every group in every order that has a picture, in the order of GROUPS and ORDERS."""
    found = (wait_summary(waiting, group, order, limit) for group in GROUPS for order in ORDERS)
    return tuple(summary for summary in found if summary is not None)


def wait_curves(waiting: Waiting, pairs: Sequence[tuple[str, str]]) -> tuple[WaitCurve, ...]:
    """The cumulative waiting times of (group, order) pairs on one axis of minutes; empty groups are left out."""
    kept = {pair: rows for pair in pairs if (rows := _minutes_of(waiting, *pair))}
    if not kept:
        return ()
    end = max(float(np.quantile(np.concatenate(rows), CURVE_END)) for rows in kept.values())
    grid = np.linspace(0.0, max(end, 1.0), CURVE_POINTS)
    curves = []
    for (group, order), rows in kept.items():
        each = np.stack([_share_by(row, grid) for row in rows])
        curves.append(
            WaitCurve(
                group=group, order=order, n=sum(map(len, rows)), minutes=tuple(grid.tolist()),
                share=tuple(_share_by(np.concatenate(rows), grid).tolist()),
                low=tuple(each.min(axis=0).tolist()), high=tuple(each.max(axis=0).tolist()),
            )
        )  # fmt: skip
    return tuple(curves)


def _minutes_of(waiting: Waiting, group: str, order: str) -> list[np.ndarray]:
    """Minutes of the group's pictures, an array for each seed that has any."""
    rows = [minutes[of] for minutes, of in zip(waiting.minutes[order], marked(waiting, group), strict=True)]
    return [minutes for minutes in rows if len(minutes)]


def _share_by(minutes: np.ndarray, grid: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.sort(minutes), grid, "right") / len(minutes)


def _draw_images(
    ill: np.ndarray, groups: np.ndarray, prevalence: float, n_images: int, rng: np.random.Generator
) -> np.ndarray:
    """Row numbers (n_images,): patients redrawn, then ill and healthy images of theirs at the prevalence."""
    names, of_image = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    for _ in range(MOST_REDRAWS):
        times = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
        pool = np.repeat(np.arange(len(ill)), times[of_image])
        if ill[pool].any() and not ill[pool].all():
            break
    else:
        raise UndefinedMetric(said("Of {n} patients too few are ill, or healthy, to redraw them.", n=len(names)))
    wanted = rng.random(n_images) < prevalence
    drawn = np.empty(n_images, dtype=np.int64)
    for kind in (True, False):
        drawn[wanted == kind] = rng.choice(pool[ill[pool] == kind], int((wanted == kind).sum()))
    return drawn


def _reading_times(room: ReadingRoom, n: int, rng: np.random.Generator) -> np.ndarray:
    if room.spread == "exponential":
        return rng.exponential(room.minutes, n)
    if room.spread == "constant":
        return np.full(n, room.minutes)
    variance = np.log1p(LOGNORMAL_CV**2)
    return rng.lognormal(np.log(room.minutes) - variance / 2, np.sqrt(variance), n)
