"""Grad-CAM as a small ONNX graph: activations of the CAM layer -> one map per class.

The weight of a channel is the mean, over the cells, of the gradient of the class score. Every layer between the CAM
layer and the dense ones hands the gradient of a channel on without changing its sum (pooling moves it between cells,
batch normalisation scales it), so the gradient is followed as one sum per channel, from the score back to the stage.
A layer that breaks this (a ReLU or a convolution behind the CAM layer) is refused, and the compiled graph explains.
"""

import numpy as np

from core.errors import ExportImpossible
from core.language import said
from core.nn.backend import keras
from core.nn.heads import LOGITS
from core.nn.onnx_graph import Graph
from core.nn.onnx_layers import batch_norm, impossible, is_silent, write
from core.nn.runtime import ACTIVATIONS, MAPS

layers = keras.layers
KEEPS_SUMS = (
    layers.MaxPooling2D,
    layers.AveragePooling2D,
    layers.GlobalAveragePooling2D,
    layers.GlobalMaxPooling2D,
)


def explain_graph(model: keras.Model, cam_layer: str) -> bytes:
    """The content of `explain.onnx` for a flat classifier.

    Args:
        model: pixels -> probabilities behind a layer named "logits", as `core/nn/heads.py` builds it.
        cam_layer: name of the layer whose activations are weighed.
    Raises: ExportImpossible naming the layer that cannot be followed.
    """
    _, height, width, channels = model.get_layer(cam_layer).output.shape
    classes = int(model.get_layer(LOGITS).output.shape[-1])
    graph = Graph()
    value = graph.add("Transpose", ACTIVATIONS, perm=[0, 3, 1, 2])
    passed: list[tuple[keras.Layer, str]] = []
    for layer in _chain(model, cam_layer):
        value = write(graph, layer, [value])
        passed.append((layer, value))
    gradient = graph.constant(np.eye(classes)[None])
    for layer, output in reversed(passed):
        gradient = _back(graph, layer, output, gradient)
    weights = graph.add("Mul", gradient, graph.constant(1 / (height * width)))
    flat = graph.add("Reshape", ACTIVATIONS, graph.constant([0, height * width, channels]))
    weighed = graph.add("MatMul", weights, graph.add("Transpose", flat, perm=[0, 2, 1]))
    graph.add("Relu", graph.add("Reshape", weighed, graph.constant([0, classes, height, width])), output=MAPS)
    return graph.finish("explain", {ACTIVATIONS: ("n", height, width, channels)}, {MAPS: ("n", classes, height, width)})


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
            raise ExportImpossible(
                said("{cam_layer} does not lie on the way to the class scores.", cam_layer=repr(cam_layer))
            )
        if len(inputs) > 1:
            raise ExportImpossible(
                said(
                    "Behind {cam_layer} the network does not run in one line (at {name}).",
                    cam_layer=repr(cam_layer),
                    name=repr(layer.name),
                )
            )
        chain.append(layer)
        tensor = inputs[0]


def _back(graph: Graph, layer, output: str, gradient: str) -> str:
    """The gradient in front of a layer, from the one behind it: sums over the cells, (n or 1, classes, channels)."""
    if is_silent(layer) or isinstance(layer, KEEPS_SUMS):
        return gradient
    if isinstance(layer, layers.BatchNormalization):
        return graph.add("Mul", gradient, graph.constant(batch_norm(layer)[0]))
    if isinstance(layer, layers.Flatten):
        if len(layer.input.shape) != 4:
            return gradient
        _, height, width, channels = layer.input.shape
        cells = graph.add("Reshape", gradient, graph.constant([0, 0, height * width, channels]))
        return graph.add("ReduceSum", cells, graph.constant([2]), keepdims=0)
    if isinstance(layer, layers.Dense):
        activation = layer.get_config()["activation"]
        if activation == "relu":
            # a unit that stayed silent hands no gradient on
            open_units = graph.add("Unsqueeze", graph.add("Sign", output), graph.constant([1]))
            gradient = graph.add("Mul", gradient, open_units)
        elif activation != "linear":
            raise impossible(
                layer,
                said("bends the gradient by {activation} on its way back to the heat map", activation=repr(activation)),
            )
        return graph.add("MatMul", gradient, graph.constant(np.asarray(layer.kernel).T))
    raise impossible(
        layer, said("lies between the heat map and the class scores, and its gradient is not followed here")
    )
