"""A network's config, taken apart and written anew: only what is known here is left in it.

Keras never sees a module path, class, function or initialiser of the file: every one is looked up in the lists of this
project and written from them. What only training needs (losses, metrics, optimisers, initialisers, regularisers) is
left out unread, so that a network trained with an own loss can still be used.
"""

from dataclasses import dataclass, field

from core.errors import ModelRefused
from core.language import said
from core.nn.inspect_calls import INPUT_TYPES, Ref, plain_value, read_call, refs_of, written_refs
from core.nn.inspect_ops import OPERATIONS
from core.nn.inspect_rules import OF_APPLICATIONS, RULES
from core.nn.inspect_view import LayerView
from core.nn.inspect_words import refused_class

MODELS = ("Functional", "Model", "Sequential")
MODEL_MODULES = ("keras", "keras.models", "keras.src.models", "keras.src.engine", "keras.engine")
LAYER_MODULES = ("keras.layers", "keras.src.layers")
OP_MODULES = ("keras.ops", "keras.src.ops")
# fmt: off
ACTIVATIONS = frozenset((
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish", "mish", "softmax",
    "log_softmax", "softplus", "softsign", "sigmoid", "log_sigmoid", "hard_sigmoid", "hard_silu", "hard_swish",
    "hard_tanh", "tanh", "exponential", "glu", "squareplus", "soft_shrink", "hard_shrink", "tanh_shrink",
    "sparse_plus", "sparse_sigmoid", "sparsemax",
))
# fmt: on
ACTIVATION_LAYERS = ("ReLU", "LeakyReLU", "ELU", "Softmax")
# arguments that Keras 2 wrote and Keras 3 does not take; none of them changes what the layer gives
OUTDATED = {
    "DepthwiseConv2D": ("groups", "filters"),
    "SeparableConv2D": ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "BatchNormalization": ("virtual_batch_size", "fused", "renorm", "renorm_clipping", "renorm_momentum", "adjustment"),
}
LEFT_OUT = ("batch_input_shape", "batch_shape", "input_shape", "input_dtype", "quantization_config")


@dataclass(slots=True)
class Part:
    """A layer, operation or nested network, with its calls as (arguments, named arguments)."""

    view: LayerView
    is_operation: bool = False
    network: "Network | None" = None
    calls: list[tuple[list, dict]] = field(default_factory=list)
    shape: tuple[int | None, ...] = ()  # of an InputLayer, without the batch


@dataclass(slots=True)
class Network:
    """A functional or sequential network: its parts in order, and which tensors go in and come out."""

    view: LayerView
    sequential: bool
    parts: list[Part] = field(default_factory=list)
    inputs: list[Ref] = field(default_factory=list)
    outputs: list[Ref] = field(default_factory=list)


def clean(entry: object) -> tuple[Network, dict]:
    """The network of a config, and the same config with nothing but what is known.

    Raises: ModelRefused naming the layer that is not allowed, or is no layer.
    """
    if not isinstance(entry, dict):
        raise ModelRefused(said("Its config describes no network: the file is damaged."))
    view = _viewed(entry)
    if view.kind not in MODELS or not _within(entry.get("module"), MODEL_MODULES):
        raise refused_class(view, entry.get("module"), entry.get("registered_name"), outermost=True)
    return _network(view)


def _viewed(entry: object) -> LayerView:
    config = entry.get("config") if isinstance(entry, dict) else None
    kind = entry.get("class_name") if isinstance(entry, dict) else None
    if not isinstance(config, dict) or not isinstance(kind, str):
        raise ModelRefused(said("Its config holds an entry that is no layer: the file is damaged."))
    name = entry.get("name") or config.get("name")
    return LayerView(kind, name if isinstance(name, str) and name else kind, config)


def _within(module: object, allowed: tuple[str, ...]) -> bool:
    if module is None:  # legacy files name no modules
        return True
    return isinstance(module, str) and any(module == name or module.startswith(f"{name}.") for name in allowed)


def _network(view: LayerView) -> tuple[Network, dict]:
    entries = view.config.get("layers")
    if not isinstance(entries, list) or not entries:
        raise view.refuse(said("it holds no layers"))
    network = Network(view, view.kind == "Sequential")
    written = []
    for number, entry in enumerate(entries):
        if network.sequential and number == 0:
            entry = _with_input(view, entry, network, written)
        part, done = _part(entry)
        network.parts.append(part)
        written.append(done)
    names = [part.view.name for part in network.parts]
    if len(set(names)) < len(names):
        raise view.refuse(said("two of its layers have one name"))
    config: dict = {"name": view.name, "trainable": view.flag("trainable"), "layers": written}
    if not network.sequential:
        network.inputs = refs_of(view, view.config.get("input_layers"))
        network.outputs = refs_of(view, view.config.get("output_layers"))
        config["input_layers"] = written_refs(view.config["input_layers"])
        config["output_layers"] = written_refs(view.config["output_layers"])
        return network, {"module": "keras.src.models.functional", "class_name": "Functional", "config": config,
                         "registered_name": "Functional"}  # fmt: skip
    return network, {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}


