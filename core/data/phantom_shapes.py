"""Curves and layers for drawing phantoms: smooth outlines from a few points, filled and stroked with soft edges.

Points are (x, y) in canonical units: the image's side is 1, (0, 0) its middle, y points down. A `Frame` carries
them to fractions of the image and to pixels, so that the same shapes are drawn at every size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

_SHIFT = 4  # cv2 takes points in sixteenths of a pixel
SMALL_PX = 56  # smooth fields are computed on a grid of this side and enlarged


@lru_cache(maxsize=64)
def _spline_matrix(n_points: int, per_segment: int, closed: bool) -> np.ndarray:
    """(m, n_points) weights of a Catmull-Rom spline (Catmull & Rom 1974) through `n_points` points."""
    segments = n_points if closed else n_points - 1
    t = np.arange(per_segment) / per_segment
    weights = 0.5 * np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3])
    matrix = np.zeros((segments * per_segment + (not closed), n_points))
    for segment in range(segments):
        for k in range(4):
            column = segment + k - 1
            column = column % n_points if closed else min(max(column, 0), n_points - 1)
            matrix[segment * per_segment : (segment + 1) * per_segment, column] += weights[k]
    if not closed:
        matrix[-1, -1] = 1
    matrix.setflags(write=False)
    return matrix


def smooth(points: np.ndarray, *, closed: bool = True, per_segment: int = 6) -> np.ndarray:
    """(..., m, 2) smooth curve through (..., n, 2) points; a point given twice in a row makes a sharper corner."""
    return _spline_matrix(points.shape[-2], per_segment, closed) @ points


def band(lines: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """(..., 2m, 2) outline of a band along (..., m, 2) lines; `width` broadcasts to (..., m)."""
    tangent = np.gradient(lines, axis=-2)
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True) + 1e-9
    normal = np.stack([-tangent[..., 1], tangent[..., 0]], axis=-1)
    offset = normal * (np.broadcast_to(width, lines.shape[:-1])[..., None] / 2)
    return np.concatenate([lines + offset, (lines - offset)[..., ::-1, :]], axis=-2)


def moved(points: np.ndarray, x: float, y: float = 0.0) -> np.ndarray:
    """The same points, shifted."""
    return points + np.array([x, y])


def mirrored(points: np.ndarray) -> np.ndarray:
    """The same points on the other side of the midline."""
    return points * np.array([-1.0, 1.0])


def gaussian(field: np.ndarray, sigma_px: float) -> np.ndarray:
    """Gaussian blur of a float32 field; the edge pixels count on beyond the border."""
    if sigma_px < 0.25:
        return field
    # An explicit kernel of 2.5 deviations is four times as fast as cv2's own choice of four.
    side = 2 * max(1, round(2.5 * sigma_px)) + 1
    return cv2.GaussianBlur(field, (side, side), sigma_px, borderType=cv2.BORDER_REPLICATE)


def frame_of(matrix: np.ndarray, size_px: int) -> "Frame":
    """The frame of a view's `matrix` (2, 3) at `size_px`."""
    (a, b), (c, d) = matrix[:, :2].tolist()
    return Frame(matrix, size_px, abs(a * d - b * c) ** 0.5 * size_px)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """How canonical points lie in the image: `matrix` is (2, 3), to fractions of the side; `size_px` the side."""

    matrix: np.ndarray
    size_px: int
    scale: float  # pixels per canonical unit

    def fractions(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) fractions of the image: x to the right, y down, 0 to 1 inside."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]

    def fixed(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) int32 pixel positions in cv2's sixteenths; the centre of the first pixel is (0, 0)."""
        return np.rint((self.fractions(points) * self.size_px - 0.5) * (1 << _SHIFT)).astype(np.int32)

    def layer(self) -> np.ndarray:
        """An empty uint8 (size_px, size_px) layer."""
        return np.zeros((self.size_px, self.size_px), np.uint8)

    def fill(self, layer: np.ndarray, outlines: Sequence[np.ndarray], value: int = 255) -> None:
        """Fill each (n, 2) outline with `value`; later ones cover earlier ones."""
        for outline in outlines:
            cv2.fillPoly(layer, [self.fixed(outline)], value, cv2.LINE_AA, _SHIFT)

    def fill_apart(self, layer: np.ndarray, outlines: np.ndarray, value: int = 255) -> None:
        """Fill (k, n, 2) outlines that do not overlap, in one call."""
        cv2.fillPoly(layer, list(self.fixed(outlines)), value, cv2.LINE_AA, _SHIFT)

    def stroke(
        self, layer: np.ndarray, lines: np.ndarray | Sequence[np.ndarray], width: float, value: int = 255,
        *, closed: bool = False,
    ) -> None:  # fmt: skip
        """Draw lines of `width` canonical units; those thinner than a pixel are drawn fainter instead."""
        pixels = width * self.scale
        thickness = max(1, round(pixels))
        points = list(self.fixed(lines)) if isinstance(lines, np.ndarray) else [self.fixed(line) for line in lines]
        cv2.polylines(layer, points, closed, int(value * min(1.0, pixels / thickness)), thickness, cv2.LINE_AA, _SHIFT)

    def soft(self, layer: np.ndarray, radius: float, weight: float = 1.0) -> np.ndarray:
        """A uint8 layer as float32, blurred; 255 becomes `weight`, `radius` is the Gaussian's standard deviation."""
        soft = layer.astype(np.float32)
        soft *= np.float32(weight / 255)
        return gaussian(soft, radius * self.scale)

    def soft_small(self, layer: np.ndarray, radius: float) -> np.ndarray:
        """A uint8 layer blurred on the small grid, float32 (SMALL_PX, SMALL_PX) in [0, 1]: for radii above 0.02."""
        small = cv2.resize(layer, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
        small *= np.float32(1 / 255)
        return gaussian(small, radius * self.scale * SMALL_PX / self.size_px)

    def soft_wide(self, layer: np.ndarray, radius: float) -> np.ndarray:
        """As `soft_small`, enlarged to the image."""
        return self.enlarge(self.soft_small(layer, radius))

    def enlarge(self, small: np.ndarray) -> np.ndarray:
        """A smooth float32 field on any small grid, enlarged to the image."""
        if small.shape[0] < SMALL_PX // 2:  # straight lines between few points would show as creases
            small = cv2.resize(small, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_CUBIC)
        return cv2.resize(small, (self.size_px, self.size_px), interpolation=cv2.INTER_LINEAR)
