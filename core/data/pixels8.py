"""Pixels of any depth and mode, as Pillow decodes them, to 8 bits RGB.

Transparent parts are laid on black. Whole numbers of more than 8 bits are shifted right by (depth - 8), where depth is
the smallest of 8, 10, 12, 14, 16, 24 and 32 bits that holds the file's largest value: order is kept, 4095 of 12 bits
and 65535 of 16 become 255. Floating-point values (32 bits) in [0, 1] are multiplied by 255, others are stretched from
their smallest to their largest value; NaN and infinity are refused.
"""

import cv2
import numpy as np
from PIL import Image

from core.data.containers import ImageHeader
from core.data.tiff import read_tiff
from core.errors import ImageRefused
from core.language import said

_DEPTHS = (8, 10, 12, 14, 16, 24, 32)
_ROWS_AT_ONCE = 256


def to_rgb(image: Image.Image, data: bytes, header: ImageHeader) -> np.ndarray:
    """uint8 (H, W, 3) of an opened image of any mode. Raises ImageRefused, and what Pillow raises."""
    mode = image.mode
    if mode == "RGB" and "transparency" not in image.info:
        return np.array(image)
    if mode in ("L", "1") and "transparency" not in image.info:
        return _grey_to_rgb(np.array(image.convert("L")))
    if mode == "F" or mode == "I" or mode.startswith("I;16"):
        return _grey_to_rgb(_deep_grey(image, data, header))
    if mode in ("CMYK", "YCbCr", "HSV", "LAB"):
        return np.array(image.convert("RGB"))
    return _on_black(np.array(image.convert("RGBA")))


def _on_black(rgba: np.ndarray) -> np.ndarray:
    """Lay uint8 (H, W, 4) on black: uint8 (H, W, 3), rounded."""
    rgb = np.empty((*rgba.shape[:2], 3), np.uint8)
    for top in range(0, len(rgba), _ROWS_AT_ONCE):  # the products are wider than a byte: not all at once
        part = rgba[top : top + _ROWS_AT_ONCE]
        products = part[..., :3] * part[..., 3:].astype(np.uint16)
        rgb[top : top + _ROWS_AT_ONCE] = (products + 127) // 255
    return rgb


def _grey_to_rgb(grey: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.ascontiguousarray(grey), cv2.COLOR_GRAY2RGB)


def _deep_grey(image: Image.Image, data: bytes, header: ImageHeader) -> np.ndarray:
    """Grey values of more than 8 bits as uint8 (H, W), by the rule in this file's docstring."""
    values = np.array(image)
    if values.dtype.kind == "f":
        grey = _float_to_uint8(values)
    else:
        smallest = min(0, int(values.min()))
        wide = values.astype(np.int64) - smallest if smallest else values  # signed data begin at 0
        largest = int(wide.max())
        depth = next(bits for bits in _DEPTHS if largest >> bits == 0)
        grey = (wide >> (depth - 8)).astype(np.uint8)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey[values == clear] = 0
    if header.format == "TIFF" and read_tiff(data).white_is_zero:
        grey = 255 - grey
    return grey


def _float_to_uint8(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(low) or not np.isfinite(high):
        raise ImageRefused(said("some of its floating-point values are not a number or infinite"))
    if low < 0 or high > 1:
        span = (high - low) or 1.0
        values = (values - low) / span
    return np.round(values * 255.0).astype(np.uint8)


def rotate(rgb: np.ndarray, orientation: int) -> np.ndarray:
    """Undo the eight EXIF orientations (EXIF 2.32, tag 0x0112)."""
    if orientation in (5, 6, 7, 8):
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)
