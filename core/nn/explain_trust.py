"""Can a heat map be trusted? Three measurements, none of which asks whether the network is right.

Hiding: does the probability fall when the hottest part is hidden, and further than when the same shape is hidden
elsewhere? Agreement: does another method point to the same places? Random weights: does the map change when what the
network has learned is taken away? NumPy alone; predictions come from outside.

Source: Samek et al. 2017, doi:10.1109/TNNLS.2016.2599820 (hiding); Adebayo et al. 2018,
doi:10.48550/arXiv.1810.03292 (random weights).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.data.edits import blurred

SHARE = 0.2  # the hottest fifth
DRAWS = 19  # falling further than all of them has a chance of 1 in 20 where the map says nothing
CELLS = 12  # maps are compared on at most so many cells a side: finer ones would count every pixel of a smooth map


@dataclass(frozen=True, slots=True)
class Hiding:
    """What hiding does to the probability of one class.

    before: of the untouched picture. hot: with the hottest `share` of the picture hidden by a blur. elsewhere: with a
    part of the same shape hidden, moved to random places; one number per draw.
    """

    before: float
    hot: float
    elsewhere: tuple[float, ...]
    share: float

    @property
    def mean_elsewhere(self) -> float:
        """The mean over the draws."""
        return float(np.mean(self.elsewhere))

    @property
    def beaten(self) -> int:
        """How many of the draws leave more of the probability than hiding the hot part does."""
        return sum(self.hot < one for one in self.elsewhere)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike two maps are on `cells` cells.

    rank_correlation: Spearman's, -1 to 1; None where a map is the same everywhere. overlap: share of the hottest fifth
    of cells that both maps have in common; by_chance: what two maps without relation would share on average.
    """

    rank_correlation: float | None
    overlap: float
    by_chance: float
    cells: int


def hot_part(heat: np.ndarray, share: float = SHARE) -> np.ndarray:
    """(h, w) bool: the hottest `share` of a map; less where less than that is warm at all.

    Of equally warm cells the ones further up and to the left count first.
    """
    wanted = max(1, round(share * heat.size))
    order = np.argsort(-heat, axis=None, kind="stable")[:wanted]
    mask = np.zeros(heat.size, bool)
    mask[order[heat.reshape(-1)[order] > 0]] = True
    return mask.reshape(heat.shape)


def hiding(
    probabilities: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    heat: np.ndarray,
    class_index: int,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Hiding:
    """Hide the hottest part of a picture, then parts of the same shape at random places.

    A part that is moved over the border comes in on the other side, so that it stays as large.

    Args:
        probabilities: uint8 (n, S, S, 3) -> (n, C); called once, with `draws` + 2 pictures.
        image: uint8 (S, S, 3), prepared for the network.
        heat: (S, S) in [0, 1].
    """
    hot, side = hot_part(heat), heat.shape[0]
    places = np.random.default_rng(seed).integers(0, side, (draws, 2))
    masks = [np.zeros_like(hot), hot, *(np.roll(hot, tuple(place), (0, 1)) for place in places)]
    covering = blurred(image)
    batch = np.stack([np.where(mask[..., None], covering, image) for mask in masks])
    before, hidden, *elsewhere = (float(p) for p in probabilities(batch)[:, class_index])
    return Hiding(before, hidden, tuple(elsewhere), float(hot.mean()))


def agreement(first: np.ndarray, second: np.ndarray, grid: tuple[int, int]) -> Agreement:
    """How alike two maps (S, S) of one picture are, on `grid` cells (rows, columns), at most CELLS each way.

    Args:
        grid: the coarser of their two grids: a finer comparison would only see how they were smoothed.
    """
    rows, columns = (max(1, min(CELLS, side)) for side in grid)
    a, b = (on_grid(heat, rows, columns) for heat in (first, second))
    hot_a, hot_b = hot_part(a), hot_part(b)
    fewer = min(hot_a.sum(), hot_b.sum())
    overlap = float((hot_a & hot_b).sum() / fewer) if fewer else 0.0
    return Agreement(_spearman(a.ravel(), b.ravel()), overlap, float(max(hot_a.sum(), hot_b.sum()) / a.size), a.size)


def on_grid(heat: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The mean of a map (h, w) over each of rows x columns cells; a cell has at least one pixel."""
    edges = [
        np.linspace(0, side, n + 1).round().astype(int)[:-1]
        for side, n in zip(heat.shape, (rows, columns), strict=True)
    ]
    sums = np.add.reduceat(np.add.reduceat(heat.astype(np.float64), edges[0], 0), edges[1], 1)
    counts = [np.diff([*edge, side]) for edge, side in zip(edges, heat.shape, strict=True)]
    return np.asarray(sums / np.outer(*counts))


def _spearman(first: np.ndarray, second: np.ndarray) -> float | None:
    a, b = (_ranks(values) for values in (first, second))
    a, b = a - a.mean(), b - b.mean()
    length = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / length) if length > 0 else None


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0, equal values share the mean of theirs."""
    _, position, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray(((last - counts) + (last - 1))[position] / 2)
