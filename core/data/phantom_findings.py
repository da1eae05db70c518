"""What is planted in a synthetic patient, and where: nodules and the four appearances of the SIIM scheme.

Findings are planned in canonical units once per patient; nothing is drawn here. Nodules and appearance come
from separate random streams, and neither touches anatomy or exposure.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from core.data.phantom_anatomy import Anatomy
from core.data.phantom_shapes import Frame

Box = tuple[float, float, float, float]
APPEARANCES = ("negative", "typical", "indeterminate", "atypical")
MIN_RADIUS, MAX_RADIUS = 0.025, 0.070  # of a nodule, fractions of the image's width
_REACH = 1.35  # an opacity's box goes this many standard deviations from its middle: a quarter of its density is left


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opacity:
    """One planted appearance in one lung, or in both at once.

    `manner`: "patches" (soft blobs), "haze" (a whole lung), "lobe", "effusion" or "pneumothorax".
    `side`: 0 is the image's left. `blobs` (k, 4): middle x, y and standard deviations x, y.
    `edge` (m, 2): the fissure, the meniscus, or the outline of the collapsed lung. `extent` (m, 2): points whose
    bounding box is the finding's box. `strength` is added attenuation; `texture_seed` makes its fine structure.
    """

    kind: str
    manner: str
    side: int
    blobs: np.ndarray
    edge: np.ndarray
    extent: np.ndarray
    strength: float
    texture_seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nodule:
    """A round shadow: `centre` and `radius` in canonical units, `strength` the added attenuation at its middle.

    `lobes` (k, 2) are amplitude and phase of the outline's waves; `spicules` the angles of its radiating lines.
    """

    centre: np.ndarray
    radius: float
    strength: float
    lobes: np.ndarray
    spicules: np.ndarray
    softness: float

    def grown(self, factor: float) -> "Nodule":
        """The same nodule with its radius times `factor`."""
        return replace(self, radius=self.radius * factor)


def box_of(extent: np.ndarray, frame: Frame) -> Box:
    """Bounding box (x, y, width, height) of canonical points, in fractions of the image and inside it."""
    points = np.clip(frame.fractions(extent), 0, 1)
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def nodule_radius(nodule: Nodule, frame: Frame) -> float:
    """Radius in fractions of the image, kept inside the range that the data set promises."""
    return float(np.clip(nodule.radius * frame.scale / frame.size_px, MIN_RADIUS, MAX_RADIUS))


def nodule_box(nodule: Nodule, frame: Frame) -> Box:
    """The square around a nodule, in fractions of the image."""
    radius = nodule_radius(nodule, frame)
    low = np.clip(frame.fractions(nodule.centre) - radius, 0, 1)
    high = np.clip(frame.fractions(nodule.centre) + radius, 0, 1)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def plan_appearance(appearance: str, anatomy: Anatomy, rng: np.random.Generator) -> tuple[Opacity, ...]:
    """The opacities of one of `APPEARANCES`; none for "negative"."""
    if appearance == "typical":
        strength = rng.uniform(0.45, 1.0)
        return tuple(_patches(appearance, anatomy, rng, side, strength, level=(0.48, 0.92), across=(0.62, 0.98),
                              size=(0.032, 0.062), count=(2, 5)) for side in (0, 1))  # fmt: skip
    if appearance == "indeterminate":
        manner = rng.choice(["unilateral", "central", "diffuse"], p=[0.45, 0.35, 0.20])
        side = int(rng.integers(2))
        if manner == "unilateral":
            return (_patches(appearance, anatomy, rng, side, rng.uniform(0.45, 1.0), level=(0.25, 0.85),
                             across=(0.25, 0.75), size=(0.040, 0.075), count=(1, 4)),)  # fmt: skip
        strength = rng.uniform(0.40, 0.80) if manner == "central" else rng.uniform(0.30, 0.55)
        if manner == "central":
            return tuple(_central(appearance, anatomy, rng, s, strength) for s in (0, 1))
        return tuple(_haze(appearance, anatomy, rng, s, strength) for s in (0, 1))
    if appearance == "atypical":
        manner = rng.choice(["lobe", "effusion", "pneumothorax"], p=[0.42, 0.36, 0.22])
        return (_ATYPICAL[manner](appearance, anatomy, rng, int(rng.integers(2))),)
    return ()


def vary(opacity: Opacity, rng: np.random.Generator) -> Opacity:
    """The same opacity on another image: denser or fainter."""
    return replace(opacity, strength=opacity.strength * float(rng.uniform(0.8, 1.2)))


def plan_nodules(anatomy: Anatomy, opacities: tuple[Opacity, ...], rng: np.random.Generator) -> tuple[Nodule, ...]:
    """One to three nodules in open lung, clear of the opacities."""
    nodules: list[Nodule] = []
    for _ in range(int(rng.choice([1, 2, 3], p=[0.70, 0.20, 0.10]))):
        radius = float(np.exp(rng.uniform(np.log(MIN_RADIUS), np.log(0.062))))
        centre = _open_place(anatomy, opacities, nodules, radius, rng)
        spiculated = rng.random() < 0.25
        nodules.append(Nodule(
            centre=centre,
            radius=radius,
            strength=float(np.exp(rng.uniform(np.log(0.60), np.log(1.30)))),
            lobes=np.stack([rng.uniform(0, 0.10, 4) / [1, 1.3, 1.8, 2.4], rng.uniform(0, 2 * np.pi, 4)], axis=-1),
            spicules=np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(7, 14)) if spiculated else 0)),
            softness=float(rng.uniform(0.09, 0.20)),
        ))  # fmt: skip
    return tuple(nodules)


def lung_place(anatomy: Anatomy, side: int, level: float, across: float) -> np.ndarray:
    """(2,) the point at `level` (0 apex, 1 base) and `across` (0 midline side, 1 chest wall) of a lung."""
    outline = anatomy.lungs[side]
    top, bottom = outline[:, 1].min(), outline[:, 1].max()
    y = top + level * (bottom - top)
    x = np.abs(outline[:, 0])
    ahead = np.roll(outline[:, 1], -1)
    crossing = np.flatnonzero((outline[:, 1] - y) * (ahead - y) <= 0)
    inner, outer = x[crossing].min(), x[crossing].max()
    return np.array([(inner + across * (outer - inner)) * (1 if side else -1), y])


def _inside(outline: np.ndarray, point: np.ndarray) -> float:
    """Distance of `point` from the outline, positive inside."""
    return float(cv2.pointPolygonTest(outline.astype(np.float32)[:, None], tuple(point.tolist()), True))


def _within(outline: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(k,) bool: which of (k, 2) points lie inside an outline (even-odd rule)."""
    x, y = points[:, 0, None], points[:, 1, None]
    x0, y0 = outline.T
    x1, y1 = np.roll(outline, -1, axis=0).T
    with np.errstate(divide="ignore", invalid="ignore"):
        crosses = ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return crosses.sum(axis=1) % 2 == 1


