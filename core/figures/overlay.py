"""Heat maps over pictures: one perceptually ordered colour ramp, blended so that cold parts stay untouched.

Pictures are uint8 RGB and are never written into; heat is a fraction in [0, 1]. No rainbow: lightness
rises with attention, so the order survives a grey print and every kind of colour vision.
"""

from functools import cache

import numpy as np
from plotly.colors import hex_to_rgb, sequential

from core.language import t
from core.types import PreprocessSpec

RAMP_START = 0.30  # the ramp's black end would only darken a radiograph; purple is where it begins to show
GREY = 96  # the colour bar is blended over this grey, like the middle of a radiograph
SEEN = 0.5  # heat from which a region counts as "where it looked" in the words beside a map


@cache
def heat_ramp() -> np.ndarray:
    """(256, 3) float64 RGB in [0, 255]: Inferno from purple to pale yellow, lightness rising all the way.

    Source: Smith & van der Walt 2015, the colour maps of Matplotlib 2.0.
    """
    points = np.array([hex_to_rgb(color) for color in sequential.Inferno], dtype=np.float64)
    wanted = np.linspace(RAMP_START, 1.0, 256) * (len(points) - 1)
    ramp = np.stack([np.interp(wanted, np.arange(len(points)), points[:, c]) for c in range(3)], axis=1)
    ramp.setflags(write=False)
    return ramp


def blend(picture: np.ndarray, heat: np.ndarray, strength: float) -> np.ndarray:
    """The picture with heat over it; where the heat is 0 the picture keeps its pixels.

    Args:
        picture: (H, W, 3) uint8.
        heat: (h, w) in [0, 1], resized to the picture when the sizes differ.
        strength: opacity of full heat, in [0, 1].
    Returns: (H, W, 3) uint8.
    """
    height, width = picture.shape[:2]
    values = np.clip(resize_map(heat, height, width), 0.0, 1.0)
    opacity = (np.clip(strength, 0.0, 1.0) * values).astype(np.float32)[..., None]
    # single precision and in place: half the time, and at most one grey level apart at exact halves
    mixed = picture.astype(np.float32)
    colors = heat_ramp().astype(np.float32)[np.rint(values * 255).astype(np.uint8)]
    colors -= mixed
    colors *= opacity
    mixed += colors
    return np.rint(mixed, out=mixed).astype(np.uint8)


