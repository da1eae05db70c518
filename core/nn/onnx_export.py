"""A Keras classifier as two ONNX graphs, compared with Keras before they count."""

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import ExportImpossible
from core.nn.backend import backend_name, keras
from core.nn.compiled import CompiledKeras
from core.nn.heads import LOGITS, POOLED
from core.nn.onnx_tail import explain_graph
from core.nn.runtime import ACTIVATIONS, PIXELS, OnnxEngine

PARITY = 1e-4  # largest difference allowed, of probabilities and of maps scaled to 1; measured ones are around 1e-6


@dataclass(frozen=True, slots=True)
class OnnxFiles:
    """Both graphs, and the largest differences from compiled Keras on the images of the comparison."""

    model: bytes
    explain: bytes
    probability_difference: float
    map_difference: float


def to_onnx(model: keras.Model, cam_layer: str, images: np.ndarray) -> OnnxFiles:
    """Both graphs of a flat classifier.

    Args:
        model: pixels (n, S, S, 3) -> probabilities, with layers as `core/nn/heads.py` names them.
        images: uint8 (n, S, S, 3) on which ONNX Runtime and compiled Keras are compared.
    Raises: ExportImpossible with the reason; the compiled graph then serves the model.
    """
    if backend_name() != "tensorflow":
        raise ExportImpossible(f"ONNX graphs are written from TensorFlow; the backend here is {backend_name()}.")
    outputs = {
        LOGITS: model.get_layer(LOGITS).output,
        "probabilities": model.output,
        ACTIVATIONS: model.get_layer(cam_layer).output,
    }
    if POOLED in {layer.name for layer in model.layers}:
        outputs[POOLED] = model.get_layer(POOLED).output
    content = graph_bytes(keras.Model(model.inputs[0], outputs), images[:1])
    explain = explain_graph(model, cam_layer)
    engine = OnnxEngine(content, explain)
    found = engine.run(images, maps=True)
    wanted = CompiledKeras(model, cam_layer).run(images, maps=True)
    by_probability = float(np.abs(found.probabilities - wanted.probabilities).max())
    by_map = float(np.abs(scaled(found.cams) - scaled(wanted.cams)).max())
    if not max(by_probability, by_map) <= PARITY:  # written so that NaN does not pass
        raise ExportImpossible(
            f"ONNX Runtime and Keras differ by {by_probability:.2g} in a probability and {by_map:.2g} in a map; "
            f"at most {PARITY:g} is allowed."
        )
    return OnnxFiles(content, explain, by_probability, by_map)


def graph_bytes(model: keras.Model, image: np.ndarray) -> bytes:
    """The ONNX graph of a Keras model from "pixels", with outputs named as the keys of `model.output`.

    Raises: ExportImpossible when the converter cannot write it.
    """
    if [tensor.name for tensor in model.inputs] != [PIXELS]:
        found = ", ".join(tensor.name for tensor in model.inputs)
        raise ExportImpossible(f"The network's inputs are {found}; expected is one, called {PIXELS!r}.")
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            # tensors made outside the graph would become inputs of it; arrays become constants
            layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)
    model(image.astype("float32"))  # Keras exports only what was called once
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        try:
            with warnings.catch_warnings():
                # Keras' patch of tf2onnx asks NumPy for a name that is to come back
                warnings.filterwarnings("ignore", message=".*np.object.*", category=FutureWarning)
                model.export(file, format="onnx", verbose=False)
        except (ValueError, TypeError, RuntimeError, NotImplementedError, ImportError) as error:
            raise ExportImpossible(f"No ONNX graph could be written: {str(error).splitlines()[0][:200]}") from error
        return file.read_bytes()


def scaled(maps: np.ndarray) -> np.ndarray:
    """Maps (n, C, h, w), each divided by its own maximum, as they are shown; empty ones stay zero."""
    top = maps.max(axis=(2, 3), keepdims=True)
    return np.divide(maps, top, out=np.zeros_like(maps), where=top > 0)
