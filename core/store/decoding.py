"""From what JSON gives to values of annotated dataclasses: strict, with the place of whatever does not fit.

A decoder is built once for each annotation, so that reading many records looks at no type hint twice.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, Union

from core.errors import StoreError
from core.language import said, said_together

Decoder = Callable[[Any], Any]

MOST_FORMS = 64  # of one dataclass; files of ours have a handful, and a hand-made one must not fill the memory
_PLAIN = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


class Misfit(Exception):
    """A value that does not fit its annotation; `place` grows on the way out to the top.

    Unions raise many of them that nobody reads, so the sentence is made where one is told.
    """

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text)
        self.text, self.values = text, values
        self.place = ""

    @property
    def message(self) -> str:
        """What is wrong; the kind of value that was expected is a word of its own."""
        return said(self.text, **{k: said(str(v)) if k == "what" else v for k, v in self.values.items()})

    def within(self, place: str) -> "Misfit":
        """The same, one level further out."""
        self.place = place + ("." if self.place and not self.place.startswith("[") else "") + self.place
        return self


def decode(hint: Any, data: Any) -> Any:
    """`data` as a value of the annotation `hint`; sequences come back as tuples, mappings as dicts.

    Known annotations: dataclasses, tuples, `Mapping[str, X]`, unions with None or others, Literal, str, int,
    float, bool, and `object` for anything that JSON knows.
    Raises: StoreError with the path of the field that does not fit.
    """
    try:
        return decoder(hint)(data)
    except Misfit as misfit:
        raise StoreError(said_together(": ", [misfit.place or said("the file"), misfit.message])) from misfit


def shown(value: object) -> str:
    """A value for a message, cut short."""
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _expected(what: str, data: Any) -> Misfit:
    return Misfit("expected {what}, got {value}", what=what, value=shown(data))


@lru_cache(maxsize=512)
def decoder(hint: Any) -> Decoder:
    """The function that decodes one annotation; it raises Misfit."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _dataclass(hint)
    if origin is tuple:
        several = len(arguments) == 2 and arguments[1] is Ellipsis
        return _sequence(arguments[0]) if several else _fixed(arguments)
    if origin in (Union, types.UnionType):
        return _union(arguments)
    if origin is Literal:
        return _literal(arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(arguments[1])
    if hint is object or hint is Any:
        return _frozen
    return _plain(hint)


def _dataclass(kind: type) -> Decoder:
    hints = typing.get_type_hints(kind)
    known = {f.name: decoder(hints[f.name]) for f in dataclasses.fields(kind)}
    missing = dataclasses.MISSING
    needed = [f.name for f in dataclasses.fields(kind) if f.default is missing and f.default_factory is missing]
    # What decides whether an object of plain fields fits is the names it has and the types of their values, and that
    # its numbers are finite. A form that fitted once, value by value, is therefore not looked at field by field again:
    # a run holds fifty estimates, all of three or four forms. Form -> (its numbers, what sets its fields).
    fitted: dict[tuple[Any, ...], tuple[tuple[str, ...], list[Callable[[Any, Any], None]]]] = {}
    put = _setters(kind) if all(_is_plain(hints[name]) for name in known) else {}

    def decode_dataclass(data: Any) -> Any:
        if not isinstance(data, dict):
            raise Misfit("expected an object ({kind}), got {value}", kind=kind.__name__, value=shown(data))
        form = (*data, *map(type, data.values())) if put else ()
        if form in fitted:
            numbers, setters = fitted[form]
            if all(map(math.isfinite, map(data.__getitem__, numbers))):
                made: Any = object.__new__(kind)
                for set_field, item in zip(setters, data.values(), strict=True):
                    set_field(made, item)
                return made
        for name in needed:
            if name not in data:
                raise Misfit("the field {name} is missing", name=repr(name)).within("")
        values = {}
        for name, item in data.items():
            read = known.get(name)
            if read is None:
                raise Misfit("unknown field {name}; known: {known}", name=shown(name), known=", ".join(known))
            try:
                values[name] = read(item)
            except Misfit as misfit:
                raise misfit.within(name) from None
        if put.keys() == data.keys() and len(fitted) < MOST_FORMS and all(values[n] is data[n] for n in values):
            numbers = tuple(name for name, item in data.items() if type(item) is float)
            fitted[form] = numbers, [put[name] for name in data]
        return kind(**values)

    return decode_dataclass


def _setters(kind: type) -> dict[str, Callable[[Any, Any], None]]:
    """What puts a value into each field, four times as fast as the `__init__` of a frozen dataclass, and to the same
    end: nothing where there is a `__post_init__`, or where fields are no slots.
    """
    if hasattr(kind, "__post_init__"):
        return {}
    places = {f.name: getattr(kind, f.name, None) for f in dataclasses.fields(kind)}
    found = {n: place.__set__ for n, place in places.items() if isinstance(place, types.MemberDescriptorType)}
    return found if len(found) == len(places) else {}


def _is_plain(hint: Any) -> bool:
    """Whether the type of a value, and that it is finite, says all about its fitting `hint`."""
    options = typing.get_args(hint) if typing.get_origin(hint) in (Union, types.UnionType) else (hint,)
    return all(option in _PLAIN or option is type(None) for option in options)


def _sequence(item_hint: Any) -> Decoder:
    read = decoder(item_hint)
    # curves are long lists of numbers: looked at once as a whole
    whole: set[type] | None = None
    if item_hint in (float, int, str):
        whole = {item_hint}
    elif item_hint == float | None:
        whole = {float, type(None)}
    finite = item_hint in (float, float | None)

    def decode_sequence(data: Any) -> Any:
        if not isinstance(data, list):
            raise _expected("a list", data)
        if whole is not None and whole.issuperset(map(type, data)) and (not finite or _all_finite(data)):
            return tuple(data)
        values = []
        for i, item in enumerate(data):
            try:
                values.append(read(item))
            except Misfit as misfit:
                raise misfit.within(f"[{i}]") from None
        return tuple(values)

    return decode_sequence


def _all_finite(data: list[float | None]) -> bool:
    """Whether the sum is finite, which no infinite number allows; False too where finite ones add up to too much."""
    return math.isfinite(sum(filter(None, data)))


def _fixed(hints: tuple[Any, ...]) -> Decoder:
    readers = [decoder(hint) for hint in hints]

    def decode_fixed(data: Any) -> Any:
        if not isinstance(data, list) or len(data) != len(readers):
            raise Misfit("expected {n} items, got {value}", n=len(readers), value=shown(data))
        values = []
        for i, (read, item) in enumerate(zip(readers, data, strict=True)):
            try:
                values.append(read(item))
            except Misfit as misfit:
                raise misfit.within(f"[{i}]") from None
        return tuple(values)

    return decode_fixed


def _union(options: tuple[Any, ...]) -> Decoder:
    plain = {option for option in options if option in _PLAIN or option is type(None)}
    readers = [decoder(option) for option in options if option is not type(None)]
    names = " or ".join("nothing" if o is type(None) else getattr(o, "__name__", str(o)) for o in options)

    def decode_union(data: Any) -> Any:
        # the exact type first, so that 1 in `int | float` stays a whole number
        if type(data) in plain and type(data) is not float:
            return data
        if data is None and type(None) not in plain:
            raise _expected(names, data)
        if len(readers) == 1:
            return readers[0](data)
        for read in readers:
            try:
                return read(data)
            except Misfit:
                continue
        raise _expected(names, data)

    return decode_union


def _literal(options: tuple[Any, ...]) -> Decoder:
    def decode_literal(data: Any) -> Any:
        for option in options:
            if data == option and type(data) is type(option):
                return data
        known = ", ".join(map(repr, options))
        raise Misfit("expected one of {known}, got {value}", known=known, value=shown(data))

    return decode_literal


def _mapping(item_hint: Any) -> Decoder:
    read = decoder(item_hint)

    def decode_mapping(data: Any) -> Any:
        if not isinstance(data, dict):
            raise _expected("an object", data)
        values = {}
        for key, item in data.items():
            try:
                values[key] = read(item)
            except Misfit as misfit:
                raise misfit.within(f"[{key}]") from None
        return values

    return decode_mapping


def _plain(hint: Any) -> Decoder:
    def decode_plain(data: Any) -> Any:
        if type(data) is hint and (hint is not float or math.isfinite(data)):  # 1e999 is JSON, and reads as infinity
            return data
        if hint is float and type(data) is int and abs(data) < 10**300:
            return float(data)
        raise _expected(_PLAIN.get(hint, str(hint)), data)

    return decode_plain


def _frozen(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_frozen(item) for item in data)
    if isinstance(data, dict):
        return {key: _frozen(item) for key, item in data.items()}
    return data
