"""A foreign Keras network as this project wants it: 0-255 RGB in, layers "logits" and "probabilities" out, flat.

What is put in front (grey, size, scaling) and behind (logits from probabilities, two classes from one sigmoid) is part
of the graph and is saved with it.
"""

from dataclasses import dataclass

import numpy as np

from core.errors import ModelRefused
from core.language import said
from core.nn.backbones import scale_pixels
from core.nn.backend import keras
from core.nn.foreign_flat import Flattener
from core.nn.heads import LOGITS, PROBABILITIES
from core.nn.inspect import InspectedModel
from core.types import ArchitectureSpec

PICTURE = "picture"
SMALLEST = 1e-7  # a probability below it counts as this: float32 knows no logarithm of 0
BEFORE_POOLING = (
    keras.layers.MaxPooling2D, keras.layers.AveragePooling2D, keras.layers.ZeroPadding2D, keras.layers.Flatten,
    keras.layers.Reshape,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class FlatNetwork:
    """The network as it is served: the Keras graph, its part up to the scaled picture, and the layer of the maps."""

    model: keras.Model
    front: keras.Model
    cam_layer: str
    task: str


def flat_network(
    original: keras.Model, found: InspectedModel, *, pixel_scaling: str, output: str, cam_layer: str
) -> FlatNetwork:
    """Lay `original` out flat between the pixels and the probabilities.

    Args:
        pixel_scaling: "inside", "unit", "minus_one_one", "imagenet_torch" or "imagenet_caffe".
        output: "softmax" or "sigmoid": what the numbers that come out are, or become when they are logits.
        cam_layer: name of a layer with cells, "" for the last one.
    Raises: ModelRefused naming what is in the way.
    """
    side = found.size_px
    pixels = keras.Input((side, side, 3), dtype="float32", name="pixels")
    scaled = _front(pixels, found, pixel_scaling)
    inputs, tensors = [pixels], []
    for number, item in enumerate(found.inputs):
        if item.role == "image":
            tensors.append(scaled)
            continue
        table = keras.Input(item.shape, dtype="float32", name=f"table{number}")
        inputs.append(table)
        tensors.append(table)
    flat = Flattener()
    raw = flat.lay_out(original, tensors)[found.output_index]
    if len(raw.shape) != 2 or raw.shape[-1] != found.outputs:
        raise ModelRefused(
            said("The network gives {shape} for a picture; expected is one number a class.", shape=tuple(raw.shape[1:]))
        )
    logits = _logits(raw, found.output_kind, output)
    task = "multilabel" if output == "sigmoid" and found.outputs > 1 else "multiclass"
    activation = "sigmoid" if task == "multilabel" else "softmax"
    probabilities = keras.layers.Activation(activation, name=PROBABILITIES)(logits)
    model = keras.Model(inputs, probabilities, name="foreign")
    chosen = _cam_layer(model, cam_layer)
    task = "binary" if task == "multiclass" and probabilities.shape[-1] == 2 else task
    return FlatNetwork(model, keras.Model(pixels, scaled), chosen, task)


def _front(pixels, found: InspectedModel, pixel_scaling: str):
    """Pixels as the network was trained on them: its size, its channels, its range."""
    (shape,) = (item.shape for item in found.inputs if item.role == "image")
    x, side = pixels, found.size_px
    height, width = (length or side for length in shape[:2])
    if (height, width) != (side, side):
        x = keras.layers.Resizing(height, width, name="to_size")(x)
    if found.channels == 1:
        if pixel_scaling.startswith("imagenet"):
            raise ModelRefused(
                said(
                    "The network takes grey pictures, and {pixel_scaling} is for colour ones.",
                    pixel_scaling=pixel_scaling,
                )
            )
        x = keras.ops.mean(x, axis=-1, keepdims=len(shape) == 3)
    spec = ArchitectureSpec(
        key=found.name, title=found.name, builder="", input_px=side, input_channels=3, pixel_scaling=pixel_scaling,
        feature_dim=0, cam_layer="", params=0, weights="", source="", licence="",
    )  # fmt: skip
    x = scale_pixels(x, spec)
    return x if found.cam_layer else keras.layers.Identity(name=PICTURE)(x)


def _logits(raw, kind: str, output: str):
    """A layer "logits" of one number a class, from what the network gives."""
    layer = raw._keras_history.operation
    binary = raw.shape[-1] == 1
    if kind == "linear" or (kind == "log_softmax" and not binary):
        before = raw
    elif kind in ("softmax", "sigmoid"):
        if kind != output:
            raise ModelRefused(
                said("The last layer is a {kind} already; it cannot be read as {output}.", kind=kind, output=output)
            )
        before = _before_activation(layer, kind)
        if before is None:  # several networks side by side, or a layer in between: back by the logarithm
            safe = keras.ops.maximum(raw, SMALLEST)
            before = keras.ops.log(safe)
            if kind == "sigmoid":
                before = before - keras.ops.log(keras.ops.maximum(1.0 - raw, SMALLEST))
    else:
        raise ModelRefused(
            said(
                "The last activation is {kind}, which gives neither probabilities nor logits. Expected "
                "is softmax, sigmoid, or none.",
                kind=kind,
            )
        )
    if not binary:
        return keras.layers.Identity(name=LOGITS)(before) if before._keras_history.operation.name != LOGITS else before
    pair = keras.layers.Dense(2, use_bias=False, trainable=False, name=LOGITS)
    logits = pair(before)
    pair.set_weights([np.asarray([[-0.5, 0.5]], np.float32)])  # a softmax over these is the sigmoid of the one number
    return logits


def _before_activation(layer, kind: str):
    """What goes into the last activation; None where that cannot be separated."""
    layers = keras.layers
    node = layer._inbound_nodes[0]
    (given, *more) = node.input_tensors
    if more:
        return None
    if type(layer).__name__ in ("Softmax", "Sigmoid"):
        axis = getattr(layer, "axis", -1)
        return given if axis in (-1, 1) else None
    if isinstance(layer, layers.Activation):
        return given if layer.get_config()["activation"] == kind else None
    if isinstance(layer, layers.Dense) and layer.get_config()["activation"] == kind:
        single = layer.units == 1
        bare = layers.Dense(layer.units, use_bias=layer.use_bias, name="score" if single else LOGITS)
        value = bare(given)
        bare.set_weights(layer.get_weights())
        return value
    return None


def _cam_layer(model: keras.Model, wanted: str) -> str:
    """The layer of the heat maps: the one asked for, else the last with more than one cell before pooling."""
    spatial = {layer.name: layer for layer in model.layers if _has_cells(layer.output)}
    spatial.pop("pixels", None)
    if wanted:
        if wanted not in spatial:
            known = ", ".join(list(spatial)[-8:])
            raise ModelRefused(
                said(
                    "There is no layer {wanted} with cells; the last ones are {known}.",
                    wanted=repr(wanted),
                    known=known,
                )
            )
        return wanted
    level, seen = [model.get_layer(LOGITS).output], set()
    while level:
        for tensor in level:
            layer = tensor._keras_history.operation
            if layer.name in spatial:
                while isinstance(layer, BEFORE_POOLING):
                    before = layer._inbound_nodes[0].input_tensors[0]._keras_history.operation
                    if before.name not in spatial:
                        break
                    layer = before
                return layer.name
        seen |= {id(tensor) for tensor in level}
        nodes = [t._keras_history.operation._inbound_nodes[0] for t in level]
        level = [given for node in nodes for given in node.input_tensors if id(given) not in seen]
    raise ModelRefused(said("The network has no layer with cells, so no heat map can be made of it."))


def _has_cells(tensor) -> bool:
    shape = getattr(tensor, "shape", ())
    return len(shape) == 4 and None not in shape[1:3] and shape[1] * shape[2] > 1


def probe_images(side: int) -> np.ndarray:
    """Four fixed pictures (4, S, S, 3) uint8 on which a network must keep its contract: two of noise, black, white."""
    rng = np.random.default_rng(7)
    noise = rng.integers(0, 256, (2, side, side, 3))
    return np.concatenate([noise, np.zeros((1, side, side, 3)), np.full((1, side, side, 3), 255)]).astype(np.uint8)
