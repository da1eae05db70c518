"""Read-only catalogues: build one from frozen entries, look a key up, and say what is known when it is not there."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol, TypeVar

from core.errors import SpecInvalid, UnknownKey


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
            raise SpecInvalid(f"The key {entry.key!r} stands twice in one catalogue; keys must be unique.")
        table[entry.key] = entry
    return MappingProxyType(table)


def get(table: Mapping[str, Value], key: str, what: str, where: str) -> Value:
    """The entry `key`, or UnknownKey that lists the known keys and names the file to extend."""
    if key not in table:
        raise UnknownKey(f"Unknown {what} {key!r}. Known: {', '.join(sorted(table))}. Add new ones in {where}.")
    return table[key]


def keys_of(entries: Iterable[Keyed]) -> tuple[str, ...]:
    """The keys, in order."""
    return tuple(entry.key for entry in entries)