def _open_place(
    anatomy: Anatomy, opacities: tuple[Opacity, ...], nodules: list[Nodule], radius: float, rng: np.random.Generator
) -> np.ndarray:
    best, best_room = np.zeros(2), -np.inf
    for _ in range(60):
        side = int(rng.integers(2))
        place = lung_place(anatomy, side, rng.uniform(0.10, 0.94), rng.uniform(0.15, 0.95))
        room = min(
            _inside(anatomy.lungs[side], place), -_inside(anatomy.heart, place), -_inside(anatomy.mediastinum, place)
        )
        room = min(room, 0.9 * radius)
        for opacity in opacities:
            room = min(room, _room_beside(opacity, place, side) - radius)
        for other in nodules:
            room = min(room, float(np.linalg.norm(other.centre - place)) - 1.2 * (other.radius + radius))
        if room > best_room:
            best, best_room = place, room
        if room >= 0.65 * radius:
            break
    return best


def _room_beside(opacity: Opacity, place: np.ndarray, side: int) -> float:
    """How far `place` lies from an opacity; a haze leaves room everywhere, a sick lung none."""
    if opacity.manner == "haze" or opacity.side != side:
        return 1.0
    if opacity.manner != "patches":
        return -1.0
    distance = np.linalg.norm(opacity.blobs[:, :2] - place, axis=1) - 1.3 * opacity.blobs[:, 2:].max(axis=1)
    return float(distance.min()) + 0.07


def _patches(
    kind: str, anatomy: Anatomy, rng: np.random.Generator, side: int, strength: float, *,
    level: tuple[float, float], across: tuple[float, float], size: tuple[float, float], count: tuple[int, int],
) -> Opacity:  # fmt: skip
    places = [lung_place(anatomy, side, rng.uniform(*level), rng.uniform(*across)) for _ in range(rng.integers(*count))]
    spread = rng.uniform(*size, (len(places), 2)) * [0.9, 1.25]
    return _soft(kind, anatomy, rng, side, np.concatenate([np.array(places), spread], axis=1), strength)


def _central(kind: str, anatomy: Anatomy, rng: np.random.Generator, side: int, strength: float) -> Opacity:
    middle = anatomy.hila[side] + np.array([0.045 * (1 if side else -1), 0.01])
    places = middle + rng.normal(0, [0.022, 0.045], (3, 2))
    return _soft(
        kind, anatomy, rng, side, np.concatenate([places, rng.uniform(0.045, 0.075, (3, 2))], axis=1), strength
    )


