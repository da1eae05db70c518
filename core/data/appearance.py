"""What a prepared picture looks like in some 300 numbers: layout, colour, grey values, texture, edges.

No network made them, so they still tell a photograph from a radiograph where a network that was fine-tuned on
radiographs no longer does. For the gate of `core/nn/ood.py`; NumPy alone, about 3 ms a picture.
"""

from functools import cache

import numpy as np

THUMBNAIL, COLOUR_CELLS, EDGE_CELLS = 12, 4, 4  # cells per side
COLOURS = 2 * COLOUR_CELLS**2 + 2  # numbers of colour in a row, behind those of the layout
LEVELS, DIRECTIONS, SCALES = 16, 8, 4
QUIET = 0.5  # grey levels; texture below that is rounding, not picture
LENGTH = THUMBNAIL**2 + COLOURS + LEVELS + SCALES + EDGE_CELLS**2 * DIRECTIONS  # numbers in a row
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def appearance(pixels: np.ndarray) -> np.ndarray:
    """(n, d) float32 of prepared uint8 RGB pictures (n, S, S, 3), S at least 16; d does not depend on S.

    Layout: a 12 x 12 thumbnail. Colour: red and blue against green in 4 x 4 cells, and how strong colour is. Grey
    values: square roots of a histogram of 16 levels. Texture: log mean |Laplacian| at four scales. Edges: in 4 x 4
    cells, shares of 8 directions (Dalal & Triggs 2005, doi:10.1109/CVPR.2005.177), square roots.
    """
    return np.stack([_one(picture) for picture in pixels]) if len(pixels) else np.empty((0, 0), np.float32)


def colour_summary(rows: np.ndarray) -> np.ndarray:
    """The colour of pictures alone (n, 6), out of their rows (n, d) of `appearance`, in shares of full scale.

    Mean of red and of blue against green, how much each varies over the cells, and the logarithm of how strong each is:
    that no lesion on skin is as good as grey shows in these six, and drowns among three hundred.
    """
    colour = np.asarray(rows, dtype=np.float64)[:, THUMBNAIL**2 : THUMBNAIL**2 + COLOURS]
    against = colour[:, :-2].reshape(-1, 2, COLOUR_CELLS**2)
    strong = np.log(colour[:, -2:] * 255 + QUIET)
    return np.concatenate([against.mean(axis=2), against.std(axis=2), strong], axis=1)


def _one(picture: np.ndarray) -> np.ndarray:
    grey = picture.astype(np.float32) @ LUMA
    small = _halved(grey)
    counts = np.bincount((grey * (LEVELS / 256)).astype(np.int64).ravel(), minlength=LEVELS)[:LEVELS]
    shares = np.sqrt(counts / grey.size)
    parts = [cells(grey, THUMBNAIL).ravel() / 255, _colour(picture), shares, _texture(grey, small), _edges(small)]
    return np.concatenate(parts).astype(np.float32)


def _colour(picture: np.ndarray) -> np.ndarray:
    """Red and blue against green: means in cells, and how strong each is; zeros, at once, where all are the same."""
    red, green, blue = (picture[..., i] for i in range(3))
    if np.array_equal(red, green) and np.array_equal(blue, green):
        return np.zeros(COLOURS, np.float32)
    against = [np.subtract(one, green, dtype=np.float32) for one in (red, blue)]
    strength = np.array([np.abs(one).mean() for one in against], dtype=np.float32)
    return np.concatenate([*(cells(one, COLOUR_CELLS).ravel() for one in against), strength]) / 255


def _halved(grey: np.ndarray) -> np.ndarray:
    even = grey[: len(grey) // 2 * 2, : grey.shape[1] // 2 * 2]
    return np.asarray((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4)


def cells(values: np.ndarray, count: int) -> np.ndarray:
    """Means (count, count) of (H, W) in cells that differ in size by at most one pixel."""
    height, width = values.shape
    rows, columns = (np.linspace(0, side, count + 1).astype(np.int64) for side in (height, width))
    sums = np.add.reduceat(np.add.reduceat(values, rows[:-1], axis=0), columns[:-1], axis=1)
    return np.asarray(sums / np.outer(np.diff(rows), np.diff(columns)))


def _texture(grey: np.ndarray, small: np.ndarray) -> np.ndarray:
    found = []
    for scale in range(SCALES):
        grey = (grey, small)[scale] if scale < 2 else _halved(grey)
        inner = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
        found.append(np.log(np.abs(inner).mean() + QUIET) if inner.size else 0.0)
    return np.array(found, dtype=np.float32)


def _edges(small: np.ndarray) -> np.ndarray:
    """Shares (EDGE_CELLS² x DIRECTIONS) of the gradient's strength, at half the size; even where there is none."""
    down, across = small[2:, 1:-1] - small[:-2, 1:-1], small[1:-1, 2:] - small[1:-1, :-2]
    strength = np.sqrt(down * down + across * across)
    # a line has no front: angles from -180 to 180 degrees wrap round twice
    direction = np.floor(np.arctan2(down, across) * np.float32(DIRECTIONS / np.pi)).astype(np.int64) % DIRECTIONS
    place = _places(*strength.shape) + direction
    sums = np.bincount(place.ravel(), weights=strength.ravel(), minlength=EDGE_CELLS**2 * DIRECTIONS)
    table = sums.reshape(-1, DIRECTIONS) + QUIET
    return np.sqrt(table / table.sum(axis=1, keepdims=True)).ravel()


@cache
def _places(height: int, width: int) -> np.ndarray:
    """Where the directions of each pixel's cell begin (height, width)."""
    rows, columns = (np.arange(n) * EDGE_CELLS // n for n in (height, width))
    return np.asarray((rows[:, None] * EDGE_CELLS + columns[None, :]) * DIRECTIONS)
