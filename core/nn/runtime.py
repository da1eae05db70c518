"""Pixels -> probabilities, activations, features, maps: one interface, two engines.

ONNX Runtime answers from `model.onnx` and `explain.onnx` and needs no TensorFlow; `core/nn/compiled.py` answers from
the Keras graph where a network could not be exported. Importing this file imports neither.

`model.onnx`: "pixels" (n, S, S, 3) float32, 0 to 255, RGB -> "logits" and "probabilities" (n, C), "activations"
(n, h, w, d) of the CAM layer and, where the network pools, "pooled" (n, d).
`explain.onnx`: "activations" -> "maps" (n, C, h, w), raw Grad-CAM of every class (`core/nn/onnx_tail.py`).
"""

import ctypes
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from core.data.ahead import in_order

ONNX, COMPILED = "ONNX Runtime", "compiled Keras"  # names of the engines, as cards and pages show them
PIXELS, ACTIVATIONS, MAPS = "pixels", "activations", "maps"
SLICE = 4  # images per call of one core: larger ones leave the processor's cache and are slower
FEW = 2 * SLICE  # up to here a batch is answered image by image, each by all cores: as fast, with less memory
CROWD_SECONDS = 0.25  # as long after two callers met, the next one is expected not to stay alone

_opening = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """What one pass gives for n images.

    logits and probabilities: (n, C); cams: (n, C, h, w) raw Grad-CAM maps, not below 0 (None when not
    asked for); features: (n, d) pooled features (None where the network pools nothing).
    """

    logits: np.ndarray
    probabilities: np.ndarray
    cams: np.ndarray | None
    features: np.ndarray | None


class Engine(Protocol):
    """What runs a network. Safe for several threads."""

    name: str

    def run(self, pixels: np.ndarray, *, maps: bool = False, table: np.ndarray | None = None) -> Output:
        """One pass over uint8 RGB images (n, S, S, 3); the maps of all classes come from the same pass.

        Args:
            table: (n, k) numbers beside the pictures; only `gradcam.TapedKeras` serves networks that take any.
        """
        ...


def cores() -> int:
    """Processor cores that this process may use; `nproc` of a container, not of its machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def session(content: bytes | Path, threads: int) -> Any:
    """An ONNX Runtime session on the processor, of a file or its content.

    Args:
        threads: cores that one call may use. One means that the caller's own thread does the work.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: warnings about single nodes help nobody who reads a page
    # threads that wait for the next call must not burn the core that decodes the next image
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.add_session_config_entry("session.use_env_allocators", "1")
    source = content if isinstance(content, bytes) else str(content)
    with _opening:
        _share_memory()
    opened = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    _give_back()
    return opened


@cache
def _share_memory() -> None:
    """One pool of working memory for all sessions of the process, which seldom compute at the same time."""
    import onnxruntime

    kind, use = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, onnxruntime.OrtMemType.DEFAULT
    onnxruntime.create_and_register_allocator(onnxruntime.OrtMemoryInfo("Cpu", kind, 0, use), None)


def _give_back() -> None:
    """Hand freed memory back to the system, where glibc would keep it: a graph takes several times its size to read."""
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def engine_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises when it cannot open or run a graph; its errors have no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    found = (value for value in vars(state).values() if isinstance(value, type))
    return tuple(kind for kind in found if issubclass(kind, Exception))


class Sessions:
    """One graph for a lone caller and for a crowd.

    A lone caller gets all cores (4.6 ms for MobileNetV2 on two cores, 8 ms on one). Several at once get one core
    each, as many at a time as there are cores: a third more images a second than sharing every call among all cores.
    """

    def __init__(self, content: bytes | Path) -> None:
        """Open the graph; the crowd's session is opened when a second caller comes."""
        self._content: bytes | Path = content
        self._alone = session(content, cores())
        self._crowd = self._alone if cores() == 1 else None
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(cores())
        self._inside = 0
        self._crowded_until = 0.0
        self.outputs = tuple(node.name for node in self._alone.get_outputs())
        self.input_shape = tuple(self._alone.get_inputs()[0].shape)

    def run(self, outputs: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        """The named outputs, in their order."""
        with self._place() as chosen:
            found: list[np.ndarray] = chosen.run(outputs, inputs)
            return found

    @contextmanager
    def _place(self) -> Iterator[Any]:
        with self._lock:
            self._inside += 1
            now = time.monotonic()
            if self._inside > 1:
                self._crowded_until = now + CROWD_SECONDS
                if self._crowd is None:
                    self._crowd, self._content = session(self._content, 1), b""
            chosen = self._crowd if now < self._crowded_until else self._alone
        try:
            with self._places:
                yield chosen
        finally:
            with self._lock:
                self._inside -= 1


class OnnxEngine:
    """A classifier of two ONNX graphs: pixels to scores and activations, activations to maps."""

    name = ONNX

    def __init__(self, model: bytes | Path, explain: bytes | Path) -> None:
        """Open `model.onnx` and `explain.onnx`, given as files or as their content."""
        self._model = Sessions(model)
        self._explain = session(explain, 1)  # a matrix product: too small to share among cores
        self.explain_source = explain  # a few hundred kilobytes; `explain_onnx.py` asks it for more than maps
        self._wanted = ["logits", "probabilities"] + (["pooled"] if "pooled" in self._model.outputs else [])

    def run(self, pixels: np.ndarray, *, maps: bool = False, table: np.ndarray | None = None) -> Output:
        """One pass over uint8 RGB images (n, S, S, 3); more than a few are shared out among the cores."""
        if len(pixels) <= 1:
            return self._run(pixels, maps)
        if len(pixels) <= FEW:
            parts = [self._run(pixels[at : at + 1], maps) for at in range(len(pixels))]
        else:
            slices = [pixels[start : start + SLICE] for start in range(0, len(pixels), SLICE)]
            parts = list(in_order(lambda part: self._run(part, maps), slices, workers=cores(), ahead=0))
        return Output(
            logits=np.concatenate([part.logits for part in parts]),
            probabilities=np.concatenate([part.probabilities for part in parts]),
            cams=_joined([part.cams for part in parts]),
            features=_joined([part.features for part in parts]),
        )

    def activations(self, pixels: np.ndarray) -> np.ndarray:
        """What the CAM layer holds, (n, h, w, d), for pictures (n, S, S, 3)."""
        found: np.ndarray = self._model.run([ACTIVATIONS], {PIXELS: pixels.astype(np.float32)})[0]
        return found

    def _run(self, pixels: np.ndarray, maps: bool) -> Output:
        wanted = [*self._wanted, ACTIVATIONS] if maps else self._wanted
        found = dict(zip(wanted, self._model.run(wanted, {PIXELS: pixels.astype(np.float32)}), strict=True))
        cams = self._explain.run([MAPS], {ACTIVATIONS: found[ACTIVATIONS]})[0] if maps else None
        return Output(
            logits=found["logits"], probabilities=found["probabilities"], cams=cams, features=found.get("pooled")
        )


def _joined(parts: list[np.ndarray | None]) -> np.ndarray | None:
    present = [part for part in parts if part is not None]
    return np.concatenate(present) if present else None
