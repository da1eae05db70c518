"""Phantoms: synthetic chest radiographs with planted findings and known boxes, the data set that is always there.

A phantom is a pure function of (seed, patient, image, size). Images of a patient share anatomy and findings;
position, exposure, noise and marker differ. Numbers on phantoms say whether the pipeline works, nothing more.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import pandas as pd

from core.data.phantom_anatomy import Anatomy, draw_anatomy, draw_vessel_tree
from core.data.phantom_findings import (
    APPEARANCES,
    Nodule,
    Opacity,
    box_of,
    nodule_box,
    plan_appearance,
    plan_nodules,
    vary,
)
from core.data.phantom_lesions import draw_nodule, draw_opacity
from core.data.phantom_path import DEFAULT_SIZE_PX, GENERATOR_VERSION, PhantomAddress, check_address, phantom_path
from core.data.phantom_render import draw_chest, draw_vessels, expose, visible_lung
from core.data.phantom_shapes import Frame, frame_of
from core.data.phantom_view import View, draw_marker, draw_view, stamp_marker

__all__ = ["GENERATOR_VERSION", "Phantom", "draw_phantom", "image_count", "lung_mask", "phantom_path", "phantom_rows"]

Box = tuple[float, float, float, float]
APPEARANCE_SHARES = (0.45, 0.30, 0.15, 0.10)  # about those of the SIIM studies, in the order of APPEARANCES
IMAGE_COUNT_SHARES = (0.30, 0.30, 0.20, 0.20)  # patients with one, two, three and four images
CARRIER_SHARE = 0.1345  # patients who have or will get a nodule: with the onsets below, 10 % of the images show one
ONSET_SHARES = (0.55, 0.25, 0.20)  # a carrier's nodule shows from image 0, 1 or 2 on
GROWTH = 0.10  # of a nodule's radius from one image to the next

# Each property of a patient follows its own additive sequence (Weyl 1916): any run of patients has the promised
# shares almost exactly. Of square roots as steps these four leave the least dependence between the properties.
_STEPS = {"count": 2**0.5, "appearance": 10**0.5, "carrier": 19**0.5, "onset": 5**0.5}
_ANATOMY, _VESSELS, _OPACITIES, _NODULES, _VIEW, _MARKER, _VARIATION, _GRAIN, _OFFSETS = range(9)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phantom:
    """One synthetic radiograph.

    `pixels` is uint8 (S, S, 3), grey. `tokens` are the appearance and, where planted, "nodule"; `label` joins
    them by "|". `boxes` holds (kind, x, y, width, height) and `marker_box` (x, y, width, height), in fractions
    of the image; `marker_box` is None where there is no letter.
    """

    address: PhantomAddress
    pixels: np.ndarray
    tokens: tuple[str, ...]
    boxes: tuple[tuple[str, float, float, float, float], ...]
    marker_box: Box | None
    projection: str
    age: int
    sex: str

    @property
    def label(self) -> str:
        return "|".join(self.tokens)


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """Everything about one image that is decided before a pixel is drawn."""

    anatomy: Anatomy
    view: View
    appearance: str
    opacities: tuple[Opacity, ...]
    nodules: tuple[Nodule, ...]

    @property
    def tokens(self) -> tuple[str, ...]:
        return (self.appearance, "nodule") if self.nodules else (self.appearance,)

    def boxes(self, frame: Frame) -> tuple[tuple[str, float, float, float, float], ...]:
        found = [(opacity.kind, *box_of(opacity.extent, frame)) for opacity in self.opacities]
        return (*found, *(("nodule", *nodule_box(nodule, frame)) for nodule in self.nodules))


def draw_phantom(seed: int, patient: int, image: int, size_px: int = DEFAULT_SIZE_PX) -> Phantom:
    """Draw one phantom; the same arguments give the same bytes, whatever was drawn before.

    Args:
        seed: of the data set. patient, image: 0 or greater; any image of any patient can be drawn.
        size_px: side in pixels; anatomy and boxes are the same at every size.
    Raises: ImageRefused when a number is out of range.
    """
    address = PhantomAddress(seed, patient, image, size_px)
    check_address(address)
    plan = _plan(seed, patient, image)
    frame = frame_of(plan.view.matrix, size_px)
    total, chest = draw_chest(plan.anatomy, plan.view, frame)
    vessels = draw_vessels(_vessel_tree(seed, patient), plan.anatomy, chest)
    for opacity in plan.opacities:
        draw_opacity(total, vessels, opacity, plan.anatomy, chest)
    total += vessels
    for nodule in plan.nodules:
        draw_nodule(total, nodule, chest)
    grey = expose(total, plan.view, frame, _rng(seed, patient, _GRAIN, image))
    marker = draw_marker(_rng(seed, patient, _MARKER, image))
    marker_box = None if marker is None else stamp_marker(grey, marker)
    return Phantom(
        address=address, pixels=cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), tokens=plan.tokens, boxes=plan.boxes(frame),
        marker_box=marker_box, projection=plan.view.projection, age=plan.anatomy.age, sex=plan.anatomy.sex,
    )  # fmt: skip


def lung_mask(seed: int, patient: int, image: int, size_px: int = DEFAULT_SIZE_PX) -> np.ndarray:
    """bool (S, S): where the lungs are open, neither covered by heart nor mediastinum nor outside the ribs."""
    check_address(PhantomAddress(seed, patient, image, size_px))
    plan = _plan(seed, patient, image)
    return visible_lung(plan.anatomy, plan.view, frame_of(plan.view.matrix, size_px)) > 127


def image_count(seed: int, patient: int) -> int:
    """How many images the data set has of a patient: 1 to 4."""
    return 1 + _share_index(_uniform(seed, patient, "count"), IMAGE_COUNT_SHARES)


def phantom_rows(patients: int, seed: int, size_px: int = DEFAULT_SIZE_PX) -> pd.DataFrame:
    """The data set's table, without drawing a pixel.

    Returns: one row per image: image_id ("P0001-2"), path, label, group ("P0001"), split (always ""), age, sex,
        view ("PA" or "AP"), boxes (a tuple of (x, y, width, height), fractions) and box_labels (their kinds).
    """
    rows = []
    for patient in range(patients):
        group = f"P{patient:04d}"
        for image in range(image_count(seed, patient)):
            plan = _plan(seed, patient, image)
            boxes = plan.boxes(frame_of(plan.view.matrix, size_px))
            rows.append({
                "image_id": f"{group}-{image}", "path": phantom_path(seed, patient, image, size_px),
                "label": "|".join(plan.tokens), "group": group, "split": "", "age": plan.anatomy.age,
                "sex": plan.anatomy.sex, "view": plan.view.projection, "boxes": tuple(box[1:] for box in boxes),
                "box_labels": tuple(box[0] for box in boxes),
            })  # fmt: skip
    return pd.DataFrame(rows)


def _plan(seed: int, patient: int, image: int) -> _Plan:
    anatomy, appearance, opacities, nodules = _plan_patient(seed, patient)
    onset = _share_index(_uniform(seed, patient, "onset"), ONSET_SHARES)
    view = draw_view(_rng(seed, patient, _VIEW, image))
    variation = _rng(seed, patient, _VARIATION, image)
    varied = tuple(vary(opacity, variation) for opacity in opacities)
    grown = tuple(n.grown(1 + GROWTH * (image - onset)) for n in nodules) if image >= onset else ()
    return _Plan(anatomy, view, appearance, varied, grown)


@lru_cache(maxsize=8)
def _plan_patient(seed: int, patient: int) -> tuple[Anatomy, str, tuple[Opacity, ...], tuple[Nodule, ...]]:
    anatomy = draw_anatomy(_rng(seed, patient, _ANATOMY))
    appearance = APPEARANCES[_share_index(_uniform(seed, patient, "appearance"), APPEARANCE_SHARES)]
    opacities = plan_appearance(appearance, anatomy, _rng(seed, patient, _OPACITIES))
    carrier = _uniform(seed, patient, "carrier") < CARRIER_SHARE
    nodules = plan_nodules(anatomy, opacities, _rng(seed, patient, _NODULES)) if carrier else ()
    return anatomy, appearance, opacities, nodules


@lru_cache(maxsize=8)
def _vessel_tree(seed: int, patient: int) -> tuple[np.ndarray, ...]:
    return draw_vessel_tree(_plan_patient(seed, patient)[0], _rng(seed, patient, _VESSELS))


def _rng(seed: int, patient: int, stream: int, image: int = 0) -> np.random.Generator:
    return np.random.default_rng([seed, patient, stream, image])


@lru_cache(maxsize=64)
def _offset(seed: int, quantity: str) -> float:
    return float(np.random.default_rng([seed, _OFFSETS, list(_STEPS).index(quantity)]).random())


def _uniform(seed: int, patient: int, quantity: str) -> float:
    """In [0, 1): evenly spread over the patients."""
    return (_offset(seed, quantity) + patient * _STEPS[quantity]) % 1.0


def _share_index(uniform: float, shares: tuple[float, ...]) -> int:
    return min(int(np.searchsorted(np.cumsum(shares), uniform, side="right")), len(shares) - 1)
