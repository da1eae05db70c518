"""The anatomy of a synthetic patient: outlines of a chest in canonical units, drawn once per patient.

Side 0 is the image's left (the patient's right), side 1 the image's right. Nothing here knows of findings.
"""

from dataclasses import dataclass

import numpy as np

from core.data.phantom_bones import Bones, make_bones
from core.data.phantom_shapes import mirrored, moved, smooth

# One half of the chest, image's right side; shaped by eye after public radiographs (see the data catalogue).
_LUNG = np.array([
    (0.047, -0.345), (0.072, -0.385), (0.118, -0.402), (0.182, -0.372), (0.243, -0.296), (0.290, -0.190),
    (0.317, -0.075), (0.332, 0.045), (0.341, 0.150), (0.346, 0.235), (0.347, 0.287), (0.347, 0.289),
    (0.328, 0.262), (0.290, 0.224), (0.235, 0.196), (0.170, 0.192), (0.110, 0.212), (0.062, 0.246),
    (0.040, 0.262), (0.034, 0.150), (0.032, 0.000), (0.034, -0.150), (0.042, -0.280),
])  # fmt: skip
_DOME = slice(10, 19)  # the points of `_LUNG` that lie on the diaphragm
_LATERAL = slice(3, 12)
_HEART = np.array([
    (-0.036, -0.160), (-0.057, -0.080), (-0.078, 0.004), (-0.106, 0.075), (-0.117, 0.140), (-0.108, 0.205),
    (-0.080, 0.250), (0.020, 0.278), (0.130, 0.282), (0.190, 0.262), (0.222, 0.222), (0.224, 0.172),
    (0.202, 0.108), (0.166, 0.042), (0.124, -0.012), (0.092, -0.052), (0.066, -0.096), (0.040, -0.160),
])  # fmt: skip
_MEDIASTINUM = np.array([
    (-0.060, -0.520), (-0.056, -0.390), (-0.052, -0.290), (-0.054, -0.200), (-0.058, -0.100), (-0.058, 0.050),
    (-0.054, 0.200), (-0.050, 0.330), (0.050, 0.330), (0.054, 0.200), (0.058, 0.050), (0.058, -0.060),
    (0.064, -0.095), (0.076, -0.125), (0.083, -0.156), (0.077, -0.190), (0.060, -0.225), (0.052, -0.290),
    (0.056, -0.390), (0.060, -0.520),
])  # fmt: skip
_KNOB = slice(12, 17)  # the points of `_MEDIASTINUM` on the aortic arch
_TORSO = np.array([
    (0.115, -0.750), (0.112, -0.580), (0.130, -0.505), (0.220, -0.458), (0.350, -0.436), (0.450, -0.400),
    (0.505, -0.320), (0.500, -0.220), (0.462, -0.130), (0.436, -0.030), (0.424, 0.120), (0.416, 0.280),
    (0.414, 0.450), (0.425, 0.750),
])  # fmt: skip
_ARM = np.array([
    (0.360, -0.436), (0.470, -0.412), (0.550, -0.350), (0.600, -0.240), (0.625, -0.080), (0.640, 0.080),
    (0.650, 0.320), (0.530, 0.320), (0.515, 0.080), (0.490, -0.060), (0.460, -0.130), (0.420, -0.220),
])  # fmt: skip
_HILUM = np.array([0.078, -0.045])
_VESSEL_ANGLES = np.array([-78, -52, -24, 2, 26, 48, 68, 84.0])  # degrees below the horizontal
_VESSEL_LENGTHS = np.array([0.22, 0.22, 0.19, 0.18, 0.22, 0.25, 0.25, 0.22])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anatomy:
    """Outlines and lines of one synthetic patient, all in canonical units.

    `lungs` (2, m, 2) reach behind the heart; `heart` and `mediastinum` cover them there. `airways` are the
    middle lines of the trachea (1, m, 2) and of both main bronchi (2, m, 2). `texture_seed` makes what is uneven
    in soft tissue and lung.
    """

    age: int
    sex: str
    lungs: np.ndarray
    heart: np.ndarray
    mediastinum: np.ndarray
    torso: np.ndarray
    arms: np.ndarray
    hila: np.ndarray
    airways: tuple[np.ndarray, np.ndarray]
    bones: Bones
    breasts: np.ndarray | None
    bubble: np.ndarray | None
    fat: float
    texture_seed: int


