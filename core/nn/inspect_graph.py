"""A network worked through by shapes alone: what it costs, and how its tensors hang together.

Nothing is computed and nothing is built; the parameters and the numbers between the layers are counted before Keras
may ask for the memory.
"""

from dataclasses import dataclass, field

from core import limits
from core.errors import ModelRefused
from core.language import said
from core.nn.inspect_calls import Ref
from core.nn.inspect_clean import Network, Part
from core.nn.inspect_ops import OPERATIONS, Constant
from core.nn.inspect_rules import RULES
from core.nn.inspect_view import LayerView, Shape, size

MAX_PASSES = 200  # layers stand nearly in order; each pass works off all whose inputs are there


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor: its shape, the layer that gave it (None for an input), and the tensors that went into that layer."""

    shape: Shape
    view: LayerView | None = None
    inputs: tuple["Value", ...] = ()
    constants: tuple[float, ...] = ()


@dataclass(slots=True)
class Tally:
    """What has been counted so far; over a limit it refuses, naming the layer that was one too many."""

    layers: int = 0
    parameters: int = 0
    activations: int = 0
    largest: int = 0
    kinds: dict[str, int] = field(default_factory=dict)

    def add(self, view: LayerView, parameters: int, numbers: int) -> None:
        """Count one call."""
        self.layers += 1
        self.parameters += parameters
        self.activations += numbers
        self.largest = max(self.largest, numbers)
        self.kinds[view.kind] = self.kinds.get(view.kind, 0) + 1
        if self.layers > limits.MAX_MODEL_LAYERS:
            raise view.refuse(said("with it the network has more than {most:,} layers", most=limits.MAX_MODEL_LAYERS))
        if self.parameters > limits.MAX_MODEL_PARAMETERS:
            raise view.refuse(
                said(
                    "with its {parameters:,} parameters the network has {all:,}; at most {most:,} are loaded",
                    parameters=parameters,
                    all=self.parameters,
                    most=limits.MAX_MODEL_PARAMETERS,
                )
            )
        if self.activations > limits.MAX_MODEL_ACTIVATIONS:
            raise view.refuse(
                said(
                    "with its {numbers:,} numbers for one picture the network needs {activations:,} between "
                    "its layers; at most {most:,} are allowed",
                    numbers=numbers,
                    activations=self.activations,
                    most=limits.MAX_MODEL_ACTIVATIONS,
                )
            )


def input_parts(network: Network) -> list[Part]:
    """The input layers of a network, in the order in which it takes its inputs. Raises ModelRefused."""
    if network.sequential:
        first = network.parts[0]
        if first.network is not None:
            return input_parts(first.network)
        if first.view.kind != "InputLayer":
            raise network.view.refuse(
                said("the size of its input is not stated; call it once on a picture and save it again")
            )
        return [first]
    by_name = {part.view.name: part for part in network.parts}
    found = [by_name.get(ref.layer) for ref in network.inputs]
    if not found or any(part is None or part.view.kind != "InputLayer" for part in found):
        raise network.view.refuse(said("its inputs are not input layers"))
    return [part for part in found if part is not None]


def define(network: Network) -> None:
    """Count what building takes: Keras builds every nested network first, on the input that it states itself.

    A nested Sequential without one is built when it is called. Raises ModelRefused.
    """
    for part in network.parts:
        if part.network is not None:
            define(part.network)
    if not network.sequential or network.parts[0].view.kind == "InputLayer":
        run(network, [Value(part.shape) for part in input_parts(network)], Tally())


def run(network: Network, given: list[Value], tally: Tally) -> list[Value]:
    """The outputs of a network for some inputs; every call of a layer is counted. Raises ModelRefused."""
    if network.sequential:
        values = given
        for part in network.parts:
            if part.view.kind != "InputLayer":
                values = _apply(part, [values[0] if len(values) == 1 else list(values)], {}, tally)
        return values
    made: dict[str, list[list[Value]]] = {}
    places = input_parts(network)
    if len(places) != len(given):
        raise network.view.refuse(said("it takes {n} inputs, and is given {given}", n=len(places), given=len(given)))
    for part, value in zip(places, given, strict=True):
        made[part.view.name] = [[value]]
    waiting = [part for part in network.parts if part.view.name not in made]
    for _ in range(MAX_PASSES):
        if not waiting:
            return [_found(network.view, made, ref) for ref in network.outputs]
        left = [part for part in waiting if not _advanced(part, made, tally)]
        if len(left) == len(waiting) and not any(_ready(part, made) for part in left):
            break
        waiting = left
    raise waiting[0].view.refuse(said("its input comes from nowhere, or from itself"))


def _advanced(part: Part, made: dict[str, list[list[Value]]], tally: Tally) -> bool:
    """Work off the calls of a part as far as their inputs are there; True when all are done."""
    own = made.setdefault(part.view.name, [])
    while len(own) < len(part.calls) and _ready(part, made):
        args, kwargs = part.calls[len(own)]
        own.append(_apply(part, _filled(made, args), _filled(made, kwargs), tally))
    return len(own) == len(part.calls)


def _ready(part: Part, made: dict[str, list[list[Value]]]) -> bool:
    """Are the inputs of the next call there?"""
    return all(_is_there(made, ref) for ref in _references(part.calls[len(made[part.view.name])]))


def _references(value: object) -> list[Ref]:
    if isinstance(value, Ref):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [ref for item in value for ref in _references(item)]
    return []


def _is_there(made: dict[str, list[list[Value]]], ref: Ref) -> bool:
    return len(made.get(ref.layer, ())) > ref.call


def _found(view: LayerView, made: dict[str, list[list[Value]]], ref: Ref) -> Value:
    calls = made.get(ref.layer)
    if not calls:
        raise view.refuse(said("its output {layer} is none of its layers", layer=repr(ref.layer[:60])))
    outputs = calls[min(ref.call, len(calls) - 1)]  # networks as layers count their calls from 1 in some versions
    if ref.output >= len(outputs):
        raise view.refuse(
            said(
                "{layer} has {n} outputs, and output {output} is asked for",
                layer=repr(ref.layer[:60]),
                n=len(outputs),
                output=ref.output + 1,
            )
        )
    return outputs[ref.output]


def _filled(made: dict[str, list[list[Value]]], value):
    """Arguments with every reference replaced by its tensor."""
    if isinstance(value, Ref):
        return _found(LayerView("layer", value.layer, {}), made, value)
    if isinstance(value, dict):
        return {key: _filled(made, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(made, item) for item in value]
    return value


def _tensors(value: object) -> list[Value]:
    if isinstance(value, Value):
        return [value]
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    return [found for item in value for found in _tensors(item)] if isinstance(value, list) else []


def _apply(part: Part, args: list, kwargs: dict, tally: Tally) -> list[Value]:
    """One call of a part on its arguments. Raises ModelRefused."""
    given = _tensors([args, kwargs])
    if not given:
        raise part.view.refuse(said("it is called without a tensor"))
    if part.network is not None:
        return run(part.network, given, tally)
    if part.is_operation:
        _, rule = OPERATIONS[part.view.kind]
        shape = rule(part.view, [_shaped(item) for item in args], {k: _shaped(item) for k, item in kwargs.items()})
        tally.add(part.view, 0, size(shape) or 0)
        constants = tuple(float(n) for item in [*args, *kwargs.values()] for n in _numbers(item))
        return [Value(shape, part.view, tuple(given), constants)]
    applied = RULES[part.view.kind](part.view, [value.shape for value in given])
    tally.add(part.view, applied.parameters, sum(size(s) or 0 for s in applied.outputs) + applied.besides)
    return [Value(shape, part.view, tuple(given)) for shape in applied.outputs]


def _numbers(value: object) -> list[float]:
    """The numbers of a constant, a handful at most."""
    if isinstance(value, list) and len(value) <= 8:
        return [n for item in value for n in _numbers(item)]
    return [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def _shaped(value: object) -> object:
    """An argument as the rules of operations read it: shapes for tensors and lists of numbers."""
    if isinstance(value, Value):
        return value.shape
    if isinstance(value, list):
        if value and not _tensors(value) and all(isinstance(item, int | float | list) for item in value):
            return value if all(isinstance(item, int) for item in value) and len(value) < 2 else _constant(value)
        return [_shaped(item) for item in value]
    return value


def _constant(value: list) -> Constant:
    sides, inner = [], value
    while isinstance(inner, list) and len(sides) < 6:
        sides.append(len(inner))
        inner = inner[0] if inner else 0
    return Constant(sides)


def refused_inputs(found: int) -> ModelRefused:
    """The refusal of a network whose inputs are no picture (and numbers)."""
    return ModelRefused(
        said("The network takes {found} pictures; MedLens gives it one, and a table of numbers beside it.", found=found)
    )
