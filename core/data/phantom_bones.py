"""The bones of a synthetic patient: ribs, vertebrae and shoulder girdle as outlines in canonical units."""

from dataclasses import dataclass

import numpy as np

from core.data.phantom_shapes import band, mirrored, moved, smooth

N_RIBS = 10
_ROWS = np.arange(N_RIBS)
_RIB_REACH = np.array([0.140, 0.222, 0.275, 0.308, 0.330, 0.343, 0.351, 0.357, 0.361, 0.362])  # follows the lung
_RIB_TILT = np.array([0.045, 0.062, 0.078, 0.092, 0.104, 0.113, 0.121, 0.127, 0.131, 0.133])
_BEHIND_ANGLE = np.radians(np.linspace(84, -4, 13))
_BEFORE_ANGLE = np.radians(np.linspace(4, -58, 8))
_CLAVICLE = np.array([
    (0.030, -0.240), (0.085, -0.268), (0.160, -0.292), (0.245, -0.315), (0.330, -0.352), (0.420, -0.378),
])  # fmt: skip
_SCAPULA = np.array([
    (0.420, -0.320), (0.385, -0.290), (0.348, -0.245), (0.326, -0.160), (0.330, -0.060), (0.352, -0.012),
    (0.372, -0.060), (0.392, -0.150), (0.420, -0.240),
])  # fmt: skip
_HALF_VERTEBRA = np.array([(0.037, -0.022), (0.034, 0.0), (0.037, 0.022)])
_OVAL_ANGLE = np.linspace(0, 2 * np.pi, 8, endpoint=False)
_OVAL = np.stack([0.0065 * np.cos(_OVAL_ANGLE), 0.010 * np.sin(_OVAL_ANGLE)], axis=-1)
_PEDICLES_AND_SPINE = np.array([(-0.023, -0.006), (0.023, -0.006), (0.0, 0.016)])
_CIRCLE_ANGLE = np.linspace(0, 2 * np.pi, 16, endpoint=False)
_CIRCLE = np.stack([np.cos(_CIRCLE_ANGLE), np.sin(_CIRCLE_ANGLE)], axis=-1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bones:
    """Outlines, each array (k, m, 2): k bones of m points. `density` scales how much all of them absorb.

    `ribs_behind` and `ribs_before` are the posterior and anterior parts of the same ribs, left lung's last.
    `processes` are the pedicles and spinous processes, small ovals on the `vertebrae`.
    """

    ribs_behind: np.ndarray
    ribs_before: np.ndarray
    vertebrae: np.ndarray
    processes: np.ndarray
    clavicles: np.ndarray
    scapulae: np.ndarray
    arm_shafts: np.ndarray
    arm_heads: np.ndarray
    density: float


def make_bones(rng: np.random.Generator, stretch: np.ndarray, density: float) -> Bones:
    """Bones of a new patient; `stretch` (2,) is the patient's width and height against the average."""
    behind, before = _ribs(rng)
    vertebrae, processes = _spine(rng)
    rise = np.outer(np.linspace(0, 1, 6), [0, rng.normal(0, 0.022)])
    clavicle = moved(_CLAVICLE + rise, 0, rng.normal(0, 0.012))
    clavicles = smooth(np.stack([mirrored(clavicle), clavicle]) + rng.normal(0, 0.003, (2, 6, 2)), closed=False)
    scapula = moved(_SCAPULA, rng.normal(0.008, 0.014), rng.normal(0, 0.012))
    shaft, head = _upper_arm(clavicle[-1], rng)
    return Bones(
        ribs_behind=behind * stretch,
        ribs_before=before * stretch,
        vertebrae=vertebrae * stretch,
        processes=processes * stretch,
        clavicles=band(clavicles, 0.024) * stretch,
        scapulae=smooth(np.stack([mirrored(scapula), scapula])) * stretch,
        arm_shafts=np.stack([mirrored(shaft), shaft]) * stretch,
        arm_heads=np.stack([mirrored(head), head]) * stretch,
        density=density,
    )


def _ribs(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Posterior and anterior bands (2 * N_RIBS, m, 2); each rib is a tilted ring, seen from the front.

    On a ring at angle a (90 degrees: spine, 0: flank, below 0: front) x = reach cos a, y = top + tilt (1 - sin a).
    """
    spacing = rng.normal(0.0655, 0.002)
    top = -0.385 + spacing * _ROWS + rng.normal(0, 0.006)
    reach = _RIB_REACH + rng.normal(0, 0.004)
    tilt = _RIB_TILT * rng.normal(1.0, 0.14)
    width = (0.0195 + 0.0004 * _ROWS) * rng.normal(1, 0.08)
    parts = []
    for angle, thick in ((_BEHIND_ANGLE, 1.0), (_BEFORE_ANGLE, 1.1)):
        x = reach[:, None] * np.cos(angle) ** 0.85
        y = top[:, None] + tilt[:, None] * (1 - np.sin(angle))
        one = np.stack([x, y], axis=-1)
        both = np.concatenate([mirrored(one), one]) + rng.normal(0, 0.0015, (2 * N_RIBS, 1, 2))
        flank = thick * np.linspace(0.85, 1.12, len(angle))
        parts.append(band(both, np.concatenate([width, width])[:, None] * flank))
    return parts[0], parts[1]


def _spine(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(-0.56, 0.50, 0.056) + rng.normal(0, 0.012)
    middles = np.stack([rng.normal(0, 0.006) * np.sin(3.0 * y + rng.normal(0, 1)), y], axis=-1)
    body = np.concatenate([_HALF_VERTEBRA, mirrored(_HALF_VERTEBRA)[::-1]])
    ovals = middles[:, None, None] + _PEDICLES_AND_SPINE[:, None] + _OVAL
    return middles[:, None] + body, ovals.reshape(-1, len(_OVAL), 2)


def _upper_arm(shoulder: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    head = moved(shoulder, 0.052, 0.062)
    away = rng.normal(0, 0.015)
    line = smooth(np.stack([head, moved(head, 0.035, 0.12), moved(head, 0.055 + away, 0.40)]), closed=False)
    return band(line, 0.050), head + 0.048 * _CIRCLE
