"""Keras layers by their config alone: the shape that comes out, and the parameters they need.

`RULES` is also the list of layers that are allowed at all: what is not here is refused by name.
"""

import math
from collections.abc import Sequence
from types import MappingProxyType

from core.language import said
from core.nn.inspect_view import LARGEST, Applied, LayerView, Rule, Shape, broadcast, size


def _same(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    return Applied((shapes[0],))


def _dense(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    units, inner = view.number("units"), view.last(shapes[0])
    return Applied(((*shapes[0][:-1], units),), inner * units + units * view.flag("use_bias"))


def _length(side: int | None, kernel: int, stride: int, padding: str, dilation: int) -> int | None:
    if side is None:
        return None
    if padding == "same":
        return -(-side // stride)
    return (side - (kernel - 1) * dilation - 1) // stride + 1


def _conv(dimensions: int, kind: str = "full") -> Rule:
    def rule(view: LayerView, shapes: Sequence[Shape]) -> Applied:
        (shape,) = shapes[:1]
        view.rank(shape, dimensions + 1)
        channels = view.last(shape)
        kernel = view.numbers("kernel_size", dimensions)
        strides, dilations = view.numbers("strides", dimensions, 1), view.numbers("dilation_rate", dimensions, 1)
        padding = view.word("padding", "valid", ("valid", "same", *(["causal"] if dimensions == 1 else [])))
        area, bias = math.prod(kernel), view.flag("use_bias")
        if kind == "transposed":
            filters = view.number("filters")
            sides = tuple(
                None if side is None else side * step + (max(size - step, 0) if padding == "valid" else 0)
                for side, size, step in zip(shape, kernel, strides, strict=False)
            )
            return Applied(((*sides, filters),), area * channels * filters + filters * bias)
        padding = "same" if padding == "causal" else padding
        sides = tuple(
            _length(side, size, step, padding, gap)
            for side, size, step, gap in zip(shape, kernel, strides, dilations, strict=False)
        )
        if any(side is not None and side < 1 for side in sides):
            raise view.refuse(said("its input {shape} is smaller than its kernel", shape=shape))
        if kind == "full":
            filters, groups = view.number("filters"), view.number("groups", 1)
            return Applied(((*sides, filters),), area * channels * filters // groups + filters * bias)
        depth = channels * view.number("depth_multiplier", 1)
        if kind == "depthwise":
            return Applied(((*sides, depth),), area * depth + depth * bias)
        filters = view.number("filters")
        return Applied(
            ((*sides, filters),), area * depth + depth * filters + filters * bias, size((*sides, depth)) or 0
        )

    return rule


def _pool(dimensions: int) -> Rule:
    def rule(view: LayerView, shapes: Sequence[Shape]) -> Applied:
        view.rank(shapes[0], dimensions + 1)
        view.last(shapes[0])
        pool = view.numbers("pool_size", dimensions, 2)
        strides = pool if view.config.get("strides") is None else view.numbers("strides", dimensions)
        padding = view.word("padding", "valid", ("valid", "same"))
        sides = [_length(a, b, c, padding, 1) for a, b, c in zip(shapes[0], pool, strides, strict=False)]
        if any(side is not None and side < 1 for side in sides):
            raise view.refuse(said("its input {shapes} is smaller than what it pools", shapes=shapes[0]))
        return Applied(((*sides, shapes[0][-1]),))

    return rule


def _global_pool(dimensions: int) -> Rule:
    def rule(view: LayerView, shapes: Sequence[Shape]) -> Applied:
        view.rank(shapes[0], dimensions + 1)
        channels = view.last(shapes[0])
        return Applied(((1,) * dimensions * view.flag("keepdims", False) + (channels,),))

    return rule


def _batch_norm(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    axis = view.config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, len(shapes[0])):
        raise view.refuse(said("it does not normalise the last axis"))
    return Applied((shapes[0],), view.last(shapes[0]) * (2 + view.flag("scale") + view.flag("center")))


def _norm(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    if view.config.get("axis", -1) not in (-1, [-1], len(shapes[0]), [len(shapes[0])]):
        raise view.refuse(said("it does not normalise the last axis"))
    channels = view.last(shapes[0])
    if view.kind == "Normalization":  # its statistics are weights where they were learned, else stand in the config
        return Applied((shapes[0],), 2 * channels + 1 if view.config.get("mean") is None else 0)
    if view.kind == "RMSNormalization":
        return Applied((shapes[0],), channels)
    return Applied((shapes[0],), channels * (view.flag("scale") + view.flag("center")))


def _flatten(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    return Applied(((size(shapes[0]),),))


def _reshape(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    target = view.config.get("target_shape", view.config.get("newshape"))
    if not isinstance(target, list | tuple) or not all(isinstance(s, int) and -1 <= s <= LARGEST for s in target):
        raise view.refuse(said("its target shape is {target}", target=str(target)[:60]))
    whole, known = size(shapes[0]), math.prod(side for side in target if side != -1)
    open_side = None if whole is None else whole // max(known, 1)
    return Applied((tuple(open_side if side == -1 else side for side in target),))


def _permute(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    dims = view.numbers("dims", len(shapes[0]))
    if sorted(dims) != list(range(1, len(shapes[0]) + 1)):
        raise view.refuse(said("its dims {dims} do not name every axis once", dims=dims))
    return Applied((tuple(shapes[0][axis - 1] for axis in dims),))


def _repeat(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    return Applied(((view.number("n"), *shapes[0]),))


def _merge(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    return Applied((broadcast(view, shapes),))


def _concatenate(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    axis, rank = view.config.get("axis", -1), len(shapes[0])
    if isinstance(axis, bool) or not isinstance(axis, int) or axis == 0 or not -rank <= axis <= rank:
        raise view.refuse(said("it joins along the axis {axis}", axis=str(axis)[:20]))
    position = axis - 1 if axis > 0 else axis + rank
    if any(len(shape) != rank for shape in shapes):
        raise view.refuse(said("its inputs have different numbers of axes"))
    sides = [shape[position] for shape in shapes]
    joined = None if None in sides else sum(side for side in sides if side is not None)
    return Applied(((*shapes[0][:position], joined, *shapes[0][position + 1 :]),))


def _around(key: str, sign: int) -> Rule:
    """ZeroPadding2D and Cropping2D."""

    def rule(view: LayerView, shapes: Sequence[Shape]) -> Applied:
        view.rank(shapes[0], 3)
        value = view.config.get(key)
        pairs = value if isinstance(value, list | tuple) else [value, value]
        sides: list[int | None] = []
        for side, pair in zip(shapes[0], pairs, strict=False):
            first, second = LayerView(view.kind, view.name, {key: pair}).numbers(key, 2, low=0)
            sides.append(None if side is None else max(side + sign * (first + second), 1))
        return Applied(((*sides, view.last(shapes[0])),))

    return rule


def _upsample(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    view.rank(shapes[0], 3)
    factors = view.numbers("size", 2, 2)
    sides = (None if side is None else side * by for side, by in zip(shapes[0], factors, strict=False))
    return Applied(((*sides, view.last(shapes[0])),))


def _resize(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    view.rank(shapes[0], 3)
    return Applied(((view.number("height"), view.number("width"), view.last(shapes[0])),))


def _prelu(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    shared = view.config.get("shared_axes") or []
    if not isinstance(shared, list) or not all(isinstance(axis, int) for axis in shared):
        raise view.refuse(said("its shared axes are no whole numbers"))
    sides = tuple(1 if i in shared else side for i, side in enumerate(shapes[0], start=1))
    return Applied((shapes[0],), size(sides) or 0)


def _heads(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    """MultiHeadAttention: four projections, and a score for every pair of places and head."""
    query, value = shapes[0], shapes[1] if len(shapes) > 1 else shapes[0]
    heads, width = view.number("num_heads"), view.number("key_dim")
    value_width = width if view.config.get("value_dim") is None else view.number("value_dim")
    inner, outer = view.last(query), view.last(value)
    parameters = heads * (inner * width + outer * width + outer * value_width + value_width * inner + 3 * width) + inner
    places = (size(query[:-1]) or 0) * (size(value[:-1]) or 0)
    return Applied((query,), parameters, heads * places)


def _scale_layer(view: LayerView, shapes: Sequence[Shape]) -> Applied:
    return Applied((shapes[0],), view.number("projection_dim"))


# layers that Keras keeps beside the networks that use them, and where
OF_APPLICATIONS = MappingProxyType(
    {
        "LayerScale": "keras.src.applications.convnext",
        "CustomScaleLayer": "keras.src.applications.inception_resnet_v2",
    }
)
# fmt: off
UNCHANGED = (
    "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Dropout", "SpatialDropout1D", "SpatialDropout2D",
    "GaussianDropout", "GaussianNoise", "AlphaDropout", "ActivityRegularization", "Identity", "Rescaling",
    "UnitNormalization", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast",
    "RandomBrightness", "RandomHue", "RandomSaturation", "RandomSharpness", "RandomColorJitter", "RandomShear",
    "RandomGrayscale", "RandomPosterization", "RandomInvert", "RandomGaussianBlur", "RandomErasing",
    "RandomPerspective", "RandomElasticTransform", "RandomColorDegeneration",
)
# fmt: on
RULES: MappingProxyType[str, Rule] = MappingProxyType(
    {
        **dict.fromkeys(UNCHANGED, _same),
        "Dense": _dense,
        "Conv1D": _conv(1),
        "Conv2D": _conv(2),
        "Conv2DTranspose": _conv(2, "transposed"),
        "DepthwiseConv2D": _conv(2, "depthwise"),
        "SeparableConv2D": _conv(2, "separable"),
        **dict.fromkeys(("MaxPooling1D", "AveragePooling1D"), _pool(1)),
        **dict.fromkeys(("MaxPooling2D", "AveragePooling2D"), _pool(2)),
        **dict.fromkeys(("GlobalAveragePooling1D", "GlobalMaxPooling1D"), _global_pool(1)),
        **dict.fromkeys(("GlobalAveragePooling2D", "GlobalMaxPooling2D"), _global_pool(2)),
        "BatchNormalization": _batch_norm,
        **dict.fromkeys(("LayerNormalization", "GroupNormalization", "RMSNormalization", "Normalization"), _norm),
        "Flatten": _flatten,
        "Reshape": _reshape,
        "Permute": _permute,
        "RepeatVector": _repeat,
        **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), _merge),
        "Concatenate": _concatenate,
        "ZeroPadding2D": _around("padding", 1),
        "Cropping2D": _around("cropping", -1),
        "UpSampling2D": _upsample,
        **dict.fromkeys(("Resizing", "CenterCrop", "RandomCrop"), _resize),
        "PReLU": _prelu,
        "LayerScale": _scale_layer,
        "CustomScaleLayer": _merge,
        "MultiHeadAttention": _heads,
    }
)
