"""Pictures changed on purpose: a part hidden, light, contrast, turn, cut, a letter in a corner.

For asking what a network's answer hangs on. Changes are made on the uint8 pixels of the picture as it came, before
it is fitted to a network, as if the file had been like this. The same change gives the same bytes every time.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from core.errors import SpecInvalid
from core.language import said

FILLS = ("blur", "mean", "black")
CORNERS = ("upper left", "upper right", "lower left", "lower right")
BLUR = 1 / 8  # standard deviation of the blur that hides, of the shorter side: only where it is bright stays
MARKER_HEIGHT = 0.09  # of the shorter side, about that of the lead letters on radiographs
MARKER_MARGIN = 0.04
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What is changed; nothing by default.

    patches: (x, y, width, height) of hidden parts, as fractions of the untouched picture; `fill` is one of FILLS.
    brightness: added, as a fraction of full white, -1 to 1. contrast: factor around mid grey, 0 to 4.
    rotation_degrees: counter-clockwise, -180 to 180; what turns in from outside is black.
    crop: fraction cut from each side, 0 to 0.45.
    marker: letters burned in with white, at most three, "" for none; `corner` is one of CORNERS.
    """

    patches: tuple[Box, ...] = ()
    fill: str = "blur"
    brightness: float = 0.0
    contrast: float = 1.0
    rotation_degrees: float = 0.0
    crop: float = 0.0
    marker: str = ""
    corner: str = "upper right"

    def __post_init__(self) -> None:
        ranges = {
            "brightness": (-1, 1), "contrast": (0, 4), "rotation_degrees": (-180, 180), "crop": (0, 0.45),
        }  # fmt: skip
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:  # written so that NaN does not pass
                raise SpecInvalid(
                    said(
                        "{name} is {value}; {low} to {high} is possible.",
                        name=name,
                        value=getattr(self, name),
                        low=low,
                        high=high,
                    )
                )
        if self.fill not in FILLS or self.corner not in CORNERS:
            raise SpecInvalid(
                said(
                    "A part is hidden by {fills}; a letter stands {corners}.",
                    fills=", ".join(FILLS),
                    corners=", ".join(CORNERS),
                )
            )
        if len(self.marker) > 3 or not self.marker.isascii():
            raise SpecInvalid(
                said("A marker has at most three letters from A to Z, not {marker}.", marker=repr(self.marker))
            )
        if not all(math.isfinite(number) for patch in self.patches for number in patch):
            raise SpecInvalid(said("A hidden part needs four numbers: left, top, width and height."))


def edited(rgb: np.ndarray, edit: Edit) -> np.ndarray:
    """The picture with the change made: hidden parts, turn, cut, contrast and light, then the letter.

    Args:
        rgb: uint8 (H, W, 3); it is not written to.
    Returns: uint8 (h, w, 3); of the same size unless it is cut.
    """
    changed = rgb
    if edit.patches:
        changed = hidden(changed, patch_mask(edit.patches, *rgb.shape[:2]), edit.fill)
    height, width = changed.shape[:2]
    if edit.rotation_degrees:
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), edit.rotation_degrees, 1.0)
        changed = cv2.warpAffine(changed, turn, (width, height), flags=cv2.INTER_LINEAR)
    if edit.crop:
        top, left = round(edit.crop * height), round(edit.crop * width)
        changed = changed[top : max(height - top, top + 1), left : max(width - left, left + 1)]
    if edit.brightness or edit.contrast != 1:
        levels = (np.arange(256) - 127.5) * edit.contrast + 127.5 + 255 * edit.brightness
        changed = cv2.LUT(np.ascontiguousarray(changed), np.rint(np.clip(levels, 0, 255)).astype(np.uint8))
    if edit.marker:
        changed = _lettered(changed, edit.marker, edit.corner)
    return np.array(changed, order="C")


def patch_mask(patches: tuple[Box, ...], height: int, width: int) -> np.ndarray:
    """(height, width) bool: True inside any patch. What lies outside the picture is left out."""
    mask = np.zeros((height, width), bool)
    for x, y, wide, high in patches:
        left, right = sorted((x * width, (x + wide) * width))
        top, bottom = sorted((y * height, (y + high) * height))
        mask[max(0, round(top)) : max(0, round(bottom)), max(0, round(left)) : max(0, round(right))] = True
    return mask


def hidden(rgb: np.ndarray, mask: np.ndarray, fill: str = "blur") -> np.ndarray:
    """A copy of uint8 (H, W, 3) whose pixels under `mask` (H, W) are blurred away, mean colour, or black."""
    covering = blurred(rgb) if fill == "blur" else np.zeros(3)
    if fill == "mean":
        covering = np.rint(rgb.mean(axis=(0, 1)))
    return np.where(mask[..., None], covering, rgb).astype(np.uint8)


def blurred(rgb: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) so strongly blurred that no structure is left, only where it is bright and of which colour."""
    sigma = BLUR * min(rgb.shape[:2])
    # a small copy is blurred and enlarged: nothing finer is left anyway, and it costs a hundredth
    small = max(1, round(sigma / 4))
    height, width = (max(1, side // small) for side in rgb.shape[:2])
    reduced = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    reduced = cv2.GaussianBlur(reduced, (0, 0), sigma / small, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(reduced, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _lettered(rgb: np.ndarray, text: str, corner: str) -> np.ndarray:
    height, width = rgb.shape[:2]
    shorter, font = min(height, width), cv2.FONT_HERSHEY_SIMPLEX
    stroke = max(1, round(shorter * MARKER_HEIGHT / 7))
    scale = cv2.getFontScaleFromHeight(font, max(4, round(shorter * MARKER_HEIGHT)), stroke)
    (wide, high), _ = cv2.getTextSize(text, font, scale, stroke)
    margin = round(shorter * MARKER_MARGIN)
    x = margin if corner.endswith("left") else max(0, width - margin - wide)
    y = margin + high if corner.startswith("upper") else height - margin
    canvas = np.array(rgb, order="C")
    return cv2.putText(canvas, text, (x, y), font, scale, (255, 255, 255), stroke, cv2.LINE_AA)
