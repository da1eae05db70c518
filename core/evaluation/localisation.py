"""Where heat maps lie: against experts' marks, and against the places where shortcuts hide.

A map and its region are given on the same square, the one that the network sees. A map without heat points nowhere:
against a mark it counts as a miss, never as missing.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from core.evaluation.intervals import LEVEL, bootstrap_method, percentile_interval, resample_weights
from core.types import Estimate

BORDER = 0.10  # of the side: where plates end, and collimators and frames stand
CORNER = 0.20  # of the side: where letters for left and right, names and dates stand
MARK_MEASURES = ("pointing_hit", "pointing_near", "heat_inside", "energy_ratio")
SHORTCUT_MEASURES = ("border_heat", "corner_heat")
SWAPPED = "pointing_swapped"


def peak_pixels(heat: np.ndarray) -> np.ndarray:
    """Where a map is hottest: flat positions (k,), several where pixels share the maximum, none for an empty map.

    Args:
        heat: (H, W), not below 0.
    """
    top = heat.max()
    return np.flatnonzero(heat == top) if top > 0 else np.empty(0, np.intp)


def pointing_hit(heat: np.ndarray, region: np.ndarray) -> float:
    """Whether the hottest point lies in the region: 1 or 0, and 0 for an empty map.

    Args:
        heat: (H, W), not below 0.
        region: bool (H, W).
    Returns: where k pixels share the maximum, the share of them that lies in the region; so a map that is even
        everywhere gets the region's share of the area.
    Source: the pointing game of Zhang et al. 2018, Int J Comput Vis 126:1084, doi:10.1007/s11263-017-1059-x.
    """
    peak = peak_pixels(heat)
    return float(region.ravel()[peak].mean()) if len(peak) else 0.0


def heat_inside(heat: np.ndarray, region: np.ndarray) -> float:
    """Share of the heat that lies in the region, in [0, 1]; 0 for an empty map.

    Source: the energy-based pointing game of Wang et al. 2020 (Score-CAM), CVPR Workshops, arXiv:1910.01279.
    """
    total = float(heat.sum(dtype=np.float64))
    return float(heat[region].sum(dtype=np.float64)) / total if total > 0 else 0.0


def area_share(region: np.ndarray) -> float:
    """Share of the square that a region covers: what a random point, or heat that is even everywhere, would give."""
    return float(region.mean())


def grown(region: np.ndarray, rows_px: float, columns_px: float) -> np.ndarray:
    """The region and all pixels within an ellipse of these half axes around one of it.

    Args:
        region: bool (H, W).
        rows_px, columns_px: above 0; distances are taken between pixel centres.
    Returns: bool (H, W).
    """
    height, width = region.shape
    most = min(int(columns_px), width - 1)
    before = np.zeros((height, width + 2 * most + 1), np.int32)  # pixels of the region left of a column, padded
    before[:, most + 1 : most + 1 + width] = np.cumsum(region, axis=1)
    before[:, most + 1 + width :] = before[:, [most + width]]
    result = np.zeros_like(region)
    for row in range(-min(int(rows_px), height - 1), min(int(rows_px), height - 1) + 1):
        reach = min(int(columns_px * (1 - (row / rows_px) ** 2) ** 0.5), most)
        near = before[:, most + reach + 1 :][:, :width] > before[:, most - reach :][:, :width]
        result[max(0, row) : height + min(0, row)] |= near[max(0, -row) : height - max(0, row)]
    return result


def border_mask(size_px: int) -> np.ndarray:
    """bool (S, S): the outermost `BORDER` of the side, all round."""
    edge = max(1, round(BORDER * size_px))
    mask = np.ones((size_px, size_px), bool)
    mask[edge:-edge, edge:-edge] = False
    return mask


def corner_mask(size_px: int) -> np.ndarray:
    """bool (S, S): four squares of `CORNER` of the side, one in each corner."""
    edge = max(1, round(CORNER * size_px))
    outer = np.zeros(size_px, bool)
    outer[:edge] = outer[-edge:] = True
    return outer[:, None] & outer[None, :]


def against_mark(
    heat: np.ndarray, region: np.ndarray, grid: tuple[int, int]
) -> tuple[dict[str, float], dict[str, float]]:
    """One map against one mark.

    Args:
        heat: (H, W), not below 0, as it is shown.
        region: bool (H, W) with at least one pixel.
        grid: (rows, columns) of cells that the map was made from. "pointing_near" forgives half a cell: a map
            cannot point more finely (Zhang et al. forgive 15 px, as many on every image).
    Returns: (measures, what chance gives for them), both with the keys `MARK_MEASURES`. "energy_ratio" is the share
        of heat inside over the share of the area: 1 for heat that is even everywhere.
    """
    height, width = region.shape
    near = grown(region, height / grid[0] / 2, width / grid[1] / 2)
    inside, area = heat_inside(heat, region), area_share(region)
    found = {
        "pointing_hit": pointing_hit(heat, region), "pointing_near": pointing_hit(heat, near),
        "heat_inside": inside, "energy_ratio": inside / area,
    }  # fmt: skip
    chance = {"pointing_hit": area, "pointing_near": area_share(near), "heat_inside": area, "energy_ratio": 1.0}
    return found, chance


def against_shortcuts(heat: np.ndarray) -> tuple[dict[str, float], dict[str, float]]:
    """Heat in the border and in the corners of one square map (S, S); needs no mark.

    Returns: (measures, share of the area of the same parts), with the keys `SHORTCUT_MEASURES`; the measures of an
        empty map are NaN, as it has no heat that could lie anywhere.
    """
    masks = {"border_heat": border_mask(len(heat)), "corner_heat": corner_mask(len(heat))}
    found = {key: heat_inside(heat, mask) if heat.max() > 0 else float("nan") for key, mask in masks.items()}
    return found, {key: area_share(mask) for key, mask in masks.items()}


def swapped_hits(peaks: Sequence[np.ndarray], regions: Sequence[np.ndarray], groups: np.ndarray) -> np.ndarray:
    """The pointing game of each map on the marks of everybody else: what habit alone would give.

    Findings lie in lungs, lesions in the middle: a map that points to the usual place in every picture beats a random
    point without having looked. It gets here what it gets on its own picture.

    Args:
        peaks: n arrays of flat positions, see `peak_pixels`; an empty one misses.
        regions: n arrays, each the packed bits (`numpy.packbits`) of a region of the same size.
        groups: (n,) names; marks of the same patient are left out.
    Returns: (n,) mean hit over the images of all other groups; NaN where there is no other group.
    """
    names, of_image = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    covered = _covered(regions)
    hits = np.full(len(peaks), np.nan)
    for group in range(len(names)):
        own = np.flatnonzero(of_image == group)
        others = len(peaks) - len(own)
        if others == 0:
            continue
        elsewhere = covered - _covered([regions[i] for i in own.tolist()])
        for i in own.tolist():
            hits[i] = elsewhere[peaks[i]].mean() / others if len(peaks[i]) else 0.0
    return hits


def _covered(regions: Sequence[np.ndarray]) -> np.ndarray:
    """How many of packed regions cover each position; one is unpacked at a time, as thousands would fill the memory."""
    counts = np.zeros(8 * len(regions[0]), np.int64)
    for region in regions:
        counts += np.unpackbits(region)
    return counts


def mean_estimates(
    values: Mapping[str, np.ndarray],
    groups: np.ndarray,
    *,
    split: str,
    unit: str,
    class_name: str | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> tuple[Estimate, ...]:
    """Means over images with 95 % intervals, whole groups drawn.

    Args:
        values: measure -> (n,); NaN leaves an image out of that mean, and out of its numbers of images and groups.
        groups: (n,) names.
        unit: what a group is, in the plural, for the name of the method.
    Returns: one estimate per measure; low and high are None with fewer than two groups.
    """
    names = np.asarray(groups, dtype=str)
    table = np.stack([np.asarray(v, dtype=np.float64) for v in values.values()], axis=1)
    known = np.isfinite(table)
    filled, counted = np.where(known, table, 0.0), known.astype(np.float64)
    drawn = np.empty((0, table.shape[1]))
    if n_bootstrap > 0 and len(set(names.tolist())) > 1:
        with np.errstate(invalid="ignore"):  # a resample in which no image counts has no mean
            blocks = [(w @ filled) / (w @ counted) for w in resample_weights(names, n_bootstrap, seed)]
        drawn = np.concatenate(blocks)
    found = []
    for column, metric in enumerate(values):
        own, n_groups = known[:, column], len(set(names[known[:, column]].tolist()))
        low, high = percentile_interval(drawn[:, column]) if len(drawn) and n_groups > 1 else (None, None)
        found.append(
            Estimate(
                metric=metric, value=float(table[own, column].mean()) if own.any() else None, low=low, high=high,
                level=LEVEL, n_images=int(own.sum()), n_groups=n_groups, method=bootstrap_method(n_bootstrap, unit),
                split=split, class_name=class_name,
            )
        )  # fmt: skip
    return tuple(found)
