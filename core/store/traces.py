"""The trace of one picture through a network: what every stage made of it, stored beside the model as `trace.npz`.

Made by `python -m core models trace NAME` (core/nn/trace.py) from a drawn phantom, so that no patient's picture is
shipped; read here with NumPy alone, so that a lesson needs no engine. Maps of the stages are stored in 256 steps per
channel; what Grad-CAM is computed from is stored as float16, so that its five steps can be done again from the file.
"""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core import limits
from core.errors import ModelDamaged, StoreError
from core.language import said
from core.store.atomic import only_writer, write_bytes
from core.store.models import load_card, model_folder
from core.store.names import read_limited

TRACE = "trace.npz"
TRACE_VERSION = 1
CONVOLUTION, POOLING, MEAN_POOLING = "convolution", "pooling", "mean pooling"
SMOOTH = "smooth"  # a convolution whose activation hardly lets through what is below 0, where ReLU lets through nothing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TraceStage:
    """What one stage made of the picture.

    `maps` is uint8 (h, w, c), 255 the largest value of its channel; `largest` (c,) float32 is that value, so that a
    cell's value is maps / 255 * largest. `field_px` is the side of the square of the picture that one cell sees.
    `convolutions` lie between the stage before and this one. Of a wide stage some channels are shown: `channels` says
    how many there are (0: those in `maps` are all).
    """

    kind: str
    maps: np.ndarray
    largest: np.ndarray
    kernel: int
    stride: int
    field_px: int
    convolutions: int = 1
    channels: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """One picture's way from pixels to a probability: a phantom's as stored, or any picture's made now.

    `pixels` uint8 (S, S); `filters` float16 (c, k, k), of the first convolution with its normalisation folded in;
    `activations` float16 (h, w, d) of the last stage; `pooled` float16 (d,), one number per channel; `weights`
    float16 (d, C) and `bias` (C,) of the head; `logits` (C,); `probabilities` (C,) of logits / temperature.
    `boxes` are (x, y, width, height) of what was planted, in fractions. `pooling` is "max" or "mean".

    Made now (core/nn/live_trace.py), numbers are float32 and `phantom` is ""; a picture in colour has `pixels`
    (S, S, 3) and may have `filters` (c, k, k, 3); and where other layers lie between the maps and the head, `pooling`
    is "units" and `pooled` holds the last of them, which has not the length of the maps.
    """

    model: str
    graph_sha256: str
    phantom: str
    class_names: tuple[str, ...]
    shown_class: str
    pooling: str
    temperature: float
    pixels: np.ndarray
    filters: np.ndarray
    stages: tuple[TraceStage, ...]
    activations: np.ndarray
    pooled: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray
    boxes: tuple[tuple[float, float, float, float], ...]

    @property
    def shown_index(self) -> int:
        """Column of `shown_class`, the class that the lesson follows."""
        return self.class_names.index(self.shown_class)


ARRAYS = ("pixels", "filters", "activations", "pooled", "weights", "bias", "logits", "probabilities")
WORDS = ("model", "graph_sha256", "phantom", "shown_class", "pooling", "temperature")


def trace_bytes(trace: Trace) -> bytes:
    """The content of `trace.npz`: arrays, and one JSON text as bytes; the same trace gives the same bytes."""
    described: dict[str, Any] = {"trace_version": TRACE_VERSION} | {name: getattr(trace, name) for name in WORDS}
    described |= {"class_names": list(trace.class_names), "boxes": [list(box) for box in trace.boxes]}
    described["stages"] = [
        {"kind": s.kind, "kernel": s.kernel, "stride": s.stride, "field_px": s.field_px} for s in trace.stages
    ]
    text = json.dumps(described, sort_keys=True).encode("utf-8")
    arrays = {"described": np.frombuffer(text, dtype=np.uint8)} | {name: getattr(trace, name) for name in ARRAYS}
    for number, stage in enumerate(trace.stages):
        arrays |= {f"maps{number}": stage.maps, f"largest{number}": stage.largest}
    target = io.BytesIO()
    np.savez_compressed(target, **arrays)
    return target.getvalue()


def save_trace(trace: Trace, folder: Path | None = None) -> Path:
    """Put a trace beside its model. Raises ModelDamaged without such a model, OSError when the disk refuses."""
    load_card(trace.model, folder)
    where = model_folder(trace.model, folder)
    with only_writer(where):
        write_bytes(where / TRACE, trace_bytes(trace))
    return where / TRACE


def load_trace(name: str, folder: Path | None = None) -> Trace:
    """The trace beside the model `name`.

    Raises: ModelDamaged when there is none, it cannot be read, or it is of another version of the network.
    """
    card = load_card(name, folder)
    again = said("`python -m core models trace {name}` makes it.", name=name)
    try:
        content = read_limited(model_folder(name, folder) / TRACE, limits.MAX_TRACE_BYTES)
    except StoreError as error:
        raise ModelDamaged(said("{name}: {reason}. {again}", name=name, reason=error, again=again)) from error
    try:
        trace = _read(content)
        _check(trace)
    except (ValueError, KeyError, TypeError, IndexError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ModelDamaged(
            said(
                "{name}: {trace} is no trace of this version ({reason}). {again}",
                name=name,
                trace=TRACE,
                reason=error,
                again=again,
            )
        ) from error
    if trace.graph_sha256 not in (card.sha256, *card.other_sha256.values()):
        raise ModelDamaged(
            said(
                "{name}: {trace} was made with another version of the network. {again}",
                name=name,
                trace=TRACE,
                again=again,
            )
        )
    return trace


def _read(content: bytes) -> Trace:
    with np.load(io.BytesIO(content), allow_pickle=False) as held:
        described = json.loads(held["described"].tobytes().decode("utf-8"))
        if described["trace_version"] != TRACE_VERSION:
            raise ValueError(
                said(
                    "version {described}, expected {trace_version}",
                    described=repr(described["trace_version"]),
                    trace_version=TRACE_VERSION,
                )
            )
        stages = tuple(
            TraceStage(maps=held[f"maps{number}"], largest=held[f"largest{number}"], **words)
            for number, words in enumerate(described["stages"])
        )
        return Trace(
            **{name: described[name] for name in WORDS},
            class_names=tuple(described["class_names"]),
            boxes=tuple(tuple(box) for box in described["boxes"]),
            stages=stages,
            **{name: held[name] for name in ARRAYS},
        )


def _check(trace: Trace) -> None:
    """Raises ValueError where the parts contradict each other."""
    classes, depth = len(trace.class_names), len(trace.pooled)
    shapes = {
        "weights": (depth, classes), "bias": (classes,), "logits": (classes,), "probabilities": (classes,),
        "activations": (*trace.activations.shape[:2], depth),
    }  # fmt: skip
    for name, expected in shapes.items():
        if getattr(trace, name).shape != expected:
            raise ValueError(
                said(
                    "{name} has the shape {shape}, expected {expected}",
                    name=name,
                    shape=getattr(trace, name).shape,
                    expected=expected,
                )
            )
    if trace.pixels.ndim != 2 or trace.pixels.dtype != np.uint8 or not trace.stages:
        raise ValueError(said("the picture or the stages are missing"))
    if trace.shown_class not in trace.class_names:
        raise ValueError(said("{shown_class} is no class", shown_class=repr(trace.shown_class)))
    for stage in trace.stages:
        if stage.maps.ndim != 3 or stage.maps.dtype != np.uint8 or stage.largest.shape != stage.maps.shape[2:]:
            raise ValueError(said("a stage's maps are no uint8 (h, w, c)"))
