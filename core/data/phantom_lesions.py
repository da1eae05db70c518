"""Draws planned findings into a phantom's attenuation, in place where the caller owns the arrays."""

import cv2
import numpy as np

from core.data.phantom_anatomy import Anatomy
from core.data.phantom_findings import Nodule, Opacity, nodule_radius
from core.data.phantom_render import Chest
from core.data.phantom_shapes import gaussian

_GRID = 56  # soft opacities are computed on a grid of this side and enlarged


def draw_opacity(total: np.ndarray, vessels: np.ndarray, opacity: Opacity, anatomy: Anatomy, chest: Chest) -> None:
    """Add an opacity to `total` float32 (S, S); `vessels` float32 (S, S) fade where they can no longer be seen."""
    texture = _texture(chest, opacity.texture_seed)
    if opacity.manner == "pneumothorax":
        _draw_pneumothorax(total, vessels, opacity, anatomy, chest)
        return
    if opacity.manner == "patches":
        density = chest.frame.enlarge(_blobs(opacity.blobs, chest)) * texture
    else:
        layer = chest.frame.layer()
        if opacity.manner == "haze":
            chest.frame.fill(layer, [anatomy.lungs[opacity.side]])
        else:
            chest.frame.fill(layer, [opacity.edge])
        sharp = {"haze": 0.010, "lobe": 0.003, "effusion": 0.016}[opacity.manner]
        density = chest.frame.soft(layer, sharp)
        if opacity.manner != "effusion":
            rough = np.float32(0.65 if opacity.manner == "haze" else 0.35)
            density *= (1 - rough) + rough * texture
    density *= chest.lung * np.float32(opacity.strength)
    total += density
    vessels *= np.clip(1 - 0.75 * density, 0, 1)
    if opacity.manner == "lobe":
        _draw_air_bronchograms(total, opacity, anatomy, chest, density)


def draw_nodule(total: np.ndarray, nodule: Nodule, chest: Chest) -> None:
    """Add a nodule to `total` float32 (S, S)."""
    frame = chest.frame
    radius = nodule_radius(nodule, frame) * frame.size_px
    middle = frame.fractions(nodule.centre) * frame.size_px - 0.5
    reach = int(np.ceil(radius * (1.9 if len(nodule.spicules) else 1.5))) + 1
    left, top = (int(v) for v in np.maximum(np.floor(middle) - reach, 0))
    right, bottom = (int(v) for v in np.minimum(np.floor(middle) + reach + 2, frame.size_px))
    if left >= right or top >= bottom:
        return
    x = np.arange(left, right, dtype=np.float32) - np.float32(middle[0])
    y = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(middle[1])
    distance, angle = np.hypot(x, y), np.arctan2(y, x)
    outline = 1 - nodule.lobes[:, 0].sum() * 0.5
    for wave, (amplitude, phase) in enumerate(nodule.lobes, start=2):
        outline = outline + np.float32(amplitude) * np.cos(wave * angle + np.float32(phase))
    ball = np.sqrt(np.clip(1 - (distance / (radius * outline)) ** 2, 0, None)).astype(np.float32)
    # A sphere's shadow is flat in the middle and steep at its rim; blurring gives the soft edge of real ones.
    ball = gaussian(0.55 * ball + 0.45 * (ball > 0).astype(np.float32), max(0.5, nodule.softness * radius))
    if len(nodule.spicules):
        rays = np.zeros(ball.shape, np.uint8)
        for spicule, far in zip(nodule.spicules, 1.25 + 0.35 * np.sin(7 * nodule.spicules), strict=True):
            direction = np.array([np.cos(spicule), np.sin(spicule)])
            ends = (middle - (left, top) + np.outer((0.7 * radius, far * radius), direction)) * 16
            start, end = (tuple(int(v) for v in np.rint(e)) for e in ends)
            cv2.line(rays, start, end, 150, max(1, round(0.10 * radius)), cv2.LINE_AA, 4)
        ball = np.maximum(ball, gaussian(rays.astype(np.float32) / 255, 0.5))
    window = (slice(top, bottom), slice(left, right))
    total[window] += np.float32(nodule.strength) * ball * (0.25 + 0.75 * chest.lung[window])


def _blobs(blobs: np.ndarray, chest: Chest) -> np.ndarray:
    """Sum of soft blobs on the small grid, float32 (_GRID, _GRID), saturating at 1."""
    matrix = chest.frame.matrix
    middle = (np.arange(_GRID, dtype=np.float32) + 0.5) / _GRID
    offset_x, offset_y = middle - matrix[0, 2], middle[:, None] - matrix[1, 2]
    inverse = np.linalg.inv(matrix[:, :2])
    x = inverse[0, 0] * offset_x + inverse[0, 1] * offset_y
    y = inverse[1, 0] * offset_x + inverse[1, 1] * offset_y
    total = np.zeros((_GRID, _GRID))
    for centre_x, centre_y, spread_x, spread_y in blobs:
        total += np.exp(-0.5 * (((x - centre_x) / spread_x) ** 2 + ((y - centre_y) / spread_y) ** 2))
    return np.tanh(1.2 * total).astype(np.float32)


def _texture(chest: Chest, seed: int) -> np.ndarray:
    """Patchy field around 1, never negative, float32 (S, S)."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 0.30, (9, 9)).astype(np.float32)
    fine = rng.normal(0, 0.26, (26, 26)).astype(np.float32)
    return np.clip(1 + chest.frame.enlarge(coarse) + chest.frame.enlarge(fine), 0.1, 2.0)


def _draw_pneumothorax(
    total: np.ndarray, vessels: np.ndarray, opacity: Opacity, anatomy: Anatomy, chest: Chest
) -> None:
    frame = chest.frame
    outside, inside, line = frame.layer(), frame.layer(), frame.layer()
    frame.fill(outside, [anatomy.lungs[opacity.side]])
    frame.fill(inside, [opacity.edge])
    collapsed = frame.soft(inside, 0.002)
    free = np.clip(frame.soft(outside, 0.002) - collapsed, 0, 1)
    frame.stroke(line, [opacity.edge], 0.0055, 255, closed=True)
    vessels *= 1 - free
    total -= np.float32(opacity.strength) * free * chest.lung
    total += np.float32(0.10) * collapsed * chest.lung
    # The pleura is a line only where air lies beside it, which it does not at the diaphragm or the mediastinum.
    beside_air = np.clip(4 * gaussian(free, 0.006 * frame.scale) - 0.6, 0, 1)
    total += np.float32(0.42) * frame.soft(line, 0.001) * chest.lung * beside_air


def _draw_air_bronchograms(
    total: np.ndarray, opacity: Opacity, anatomy: Anatomy, chest: Chest, density: np.ndarray
) -> None:
    """Dark branching airways inside a consolidated lobe."""
    rng = np.random.default_rng(opacity.texture_seed + 1)
    outwards = 1.0 if opacity.side else -1.0
    layer = chest.frame.layer()
    lines = []
    for angle in np.radians(np.linspace(-70, 10, 4) + rng.normal(0, 12, 4)):
        steps = np.linspace(0.02, rng.uniform(0.09, 0.17), 5)[:, None] * [np.cos(angle) * outwards, np.sin(angle)]
        lines.append(anatomy.hila[opacity.side] + steps + rng.normal(0, 0.006, (5, 2)))
    chest.frame.stroke(layer, lines, 0.0050, 200)
    total -= np.float32(0.30) * chest.frame.soft(layer, 0.0015) * np.clip(density, 0, 1)