def resize_map(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear resize of a (h, w) map, pixel centres aligned: no part of the map shifts."""
    if values.shape == (height, width):
        return np.asarray(values, dtype=np.float64)
    rows, row_share = _positions(values.shape[0], height)
    columns, column_share = _positions(values.shape[1], width)
    mixed = values[rows] * (1 - row_share)[:, None] + values[np.minimum(rows + 1, len(values) - 1)] * row_share[:, None]
    right = np.minimum(columns + 1, values.shape[1] - 1)
    return np.asarray(mixed[:, columns] * (1 - column_share) + mixed[:, right] * column_share)


def heat_on_picture(heat: np.ndarray, preprocess: PreprocessSpec, height: int, width: int) -> np.ndarray:
    """The map of a network's square, laid back on the picture that the square was made from.

    Args:
        heat: (S, S) over the square of `preprocess`.
        height, width: of the picture as it came.
    Returns: (height, width); parts that the network never saw (outside a crop) are 0.
    """
    if preprocess.resize_mode == "pad":
        scale = len(heat) / max(height, width)
        inner_height, inner_width = max(1, round(height * scale)), max(1, round(width * scale))
        top, left = (len(heat) - inner_height) // 2, (len(heat) - inner_width) // 2
        return resize_map(heat[top : top + inner_height, left : left + inner_width], height, width)
    if preprocess.resize_mode == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        placed = np.zeros((height, width))
        placed[top : top + side, left : left + side] = resize_map(heat, side, side)
        return placed
    return resize_map(heat, height, width)


def shrink(picture: np.ndarray, longest_px: int = 1024) -> np.ndarray:
    """The picture at a size for a screen: averaged in whole blocks, so that nothing flickers or is invented.

    Args:
        picture: (H, W, 3) uint8.
    Returns: (h, w, 3) uint8, longest side under twice `longest_px`; the same array where it fits already.
    """
    factor = max(picture.shape[:2]) // longest_px
    if factor < 2:
        return picture
    height, width = (side // factor * factor for side in picture.shape[:2])
    blocks = picture[:height, :width].reshape(height // factor, factor, width // factor, factor, 3)
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)


def _positions(old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    places = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    first = np.floor(places).astype(np.intp)
    return first, places - first


def colour_bar(strength: float, width: int = 512, height: int = 14) -> np.ndarray:
    """(height, width, 3) uint8: the ramp from no heat to full heat, blended over mid grey at `strength`."""
    gradient = np.tile(np.linspace(0.0, 1.0, width), (height, 1))
    return blend(np.full((height, width, 3), GREY, dtype=np.uint8), gradient, strength)


def draw_boxes(picture: np.ndarray, boxes: tuple[tuple[float, float, float, float], ...]) -> np.ndarray:
    """A copy with a frame round each box, light inside dark so that it shows on any background.

    Args:
        picture: (H, W, 3) uint8.
        boxes: (x, y, width, height) as fractions of the picture.
    """
    framed = picture.copy()
    height, width = picture.shape[:2]
    thickness = max(1, round(min(height, width) / 160))
    for x, y, box_width, box_height in boxes:
        left, top = round(x * width), round(y * height)
        right, bottom = round((x + box_width) * width), round((y + box_height) * height)
        for color, grown in (((20, 20, 20), thickness), ((255, 214, 64), 0)):
            _frame(framed, left - grown, top - grown, right + grown, bottom + grown, thickness, color)
    return framed


def _frame(
    picture: np.ndarray, left: int, top: int, right: int, bottom: int, thickness: int, color: tuple[int, int, int]
) -> None:
    height, width = picture.shape[:2]
    left, right = max(0, left), min(width, right)
    top, bottom = max(0, top), min(height, bottom)
    picture[top : top + thickness, left:right] = color
    picture[max(top, bottom - thickness) : bottom, left:right] = color
    picture[top:bottom, left : left + thickness] = color
    picture[top:bottom, max(left, right - thickness) : right] = color


def draw_outline(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A copy with the border of a mask drawn in; `mask` is (h, w), non-zero inside, any size."""
    height, width = picture.shape[:2]
    inside = resize_map((mask > 0).astype(np.float64), height, width) > 0.5
    core = inside.copy()
    reach = max(1, round(min(height, width) / 150))
    for axis in (0, 1):
        for step in (-reach, reach):
            core &= np.roll(inside, step, axis=axis)
    outlined = picture.copy()
    outlined[inside & ~core] = (255, 214, 64)
    return outlined


def attention_words(heat: np.ndarray, is_empty: bool) -> str:
    """Where a map is warm, in words: "strongest in the upper left; half of full heat or more on 12 % of the picture".

    Args:
        heat: (h, w) in [0, 1].
    """
    if is_empty:
        return t("no part of the picture")
    height, width = heat.shape
    warm = heat >= SEEN * heat.max()
    # the peak, not the mean: of two warm places the mean lies in between, where nothing is
    peaks = np.argwhere(heat == heat.max())
    row, column = peaks[len(peaks) // 2]
    down, across = float(row) / max(1, height - 1), float(column) / max(1, width - 1)
    vertical = "upper" if down < 0.4 else "lower" if down > 0.6 else "middle"
    horizontal = "left" if across < 0.4 else "right" if across > 0.6 else "centre"
    return t(
        "strongest in the {place} of the picture; at least half of full heat on {share} % of it",
        place=_place(vertical, horizontal), share=f"{100 * warm.mean():.0f}",
    )  # fmt: skip


def _place(vertical: str, horizontal: str) -> str:
    """One of the nine parts of a picture, in words."""
    return {
        ("upper", "left"): t("upper left"),
        ("upper", "centre"): t("upper centre"),
        ("upper", "right"): t("upper right"),
        ("middle", "left"): t("middle left"),
        ("middle", "centre"): t("centre"),
        ("middle", "right"): t("middle right"),
        ("lower", "left"): t("lower left"),
        ("lower", "centre"): t("lower centre"),
        ("lower", "right"): t("lower right"),
    }[vertical, horizontal]
