"""One picture's answer as a JSON document: probabilities, verdict, maps, overlay.

Scores are calibrated as on the Predict page, decisions and overlays are made by the same functions. Everything here
runs in a thread of the line.
"""

import base64
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.data.frames import Decoded, FrameChoice
from core.data.images import MIDDLE, decode_picture, encode_png, fit_image, resize_map, shrink_image
from core.errors import ExplanationFailed, RequestRefused
from core.evaluation.decision import decided_classes
from core.evaluation.referral import is_referred
from core.evaluation.sums import sum_answers
from core.language import said
from core.registry.explanations import GRADCAM, QUICK, explanation
from core.types import ModelCard

if TYPE_CHECKING:
    from core.nn.ood import OodAnswer
    from core.nn.serving import Predictor

STRENGTH = 0.55  # opacity of full heat, as the Predict page starts with
OVERLAY_PX = 512  # overlays are drawn below twice this side: enough for a map of 7 x 7 cells
EXPLANATIONS = ("none", "maps", *QUICK)  # those that bring TensorFlow are for the pages and the command line


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """A picture and what the network said of it: rgb (H, W, 3), probabilities (C,), maps (C, h, w) raw or None.

    `cells` are the (rows, columns) that the maps were made from, where they are no longer on them.
    """

    card: ModelCard
    engine: str
    rgb: np.ndarray
    probabilities: np.ndarray
    maps: np.ndarray | None
    picture: Decoded
    ood: "OodAnswer | None" = None
    method: str = GRADCAM
    cells: tuple[int, int] | None = None


def look(
    predictor: "Predictor", content: bytes, name: str, *, maps: bool, frame: FrameChoice = MIDDLE,
    method: str = GRADCAM,
) -> Looked:  # fmt: skip
    """Decode a picture and run the network once; Grad-CAM of all classes comes from the same pass.

    Raises: ImageRefused, in one sentence; RequestRefused for a method that would bring TensorFlow on this model.
    """
    from core.nn.serving import calibrated

    card = predictor.card
    picture = decode_picture(content, name, frame)
    rgb = picture.pixels
    prepared = fit_image(rgb, card.preprocess)[None]
    if maps and method != GRADCAM and predictor.explainer.loads_tensorflow(method):
        raise RequestRefused(
            422,
            said(
                "{name} gives no {title} without TensorFlow; ask a page.",
                name=card.name,
                title=explanation(method).title,
            ),
        )
    output = predictor.run(prepared, maps=maps and method == GRADCAM)
    probabilities = calibrated(output.logits, card.temperature, card.task)[0]
    judged = predictor.ood(prepared, output)
    raw, cells = (None, None) if output.cams is None else (output.cams[0], None)
    if maps and method != GRADCAM:
        raw, cells = predictor.explainer.maps(prepared[0], method)
    ood = None if judged is None else judged[0]
    return Looked(card, predictor.engine, rgb, probabilities, raw, picture, ood, method, cells)


def prediction(
    predictor: "Predictor",
    content: bytes,
    name: str,
    *,
    explain: str,
    target: str | None,
    strength: float,
    frame: FrameChoice = MIDDLE,
) -> dict[str, object]:
    """The answer for one picture of POST /api/predict; `explain` is one of EXPLANATIONS."""
    method = explain if explain in QUICK else GRADCAM
    looked = look(predictor, content, name, maps=explain != "none", frame=frame, method=method)
    card = looked.card
    called = decided_classes(looked.probabilities, card)
    height, width = looked.rgb.shape[:2]
    answer: dict[str, object] = {
        "file": name,
        "width": width,
        "height": height,
        **_which(looked.picture),
        "probabilities": by_class(card, looked.probabilities),
        "decided": list(called),
        "verdict": verdict(card, called),
        "sums": sums(card, looked.probabilities),
        **doubts(looked),
    }
    if explain != "none":
        answer["explanation"] = made_by(looked)
        answer["maps"] = {c: grid(looked, i) for i, c in enumerate(card.class_names)}
    if explain in QUICK:
        chosen = target_class(card, looked.probabilities, target)
        index = card.class_names.index(chosen)
        answer["overlay"] = {
            "class": chosen,
            "strength": strength,
            "is_empty": grid(looked, index)["is_empty"],
            "png_base64": base64.b64encode(overlay_png(looked, index, strength)).decode("ascii"),
        }
    return answer


def live(predictor: "Predictor", content: bytes, *, target: str | None) -> dict[str, object]:
    """The answer for one camera frame of POST /api/live: probabilities in class order and one map as its cells."""
    started = time.perf_counter()
    looked = look(predictor, content, "the frame", maps=True)
    card = looked.card
    called = decided_classes(looked.probabilities, card)
    chosen = target_class(card, looked.probabilities, target)
    positive = card.positive_class
    return {
        "model": card.name,
        "engine": looked.engine,
        "classes": list(card.class_names),
        "probabilities": [float(p) for p in looked.probabilities],
        "positive_class": positive,
        "threshold": card.threshold.values.get(positive) if positive else None,
        "verdict": verdict(card, called),
        "sums": sums(card, looked.probabilities),
        **doubts(looked),
        "map": {"class": chosen, **made_by(looked), **grid(looked, card.class_names.index(chosen))},
        "fitted": card.preprocess.resize_mode,
        "server_ms": round(1000 * (time.perf_counter() - started), 2),
    }