def draw_anatomy(rng: np.random.Generator) -> Anatomy:
    """A new patient. The result depends on `rng` alone."""
    sex = "F" if rng.random() < 0.47 else "M"
    age = int(np.clip(rng.normal(56, 17), 18, 93))
    aged = (age - 18) / 75
    width = rng.normal(1.0 if sex == "M" else 0.96, 0.040)
    height = rng.normal(1.0 if sex == "M" else 0.96, 0.050)
    fat = float(np.clip(rng.normal(0.5, 0.25), 0.05, 1.2))
    stretch = np.array([width, height])

    lungs = np.stack([mirrored(_lung(rng, right=True)), _lung(rng, right=False)])
    heart_size = np.clip(rng.normal(0.98 + 0.10 * aged, 0.08), 0.80, 1.30)
    heart = _HEART * [heart_size, 1.0] + rng.normal(0, 0.004, _HEART.shape)
    heart[9:15] += np.outer([0.5, 0.9, 1.0, 0.8, 0.5, 0.2], [rng.normal(0.006, 0.012), rng.normal(0, 0.015)])
    heart[:, 0] += rng.normal(0, 0.006)
    mediastinum = _MEDIASTINUM * [np.clip(rng.normal(1.0, 0.08), 0.85, 1.25), 1.0]
    mediastinum[_KNOB, 0] += rng.normal(0.010 * aged, 0.006)
    mediastinum += rng.normal(0, 0.0035, mediastinum.shape)
    mediastinum[:6, 0] -= np.linspace(1, 0, 6) * rng.normal(0.004, 0.008)
    mediastinum[-4:, 0] += np.linspace(0, 1, 4) * rng.normal(0.004, 0.008)
    hila = np.stack([_HILUM * [-1, 1] + [0, 0.012], _HILUM]) + rng.normal(0, 0.006, (2, 2))
    torso = _TORSO + np.outer(np.linspace(0.2, 1.0, len(_TORSO)), [0.085 * (fat - 0.4), 0])
    torso[2:6, 1] += rng.normal(0, 0.014)
    outline = np.concatenate([smooth(torso, closed=False), mirrored(smooth(torso, closed=False))[::-1]])
    arm = moved(_ARM, 0.03 * fat + rng.normal(0.012, 0.018), rng.normal(0, 0.01))
    arms = smooth(np.stack([mirrored(arm), arm]))
    breasts = _breasts(rng, fat) * stretch if sex == "F" and rng.random() < 0.8 else None
    bubble = _bubble(rng) * stretch if rng.random() < 0.45 else None
    return Anatomy(
        age=age, sex=sex, lungs=smooth(lungs) * stretch, heart=smooth(heart) * stretch,
        mediastinum=smooth(mediastinum) * stretch, torso=outline * stretch, arms=arms * stretch,
        hila=hila * stretch, airways=_airways(hila * stretch),
        bones=make_bones(rng, stretch, float(np.clip(rng.normal(1.05 - 0.3 * aged, 0.12), 0.5, 1.4))),
        breasts=breasts, bubble=bubble, fat=fat, texture_seed=int(rng.integers(1 << 31)),
    )  # fmt: skip


def _lung(rng: np.random.Generator, *, right: bool) -> np.ndarray:
    """One lung as if on the image's right; the patient's right dome stands higher, as the liver lies below."""
    lung = _LUNG.copy()
    lung[_LATERAL, 0] += rng.normal(0, 0.008) + rng.normal(0, 0.003, lung[_LATERAL].shape[0])
    dome = lung[_DOME]
    dome[:, 1] += rng.normal(-0.012 if right else 0.010, 0.014)
    dome[2:7, 1] -= np.array([0.4, 0.9, 1.0, 0.9, 0.4]) * rng.normal(0.006, 0.010)
    lung[:4, 1] += rng.normal(0, 0.010)
    return lung


