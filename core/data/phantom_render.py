"""From anatomy and view to a picture: attenuation is summed layer by layer, then exposed like a film.

Each layer adds or removes attenuation along the beam (soft tissue about 1 per chest wall, air takes it away);
the film curve turns the sum into grey values, so that overlapping structures behave as on a radiograph.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from core.data.phantom_anatomy import Anatomy
from core.data.phantom_bones import Bones
from core.data.phantom_shapes import SMALL_PX, Frame, gaussian, moved
from core.data.phantom_view import View

_OVAL_ANGLE = np.linspace(0, 2 * np.pi, 12, endpoint=False)
_HILUM_OVAL = np.stack([0.034 * np.cos(_OVAL_ANGLE), 0.062 * np.sin(_OVAL_ANGLE)], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class Chest:
    """The layers that findings need: float32 (S, S) in [0, 1], and the frame they were drawn in.

    `lung` is aerated lung that is not covered by heart or mediastinum; `depth` rises from the lung's edge inwards.
    """

    frame: Frame
    lung: np.ndarray
    depth: np.ndarray


def visible_lung(anatomy: Anatomy, view: View, frame: Frame) -> np.ndarray:
    """uint8 (S, S): 255 inside the lungs where neither heart nor mediastinum covers them."""
    layer = frame.layer()
    frame.fill(layer, list(anatomy.lungs))
    front = np.array([view.turn, 0.0])
    frame.fill(layer, [anatomy.heart + front, anatomy.mediastinum + 0.5 * front], 0)
    return layer


def draw_chest(anatomy: Anatomy, view: View, frame: Frame) -> tuple[np.ndarray, Chest]:
    """Attenuation float32 (S, S) of a chest with its bones, and the layers that findings need.

    Vessels (`draw_vessels`) are added once the findings are drawn; noise and film curve come last (`expose`).
    """
    open_lung, covering = frame.layer(), frame.layer()
    frame.fill(open_lung, list(anatomy.lungs))
    frame.fill(covering, [moved(anatomy.mediastinum, 0.5 * view.turn), moved(anatomy.heart, view.turn)])
    # Heart and great vessels are thick in the middle and thin at their border.
    covered = frame.soft(covering, 0.0060, 0.58)
    covered += np.float32(0.36) * frame.soft_wide(covering, 0.030)
    depth = frame.soft_wide(open_lung, 0.040)
    lung = frame.soft(open_lung, 0.0045)
    lung -= lung * covered

    total = _soft_tissue(anatomy, frame)
    total -= lung * (depth + np.float32(0.40))
    total += depth * (np.float32(0.38) * covered - np.float32(0.24))
    if anatomy.breasts is not None:
        _add_breasts(total, moved(anatomy.breasts, view.turn), frame)
    total -= _gas(anatomy, frame)
    # Scatter takes contrast away where much is absorbed: ribs fade over the heart and below the diaphragm.
    cage = _cage(anatomy.bones, view, frame)
    cage *= np.float32(0.84) * depth + np.float32(0.16)
    cage *= np.float32(1) - np.float32(0.35) * covered
    total += cage
    total += _girdle(anatomy.bones, view, frame)
    return total, Chest(frame, lung, depth)


def _soft_tissue(anatomy: Anatomy, frame: Frame) -> np.ndarray:
    torso, arms = frame.layer(), frame.layer()
    frame.fill(torso, [anatomy.torso])
    frame.fill(arms, list(anatomy.arms))
    # The belly is thicker than the chest, the shoulders and the neck thinner.
    rows = np.linspace(0, 1, SMALL_PX)
    belly, neck = frame.fractions(np.array([[0.0, 0.24], [0.0, -0.34]]))[:, 1]
    level = 0.70 + 0.24 / (1 + np.exp((belly - rows) / 0.05)) + 0.30 / (1 + np.exp((neck - rows) / 0.06))
    folds = np.random.default_rng(anatomy.texture_seed).normal(0, 0.09, (8, 8)).astype(np.float32)
    uneven = 1 + cv2.resize(folds, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_CUBIC)
    uneven *= level[:, None].astype(np.float32)
    thick = frame.soft_small(torso, 0.060) ** 2
    thick *= np.float32(1.95 + 0.25 * anatomy.fat)
    total = frame.enlarge(uneven)
    total *= frame.soft(torso, 0.006, 0.55 + 0.10 * anatomy.fat)
    total += frame.enlarge(thick * uneven)
    total += frame.soft(arms, 0.014, 0.62)
    return total


def _add_breasts(total: np.ndarray, breasts: np.ndarray, frame: Frame) -> None:
    layer = frame.layer()
    frame.fill_apart(layer, breasts)
    total += frame.soft_wide(layer, 0.035) * frame.soft(layer, 0.006, 0.36)


def _gas(anatomy: Anatomy, frame: Frame) -> np.ndarray:
    """What the air in trachea, bronchi and stomach takes away."""
    layer = frame.layer()
    trachea, bronchi = anatomy.airways
    frame.stroke(layer, bronchi, 0.016, 60)
    frame.stroke(layer, trachea, 0.026, 68)
    if anatomy.bubble is not None:
        frame.fill(layer, [anatomy.bubble], 255)
    return frame.soft(layer, 0.008, 0.75)


def _cage(bones: Bones, view: View, frame: Frame) -> np.ndarray:
    cortex = _cortex(frame)
    behind, before = frame.layer(), frame.layer()
    ribs_before = moved(bones.ribs_before, view.turn)
    frame.fill_apart(behind, bones.ribs_behind, 140)
    frame.stroke(behind, bones.ribs_behind, cortex, 195, closed=True)
    frame.fill_apart(before, ribs_before, 78)
    frame.stroke(before, ribs_before, cortex, 108, closed=True)
    frame.fill_apart(before, bones.vertebrae, 110)
    frame.stroke(before, bones.vertebrae, cortex, 165, closed=True)
    frame.fill_apart(before, bones.processes, 235)
    total = frame.soft(behind, 0.0034, 0.42 * bones.density)
    total += frame.soft(before, 0.0040, 0.45 * bones.density)
    return total


def _girdle(bones: Bones, view: View, frame: Frame) -> np.ndarray:
    cortex, layer = _cortex(frame), frame.layer()
    clavicles = moved(bones.clavicles, view.turn)
    frame.fill_apart(layer, bones.scapulae, 50)
    frame.stroke(layer, bones.scapulae, cortex, 125, closed=True)
    frame.fill_apart(layer, bones.arm_shafts, 68)
    frame.fill_apart(layer, bones.arm_heads, 68)
    frame.fill_apart(layer, clavicles, 135)
    frame.stroke(layer, clavicles, cortex, 225, closed=True)
    return frame.soft(layer, 0.0035, 0.36 * bones.density)


def _cortex(frame: Frame) -> float:
    """How thick a bone's rim is drawn, in canonical units: as it is, but at least one pixel."""
    return max(1.0, frame.scale * 0.0045) / frame.scale


