"""Read-only catalogues: build one from frozen entries, look a key up, and say what is known when it is not there."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol, TypeVar

from core.errors import SpecInvalid, UnknownKey
from core.language import said


class Keyed(Protocol):
    """Anything with a `key`."""

    @property
    def key(self) -> str: ...


Entry = TypeVar("Entry", bound=Keyed)
Value = TypeVar("Value")


def by_key(*entries: Entry) -> Mapping[str, Entry]:
    """A read-only mapping key -> entry. Raises SpecInvalid when a key stands twice."""
    table: dict[str, Entry] = {}
    for entry in entries:
        if entry.key in table:
            raise SpecInvalid(
                said("The key {key} stands twice in one catalogue; keys must be unique.", key=repr(entry.key))
            )
        table[entry.key] = entry
    return MappingProxyType(table)


def get(table: Mapping[str, Value], key: str, what: str, where: str) -> Value:
    """The entry `key`, or UnknownKey that lists the known keys and names the file to extend."""
    if key not in table:
        raise UnknownKey(
            said(
                "Unknown {what} {key}. Known: {listed}. Add new ones in {where}.",
                what=said(what),
                key=repr(key),
                listed=", ".join(sorted(table)),
                where=where,
            )
        )
    return table[key]


def keys_of(entries: Iterable[Keyed]) -> tuple[str, ...]:
    """The keys, in order."""
    return tuple(entry.key for entry in entries)