def detections(predictor: "Predictor", content: bytes, name: str) -> dict[str, object]:
    """The answer of POST /video_frame/: every class with its calibrated probability, the most probable first."""
    looked = look(predictor, content, name, maps=False)
    order = np.argsort(-looked.probabilities, kind="stable")
    names = looked.card.class_names
    return {"detections": [{"class": names[i], "confidence": float(looked.probabilities[i])} for i in order]}


def overlay(
    predictor: "Predictor",
    content: bytes,
    name: str,
    *,
    target: str | None,
    strength: float,
    frame: FrameChoice = MIDDLE,
) -> bytes:
    """The picture with the map of one class laid over it, as PNG."""
    looked = look(predictor, content, name, maps=True, frame=frame)
    chosen = target_class(looked.card, looked.probabilities, target)
    return overlay_png(looked, looked.card.class_names.index(chosen), strength)


def _which(picture: Decoded) -> dict[str, object]:
    """Which picture of the file it is, for files with several, and how its grey values were made."""
    found: dict[str, object] = {"format": picture.header.format}
    if picture.header.frames > 1 or picture.axis:
        found |= {"frame": picture.chosen or str(picture.frame), "frames": picture.header.frames}
    return found | ({"note": picture.note} if picture.note else {})


def by_class(card: ModelCard, probabilities: np.ndarray) -> dict[str, float]:
    """Probabilities (C,) by class name, in class order."""
    return {name: float(p) for name, p in zip(card.class_names, probabilities, strict=True)}


def verdict(card: ModelCard, called: tuple[str, ...]) -> str | None:
    """ "positive" or "negative" where the model has a positive class, else None."""
    if card.positive_class is None:
        return None
    return "positive" if card.positive_class in called else "negative"


def sums(card: ModelCard, probabilities: np.ndarray) -> dict[str, dict[str, float | bool]]:
    """What the card's sums of classes get, by name: their probability, their cut, and whether it is reached."""
    answers = sum_answers(probabilities.tolist(), card)
    return {a.name: {"probability": a.probability, "threshold": a.cut, "called": a.called} for a in answers}


def doubts(looked: Looked) -> dict[str, object]:
    """Whether the picture is unlike the training images (null without a gate), and whether a person should read it."""
    found = looked.ood
    gate = None if found is None else {
        "score": found.score, "threshold": found.threshold, "percentile": found.percentile, "flagged": found.flagged,
    }  # fmt: skip
    return {"out_of_distribution": gate, "refer": is_referred(looked.probabilities, looked.card)}


def target_class(card: ModelCard, probabilities: np.ndarray, target: str | None) -> str:
    """The class to explain: the one asked for, else the positive class, else the most probable."""
    return target or card.positive_class or card.class_names[int(probabilities.argmax())]


def made_by(looked: Looked) -> dict[str, object]:
    """The method and the layer that a map comes from; the layer is null for a method that weighs none."""
    spec = explanation(looked.method)
    return {"method": spec.title, "layer": looked.card.cam_layer if spec.on_layer else None}


def grid(looked: Looked, index: int) -> dict[str, object]:
    """The map of one class on the cells that it was made from, scaled by its own maximum to [0, 1]."""
    cells = _cells(looked, index)
    if looked.cells is not None and looked.cells != cells.shape and cells.any():
        from core.nn.explain_trust import on_grid

        cells = on_grid(cells, *looked.cells)
        cells = cells / cells.max()
    rows, columns = cells.shape
    return {"rows": rows, "columns": columns, "is_empty": not cells.any(), "values": np.round(cells, 4).tolist()}


def overlay_png(looked: Looked, index: int, strength: float) -> bytes:
    """The picture, longest side under 1,024 px, with the map of one class over it; without one where it is empty."""
    from core.figures.overlay import blend, heat_on_picture  # brings Plotly, which nothing else here needs

    shown = shrink_image(looked.rgb, OVERLAY_PX)
    cells = _cells(looked, index)
    if not cells.any():
        return encode_png(shown)
    spec = looked.card.preprocess
    heat = heat_on_picture(resize_map(cells, spec.size_px), spec, *shown.shape[:2])
    return encode_png(blend(shown, heat, strength))


def _cells(looked: Looked, index: int) -> np.ndarray:
    """The map of one class (h, w) in [0, 1], scaled by its maximum; zero everywhere when it is empty."""
    from core.nn.explain import EMPTY_BELOW

    if looked.maps is None:
        raise ExplanationFailed(said("{name} gave no heat maps.", name=looked.card.name))
    raw = looked.maps[index].astype(np.float64)
    if not np.isfinite(raw).all():
        raise ExplanationFailed(said("The heat map of {name} is not finite.", name=looked.card.name))
    top = float(raw.max())
    return np.zeros(raw.shape) if top < EMPTY_BELOW else raw / top