def draw_vessels(vessels: tuple[np.ndarray, ...], anatomy: Anatomy, chest: Chest) -> np.ndarray:
    """Attenuation float32 (S, S) of the vessels and hila, inside the open lung."""
    frame, layer, hila = chest.frame, chest.frame.layer(), chest.frame.layer()
    first, second, third = vessels
    frame.stroke(layer, third, 0.0030, 110)
    frame.stroke(layer, second, 0.0045, 130)
    frame.stroke(layer, first[:, 2:], 0.0056, 130)
    frame.stroke(layer, first[:, :4], 0.0085, 120)
    frame.fill(hila, [centre + _HILUM_OVAL for centre in anatomy.hila])
    shadow = frame.soft(layer, 0.0022, 0.46)
    shadow += np.float32(0.50) * frame.soft_wide(hila, 0.026)
    rng = np.random.default_rng(anatomy.texture_seed + 1)
    shadow += frame.enlarge(np.float32(0.038) * rng.standard_normal((72, 72), dtype=np.float32))
    shadow *= chest.lung
    return shadow


def expose(attenuation: np.ndarray, view: View, frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """uint8 (S, S) film of `attenuation` float32 (S, S): noise, unsharp mask, film curve, border."""
    size_px = frame.size_px
    across = np.linspace(-1, 1, size_px, dtype=np.float32)
    film = attenuation + np.float32(view.tilt[0]) * across
    film += (np.float32(view.tilt[1]) * across)[:, None]
    film = gaussian(film, view.unsharpness * frame.scale)
    if view.wires is not None:
        layer = frame.layer()
        frame.stroke(layer, view.wires, 0.0036, 255)
        film += frame.soft(layer, 0.001, 0.9)
    grain = rng.random((size_px, size_px), dtype=np.float32) - np.float32(0.5)
    grain = gaussian(grain, 0.6)  # evenly spread numbers, averaged: nearly normal, in a quarter of the time
    # Where more is absorbed fewer quanta arrive: relative noise grows with the root of the attenuation factor.
    strength = np.exp(np.float32(0.45) * film)
    strength *= np.float32(5.0 * view.noise * np.exp(-0.45 * 1.5))
    grain *= strength
    film += grain
    if view.detail > 0.05:
        small = cv2.resize(film, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA)
        broad = frame.enlarge(gaussian(small, 2.0))
        film *= np.float32(1 + view.detail)
        film -= np.float32(view.detail) * broad
    return _develop(film, view, frame)


def _develop(film: np.ndarray, view: View, frame: Frame) -> np.ndarray:
    """The film curve, which rises from `black` where nothing absorbs to `white`; writes into `film`."""
    film -= np.float32(view.middle)
    film *= np.float32(-1 / view.width)
    np.exp(film, out=film)
    film += np.float32(1)
    clear = 1 / (1 + np.exp(view.middle / view.width))
    gain = (view.white - view.black) / (1 - clear)
    np.divide(np.float32(gain), film, out=film)
    film += np.float32(view.black - gain * clear)
    if view.border is not None:
        field = frame.layer()
        corners = np.rint((view.border * frame.size_px - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(field, [corners], 255, cv2.LINE_AA, 4)
        inside = gaussian(field.astype(np.float32), 0.003 * frame.size_px)
        film -= np.float32(view.border_grey)
        film *= inside
        film *= np.float32(1 / 255)
        film += np.float32(view.border_grey)
    np.clip(film, 0, 255, out=film)
    return np.rint(film, out=film).astype(np.uint8)
