"""One layer's config, every value checked as it is read, and the arithmetic of shapes.

Shapes are without the batch; a side that is not fixed is None.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.errors import ModelRefused
from core.language import said

Shape = tuple[int | None, ...]
LARGEST = 2**40  # no honest number in a config is larger


@dataclass(frozen=True, slots=True)
class Applied:
    """One call of a layer: shapes that come out, parameters, and numbers that are held besides the output."""

    outputs: tuple[Shape, ...]
    parameters: int = 0
    besides: int = 0


@dataclass(frozen=True, slots=True)
class LayerView:
    """The config of one layer, every value checked as it is read. `where` names the layer for a reader."""

    kind: str
    name: str
    config: dict

    @property
    def where(self) -> str:
        """ "the layer 'head' (Dense)"."""
        return said("the layer {name} ({kind})", name=repr(self.name[:60]), kind=self.kind[:60])

    def refuse(self, why: str) -> ModelRefused:
        """The refusal of this layer."""
        return ModelRefused(said("Refused because of {where}: {why}.", where=self.where, why=why))

    def number(self, key: str, default: int | None = None, low: int = 1) -> int:
        """A whole number of the config, `low` or more."""
        value = self.config.get(key, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= LARGEST:
            raise self.refuse(
                said(
                    "its {key} is {value}, expected a whole number from {low} on",
                    key=key,
                    value=str(value)[:40],
                    low=low,
                )
            )
        return value

    def numbers(self, key: str, length: int, default: int | None = None, low: int = 1) -> tuple[int, ...]:
        """`length` whole numbers; one number counts for all of them."""
        value = self.config.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool):
            value = [value] * length
        if not isinstance(value, list | tuple) or len(value) != length:
            raise self.refuse(
                said(
                    "its {key} is {value}, expected {length} whole numbers",
                    key=key,
                    value=str(value)[:40],
                    length=length,
                )
            )
        return tuple(LayerView(self.kind, self.name, {key: item}).number(key, low=low) for item in value)

    def flag(self, key: str, default: bool = True) -> bool:
        """A yes or no."""
        return bool(self.config.get(key, default))

    def word(self, key: str, default: str, among: Sequence[str]) -> str:
        """One of some words."""
        value = self.config.get(key, default)
        if value not in among:
            raise self.refuse(
                said(
                    "its {key} is {value}, expected one of {listed}",
                    key=key,
                    value=repr(str(value)[:40]),
                    listed=", ".join(among),
                )
            )
        return str(value)

    def last(self, shape: Shape) -> int:
        """The number of channels."""
        if self.config.get("data_format", "channels_last") not in ("channels_last", None):
            raise self.refuse(said("it has its channels first; MedLens reads networks with the channels last"))
        if not shape or shape[-1] is None:
            raise self.refuse(said("the number of its input channels is not fixed"))
        return shape[-1]

    def rank(self, shape: Shape, wanted: int) -> None:
        """Refuse an input of another number of axes."""
        if len(shape) != wanted:
            raise self.refuse(
                said("its input has {n} axes besides the batch, expected {wanted}", n=len(shape), wanted=wanted)
            )


Rule = Callable[[LayerView, Sequence[Shape]], Applied]


def size(shape: Shape) -> int | None:
    """How many numbers a shape holds, None when a side is open."""
    known = [side for side in shape if side is not None]
    return math.prod(known) if len(known) == len(shape) else None


def broadcast(view: LayerView, shapes: Sequence[Shape]) -> Shape:
    """The shape that several shapes give when they are combined number by number."""
    result: list[int | None] = []
    rank = max((len(shape) for shape in shapes), default=0)
    for position in range(-rank, 0):
        sides = [shape[position] for shape in shapes if len(shape) >= -position]
        fixed = {side for side in sides if side not in (None, 1)}
        if len(fixed) > 1:
            raise view.refuse(said("its inputs {listed} do not fit together", listed=", ".join(map(str, shapes))))
        result.append(fixed.pop() if fixed else (None if None in sides else 1))
    return tuple(result)
