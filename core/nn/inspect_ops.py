"""Keras operations in a graph (`x / 127.5 - 1`, `keras.ops.mean`): the shapes they give, and which are allowed.

Arguments come as they stand in the config; a tensor among them is its `Shape`, a constant a number or nested list.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from core.language import said
from core.nn.inspect_view import LayerView, Shape, broadcast

OpRule = Callable[[LayerView, Sequence[object], Mapping[str, object]], Shape]
MAX_RANK = 6


class Constant(tuple):
    """The shape of a constant among the arguments, told from a tensor by its type."""


def _shapes(values: object) -> list[Shape]:
    """Every shape in nested arguments, constants last."""
    found: list[Shape] = []
    if isinstance(values, tuple):
        return [values]
    if isinstance(values, Mapping):
        values = list(values.values())
    if isinstance(values, list):
        for value in values:
            found += _shapes(value)
    return found


def _first(view: LayerView, args: Sequence[object], kwargs: Mapping[str, object]) -> Shape:
    found = [shape for shape in _shapes([*args, *kwargs.values()]) if not isinstance(shape, Constant)]
    if not found:
        raise view.refuse(said("it is called without a tensor"))
    return found[0]


def _together(view: LayerView, args: Sequence[object], kwargs: Mapping[str, object]) -> Shape:
    return broadcast(view, _shapes([*args, *kwargs.values()]))


def _axes(view: LayerView, rank: int, value: object) -> list[int]:
    """Axes of the config as positions in a shape without the batch."""
    values = value if isinstance(value, list) else [value]
    positions = []
    for axis in values:
        if isinstance(axis, bool) or not isinstance(axis, int) or axis == 0 or not -rank <= axis <= rank:
            raise view.refuse(said("it works along the axis {axis}", axis=str(axis)[:20]))
        positions.append(axis - 1 if axis > 0 else axis + rank)
    return positions


def _reduce(view: LayerView, args: Sequence[object], kwargs: Mapping[str, object]) -> Shape:
    shape = _first(view, args, kwargs)
    axes = _axes(view, len(shape), view.config.get("axis"))
    if view.flag("keepdims", False):
        return tuple(1 if i in axes else side for i, side in enumerate(shape))
    return tuple(side for i, side in enumerate(shape) if i not in axes)


def _get_item(view: LayerView, args: Sequence[object], kwargs: Mapping[str, object]) -> Shape:
    """Slices of a tensor; the batch is kept whole."""
    shape = _first(view, args, kwargs)
    key = args[1] if len(args) > 1 else kwargs.get("key")
    keys = list(key) if isinstance(key, list) else [key]
    if keys.count(Ellipsis) > 1 or any(not isinstance(k, slice | int) and k is not Ellipsis for k in keys):
        raise view.refuse(said("it picks by something other than numbers and ranges"))
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys[at : at + 1] = [slice(None)] * (len(shape) + 1 - (len(keys) - 1))
    keys += [slice(None)] * (len(shape) + 1 - len(keys))
    if len(keys) != len(shape) + 1 or keys[0] != slice(None):
        raise view.refuse(said("it picks single pictures of a batch"))
    sides: list[int | None] = []
    for side, chosen in zip(shape, keys[1:], strict=True):
        if isinstance(chosen, slice):
            try:
                sides.append(None if side is None else len(range(side)[chosen]))
            except (TypeError, ValueError) as error:
                raise view.refuse(said("it picks by something other than numbers and ranges")) from error
    return tuple(sides)


def _concatenate(view: LayerView, args: Sequence[object], kwargs: Mapping[str, object]) -> Shape:
    shapes = _shapes([*args, *kwargs.values()])
    if not shapes or len({len(shape) for shape in shapes}) > 1:
        raise view.refuse(said("its inputs have different numbers of axes"))
    (axis,) = _axes(view, len(shapes[0]), view.config.get("axis", -1))
    sides = [shape[axis] for shape in shapes]
    joined = None if None in sides else sum(side for side in sides if side is not None)
    return (*shapes[0][:axis], joined, *shapes[0][axis + 1 :])


def _reshape(view: LayerView, args: Sequence[object], kwargs: Mapping[str, object]) -> Shape:
    from core.nn.inspect_rules import RULES

    shape, target = _first(view, args, kwargs), view.config.get("newshape", view.config.get("target_shape"))
    if not isinstance(target, list) or not target or target[0] not in (-1, None):
        raise view.refuse(said("it gives the batch another size"))
    inner = LayerView(view.kind, view.name, {"target_shape": target[1:]})
    return RULES["Reshape"](inner, [shape]).outputs[0]


def _transpose(view: LayerView, args: Sequence[object], kwargs: Mapping[str, object]) -> Shape:
    shape, axes = _first(view, args, kwargs), view.config.get("axes")
    if not isinstance(axes, list) or sorted(map(str, axes)) != sorted(map(str, range(len(shape) + 1))) or axes[0] != 0:
        raise view.refuse(said("it turns the batch into another axis"))
    return tuple(shape[axis - 1] for axis in axes[1:])


def _expand(view: LayerView, args: Sequence[object], kwargs: Mapping[str, object]) -> Shape:
    shape = _first(view, args, kwargs)
    if len(shape) >= MAX_RANK:
        raise view.refuse(said("it gives more axes than a picture has"))
    (axis,) = _axes(view, len(shape) + 1, view.config.get("axis"))
    return (*shape[:axis], 1, *shape[axis:])


def _squeeze(view: LayerView, args: Sequence[object], kwargs: Mapping[str, object]) -> Shape:
    shape = _first(view, args, kwargs)
    axes = _axes(view, len(shape), view.config.get("axis"))
    return tuple(side for i, side in enumerate(shape) if i not in axes)


# fmt: off
TOGETHER = ("Add", "Subtract", "Multiply", "TrueDivide", "Divide", "Power", "Maximum", "Minimum")
ALONE = ("Negative", "Abs", "Absolute", "Square", "Sqrt", "Exp", "Log", "Log1p", "Clip", "Flip")
ACTIVATING = (
    "Relu", "Relu6", "Sigmoid", "Tanh", "Softmax", "LogSoftmax", "Silu", "Gelu", "Elu", "Selu", "LeakyRelu",
    "HardSigmoid", "HardSilu", "HardSwish", "Softplus", "Softsign",
)
# fmt: on
OPERATIONS: MappingProxyType[str, tuple[str, OpRule]] = MappingProxyType(
    {
        **dict.fromkeys(TOGETHER, ("numpy", _together)),
        **dict.fromkeys(ALONE, ("numpy", _first)),
        **dict.fromkeys(("Mean", "Max", "Min", "Sum", "Amax", "Amin"), ("numpy", _reduce)),
        **dict.fromkeys(ACTIVATING, ("nn", _first)),
        "Cast": ("core", _first),
        "GetItem": ("numpy", _get_item),
        "Concatenate": ("numpy", _concatenate),
        "Reshape": ("numpy", _reshape),
        "Transpose": ("numpy", _transpose),
        "ExpandDims": ("numpy", _expand),
        "Squeeze": ("numpy", _squeeze),
    }
)
