"""Pictures of what a network does inside: walls of channels and filters, for the lessons.

Everything is uint8 RGB, enlarged in whole blocks so that a cell stays a cell. Feature maps run from a dark ground to
the colours of the heat maps; filters and weighted sums have both signs and run from dark (below 0) over mid grey (0)
to light (above 0), which a grey print keeps.
"""

import numpy as np

from core.figures.overlay import GREY, heat_ramp

GROUND = np.array([18, 20, 30], dtype=np.float64)  # where a channel is silent
GAP = np.array([128, 134, 144], dtype=np.uint8)  # between the pictures of a wall; seen on a light and a dark page
GAP_PX = 4
BLUE = np.array([14, 101, 147], dtype=np.uint8)  # between grey filters, which a grey gap would join
WALL_PX = 900  # about the width that a wall has on a screen


def coloured(values: np.ndarray) -> np.ndarray:
    """A map (h, w) in [0, 1] in the colours of heat over a dark ground, uint8 (h, w, 3)."""
    share = np.clip(values, 0.0, 1.0)[..., None]
    colours = heat_ramp()[np.rint(share[..., 0] * 255).astype(np.uint8)]
    # silent cells are dark; the ramp takes over within its first tenth
    weight = np.minimum(share * 10, 1.0)
    return np.rint(GROUND * (1 - weight) + colours * weight).astype(np.uint8)


def signed_grey(values: np.ndarray, largest: float | None = None) -> np.ndarray:
    """Numbers of both signs as uint8 (h, w, 3): 0 is mid grey, above it lighter, below it darker.

    Args:
        values: (h, w).
        largest: what is white, and its negative black; the largest size among `values` when None.
    """
    top = float(np.abs(values).max()) if largest is None else largest
    shares = np.clip(values / top, -1.0, 1.0) if top > 0 else np.zeros(values.shape)
    grey = np.where(shares < 0, GREY * (1 + shares), GREY + (255 - GREY) * shares)
    return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2)


def signed_colour(values: np.ndarray) -> np.ndarray:
    """A filter of three colours (h, w, 3), RGB, as uint8: 0 is mid grey; what adds red is redder, and so on."""
    top = float(np.abs(values).max())
    shares = np.clip(values / top, -1.0, 1.0) if top > 0 else np.zeros(values.shape)
    return np.rint(np.where(shares < 0, GREY * (1 + shares), GREY + (255 - GREY) * shares)).astype(np.uint8)


def enlarged(picture: np.ndarray, width_px: int) -> np.ndarray:
    """The picture (h, w, 3) with every cell as a block of whole pixels, at least once, about `width_px` wide."""
    factor = max(1, round(width_px / picture.shape[1]))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def wall(
    pictures: list[np.ndarray], columns: int, gap: np.ndarray = GAP, gap_px: int = GAP_PX, width_px: int = WALL_PX
) -> np.ndarray:
    """Pictures of one size beside and below each other, in reading order.

    Args:
        pictures: uint8 (h, w, 3) each, at least one.
        columns: how many stand beside each other.
        gap, gap_px: colour and width of what lies between them.
    """
    cell_px = max(1, (width_px - gap_px * (columns + 1)) // columns)
    blocks = [enlarged(picture, cell_px) for picture in pictures]
    height, width = blocks[0].shape[:2]
    rows = -(-len(blocks) // columns)
    canvas = np.empty((rows * (height + gap_px) + gap_px, columns * (width + gap_px) + gap_px, 3), dtype=np.uint8)
    canvas[:] = gap
    for number, block in enumerate(blocks):
        top, left = (gap_px + place * (side + gap_px) for place, side in
                     ((number // columns, height), (number % columns, width)))  # fmt: skip
        canvas[top : top + height, left : left + width] = block
    return canvas


def channel_wall(maps: np.ndarray, columns: int) -> np.ndarray:
    """All channels of a stage, uint8 (h, w, c) with 255 as the largest of each channel, as one picture."""
    return wall([coloured(maps[..., c] / 255) for c in range(maps.shape[2])], columns)


def filter_wall(filters: np.ndarray, columns: int) -> np.ndarray:
    """First filters as one picture, each on its own scale: light adds, dark takes away.

    Args:
        filters: (c, k, k), or (c, k, k, 3) of a network that looks at colours.
    """
    draw = signed_colour if filters.ndim == 4 else signed_grey
    return wall([draw(np.asarray(f, dtype=np.float64)) for f in filters], columns, BLUE, 2 * GAP_PX)
