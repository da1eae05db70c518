"""Which output of a network answers: the only one, the one asked for, or the first with a number for each class."""

from dataclasses import dataclass

from core import limits
from core.errors import ModelRefused
from core.language import said, said_list
from core.nn.inspect_clean import Network
from core.nn.inspect_graph import Value
from core.nn.inspect_guess import output_kind
from core.nn.inspect_view import Shape

MOST_NAMED = 8  # outputs that a sentence lists


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedOutput:
    """One of several outputs: its name, how many numbers it gives (0: it gives pictures), and its last activation."""

    name: str
    units: int
    kind: str


def output_names(network: Network, count: int) -> list[str]:
    """A name for each output, in the order in which the network gives them.

    The key where it gives a mapping, else the layer; of one layer with several outputs, with a number.
    """
    stated = network.view.config.get("output_layers")
    if isinstance(stated, dict) and len(stated) == count:
        return [str(key)[:60] for key in sorted(stated)]
    layers = [ref.layer[:60] for ref in network.outputs]
    if len(layers) != count:
        return [f"output {number + 1}" for number in range(count)]
    seen: dict[str, int] = {}
    names = []
    for layer in layers:
        seen[layer] = seen.get(layer, 0) + 1
        names.append(f"{layer} {seen[layer]}" if layers.count(layer) > 1 else layer)
    return names


def taken_output(outputs: list[Value], names: list[str], wanted: str) -> tuple[int, tuple[InspectedOutput, ...]]:
    """(place of the output that answers, all of them). Raises ModelRefused when none can, or `wanted` is none."""
    found = tuple(
        InspectedOutput(name=name, units=_units_or_none(value.shape), kind=output_kind(value))
        for name, value in zip(names, outputs, strict=True)
    )
    if wanted:
        places = [place for place, name in enumerate(names) if name == wanted]
        if not places:
            raise ModelRefused(
                said(
                    "The network has no output {wanted}; it has {output_words}.",
                    wanted=repr(wanted[:60]),
                    output_words=output_words(found),
                )
            )
        return places[0], found
    if len(outputs) == 1:
        return 0, found
    places = [place for place, one in enumerate(found) if one.units]
    if not places:
        raise ModelRefused(
            said(
                "The network has {n} outputs, {output_words}; none gives one number for each class.",
                n=len(outputs),
                output_words=output_words(found),
            )
        )
    return places[0], found


def choices_of(found: tuple[InspectedOutput, ...]) -> tuple[InspectedOutput, ...]:
    """The outputs that could answer."""
    return tuple(one for one in found if one.units)


def output_words(found: tuple[InspectedOutput, ...]) -> str:
    """ "diagnosis (3 numbers, softmax) and region (a picture)", shortened where there are many."""
    words: list[str] = [
        said("{name} ({n} numbers, {kind})", name=one.name, n=one.units, kind=one.kind)
        if one.units
        else said("{name} (a picture)", name=one.name)
        for one in found
    ]
    if len(words) > MOST_NAMED:
        words = [*words[:MOST_NAMED], said("{n} more", n=len(words) - MOST_NAMED)]
    return said_list(words)


def units_of(shape: Shape) -> int:
    """How many numbers an output of this shape gives. Raises ModelRefused when that is no number for each class."""
    sides = [side for side in shape if side != 1] or [1]
    if len(shape) != 1 or len(sides) > 1 or sides[0] is None:
        raise ModelRefused(
            said(
                "The network gives {shape} for a picture; expected is one number for each class. A "
                "network that marks regions, or gives pictures, is not a classifier.",
                shape=shape,
            )
        )
    if sides[0] > limits.MAX_MODEL_CLASSES:
        raise ModelRefused(
            said(
                "The network tells {sides:,} classes apart; at most {most:,} are shown.",
                sides=sides[0],
                most=limits.MAX_MODEL_CLASSES,
            )
        )
    return sides[0]


def _units_or_none(shape: Shape) -> int:
    try:
        return units_of(shape)
    except ModelRefused:
        return 0
