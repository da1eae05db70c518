"""Experts' boxes and masks as regions of the square that a network sees, by the very code that fits the picture."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from core.data.images import decode_image, fit_image
from core.data.sources import read_image
from core.errors import ImageRefused
from core.language import said
from core.types import PreprocessSpec

Box = tuple[float, float, float, float]
ASPECT_SLACK = 0.02  # relative: rounding of a scaled copy; more means the mask of another picture


def region_of_boxes(boxes: Sequence[Box], height: int, width: int) -> np.ndarray:
    """bool (height, width): the union of boxes (x, y, width, height) in fractions; each covers a pixel at least."""
    region = np.zeros((height, width), bool)
    for x, y, box_width, box_height in boxes:
        top, left = min(round(y * height), height - 1), min(round(x * width), width - 1)
        bottom, right = round((y + box_height) * height), round((x + box_width) * width)
        region[top : max(bottom, top + 1), left : max(right, left + 1)] = True
    return region


def region_of_mask(path: Path, height: int, width: int) -> np.ndarray:
    """bool (height, width): the bright half of a mask file, brought to the size of its picture.

    Raises: ImageRefused when the file is no image, or has another aspect than the picture.
    """
    grey = decode_image(path).max(axis=2)
    if abs(grey.shape[0] * width / (grey.shape[1] * height) - 1) > ASPECT_SLACK:
        raise ImageRefused(
            said(
                "{name}: the mask has {mask_width} x {mask_height} pixels, its picture {width} x {height}; "
                "expected the same aspect.",
                name=path.name,
                mask_width=grey.shape[1],
                mask_height=grey.shape[0],
                width=width,
                height=height,
            )
        )
    inside = (grey > grey.max() / 2).astype(np.uint8)
    return cv2.resize(inside, (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)


def fit_region(region: np.ndarray, preprocess: PreprocessSpec) -> np.ndarray:
    """A region of a picture, bool (H, W), as a region of the network's square, bool (S, S).

    Stretch, pad and crop are those of `fit_image`; a pixel belongs to the region when at least half of it does. What
    is thinner than a pixel keeps the pixels that it covers most; what a crop cuts off is gone, and may leave nothing.
    """
    drawn = np.repeat((region * np.uint8(255))[..., None], 3, axis=2)
    covered = fit_image(drawn, replace(preprocess, contrast="none"))[..., 0]
    return covered >= min(128, max(1, int(covered.max())))


def marked_square(
    path: str, boxes: Sequence[Box], mask_path: str, preprocess: PreprocessSpec
) -> tuple[np.ndarray, np.ndarray]:
    """A picture as its network sees it, and its mark: uint8 (S, S, 3) and bool (S, S).

    Args:
        boxes: fractions of the picture; with `mask_path` they are not looked at.
        mask_path: a mask file, or "".
    Returns: the region is empty where there is no mark, or a crop leaves nothing of it.
    Raises: ImageRefused.
    """
    rgb = read_image(path)
    height, width = rgb.shape[:2]
    region = region_of_mask(Path(mask_path), height, width) if mask_path else region_of_boxes(boxes, height, width)
    return fit_image(rgb, preprocess), fit_region(region, preprocess)