def _soft(
    kind: str, anatomy: Anatomy, rng: np.random.Generator, side: int, blobs: np.ndarray, strength: float
) -> Opacity:
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    disc = np.concatenate([0.5 * ring[::3], ring]) * _REACH
    points = (blobs[:, None, :2] + disc * blobs[:, None, 2:]).reshape(-1, 2)
    shown = points[_within(anatomy.lungs[side][::2], points) & ~_within(anatomy.heart[::2], points)]
    extent = shown if len(shown) else points
    return Opacity(kind=kind, manner="patches", side=side, blobs=blobs, edge=np.zeros((0, 2)), extent=extent,
                   strength=float(strength), texture_seed=int(rng.integers(1 << 31)))  # fmt: skip


def _haze(kind: str, anatomy: Anatomy, rng: np.random.Generator, side: int, strength: float) -> Opacity:
    outline = anatomy.lungs[side]
    shown = outline[np.abs(outline[:, 0]) > 0.06]
    return Opacity(kind=kind, manner="haze", side=side, blobs=np.zeros((0, 4)), edge=np.zeros((0, 2)), extent=shown,
                   strength=float(strength), texture_seed=int(rng.integers(1 << 31)))  # fmt: skip


def _lobe(kind: str, anatomy: Anatomy, rng: np.random.Generator, side: int) -> Opacity:
    """Consolidation of an upper lobe, sharp below, where it ends at the fissure."""
    outline = anatomy.lungs[side]
    outwards = 1 if side else -1
    level = rng.uniform(0.40, 0.56)
    y = outline[:, 1].min() + level * np.ptp(outline[:, 1])
    x = np.linspace(0.0, 0.45, 9)
    course = y + rng.uniform(-0.05, 0.11) * x / 0.45 + rng.uniform(-0.6, 0.9) * (x - 0.2) ** 2
    fissure = np.stack([x * outwards, course], axis=-1)
    edge = np.concatenate([fissure, [[0.45 * outwards, -0.7], [0.0, -0.7]]])
    below = np.interp(np.abs(outline[:, 0]), x, fissure[:, 1])
    extent = outline[(outline[:, 1] < below) & (np.abs(outline[:, 0]) > 0.055)]
    floor = np.array([[0.065 * outwards, fissure[:, 1].max()]])
    return Opacity(kind=kind, manner="lobe", side=side, blobs=np.zeros((0, 4)), edge=edge,
                   extent=np.concatenate([extent, floor]), strength=float(rng.uniform(0.75, 1.25)),
                   texture_seed=int(rng.integers(1 << 31)))  # fmt: skip


def _effusion(kind: str, anatomy: Anatomy, rng: np.random.Generator, side: int) -> Opacity:
    """Fluid at the base: its surface rises towards the chest wall (the meniscus)."""
    outline = anatomy.lungs[side]
    outwards = 1 if side else -1
    base, tall = outline[:, 1].max(), np.ptp(outline[:, 1])
    inner, outer = base - tall * rng.uniform(0.14, 0.34), base - tall * rng.uniform(0.32, 0.58)
    x = np.linspace(0.0, 0.45, 10)
    rise = (x / 0.36) ** 2.6
    surface = np.stack([x * outwards, inner + (outer - inner) * rise], axis=-1)
    edge = np.concatenate([surface, [[0.45 * outwards, 0.8], [0.0, 0.8]]])
    wet = outline[
        (outline[:, 1] > np.interp(np.abs(outline[:, 0]), x, surface[:, 1])) & (np.abs(outline[:, 0]) > 0.055)
    ]
    return Opacity(kind=kind, manner="effusion", side=side, blobs=np.zeros((0, 4)), edge=edge, extent=wet,
                   strength=float(rng.uniform(1.05, 1.45)), texture_seed=int(rng.integers(1 << 31)))  # fmt: skip


def _pneumothorax(kind: str, anatomy: Anatomy, rng: np.random.Generator, side: int) -> Opacity:
    """Air beside a collapsed lung; widest at the apex and the flank."""
    outline = anatomy.lungs[side]
    hilum = anatomy.hila[side]
    shrink = rng.uniform(0.10, 0.34)
    higher = np.clip((outline[:, 1].max() - outline[:, 1]) / np.ptp(outline[:, 1]), 0, 1)
    collapsed = outline + (hilum - outline) * (shrink * np.minimum(1, 1.25 * higher))[:, None]
    moved = np.linalg.norm(collapsed - outline, axis=1)
    open_part = (moved > 0.35 * moved.max()) & (np.abs(outline[:, 0]) > 0.07)
    extent = np.concatenate([outline[open_part], collapsed[open_part]])
    return Opacity(kind=kind, manner="pneumothorax", side=side, blobs=np.zeros((0, 4)), edge=collapsed, extent=extent,
                   strength=float(rng.uniform(0.16, 0.30)), texture_seed=int(rng.integers(1 << 31)))  # fmt: skip


_ATYPICAL = {"lobe": _lobe, "effusion": _effusion, "pneumothorax": _pneumothorax}
