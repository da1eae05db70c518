"""The anatomy of a synthetic patient: outlines of a chest in canonical units, drawn once per patient.

Side 0 is the image's left (the patient's right), side 1 the image's right. Nothing here knows of findings.
"""

from dataclasses import dataclass

import numpy as np

from core.data.phantom_shapes import mirrored, moved, smooth

N_RIBS = 10
_ROWS = np.arange(N_RIBS)

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
    (-0.056, -0.130), (-0.066, -0.060), (-0.080, 0.010), (-0.106, 0.075), (-0.117, 0.140), (-0.108, 0.205),
    (-0.080, 0.250), (0.020, 0.278), (0.130, 0.282), (0.190, 0.262), (0.222, 0.222), (0.224, 0.172),
    (0.202, 0.108), (0.166, 0.042), (0.124, -0.012), (0.092, -0.052), (0.072, -0.090), (0.060, -0.130),
])  # fmt: skip
_MEDIASTINUM = np.array([
    (-0.060, -0.480), (-0.058, -0.370), (-0.060, -0.260), (-0.064, -0.160), (-0.060, -0.060), (-0.060, 0.050),
    (-0.056, 0.200), (-0.050, 0.330), (0.050, 0.330), (0.056, 0.200), (0.060, 0.050), (0.062, -0.060),
    (0.068, -0.095), (0.080, -0.125), (0.087, -0.156), (0.082, -0.190), (0.068, -0.225), (0.060, -0.290),
    (0.058, -0.370), (0.060, -0.480),
])  # fmt: skip
_KNOB = slice(12, 17)  # the points of `_MEDIASTINUM` on the aortic arch
_TORSO = np.array([
    (0.105, -0.700), (0.102, -0.540), (0.112, -0.465), (0.190, -0.420), (0.300, -0.392), (0.400, -0.350),
    (0.430, -0.260), (0.415, -0.150), (0.408, -0.040), (0.410, 0.120), (0.405, 0.280), (0.400, 0.450),
    (0.410, 0.750),
])  # fmt: skip
_ARM = np.array([
    (0.300, -0.392), (0.400, -0.372), (0.475, -0.330), (0.520, -0.240), (0.545, -0.100), (0.560, 0.060),
    (0.570, 0.300), (0.470, 0.300), (0.452, 0.080), (0.432, -0.060), (0.410, -0.120), (0.380, -0.220),
])  # fmt: skip
_CLAVICLE = np.array(
    [(0.030, -0.236), (0.080, -0.262), (0.150, -0.282), (0.230, -0.300), (0.310, -0.330), (0.375, -0.352)]
)
_SCAPULA = np.array([
    (0.372, -0.300), (0.345, -0.262), (0.318, -0.222), (0.310, -0.140), (0.322, -0.045), (0.348, -0.010),
    (0.362, -0.060), (0.372, -0.150), (0.384, -0.230),
])  # fmt: skip
_HILUM = np.array([0.078, -0.045])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anatomy:
    """Outlines and lines of one synthetic patient, all in canonical units.

    `lungs` (2, m, 2) reach behind the heart; `heart` and `mediastinum` cover them there. `bone` and `fat`
    scale what these add; `ribs_behind` and `ribs_before` are (2 * N_RIBS, m, 2) middle lines.
    """

    age: int
    sex: str
    lungs: np.ndarray
    heart: np.ndarray
    mediastinum: np.ndarray
    torso: np.ndarray
    arms: np.ndarray
    clavicles: np.ndarray
    scapulae: np.ndarray
    hila: np.ndarray
    ribs_behind: np.ndarray
    ribs_before: np.ndarray
    rib_width: np.ndarray
    spine: np.ndarray
    breasts: np.ndarray | None
    bubble: np.ndarray | None
    fat: float
    bone: float


