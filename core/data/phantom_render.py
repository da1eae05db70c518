"""From anatomy and view to a picture: attenuation is summed layer by layer, then exposed like a film.

Each layer adds or removes attenuation along the beam (soft tissue about 1 per chest wall, air takes it away);
the film curve turns the sum into grey values, so that overlapping structures behave as on a radiograph.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from core.data.phantom_anatomy import Anatomy
from core.data.phantom_shapes import Frame, band, gaussian, smooth
from core.data.phantom_view import View


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
    front = np.array([view.turn, 0.0])
    open_lung = frame.layer()
    frame.fill(open_lung, list(anatomy.lungs))
    covered = frame.layer()
    frame.fill(covered, [anatomy.mediastinum + 0.5 * front, anatomy.heart + front], 255)
    covered = frame.soft(covered, 0.0055, 0.90)
    depth = frame.soft_wide(open_lung, 0.040)
    edge = frame.soft(open_lung, 0.0045, 1.0)
    lung = edge * (1 - covered)

    total = _soft_tissue(anatomy, frame)
    total -= lung * (0.42 + 0.98 * depth)
    total -= np.float32(0.22) * depth
    total += np.float32(0.30) * covered
    if anatomy.breasts is not None:
        _add_breasts(total, anatomy.breasts + front, frame)
    if anatomy.bubble is not None:
        bubble = frame.layer()
        frame.fill(bubble, [anatomy.bubble])
        total -= frame.soft(bubble, 0.006, 0.85)
    _add_airway(total, anatomy, frame)
    chest = Chest(frame, lung, depth)
    # Scatter takes contrast away where much is absorbed: bones fade over the heart and below the diaphragm.
    total += _bones(anatomy, view, frame) * (0.30 + 0.70 * depth) * (1 - 0.45 * covered)
    return total, chest


def _soft_tissue(anatomy: Anatomy, frame: Frame) -> np.ndarray:
    torso = frame.layer()
    frame.fill(torso, [anatomy.torso])
    arms = frame.layer()
    frame.fill(arms, list(anatomy.arms))
    total = frame.soft(torso, 0.006, 0.55 + 0.10 * anatomy.fat)
    total += np.float32(1.95 + 0.25 * anatomy.fat) * frame.soft_wide(torso, 0.055) ** 2
    # The belly is thicker than the chest, the shoulders and the neck thinner.
    rows = np.arange(frame.size_px, dtype=np.float32) / frame.size_px
    middle = frame.fractions(np.array([[0.0, 0.24], [0.0, -0.34]]))[:, 1]
    weight = 0.74 + 0.22 / (1 + np.exp(-(rows - middle[0]) / 0.05)) + 0.26 / (1 + np.exp(-(rows - middle[1]) / 0.05))
    total *= weight[:, None].astype(np.float32)
    total += frame.soft(arms, 0.008, 0.35)
    total += np.float32(0.55) * frame.soft_wide(arms, 0.03)
    return total


def _add_breasts(total: np.ndarray, breasts: np.ndarray, frame: Frame) -> None:
    layer = frame.layer()
    frame.fill_apart(layer, breasts)
    soft = frame.soft_wide(layer, 0.035)
    total += soft * frame.soft(layer, 0.005, 0.34)


def _add_airway(total: np.ndarray, anatomy: Anatomy, frame: Frame) -> None:
    carina = np.array([0.006, -0.105])
    top = np.array([anatomy.spine[0, 0], -0.56])
    trachea = np.stack([top, (top + carina) / 2 + [0.004, 0], carina])
    bronchi = [np.stack([carina, carina + [-0.035, 0.04], anatomy.hila[0] + [0.012, 0.01]]),
               np.stack([carina, carina + [0.045, 0.035], anatomy.hila[1] + [-0.012, 0.008]])]  # fmt: skip
    layer = frame.layer()
    frame.stroke(layer, [smooth(line, closed=False) for line in bronchi], 0.017, 130)
    frame.stroke(layer, [smooth(trachea, closed=False)], 0.027, 220)
    total -= frame.soft(layer, 0.006, 0.50)


def _bones(anatomy: Anatomy, view: View, frame: Frame) -> np.ndarray:
    cortex = max(1.0, frame.scale * 0.0045) / frame.scale  # one pixel, or what a cortex measures
    behind, before = frame.layer(), frame.layer()
    _draw_ribs(behind, anatomy.ribs_behind, anatomy.rib_width, cortex, frame)
    _draw_ribs(before, anatomy.ribs_before + [view.turn, 0.0], anatomy.rib_width * 1.1, cortex, frame)
    total = frame.soft(behind, 0.0025, 0.42)
    total += frame.soft(before, 0.0035, 0.24)
    girdle = frame.layer()
    frame.fill(girdle, list(anatomy.scapulae), 60)
    frame.stroke(girdle, anatomy.scapulae, cortex, 140, closed=True)
    _draw_humeri(girdle, anatomy, frame)
    total += frame.soft(girdle, 0.004, 0.38)
    collar = frame.layer()
    outline = band(anatomy.clavicles + [view.turn, 0.0], 0.024)
    frame.fill_apart(collar, outline, 140)
    frame.stroke(collar, outline, cortex, 230, closed=True)
    total += frame.soft(collar, 0.003, 0.42)
    total += frame.soft(_draw_spine(anatomy.spine, cortex, frame), 0.004, 0.34)
    total *= np.float32(anatomy.bone)
    return total


def _draw_ribs(layer: np.ndarray, ribs: np.ndarray, width: np.ndarray, cortex: float, frame: Frame) -> None:
    flank = np.linspace(0.85, 1.12, ribs.shape[1])
    bands = band(ribs, np.concatenate([width, width])[:, None] * flank)
    frame.fill_apart(layer, bands, 135)
    half = ribs.shape[1]
    frame.stroke(layer, bands[:, :half], cortex, 190)
    frame.stroke(layer, bands[:, half:], cortex, 230)


def _draw_humeri(layer: np.ndarray, anatomy: Anatomy, frame: Frame) -> None:
    for side in (0, 1):
        shoulder = anatomy.clavicles[side, -1]
        outwards = np.sign(shoulder[0])
        head = shoulder + [0.060 * outwards, 0.055]
        shaft = smooth(np.stack([head, head + [0.035 * outwards, 0.12], head + [0.055 * outwards, 0.40]]), closed=False)
        angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        ball = head + 0.043 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        frame.fill(layer, [band(shaft, 0.045), ball], 120)


def _draw_spine(spine: np.ndarray, cortex: float, frame: Frame) -> np.ndarray:
    layer = frame.layer()
    frame.fill(layer, [band(smooth(spine, closed=False), 0.072)], 95)
    corners = np.array(
        [(-0.037, -0.022), (0.037, -0.022), (0.035, 0.0), (0.037, 0.022), (-0.037, 0.022), (-0.035, 0.0)]
    )
    bodies = spine[:, None] + corners
    frame.fill_apart(layer, bodies, 140)
    frame.stroke(layer, bodies, cortex, 185, closed=True)
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    oval = np.stack([0.0065 * np.cos(angle), 0.010 * np.sin(angle)], axis=-1)
    for x, y in ((-0.023, -0.006), (0.023, -0.006), (0.0, 0.016)):
        frame.fill_apart(layer, spine[:, None] + oval + [x, y], 215)
    return layer


def draw_vessels(vessels: tuple[np.ndarray, ...], anatomy: Anatomy, chest: Chest) -> np.ndarray:
    """Attenuation float32 (S, S) of the vessels and hila, inside the open lung."""
    frame = chest.frame
    layer = frame.layer()
    first, second, third = vessels
    frame.stroke(layer, third, 0.0030, 110)
    frame.stroke(layer, second, 0.0045, 130)
    frame.stroke(layer, first[:, 2:], 0.0060, 145)
    frame.stroke(layer, first[:, :4], 0.0090, 150)
    shadow = frame.soft(layer, 0.0022, 0.46)
    hila = frame.layer()
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    oval = np.stack([0.034 * np.cos(angle), 0.062 * np.sin(angle)], axis=-1)
    frame.fill(hila, [centre + oval for centre in anatomy.hila])
    shadow += np.float32(0.50) * frame.soft_wide(hila, 0.026)
    shadow *= chest.lung
    return shadow


def expose(attenuation: np.ndarray, view: View, frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """uint8 (S, S) film of `attenuation` float32 (S, S): noise, unsharp mask, film curve, border."""
    size_px = frame.size_px
    across = np.linspace(-1, 1, size_px, dtype=np.float32)
    film = attenuation + np.float32(view.tilt[0]) * across + (np.float32(view.tilt[1]) * across)[:, None]
    grain = rng.random((size_px, size_px), dtype=np.float32) - np.float32(0.5)  # blurred below, which makes it normal
    # Where more is absorbed fewer quanta arrive: relative noise grows with the root of the attenuation factor.
    film += cv2.GaussianBlur(grain, (3, 3), 0.6) * (
        np.float32(1.6 * view.noise) * np.exp(np.float32(0.45) * (film - 1.5))
    )
    if view.detail > 0.05:
        small = cv2.resize(film, (56, 56), interpolation=cv2.INTER_AREA)
        broad = frame.enlarge(gaussian(small, 2.0))
        film += np.float32(view.detail) * (film - broad)
    clear = 1 / (1 + np.exp(view.middle / view.width))  # what the curve gives where nothing absorbs
    grey = (1 / (1 + np.exp((view.middle - film) / view.width)) - clear) / (1 - clear)
    grey = view.black + (view.white - view.black) * grey
    if view.border is not None:
        field = frame.layer()
        corners = np.rint((view.border * size_px - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(field, [corners], 255, cv2.LINE_AA, 4)
        inside = gaussian(field.astype(np.float32), 0.003 * size_px) * np.float32(1 / 255)
        grey = grey * inside + np.float32(view.border_grey) * (1 - inside)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)