def _airways(hila: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    carina = np.array([0.006, -0.105])
    trachea = np.array([[0.0, -0.66], [0.007, -0.38], carina])
    right = np.stack([carina, moved(carina, -0.035, 0.04), moved(hila[0], 0.012, 0.01)])
    left = np.stack([carina, moved(carina, 0.045, 0.035), moved(hila[1], -0.012, 0.008)])
    return smooth(trachea[None], closed=False), smooth(np.stack([right, left]), closed=False)


def draw_vessel_tree(anatomy: Anatomy, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Vessels of three generations, thick to thin, that fan out from each hilum and branch; (k, p, 2) lines each."""
    # Both lungs are grown as if on the image's right, and the first half of each generation is mirrored at the end.
    angle = np.radians(np.tile(_VESSEL_ANGLES, 2) + rng.normal(0, 7, 16))
    length = np.tile(_VESSEL_LENGTHS, 2) * rng.normal(1, 0.10, 16)
    hila = np.repeat(np.abs(anatomy.hila * [1, 0]) + anatomy.hila * [0, 1], 8, axis=0)
    start = hila + np.stack([np.full(16, -0.01), 0.045 * np.sin(angle)], axis=-1) + rng.normal(0, 0.007, (16, 2))
    generations = []
    for points, children in ((7, 4), (5, 3), (3, 0)):
        bend = rng.normal(0, 0.45, len(angle))
        lines = _branches(start, angle, length, bend, points)
        half = len(lines) // 2
        generations.append(np.concatenate([mirrored(lines[:half]), lines[half:]]))
        if children:
            at = rng.uniform(0.22, 0.92, (len(angle), children))
            turn = np.where(rng.random(at.shape) < 0.5, -1, 1) * rng.uniform(0.35, 0.85, at.shape)
            start = _along(lines, at).reshape(-1, 2)
            angle = (angle[:, None] + bend[:, None] * at + turn).ravel()
            length = (length[:, None] * (1.08 - at) * rng.uniform(0.45, 0.75, at.shape)).ravel()
    return tuple(generations)


def _branches(start: np.ndarray, angle: np.ndarray, length: np.ndarray, bend: np.ndarray, points: int) -> np.ndarray:
    """(k, points, 2) lines from `start` in direction `angle`, turning by `bend` over their length."""
    t = np.linspace(0, 1, points)
    direction = angle[:, None] + bend[:, None] * t
    step = length[:, None] / (points - 1)
    x = np.cumsum(np.cos(direction) * step, axis=1) - np.cos(direction[:, :1]) * step
    y = np.cumsum(np.sin(direction) * step, axis=1) - np.sin(direction[:, :1]) * step
    return start[:, None] + np.stack([x, y], axis=-1)


def _along(lines: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(k, c, 2) points on (k, p, 2) lines at fractions `at` (k, c) of their length."""
    place = at * (lines.shape[1] - 1)
    low = np.minimum(place.astype(int), lines.shape[1] - 2)
    part = (place - low)[..., None]
    rows = np.arange(len(lines))[:, None]
    return lines[rows, low] * (1 - part) + lines[rows, low + 1] * part


def _breasts(rng: np.random.Generator, fat: float) -> np.ndarray:
    """(2, m, 2) outlines of the breast shadows, whose lower edges show below the lungs' lateral parts."""
    size = np.clip(rng.normal(0.115 + 0.03 * fat, 0.018), 0.08, 0.18)
    angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    one = np.stack([np.cos(angle) * size, np.sin(angle) * size * 1.15], axis=-1)
    one[:, 1] -= 0.35 * np.maximum(0, -one[:, 1])
    one += [0.225 + 0.25 * size, 0.155 + rng.normal(0.01, 0.03)]
    return smooth(np.stack([mirrored(one), one]) + rng.normal(0, 0.004, (2, 1, 2)), per_segment=3)


def _bubble(rng: np.random.Generator) -> np.ndarray:
    """(m, 2) outline of the gas in the stomach, below the left dome, flat underneath."""
    width, height = rng.uniform(0.04, 0.09), rng.uniform(0.02, 0.055)
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    one = np.stack([np.cos(angle) * width, np.sin(angle) * height], axis=-1)
    one[:, 1] *= np.where(one[:, 1] > 0, 0.6, 1.0)
    place = moved(one, rng.uniform(0.13, 0.21), rng.uniform(0.265, 0.30))
    return smooth(place + rng.normal(0, 0.003, one.shape), per_segment=4)