def draw_anatomy(rng: np.random.Generator) -> Anatomy:
    """A new patient. The result depends on `rng` alone."""
    sex = "F" if rng.random() < 0.47 else "M"
    age = int(np.clip(rng.normal(56, 17), 18, 93))
    aged = (age - 18) / 75
    width = rng.normal(1.0 if sex == "M" else 0.95, 0.045)
    height = rng.normal(1.0 if sex == "M" else 0.95, 0.055)
    fat = float(np.clip(rng.normal(0.5, 0.25), 0.05, 1.2))
    stretch = np.array([width, height])

    lungs = np.stack([mirrored(_lung(rng, right=True)), _lung(rng, right=False)])
    heart_size = np.clip(rng.normal(0.98 + 0.10 * aged, 0.08), 0.80, 1.30)
    heart = _HEART * [heart_size, 1.0] + rng.normal(0, 0.004, _HEART.shape)
    heart[:, 0] += rng.normal(0, 0.006)
    mediastinum = _MEDIASTINUM * [np.clip(rng.normal(1.0, 0.08), 0.85, 1.25), 1.0]
    mediastinum[_KNOB, 0] += rng.normal(0.010 * aged, 0.006)
    mediastinum += rng.normal(0, 0.002, mediastinum.shape)
    hila = np.stack([_HILUM * [-1, 1] + [0, 0.012], _HILUM]) + rng.normal(0, 0.006, (2, 2))
    behind, before = _ribs(rng)
    spine = _spine(rng)
    torso = _TORSO + np.outer(np.linspace(0.2, 1.0, len(_TORSO)), [0.085 * (fat - 0.4), 0])
    torso[3:6, 1] += rng.normal(0, 0.012)
    outline = np.concatenate([smooth(torso, closed=False), mirrored(smooth(torso, closed=False))[::-1]])
    arm = moved(_ARM, 0.03 * fat + rng.normal(0.012, 0.018), rng.normal(0, 0.01))
    arms = smooth(np.stack([mirrored(arm), arm]))
    rise = np.outer(np.linspace(0, 1, 6), [0, rng.normal(0, 0.022)])
    clavicle = moved(_CLAVICLE + rise, 0, rng.normal(0, 0.012))
    clavicles = smooth(np.stack([mirrored(clavicle), clavicle]) + rng.normal(0, 0.003, (2, 6, 2)), closed=False)
    scapula = moved(_SCAPULA, rng.normal(0.008, 0.014), rng.normal(0, 0.012))
    scapulae = smooth(np.stack([mirrored(scapula), scapula]))
    breasts = _breasts(rng, fat) * stretch if sex == "F" and rng.random() < 0.8 else None
    bubble = _bubble(rng) * stretch if rng.random() < 0.45 else None
    return Anatomy(
        age=age, sex=sex, lungs=smooth(lungs) * stretch, heart=smooth(heart) * stretch,
        mediastinum=smooth(mediastinum) * stretch, torso=outline * stretch, arms=arms * stretch,
        clavicles=clavicles * stretch, scapulae=scapulae * stretch, hila=hila * stretch,
        ribs_behind=behind * stretch, ribs_before=before * stretch,
        rib_width=(0.0195 + 0.0004 * _ROWS) * rng.normal(1, 0.08), spine=spine * stretch,
        breasts=breasts, bubble=bubble, fat=fat, bone=float(np.clip(rng.normal(1.05 - 0.3 * aged, 0.12), 0.5, 1.4)),
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


def _ribs(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Posterior (2 * N_RIBS, m, 2) and anterior arcs; each rib is a tilted ring, seen from the front.

    On a ring at angle a (90 degrees: spine, 0: flank, below 0: front) x = width cos a, y = top + tilt (1 - sin a).
    """
    spacing = rng.normal(0.0655, 0.002)
    top = -0.385 + spacing * _ROWS + rng.normal(0, 0.006)
    width = np.array([0.140, 0.222, 0.275, 0.308, 0.330, 0.343, 0.351, 0.357, 0.361, 0.362]) + rng.normal(0, 0.004)
    tilt = np.array([0.045, 0.062, 0.078, 0.092, 0.104, 0.113, 0.121, 0.127, 0.131, 0.133]) * rng.normal(1.0, 0.14)
    behind_angle = np.radians(np.linspace(84, -4, 16))
    before_angle = np.radians(np.linspace(4, -58, 11))
    sides = []
    for angle in (behind_angle, before_angle):
        x = width[:, None] * np.cos(angle) ** 0.85
        y = top[:, None] + tilt[:, None] * (1 - np.sin(angle))
        one = np.stack([x, y], axis=-1)
        sides.append(np.concatenate([mirrored(one), one]) + rng.normal(0, 0.0015, (2 * N_RIBS, 1, 2)))
    return sides[0], sides[1][: 2 * N_RIBS]


def _spine(rng: np.random.Generator) -> np.ndarray:
    """(m, 2) middles of the vertebrae, top to bottom, with a slight bend."""
    y = np.arange(-0.56, 0.62, 0.056) + rng.normal(0, 0.012)
    return np.stack([rng.normal(0, 0.006) * np.sin(3.0 * y + rng.normal(0, 1)), y], axis=-1)


def draw_vessels_tree(anatomy: Anatomy, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Vessels of three generations, thick to thin, that fan out from each hilum and branch; (k, p, 2) lines each."""
    hila = anatomy.hila
    levels: list[list[np.ndarray]] = [[], [], []]
    for side in (0, 1):
        angle = np.radians(np.array([-78, -52, -24, 2, 26, 48, 68, 84.0]) + rng.normal(0, 7, 8))
        length = np.array([0.22, 0.22, 0.19, 0.18, 0.22, 0.25, 0.25, 0.22]) * rng.normal(1, 0.10, 8)
        start = np.tile([abs(hila[side, 0]), hila[side, 1]], (8, 1)) + rng.normal(0, 0.010, (8, 2))
        for level, children in enumerate((4, 3, 0)):
            bend = rng.normal(0, 0.35, len(angle))
            lines = _branches(start, angle, length, bend, points=(7, 5, 4)[level])
            levels[level].append(lines if side else mirrored(lines))
            if children:
                at = rng.uniform(0.22, 0.92, (len(angle), children))
                turn = rng.choice([-1.0, 1.0], at.shape) * rng.uniform(0.35, 0.85, at.shape)
                start = _along(lines, at).reshape(-1, 2)
                angle = (angle[:, None] + bend[:, None] * at + turn).ravel()
                length = (length[:, None] * (1.08 - at) * rng.uniform(0.45, 0.75, at.shape)).ravel()
    return tuple(np.concatenate(level) for level in levels)


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
    width, height = rng.uniform(0.035, 0.075), rng.uniform(0.018, 0.04)
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    one = np.stack([np.cos(angle) * width, np.sin(angle) * height], axis=-1)
    one[:, 1] *= np.where(one[:, 1] > 0, 0.55, 1.0)
    place = moved(one, rng.uniform(0.13, 0.21), rng.uniform(0.275, 0.30))
    return smooth(place + rng.normal(0, 0.003, one.shape), per_segment=4)
