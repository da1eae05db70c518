"""A Keras classifier as two ONNX graphs, compared with Keras before they count."""

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import ExportImpossible
from core.language import said
from core.nn.backend import backend_name, keras
from core.nn.compiled import CompiledKeras
from core.nn.heads import LOGITS, POOLED
from core.nn.onnx_graph import Graph
from core.nn.onnx_layers import write
from core.nn.onnx_tail import explain_graph
from core.nn.runtime import ACTIVATIONS, PIXELS, OnnxEngine, engine_errors

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
    outputs = {
        LOGITS: model.get_layer(LOGITS).output,
        "probabilities": model.output,
        ACTIVATIONS: model.get_layer(cam_layer).output,
    }
    if POOLED in {layer.name for layer in model.layers}:
        outputs[POOLED] = model.get_layer(POOLED).output
    content = graph_bytes(keras.Model(model.inputs[0], outputs), images[:1])
    explain = explain_graph(model, cam_layer)
    try:
        found = OnnxEngine(content, explain).run(images, maps=True)
    except engine_errors() as error:
        raise refused_by_engine(error) from error
    wanted = CompiledKeras(model, cam_layer).run(images, maps=True)
    by_probability = float(np.abs(found.probabilities - wanted.probabilities).max())
    by_map = float(np.abs(scaled(found.cams) - scaled(wanted.cams)).max())
    if not max(by_probability, by_map) <= PARITY:  # written so that NaN does not pass
        raise ExportImpossible(
            said(
                "ONNX Runtime and Keras differ by {probability} in a probability and {map} in a map; at most {most} is "
                "allowed.",
                probability=f"{by_probability:.2g}",
                map=f"{by_map:.2g}",
                most=f"{PARITY:g}",
            )
        )
    return OnnxFiles(content, explain, by_probability, by_map)


def graph_bytes(model: keras.Model, image: np.ndarray) -> bytes:
    """The ONNX graph of a functional Keras model with one input.

    Args:
        model: its output is a dict; the keys name the graph's outputs.
        image: uint8 (1, S, S, 3), with which Keras' own exporter is started where a layer is not known here.
    Raises: ExportImpossible when neither can write it.
    """
    if len(model.inputs) != 1 or model.inputs[0].name != PIXELS:
        found = ", ".join(tensor.name for tensor in model.inputs)
        raise ExportImpossible(
            said(
                "The network's inputs are {found}; expected is one, called {expected}.",
                found=found,
                expected=repr(PIXELS),
            )
        )
    try:
        return written(model)
    except ExportImpossible:
        return converted(model, image)


def written(model: keras.Model) -> bytes:
    """The graph layer by layer (`core/nn/onnx_layers.py`). Raises ExportImpossible naming a layer that is not known."""
    graph = Graph()
    (pixels,) = model.inputs
    values = {id(pixels): graph.add("Transpose", PIXELS, perm=[0, 3, 1, 2])}
    for nodes in (model._nodes_by_depth[depth] for depth in sorted(model._nodes_by_depth, reverse=True)):
        for node in nodes:
            if node.is_input:
                continue
            inputs = [values[id(tensor)] for tensor in node.input_tensors]
            (output,) = node.outputs
            values[id(output)] = write(graph, node.operation, inputs)
    shapes = {}
    for name, tensor in model.output.items():
        shapes[name] = ("n", *tensor.shape[1:])
        value = values[id(tensor)]
        if len(tensor.shape) == 4:
            graph.add("Transpose", value, output=name, perm=[0, 2, 3, 1])
        else:
            graph.add("Identity", value, output=name)
    return graph.finish(model.name, {PIXELS: ("n", *pixels.shape[1:])}, shapes)


def converted(model: keras.Model, image: np.ndarray) -> bytes:
    """The graph by Keras' own exporter (tf2onnx): any layer that TensorFlow knows, in 5 to 30 seconds.

    Raises: ExportImpossible when it cannot.
    """
    if backend_name() != "tensorflow":
        raise ExportImpossible(
            said(
                "Keras writes ONNX graphs from TensorFlow; the backend here is {backend}.",
                backend=backend_name(),
            )
        )
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
            raise ExportImpossible(
                said("No ONNX graph could be written: {reason}", reason=str(error).splitlines()[0][:200])
            ) from error
        return file.read_bytes()


def refused_by_engine(error: Exception) -> ExportImpossible:
    """ONNX Runtime's refusal of a graph, as the reason why Keras serves."""
    return ExportImpossible(
        said("ONNX Runtime does not take the graph: {reason}", reason=str(error).splitlines()[0][:200])
    )


def scaled(maps: np.ndarray) -> np.ndarray:
    """Maps (n, C, h, w), each divided by its own maximum, as they are shown; empty ones stay zero."""
    top = maps.max(axis=(2, 3), keepdims=True)
    return np.divide(maps, top, out=np.zeros_like(maps), where=top > 0)
