"""Numbers beside the picture: what a network of two inputs is given, and whether it may be."""

import numpy as np

from core.errors import ModelError
from core.language import said
from core.types import ModelCard, TabularInput


def middle(inputs: tuple[TabularInput, ...]) -> tuple[float, ...]:
    """A value for each number, with which a network is tried: the middle of its range, 0 where it has none."""
    return tuple(0.0 if item.low is None or item.high is None else (item.low + item.high) / 2 for item in inputs)


def middle_table(inputs: tuple[TabularInput, ...], n: int) -> np.ndarray | None:
    """The same for n images, (n, k) float64; None for a network that takes no numbers."""
    return np.tile(np.asarray(middle(inputs)), (n, 1)) if inputs else None


def checked_table(card: ModelCard, table: np.ndarray | None, n: int) -> np.ndarray:
    """The table (n, k) itself. Raises ModelError when it is missing, of another shape, or out of range."""
    inputs = card.tabular_inputs
    names = ", ".join(item.name for item in inputs)
    if table is None:
        raise ModelError(
            said(
                "{name} also takes {names} for each picture; without them it gives no answer.",
                name=card.name,
                names=names,
            )
        )
    if table.shape != (n, len(inputs)) or not np.isfinite(table).all():
        raise ModelError(
            said(
                "{name} takes {n} numbers for each picture ({names}); one is missing.",
                name=card.name,
                n=len(inputs),
                names=names,
            )
        )
    for column, item in zip(table.T, inputs, strict=True):
        low, high = float(column.min()), float(column.max())
        if (item.low is not None and low < item.low) or (item.high is not None and high > item.high):
            found = f"{low:g}" if low == high else said("{low:g} to {high:g}", low=low, high=high)
            raise ModelError(
                said(
                    "{name} is {found}; {model} takes {low} to {high}.",
                    name=item.name,
                    found=found,
                    model=card.name,
                    low=_bound(item.low),
                    high=_bound(item.high),
                )
            )
    return table


def _bound(value: float | None) -> str:
    return said("any number") if value is None else f"{value:g}"
