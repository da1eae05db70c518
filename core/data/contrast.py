"""Contrast changes on the luminance of uint8 RGB pictures; colours keep their hue, the same bytes every time."""

import cv2
import numpy as np

from core.errors import SpecInvalid
from core.language import said

CONTRASTS = ("none", "equalize", "clahe", "gamma", "log")
_CLAHE_CLIP = 2.0  # with 8 x 8 tiles: the usual choice for radiographs, Pizer et al. 1987, CVGIP 39:355
_CLAHE_TILES = (8, 8)
_GAMMA = 0.67  # below 1 opens the dark lungs
_LEVELS = np.arange(256, dtype=np.float64)
_GAMMA_TABLE = np.round(255 * (_LEVELS / 255) ** _GAMMA).astype(np.uint8)
_LOG_TABLE = np.round(255 * np.log1p(_LEVELS) / np.log(256)).astype(np.uint8)


def change_contrast(rgb: np.ndarray, contrast: str) -> np.ndarray:
    """Apply one of `CONTRASTS` to uint8 (H, W, 3); returns a new array, or `rgb` itself for "none".

    Raises: SpecInvalid on an unknown name.
    """
    if contrast == "none":
        return rgb
    if contrast not in CONTRASTS:
        raise SpecInvalid(
            said("Unknown contrast {contrast}. Known: {listed}.", contrast=repr(contrast), listed=", ".join(CONTRASTS))
        )
    red = rgb[..., 0]
    if np.array_equal(red, rgb[..., 1]) and np.array_equal(red, rgb[..., 2]):
        # Grey pictures take the direct way: a round trip through another colour space is off by one here and there.
        return cv2.cvtColor(_change_grey(np.ascontiguousarray(red), contrast), cv2.COLOR_GRAY2RGB)
    luminance = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)
    luminance[..., 0] = _change_grey(np.ascontiguousarray(luminance[..., 0]), contrast)
    return cv2.cvtColor(luminance, cv2.COLOR_YCrCb2RGB)


def _change_grey(grey: np.ndarray, contrast: str) -> np.ndarray:
    if contrast == "equalize":
        return cv2.equalizeHist(grey)
    if contrast == "clahe":
        # One per call: a shared CLAHE object keeps buffers and is not safe between threads.
        return cv2.createCLAHE(_CLAHE_CLIP, _CLAHE_TILES).apply(grey)
    return cv2.LUT(grey, _GAMMA_TABLE if contrast == "gamma" else _LOG_TABLE)