def _with_input(view: LayerView, entry: object, network: Network, written: list) -> object:
    """The first layer of a Sequential; in front of it an input, where only the layer or the model itself states it."""
    first = _viewed(entry)
    if first.kind in ("InputLayer", *MODELS):
        return entry
    shape = next((first.config[k] for k in ("batch_input_shape", "batch_shape") if first.config.get(k)), None)
    shape = shape or view.config.get("build_input_shape")
    if shape is not None:
        part, done = _part({"class_name": "InputLayer", "config": {"batch_shape": shape, "name": f"{view.name}_input"}})
        network.parts.append(part)
        written.append(done)
    return entry


def _part(entry: object) -> tuple[Part, dict]:
    view = _viewed(entry)
    module, registered = entry.get("module"), entry.get("registered_name")  # type: ignore[attr-defined]
    if registered is not None and registered != view.kind:
        raise refused_class(view, module, registered)
    if view.kind in MODELS and _within(module, MODEL_MODULES):
        network, written = _network(view)
        part = Part(view, network=network)
    elif view.kind == "InputLayer" and _within(module, LAYER_MODULES):
        part, written = _input(view)
    elif module is not None and _within(module, OP_MODULES) and view.kind in OPERATIONS:
        part = Part(view, is_operation=True)
        written = {"module": f"keras.src.ops.{OPERATIONS[view.kind][0]}", "class_name": view.kind,
                   "config": _values(view), "registered_name": view.kind}  # fmt: skip
    elif view.kind in RULES and _within(module, (OF_APPLICATIONS.get(view.kind, LAYER_MODULES[0]), *LAYER_MODULES)):
        part = Part(view)
        home, known_as = "keras.layers", None
        if view.kind in OF_APPLICATIONS:
            home, known_as = OF_APPLICATIONS[view.kind], view.kind
        written = {"module": home, "class_name": view.kind, "config": _values(view), "registered_name": known_as}
    else:
        raise refused_class(view, module, registered)
    nodes = entry.get("inbound_nodes") or []  # type: ignore[attr-defined]
    if not isinstance(nodes, list):
        raise view.refuse(said("it is not said where its input comes from"))
    written["name"] = view.name
    written["inbound_nodes"] = []
    for node in nodes:
        call, done = read_call(view, node)
        part.calls.append(call)
        written["inbound_nodes"].append(done)
    return part, written


def _input(view: LayerView) -> tuple[Part, dict]:
    shape = next((view.config[k] for k in ("batch_shape", "batch_input_shape", "shape") if view.config.get(k)), None)
    if not isinstance(shape, list | tuple) or not 2 <= len(shape) <= 5:
        raise view.refuse(said("its shape is {shape}", shape=str(shape)[:60]))
    if view.config.get("sparse") or view.config.get("ragged"):
        raise view.refuse(said("it takes sparse or ragged input"))
    kind = view.config.get("dtype") or "float32"
    if kind not in INPUT_TYPES:
        raise view.refuse(said("it takes the type {kind}; expected are numbers", kind=str(kind)[:40]))
    sides: list[int | None] = [None]
    for side in shape[1:]:
        sides.append(None if side is None else LayerView(view.kind, view.name, {"shape": side}).number("shape"))
    written = {"module": "keras.layers", "class_name": "InputLayer", "registered_name": None,
               "config": {"batch_shape": sides, "dtype": kind, "name": view.name}}  # fmt: skip
    return Part(view, shape=tuple(sides[1:])), written


def _values(view: LayerView) -> dict:
    """The config of a layer or operation with plain values only."""
    written: dict = {}
    for key, value in view.config.items():
        if key in LEFT_OUT or key in OUTDATED.get(view.kind, ()) or key.endswith(("_regularizer", "_constraint")):
            continue
        if key.endswith("_initializer"):
            written[key] = "zeros"  # the weights of the file take its place; a foreign one might be slow, or code
        elif key == "dtype" and view.kind != "Cast":
            written[key] = "float32"
        elif key == "activation":
            written[key] = _activation(view, value)
        elif key == "axis" and view.kind == "BatchNormalization" and isinstance(value, list) and len(value) == 1:
            written[key] = value[0]
        else:
            written[key] = plain_value(view, key, value)
    if "activation" in written:
        view.config["activation"] = written["activation"]  # as one word, whichever way the file put it
    written["name"] = view.name
    return written


def _activation(view: LayerView, value: object) -> object:
    """The name of an activation, or an activation layer without weights. Raises ModelRefused for anything else."""
    if value is None:
        return "linear"
    if isinstance(value, dict) and value.get("class_name") == "function":
        if value.get("module") not in ("builtins", None, "keras.activations"):
            raise view.refuse(
                said("its activation is a function of the module {module}", module=repr(str(value.get("module"))[:60]))
            )
        value = value.get("config")
    if isinstance(value, str) and value in ACTIVATIONS:
        return value
    if isinstance(value, dict) and value.get("class_name") in ACTIVATION_LAYERS:
        inner = _viewed(value)
        if _within(value.get("module"), LAYER_MODULES) and value.get("registered_name") in (None, inner.kind):
            return {"module": "keras.layers", "class_name": inner.kind, "config": _values(inner),
                    "registered_name": None}  # fmt: skip
    shown = value.get("class_name") if isinstance(value, dict) else value
    raise view.refuse(said("its activation is {shown}, which is not one of Keras' own", shown=repr(str(shown)[:60])))
