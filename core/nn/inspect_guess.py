"""What a config does not state, guessed from it with the reason: pixel range, architecture, kind of the output."""

from collections.abc import Iterable, Sequence

from core.language import english, said
from core.nn.inspect_graph import Value

# what a layer or network is called -> the key of the registry; tried in this order
BY_NAME = (
    ("mobilenetv2", "mobilenet_v2"), ("mobilenet_v2", "mobilenet_v2"), ("mobilenetv3", "mobilenet_v3"),
    ("mobilenet", "mobilenet"), ("resnet50v2", "resnet50_v2"), ("resnet101v2", "resnet101_v2"),
    ("resnet50", "resnet50"), ("resnet101", "resnet101"), ("resnet152", "resnet152"),
    ("inception_resnet", "inception_resnet_v2"), ("inception_v3", "inception_v3"), ("xception", "xception"),
    ("efficientnetv2-b0", "efficientnet_v2_b0"), ("efficientnetv2", "efficientnet_v2"),
    ("efficientnetb0", "efficientnet_b0"), ("efficientnet", "efficientnet"), ("densenet121", "densenet121"),
    ("densenet", "densenet"), ("vgg16", "vgg16"), ("vgg19", "vgg19"), ("nasnet", "nasnet"), ("convnext", "convnext"),
)  # fmt: skip
# layers that only one architecture has, for networks that were built flat
BY_LAYER = (
    ("block_16_project", "mobilenet_v2"), ("conv_pw_13", "mobilenet"), ("block14_sepconv2", "xception"),
    ("block5_conv4", "vgg19"), ("block5_conv3", "vgg16"), ("conv5_block16_concat", "densenet121"),
    ("mixed10", "inception_v3"), ("conv5_block3_preact_bn", "resnet50_v2"), ("conv5_block3_out", "resnet50"),
    ("block7a_project_conv", "efficientnet"),
)  # fmt: skip
# what `keras.applications` does to pixels of these families, outside the network
SCALING = (
    ("mobilenet_v3", "inside"), ("mobilenet", "minus_one_one"), ("xception", "minus_one_one"),
    ("inception", "minus_one_one"), ("nasnet", "minus_one_one"), ("resnet50_v2", "minus_one_one"),
    ("resnet101_v2", "minus_one_one"), ("densenet", "imagenet_torch"), ("vgg", "imagenet_caffe"),
    ("resnet", "imagenet_caffe"), ("efficientnet", "inside"), ("convnext", "inside"),
)  # fmt: skip
SILENT = (
    "Dropout",
    "SpatialDropout2D",
    "ActivityRegularization",
    "Identity",
    "GaussianNoise",
    "GaussianDropout",
    "Cast",
)
PASSED = (*SILENT, "Resizing", "CenterCrop", "ZeroPadding2D", "Reshape", "ExpandDims", "Concatenate", "GetItem", "Flip",
          "Mean")  # fmt: skip
SPATIAL_END = ("MaxPooling2D", "AveragePooling2D", "ZeroPadding2D", "Flatten", "Reshape", *SILENT)
MANY = 0.5  # scaled pixels that reach this far were 0 to 255 before


def behind(output: Value) -> list[Value]:
    """Every tensor that an output is made from, itself included, each once."""
    found: dict[int, Value] = {}
    waiting = [output]
    while waiting:
        value = waiting.pop()
        if id(value) not in found:
            found[id(value)] = value
            waiting.extend(value.inputs)
    return list(found.values())


def architecture_guess(names: Iterable[str]) -> str:
    """The registry's key of the architecture that names of networks and layers point to, or ""."""
    seen = [name.casefold() for name in names]
    for part, key in BY_NAME:
        if any(name.startswith(part) for name in seen):
            return key
    for layer, key in BY_LAYER:
        if any(name.endswith(layer) for name in seen):
            return key
    return ""


