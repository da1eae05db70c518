"""How one image of a synthetic patient is taken: position, exposure, noise, border and letter marker.

Nothing here depends on the findings, so that no finding can be read from how its image was taken.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from core.data.phantom_shapes import smooth

_MARKER_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_PLAIN)
_NOTES = ("PORTABLE", "ERECT", "SUPINE", "MOBILE", "WARD 3", "10:42", "CHEST", "SITTING")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """One exposure. `matrix` (2, 3) carries canonical points to fractions of the image.

    `turn` shifts what lies in front against what lies behind, as a patient turned about the long axis does.
    `middle` and `width` shape the film curve, `black` and `white` are its ends (0 to 255), `detail` is the
    strength of the unsharp mask that every digital system applies, `noise` the quantum noise, `unsharpness` the
    blur of motion and focus, in canonical units. `wires` (k, m, 2) are leads that lie on the patient, or None.
    `border` holds the bright field's corners (4, 2) in fractions of the image, or None.
    """

    projection: str
    matrix: np.ndarray
    turn: float
    middle: float
    width: float
    black: float
    white: float
    detail: float
    noise: float
    tilt: tuple[float, float]
    unsharpness: float
    wires: np.ndarray | None
    border: np.ndarray | None
    border_grey: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """The letter: where (x, y of its middle, fractions), how tall (fraction) and in which manner."""

    text: str
    x: float
    y: float
    height: float
    manner: str
    font: int
    note: str
    note_at: tuple[float, float]


def draw_view(rng: np.random.Generator) -> View:
    """A new exposure. The result depends on `rng` alone."""
    portable = rng.random() < 0.45
    angle = np.radians(rng.normal(0, 2.4 if portable else 1.3))
    scale = np.clip(rng.normal(1.14 if portable else 1.10, 0.060), 0.95, 1.25)
    scale_y = scale * np.clip(rng.normal(0.93 if portable else 0.98, 0.035), 0.86, 1.05)
    turn_matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = np.array([0.5, 0.545]) + rng.normal(0, [0.016, 0.025])
    matrix = np.concatenate([turn_matrix * [scale, scale_y], shift[:, None]], axis=1)
    washed = rng.random() < 0.25  # unprocessed films, grey in grey
    return View(
        projection="AP" if portable else "PA",
        matrix=matrix,
        turn=float(rng.normal(0, 0.011 if portable else 0.005)),
        middle=float(rng.normal(1.58, 0.13)),
        width=float(rng.uniform(0.46, 0.76)),
        black=float(rng.uniform(15, 45) if washed else rng.uniform(0, 14)),
        white=float(rng.uniform(175, 235) if washed else rng.uniform(225, 255)),
        detail=float(rng.uniform(0.0, 0.9)),
        noise=float(np.exp(rng.uniform(np.log(0.010), np.log(0.036)))),
        tilt=(float(rng.normal(0, 0.10)), float(rng.normal(0, 0.10))),
        unsharpness=float(min(abs(rng.normal(0, 0.0014)), 0.003)),
        wires=_draw_wires(rng) if portable and rng.random() < 0.20 else None,
        border=_draw_border(rng) if rng.random() < 0.28 else None,
        border_grey=float(rng.uniform(0, 12) if rng.random() < 0.88 else rng.uniform(150, 255)),
    )


def _draw_wires(rng: np.random.Generator) -> np.ndarray:
    """(k, m, 2) leads that run from the shoulders or the flanks over the chest, in canonical units."""
    count = int(rng.integers(1, 4))
    across = rng.choice([-1.0, 1.0], count) * rng.uniform(0.15, 0.45, count)
    start = np.stack([across, rng.uniform(-0.5, -0.3, count)], -1)
    end = np.stack([rng.uniform(-0.4, 0.4, count), rng.uniform(0.0, 0.45, count)], -1)
    t = np.linspace(0, 1, 5)[:, None]
    lines = start[:, None] * (1 - t) + end[:, None] * t + rng.normal(0, 0.03, (count, 5, 2))
    return smooth(lines, closed=False, per_segment=10)


def _draw_border(rng: np.random.Generator) -> np.ndarray:
    margins = np.where(rng.random(4) < 0.6, rng.uniform(0.01, 0.075, 4), -0.05)  # left, top, right, bottom
    left, top, right, bottom = margins
    corners = np.array([(left, top), (1 - right, top), (1 - right, 1 - bottom), (left, 1 - bottom)])
    angle = np.radians(rng.normal(0, 0.8))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (corners - 0.5) @ turn.T + 0.5


def draw_marker(rng: np.random.Generator) -> Marker | None:
    """A letter marker, or None on one image in seven. The result depends on `rng` alone."""
    absent = rng.random() < 0.14
    text = "R" if rng.random() < 0.5 else "L"
    left = text == "R"  # the patient's right is on the image's left
    x = rng.uniform(0.04, 0.17)
    y = rng.uniform(0.045, 0.15) if rng.random() < 0.85 else rng.uniform(0.72, 0.93)
    note = _NOTES[int(rng.integers(len(_NOTES)))] if rng.random() < 0.3 else ""
    marker = Marker(
        text=text,
        x=x if left else 1 - x,
        y=y,
        height=rng.uniform(0.026, 0.055),
        manner=("plain", "plain", "tile", "ring")[int(rng.integers(4))],
        font=_MARKER_FONTS[int(rng.integers(len(_MARKER_FONTS)))],
        note=note,
        note_at=(float(rng.uniform(0.03, 0.75)), float(rng.choice([0.035, 0.06, 0.965]))),
    )
    return None if absent else marker


def stamp_marker(grey: np.ndarray, marker: Marker) -> tuple[float, float, float, float]:
    """Draw `marker` into uint8 (S, S) `grey`, which the caller owns; returns its box (x, y, w, h) in fractions."""
    size_px = grey.shape[0]
    scale = marker.height * size_px / cv2.getTextSize("R", marker.font, 1.0, 1)[0][1]
    thickness = max(1, round(marker.height * size_px * 0.13))
    (width, height), _ = cv2.getTextSize(marker.text, marker.font, scale, thickness)
    middle_x, middle_y = marker.x * size_px, marker.y * size_px
    half = 0.5 * max(width, height) * (1.0 if marker.manner == "plain" else 1.55) + 0.5
    origin = (round(middle_x - width / 2), round(middle_y + height / 2))
    ink = 245
    if marker.manner == "tile":
        low = (round(middle_x - half), round(middle_y - half))
        high = (round(middle_x + half), round(middle_y + half))
        cv2.rectangle(grey, low, high, 205, -1, cv2.LINE_AA)
        ink = 45
    elif marker.manner == "ring":
        cv2.circle(grey, (round(middle_x), round(middle_y)), round(half), 235, 1, cv2.LINE_AA)
    cv2.putText(grey, marker.text, origin, marker.font, scale, ink, thickness, cv2.LINE_AA)
    if marker.note:
        place = (round(marker.note_at[0] * size_px), round(marker.note_at[1] * size_px))
        cv2.putText(grey, marker.note, place, cv2.FONT_HERSHEY_SIMPLEX, 0.00125 * size_px, 235, 1, cv2.LINE_AA)
    half += 2.0  # rounding to whole pixels, and the soft rim of the strokes
    low_x, low_y = max(0.0, middle_x - half) / size_px, max(0.0, middle_y - half) / size_px
    high_x, high_y = min(size_px, middle_x + half) / size_px, min(size_px, middle_y + half) / size_px
    return low_x, low_y, high_x - low_x, high_y - low_y
