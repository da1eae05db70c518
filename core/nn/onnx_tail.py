"""Grad-CAM as a small ONNX graph: activations of the CAM layer -> one map per class.

The weight of a channel is the mean, over the cells, of the gradient of the class score. Every layer between the CAM
layer and the dense ones hands the gradient of a channel on without changing its sum (pooling moves it between cells,
batch normalisation scales it), so the gradient is followed as one sum per channel, from the score back to the stage.
A layer that breaks this (a ReLU or a convolution behind the CAM layer) is refused, and the compiled graph explains.
"""

from collections.abc import Callable

import numpy as np

from core.errors import ExportImpossible
from core.nn.backend import keras
from core.nn.heads import LOGITS
from core.nn.runtime import ACTIVATIONS, MAPS

OPSET, IR_VERSION = 17, 8  # understood by every ONNX Runtime since 1.12
Backward = Callable[[str], str]


class _Graph:
    """Collects nodes and constants; values are named by number."""

    def __init__(self) -> None:
        self.nodes: list = []
        self.constants: list = []

    def add(self, operation: str, *inputs: str, output: str = "", **attributes) -> str:
        """A node; returns the name of its output."""
        from onnx import helper

        output = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(inputs), [output], **attributes))
        return output

    def constant(self, value: np.ndarray) -> str:
        """A constant, float32 or int64; returns its name."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        kind = np.int64 if np.issubdtype(value.dtype, np.integer) else np.float32
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=kind), name))
        return name


def explain_graph(model: keras.Model, cam_layer: str) -> bytes:
    """The content of `explain.onnx` for a flat classifier.

    Args:
        model: pixels -> probabilities behind a layer named "logits", as `core/nn/heads.py` builds it.
        cam_layer: name of the layer whose activations are weighed.
    Raises: ExportImpossible naming the layer that cannot be followed.
    """
    import onnx
    from onnx import TensorProto, helper

    stage = model.get_layer(cam_layer).output
    _, height, width, channels = stage.shape
    classes = int(model.get_layer(LOGITS).output.shape[-1])
    graph = _Graph()
    value = graph.add("Transpose", ACTIVATIONS, perm=[0, 3, 1, 2])
    stack: list[Backward] = []
    spatial = True
    for layer in _chain(model, cam_layer):
        value, backward, spatial = _layer(graph, layer, value, spatial)
        stack.append(backward)
    gradient = graph.constant(np.eye(classes)[None])
    for backward in reversed(stack):
        gradient = backward(gradient)
    weights = graph.add("Mul", gradient, graph.constant(np.asarray(1 / (height * width), np.float32)))
    flat = graph.add("Reshape", ACTIVATIONS, graph.constant(np.asarray([0, height * width, channels])))
    weighed = graph.add("MatMul", weights, graph.add("Transpose", flat, perm=[0, 2, 1]))
    grid = graph.add("Reshape", weighed, graph.constant(np.asarray([0, classes, height, width])))
    graph.add("Relu", grid, output=MAPS)
    content = helper.make_graph(
        graph.nodes,
        "explain",
        [helper.make_tensor_value_info(ACTIVATIONS, TensorProto.FLOAT, ["n", height, width, channels])],
        [helper.make_tensor_value_info(MAPS, TensorProto.FLOAT, ["n", classes, height, width])],
        graph.constants,
    )
    made = helper.make_model(content, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(made, full_check=True)
    serialized: bytes = made.SerializeToString()
    return serialized


def _chain(model: keras.Model, cam_layer: str) -> list:
    """The layers behind `cam_layer` up to the logits, in order; they must follow one another."""
    chain: list = []
    tensor = model.get_layer(LOGITS).output
    while True:
        layer, node, _ = tensor._keras_history
        if layer.name == cam_layer:
            return chain[::-1]
        inputs = layer._inbound_nodes[node].input_tensors
        if not inputs:
            raise ExportImpossible(f"{cam_layer!r} does not lie on the way to the class scores.")
        if len(inputs) > 1:
            raise ExportImpossible(f"Behind {cam_layer!r} the network does not run in one line (at {layer.name!r}).")
        chain.append(layer)
        tensor = inputs[0]


def _same(gradient: str) -> str:
    return gradient


def _layer(graph: _Graph, layer, value: str, spatial: bool) -> tuple[str, Backward, bool]:
    """One layer forward; returns (its output, how the gradient goes back through it, still a grid of cells?).

    Grids are (n, d, h, w), vectors (n, d); gradients are sums over the cells, (n or 1, C, d).
    """
    layers = keras.layers
    if isinstance(layer, (layers.Dropout, layers.SpatialDropout2D, layers.ActivityRegularization, layers.Identity)):
        return value, _same, spatial
    if spatial and isinstance(layer, (layers.MaxPooling2D, layers.AveragePooling2D)):
        return _pooling(graph, layer, value), _same, True
    if spatial and isinstance(layer, (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)):
        operation = "ReduceMax" if isinstance(layer, layers.GlobalMaxPooling2D) else "ReduceMean"
        return graph.add(operation, value, axes=[2, 3], keepdims=int(layer.keepdims)), _same, bool(layer.keepdims)
    if isinstance(layer, layers.BatchNormalization):
        return _normalised(graph, layer, value, spatial)
    if isinstance(layer, layers.Flatten):
        return _flattened(graph, layer, value) if spatial else (value, _same, False)
    if not spatial and isinstance(layer, layers.Dense):
        return _dense(graph, layer, value)
    kind = type(layer).__name__
    raise ExportImpossible(
        f"The layer {layer.name!r} ({kind}) between the heat map and the class scores cannot be followed back by the "
        "small graph; the compiled network draws the maps instead."
    )


def _pooling(graph: _Graph, layer, value: str) -> str:
    operation = "MaxPool" if isinstance(layer, keras.layers.MaxPooling2D) else "AveragePool"
    padding = "SAME_UPPER" if layer.padding == "same" else "VALID"
    return graph.add(
        operation, value, kernel_shape=list(layer.pool_size), strides=list(layer.strides), auto_pad=padding
    )


def _normalised(graph: _Graph, layer, value: str, spatial: bool) -> tuple[str, Backward, bool]:
    """Batch normalisation in use: times a factor, plus a shift, per channel."""
    mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
    factor = 1 / np.sqrt(variance.astype(np.float64) + layer.epsilon)
    if layer.scale:
        factor = factor * np.asarray(layer.gamma)
    shift = -mean * factor + (np.asarray(layer.beta) if layer.center else 0)
    shape = (-1, 1, 1) if spatial else (-1,)
    scaled = graph.add("Mul", value, graph.constant(factor.reshape(shape)))
    back = graph.constant(factor)
    return (
        graph.add("Add", scaled, graph.constant(shift.reshape(shape))),
        lambda gradient: graph.add("Mul", gradient, back),
        spatial,
    )


def _flattened(graph: _Graph, layer, value: str) -> tuple[str, Backward, bool]:
    _, height, width, channels = layer.input.shape
    output = graph.add("Flatten", graph.add("Transpose", value, perm=[0, 2, 3, 1]))

    def backward(gradient: str) -> str:
        shape = np.asarray([0, 0, height * width, channels])
        cells = graph.add("Reshape", gradient, graph.constant(shape))
        return graph.add("ReduceSum", cells, graph.constant(np.asarray([2])), keepdims=0)

    return output, backward, False


def _dense(graph: _Graph, layer, value: str) -> tuple[str, Backward, bool]:
    activation = layer.get_config()["activation"]
    if activation not in ("linear", "relu"):
        raise ExportImpossible(f"The layer {layer.name!r} is dense with {activation!r}; linear and relu are followed.")
    kernel = np.asarray(layer.kernel)
    output = graph.add("MatMul", value, graph.constant(kernel))
    if layer.use_bias:
        output = graph.add("Add", output, graph.constant(np.asarray(layer.bias)))
    if activation == "relu":
        output = graph.add("Relu", output)
    back = graph.constant(kernel.T)

    def backward(gradient: str) -> str:
        if activation == "relu":
            # a unit that stayed silent hands no gradient on
            open_units = graph.add("Unsqueeze", graph.add("Sign", output), graph.constant(np.asarray([1])))
            gradient = graph.add("Mul", gradient, open_units)
        return graph.add("MatMul", gradient, back)

    return output, backward, False
