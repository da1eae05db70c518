"""Keras layers as ONNX nodes, in use (not in training). Grids are (n, c, h, w) inside, vectors (n, d).

The layers of every network in the registry are here; any other raises ExportImpossible with its name, and the model
is then converted by Keras' own exporter, or served by Keras.
"""

from collections.abc import Callable, Sequence
from types import MappingProxyType

import numpy as np

from core.errors import ExportImpossible
from core.language import said
from core.nn.backend import keras
from core.nn.onnx_graph import Graph

layers = keras.layers
# what does nothing outside training; the random changes of augmentation among them
SILENT = (layers.Dropout, layers.SpatialDropout2D, layers.ActivityRegularization, layers.Identity)
ACTIVATIONS = MappingProxyType({"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"})
Writer = Callable[[Graph, keras.Layer, Sequence[str]], str]


def write(graph: Graph, layer, inputs: Sequence[str]) -> str:
    """The nodes of one layer; returns the name of its output. Raises ExportImpossible for a layer that is not known."""
    if is_silent(layer):
        return inputs[0]
    writer = WRITERS.get(type(layer))
    if writer is not None:
        return writer(graph, layer, inputs)
    if type(layer).__name__ == "Mean":  # `keras.ops.mean` in a functional graph
        return _mean(graph, layer, inputs)
    raise impossible(layer, said("is not among those that are written here"))


def is_silent(layer) -> bool:
    """Does this layer hand on what it is given, outside training?"""
    return isinstance(layer, SILENT) or type(layer).__name__.startswith("Random")


def impossible(layer, why: str) -> ExportImpossible:
    """The error for a layer, by its name and kind."""
    return ExportImpossible(
        said("The layer {layer} ({kind}) {why}.", layer=repr(layer.name), kind=type(layer).__name__, why=why)
    )


def activated(graph: Graph, layer, value: str) -> str:
    """The activation of a layer that has one, or of an Activation layer."""
    name = layer.get_config()["activation"]
    if name == "linear":
        return value
    if name in ACTIVATIONS:
        return graph.add(ACTIVATIONS[name], value)
    if name in ("silu", "swish"):
        return graph.add("Mul", value, graph.add("Sigmoid", value))
    if name == "relu6":
        return graph.add("Clip", value, graph.constant(0.0), graph.constant(6.0))
    if name == "softmax" and len(layer.output.shape) == 2:
        return graph.add("Softmax", value, axis=-1)
    raise impossible(layer, said("has the activation {name}, which is not written here", name=repr(name)))


def _per_channel(layer, values) -> np.ndarray:
    """Numbers, one in all or one per channel, in the shape that fits the layer's input."""
    array = np.asarray(values, np.float64).reshape(-1)
    return array.reshape(-1, 1, 1) if len(layer.input.shape) == 4 else array


def _rescaling(graph: Graph, layer, inputs: Sequence[str]) -> str:
    scaled = graph.add("Mul", inputs[0], graph.constant(_per_channel(layer, layer.scale)))
    return graph.add("Add", scaled, graph.constant(_per_channel(layer, layer.offset)))


def _normalization(graph: Graph, layer, inputs: Sequence[str]) -> str:
    factor = 1 / np.maximum(np.sqrt(np.asarray(layer.variance, np.float64)), keras.config.epsilon())
    if layer.invert:
        raise impossible(layer, said("is inverted"))
    centred = graph.add("Sub", inputs[0], graph.constant(_per_channel(layer, layer.mean)))
    return graph.add("Mul", centred, graph.constant(_per_channel(layer, factor)))


def _mean(graph: Graph, operation, inputs: Sequence[str]) -> str:
    axes = operation.axis if isinstance(operation.axis, (list, tuple)) else [operation.axis]
    shape = operation._inbound_nodes[0].input_tensors[0].shape
    if len(shape) != 4 or [axis % 4 for axis in axes] != [3] or not operation.keepdims:
        raise ExportImpossible(
            said(
                "{name} is a mean over {axes}; written here is the one over channels.",
                name=repr(operation.name),
                axes=axes,
            )
        )
    return graph.add("ReduceMean", inputs[0], axes=[1], keepdims=1)