def pixel_guess(image: Value, values: Sequence[Value], architecture: str) -> tuple[str, str, bool]:
    """(key of the pixel range, why in words, is it certain?) of what a network takes.

    Args:
        image: the input; values: everything behind the output; architecture: a key, or "".
    """
    scale, offset, current, seen = 1.0, 0.0, image, ""
    consumers: dict[int, list[Value]] = {}
    for value in values:
        for given in value.inputs:
            consumers.setdefault(id(given), []).append(value)
    while True:
        following = {id(v): v for v in consumers.get(id(current), [])}
        if len(following) != 1:
            break
        (current,) = following.values()
        if current.view is None:
            break
        kind, config = current.view.kind, current.view.config
        if kind in PASSED or kind.startswith("Random"):
            continue
        if kind == "Normalization" and seen:
            break  # what stands in front of it has told the range
        if kind == "Normalization":
            mean = _largest(config.get("mean"))
            if mean is None:
                return (
                    "inside",
                    english(said("the first layer is Normalization with statistics of its training data")),
                    False,
                )
            certain = "inside" if mean > MANY * 3 else "unit"
            around = said("the first layer is Normalization around {mean}", mean=f"{mean:.3g}")
            return certain, english(around), True
        if kind == "Rescaling":
            by, plus = _largest(config.get("scale", 1.0)), _largest(config.get("offset", 0.0))
        elif kind in ("TrueDivide", "Divide") and current.constants and current.constants[0]:
            by, plus = 1 / current.constants[0], 0.0
        elif kind == "Multiply" and current.constants:
            by, plus = current.constants[0], 0.0
        elif kind in ("Subtract", "Add") and current.constants:
            by, plus = 1.0, max(current.constants, key=abs) * (-1 if kind == "Subtract" else 1)
        else:
            break
        if by is None or plus is None:
            break
        scale, offset = scale * by, offset * by + plus
        seen = seen or said("the first layer is {layer} ({kind})", layer=current.view.name, kind=kind)
    if seen:
        if MANY <= abs(255 * scale) <= 10 or abs(offset) > 50:
            return "inside", english(said("{layer}: it scales 0 to 255 itself", layer=seen)), True
        if 1 < abs(scale) <= 10:
            return "unit", english(said("{layer}: it scales 0 to 1 itself", layer=seen)), True
    for family, key in SCALING:
        if architecture.startswith(family):
            mostly = said("there is no layer for it, and {name} is mostly trained so", name=architecture)
            return key, english(mostly), False
    unknown = said("there is no layer for it and no architecture is known by name; 0 to 1 is the most frequent")
    return "unit", english(unknown), False


def _largest(value: object) -> float | None:
    values = value if isinstance(value, list) else [value]
    while values and isinstance(values[0], list):
        values = [item for row in values for item in row]
    numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    return max(numbers, key=abs) if numbers else None


def output_kind(output: Value) -> str:
    """The activation of the last layer: "softmax", "sigmoid", "linear", or what else it is."""
    value = output
    while value.view is not None and value.view.kind in (*SILENT, "Flatten", "Reshape") and value.inputs:
        value = value.inputs[0]
    if value.view is None:
        return "linear"
    kind, activation = value.view.kind, value.view.config.get("activation")
    if kind in ("Average", "Concatenate"):  # several networks, or one output unit for each finding
        kinds = {output_kind(given) for given in value.inputs}
        return kinds.pop() if len(kinds) == 1 else "mixed"
    if kind in ("Softmax", "Sigmoid"):
        return kind.lower()
    if isinstance(activation, dict):
        return str(activation["class_name"]).lower()
    return str(activation or "linear")


def spatial_guess(output: Value) -> Value | None:
    """The last tensor of more than one cell on the way to the output, in front of pooling; None without one."""
    level = [output]
    seen: set[int] = set()
    while level:
        for value in level:
            if len(value.shape) == 3 and value.view is not None and (value.shape[0] or 2) * (value.shape[1] or 2) > 1:
                while value.view is not None and value.view.kind in SPATIAL_END and len(value.inputs) == 1:
                    value = value.inputs[0]
                return value if value.view is not None else None
        seen |= {id(value) for value in level}
        level = [given for value in level for given in value.inputs if id(given) not in seen]
    return None
