"""A square picture seen from several sides, exactly: turned over, never resampled.

A network may see a picture as it is and its mirror images, and answer by the mean of its logits; the heat map of each
view is turned back before the mean is taken (`core/nn/views.py`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from core.registry.lookup import get

if TYPE_CHECKING:
    import numpy as np


class View(NamedTuple):
    """One symmetry of the square: rows and columns change places, then rows and columns run backwards."""

    swapped: bool = False
    upside_down: bool = False
    mirrored: bool = False

    def of(self, pictures: "np.ndarray") -> "np.ndarray":
        """Pictures (n, S, S, ...) or maps as this view shows them; a view of the same memory."""
        seen = pictures.swapaxes(1, 2) if self.swapped else pictures
        return seen[:, :: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1]

    def back(self, seen: "np.ndarray") -> "np.ndarray":
        """What `of` has turned over, (n, S, S, ...), as it was."""
        turned = seen[:, :: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1]
        return turned.swapaxes(1, 2) if self.swapped else turned


AS_IT_IS = View()
ONE = "one"  # the key of the picture as it is, and nothing beside it
_FOUR = (AS_IT_IS, View(mirrored=True), View(upside_down=True), View(upside_down=True, mirrored=True))
# the picture as it is always comes first; "mirrored" adds left and right, "four" upside down, "eight" the quarter turns
VIEWS: Mapping[str, tuple[View, ...]] = MappingProxyType(
    {
        ONE: (AS_IT_IS,),
        "mirrored": _FOUR[:2],
        "four": _FOUR,
        "eight": (*_FOUR, *(view._replace(swapped=True) for view in _FOUR)),
    }
)


def views_of(key: str) -> tuple[View, ...]:
    """The views `key`. Raises UnknownKey."""
    return get(VIEWS, key, "views", "core/registry/views.py")