def _padding(layer, size: Sequence[int], strides: Sequence[int], dilations: Sequence[int] = (1, 1)) -> list[int]:
    """[top, left, bottom, right] as Keras pads. In numbers, not as SAME or VALID: only then ONNX Runtime takes dilated
    kernels, and melts a ZeroPadding2D into the convolution behind it.
    """
    if layer.data_format != "channels_last":
        raise impossible(layer, said("has its channels first"))
    if layer.padding != "same":
        return [0, 0, 0, 0]
    before, after = [], []
    for length, kernel, stride, dilation in zip(layer.input.shape[1:3], size, strides, dilations, strict=True):
        if length is None:
            raise impossible(layer, said("pads an input whose size is not fixed"))
        steps = -(-length // stride)
        total = max((steps - 1) * stride + (kernel - 1) * dilation + 1 - length, 0)
        before.append(total // 2)
        after.append(total - total // 2)
    return before + after


def _convolved(graph: Graph, layer, value: str, kernel: np.ndarray, bias, groups: int, strides: Sequence[int]) -> str:
    """A convolution with `kernel` (out, in / groups, h, w)."""
    values = [value, graph.constant(kernel)] + ([] if bias is None else [graph.constant(np.asarray(bias))])
    size, dilations = list(kernel.shape[2:]), list(layer.dilation_rate)
    return graph.add(
        "Conv", *values, group=groups, strides=list(strides), dilations=dilations, kernel_shape=size,
        pads=_padding(layer, size, strides, dilations),
    )  # fmt: skip


def _conv(graph: Graph, layer, inputs: Sequence[str]) -> str:
    kernel = np.asarray(layer.kernel).transpose(3, 2, 0, 1)
    bias = layer.bias if layer.use_bias else None
    return activated(graph, layer, _convolved(graph, layer, inputs[0], kernel, bias, layer.groups, layer.strides))


def _depthwise_kernel(kernel) -> np.ndarray:
    """(h, w, c, m) as (c m, 1, h, w): the m outputs of a channel lie beside each other."""
    array = np.asarray(kernel)
    height, width, channels, times = array.shape
    return array.transpose(2, 3, 0, 1).reshape(channels * times, 1, height, width)


def _depthwise(graph: Graph, layer, inputs: Sequence[str]) -> str:
    kernel, channels = _depthwise_kernel(layer.kernel), int(layer.input.shape[-1])
    bias = layer.bias if layer.use_bias else None
    return activated(graph, layer, _convolved(graph, layer, inputs[0], kernel, bias, channels, layer.strides))


def _separable(graph: Graph, layer, inputs: Sequence[str]) -> str:
    depthwise, channels = _depthwise_kernel(layer.depthwise_kernel), int(layer.input.shape[-1])
    value = _convolved(graph, layer, inputs[0], depthwise, None, channels, layer.strides)
    pointwise = np.asarray(layer.pointwise_kernel).transpose(3, 2, 0, 1)
    bias = layer.bias if layer.use_bias else None
    return activated(graph, layer, _convolved(graph, layer, value, pointwise, bias, 1, (1, 1)))


def batch_norm(layer) -> tuple[np.ndarray, np.ndarray]:
    """(factor, shift), each (channels,) float64, of a batch normalisation in use."""
    rank = len(layer.input.shape)
    if layer.axis % rank != rank - 1:
        raise impossible(layer, said("does not normalise the last axis"))
    factor = 1 / np.sqrt(np.asarray(layer.moving_variance, np.float64) + layer.epsilon)
    if layer.scale:
        factor = factor * np.asarray(layer.gamma, np.float64)
    shift = -np.asarray(layer.moving_mean, np.float64) * factor
    return factor, shift + (np.asarray(layer.beta, np.float64) if layer.center else 0.0)


def _batch_norm(graph: Graph, layer, inputs: Sequence[str]) -> str:
    factor, shift = batch_norm(layer)
    zero, one = np.zeros_like(factor), np.ones_like(factor)
    # as the operation of that name, which ONNX Runtime melts into the convolution before it
    values = [graph.constant(array) for array in (factor, shift, zero, one)]
    return graph.add("BatchNormalization", inputs[0], *values, epsilon=0.0)


def _relu(graph: Graph, layer, inputs: Sequence[str]) -> str:
    if layer.negative_slope or layer.threshold:
        raise impossible(layer, said("has a slope or a threshold"))
    if layer.max_value is None:
        return graph.add("Relu", inputs[0])
    return graph.add("Clip", inputs[0], graph.constant(0.0), graph.constant(float(layer.max_value)))


def _zero_padding(graph: Graph, layer, inputs: Sequence[str]) -> str:
    (top, bottom), (left, right) = layer.padding
    return graph.add("Pad", inputs[0], graph.constant(np.asarray([0, 0, top, left, 0, 0, bottom, right])))


def _pool(operation: str) -> Writer:
    def write_pool(graph: Graph, layer, inputs: Sequence[str]) -> str:
        size, strides = list(layer.pool_size), list(layer.strides)
        return graph.add(operation, inputs[0], kernel_shape=size, strides=strides, pads=_padding(layer, size, strides))

    return write_pool


def _global_pool(operation: str) -> Writer:
    def write_pool(graph: Graph, layer, inputs: Sequence[str]) -> str:
        value = graph.add(operation, inputs[0])
        return value if layer.keepdims else graph.add("Flatten", value)

    return write_pool


def _joined(operation: str) -> Writer:
    def write_join(graph: Graph, _layer, inputs: Sequence[str]) -> str:
        value = inputs[0]
        for other in inputs[1:]:
            value = graph.add(operation, value, other)
        return value

    return write_join


def _concatenate(graph: Graph, layer, inputs: Sequence[str]) -> str:
    rank = len(layer.output.shape)
    if layer.axis % rank != rank - 1:
        raise impossible(layer, said("does not join channels"))
    return graph.add("Concat", *inputs, axis=1)


def _reshape(graph: Graph, layer, inputs: Sequence[str]) -> str:
    if len(layer.input.shape) != 2 or tuple(layer.target_shape[:2]) != (1, 1):
        raise impossible(layer, said("gives a shape other than one cell of channels"))
    return graph.add("Reshape", inputs[0], graph.constant(np.asarray([0, layer.input.shape[-1], 1, 1])))


def _flatten(graph: Graph, layer, inputs: Sequence[str]) -> str:
    if len(layer.input.shape) != 4:
        return inputs[0]
    return graph.add("Flatten", graph.add("Transpose", inputs[0], perm=[0, 2, 3, 1]))


def _dense(graph: Graph, layer, inputs: Sequence[str]) -> str:
    if len(layer.input.shape) != 2:
        raise impossible(layer, said("is dense on a grid"))
    value = graph.add("MatMul", inputs[0], graph.constant(np.asarray(layer.kernel)))
    if layer.use_bias:
        value = graph.add("Add", value, graph.constant(np.asarray(layer.bias)))
    return activated(graph, layer, value)


WRITERS: MappingProxyType[type, Writer] = MappingProxyType(
    {
        layers.Rescaling: _rescaling,
        layers.Normalization: _normalization,
        layers.Conv2D: _conv,
        layers.DepthwiseConv2D: _depthwise,
        layers.SeparableConv2D: _separable,
        layers.BatchNormalization: _batch_norm,
        layers.Activation: lambda graph, layer, inputs: activated(graph, layer, inputs[0]),
        layers.ReLU: _relu,
        layers.ZeroPadding2D: _zero_padding,
        layers.MaxPooling2D: _pool("MaxPool"),
        layers.AveragePooling2D: _pool("AveragePool"),
        layers.GlobalAveragePooling2D: _global_pool("GlobalAveragePool"),
        layers.GlobalMaxPooling2D: _global_pool("GlobalMaxPool"),
        layers.Add: _joined("Add"),
        layers.Multiply: _joined("Mul"),
        layers.Concatenate: _concatenate,
        layers.Reshape: _reshape,
        layers.Flatten: _flatten,
        layers.Dense: _dense,
    }
)
