"""Dataclasses to JSON and back, without loss; and the name that a spec gives to its run.

Every file carries `schema_version` first. Reading is strict: a field that is not known is an error, so that
a file from a newer version is refused with a sentence and never half understood.
"""

import dataclasses
import hashlib
import json
import math
import re
import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, TypeVar, Union

import numpy as np

from core.errors import StoreError
from core.types import RunSpec

SCHEMA_VERSION = 1
SLUG_LENGTH = 120  # with the 9 characters of the hash below every file system's limit of 255 bytes
HASH_BYTES = 4

_PLAIN = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}

Instance = TypeVar("Instance")


def to_json(value: object) -> str:
    """JSON text of a dataclass: keys sorted, `schema_version` first, floats by repr (they come back exactly).

    Raises: StoreError when a number is NaN or infinite, or a value has no place in JSON.
    """
    data = encode(value)
    if isinstance(data, dict) and "schema_version" in data:
        data = {"schema_version": data.pop("schema_version"), **data}
    # one field per line at the top, so that a change can be read in a diff; curves stay on one line each
    if not isinstance(data, dict):
        return _dump(data) + "\n"
    lines = ",\n".join(f"  {json.dumps(key, ensure_ascii=False)}: {_dump(item)}" for key, item in data.items())
    return "{\n" + lines + "\n}\n"


def _dump(data: object) -> str:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(", ", ": "))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair, as in a file name that is no Unicode: escaped, it comes back
        return json.dumps(data, allow_nan=False, sort_keys=True, separators=(", ", ": "))
    return text


def encode(value: Any, where: str = "") -> Any:
    """`value` as what JSON knows: dict with sorted keys, list, str, int, float, bool, None. Raises StoreError."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise StoreError(f"{where or 'value'}: {value} cannot be stored; expected a finite number or nothing.")
        return float(value)
    if isinstance(value, np.generic):
        return encode(value.item(), where)
    if isinstance(value, np.ndarray):
        return encode(value.tolist(), where)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = sorted(field.name for field in dataclasses.fields(value))
        return {name: encode(getattr(value, name), f"{where}.{name}".lstrip(".")) for name in names}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise StoreError(f"{where or 'value'}: the key {key!r} is no text; stored mappings have text keys.")
        return {key: encode(value[key], f"{where}[{key}]") for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [encode(item, where) for item in value]
    raise StoreError(f"{where or 'value'}: a {type(value).__name__} cannot be stored as JSON.")


def from_json(kind: type[Instance], text: str | bytes) -> Instance:
    """The instance of the dataclass `kind` that `text` holds; sequences come back as tuples.

    A missing field takes its default. Raises: StoreError with the path of the field when the text is no JSON,
    a field is unknown, missing without default, or of another type, or the file is of a newer schema.
    """
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # a decoding error is a ValueError
        raise StoreError(f"not readable as JSON ({_short(error)})") from error
    if not isinstance(data, dict):
        raise StoreError(f"expected one JSON object, got {type(data).__name__}")
    version = data.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise StoreError(f"schema_version is {_short(version)}, expected a whole number from 1 to {SCHEMA_VERSION}")
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"written by a newer MedLens (schema {version}, this one reads up to {SCHEMA_VERSION}); "
            "update MedLens to read it"
        )
    try:
        return typing.cast(Instance, decode(kind, data))
    except RecursionError as error:
        raise StoreError("nested too deeply to be one of our files") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number that JSON allows")


def _short(value: object) -> str:
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


@lru_cache(maxsize=256)
def _fields_of(kind: type) -> dict[str, tuple[Any, bool]]:
    """name -> (annotation, has a default)."""
    hints = typing.get_type_hints(kind)
    missing = dataclasses.MISSING
    return {
        f.name: (hints[f.name], f.default is not missing or f.default_factory is not missing)
        for f in dataclasses.fields(kind)
    }


def decode(hint: Any, data: Any, where: str = "") -> Any:
    """`data` (as JSON gives it) as a value of the annotation `hint`. Raises StoreError with the path `where`."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _decode_dataclass(hint, data, where)
    origin = typing.get_origin(hint)
    if origin is tuple:
        return _decode_tuple(typing.get_args(hint), data, where)
    if origin in (Union, types.UnionType):
        return _decode_union(typing.get_args(hint), data, where)
    if origin is Literal:
        if not any(data == option and type(data) is type(option) for option in typing.get_args(hint)):
            raise _wrong(where, "one of " + ", ".join(map(repr, typing.get_args(hint))), data)
        return data
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(data, dict):
            raise _wrong(where, "an object", data)
        _, item_hint = typing.get_args(hint)
        return {key: decode(item_hint, item, f"{where}[{key}]") for key, item in data.items()}
    if hint is object or hint is Any:
        return _frozen(data)
    return _decode_plain(hint, data, where)


def _decode_dataclass(kind: type, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise _wrong(where, f"an object ({kind.__name__})", data)
    known = _fields_of(kind)
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise StoreError(f"{where or kind.__name__}: unknown field {_short(unknown[0])}; known: {', '.join(known)}")
    values = {}
    for name, (hint, has_default) in known.items():
        if name in data:
            values[name] = decode(hint, data[name], f"{where}.{name}" if where else name)
        elif not has_default:
            raise StoreError(f"{where or kind.__name__}: the field {name!r} is missing")
    return kind(**values)


def _decode_tuple(items: tuple[Any, ...], data: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise _wrong(where, "a list", data)
    if len(items) == 2 and items[1] is Ellipsis:
        present = set(map(type, data))
        # curves are long lists of numbers: looked at once as a whole
        if items[0] is float and present <= {float}:
            return tuple(data)
        if items[0] == float | None and present <= {float, type(None)}:
            return tuple(data)
        return tuple(decode(items[0], item, f"{where}[{i}]") for i, item in enumerate(data))
    if len(items) != len(data):
        raise _wrong(where, f"{len(items)} items", data)
    return tuple(decode(hint, item, f"{where}[{i}]") for i, (hint, item) in enumerate(zip(items, data, strict=True)))


def _decode_union(options: tuple[Any, ...], data: Any, where: str) -> Any:
    if data is None and type(None) in options:
        return None
    for option in options:  # the exact type first, so that 1 in `int | float` stays a whole number
        if option in (str, int, float, bool) and type(data) is option:
            return data
    rest = [option for option in options if option is not type(None)]
    for option in rest:
        try:
            return decode(option, data, where)
        except StoreError:
            if len(rest) == 1:
                raise
    raise _wrong(where, " or ".join(getattr(option, "__name__", str(option)) for option in options), data)


def _decode_plain(hint: Any, data: Any, where: str) -> Any:
    if hint is float and type(data) is int:
        try:
            return float(data)
        except OverflowError as error:
            raise _wrong(where, "a number", data) from error
    if hint in (str, int, float, bool) and type(data) is hint:
        if hint is float and not math.isfinite(data):  # 1e999 is JSON, and reads as infinity
            raise _wrong(where, "a finite number", data)
        return data
    if hint is type(None) and data is None:
        return None
    raise _wrong(
        where, {str: "text", int: "a whole number", float: "a number", bool: "true or false"}.get(hint, hint), data
    )


def _frozen(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_frozen(item) for item in data)
    if isinstance(data, dict):
        return {key: _frozen(item) for key, item in data.items()}
    return data


def _wrong(where: str, expected: object, data: Any) -> StoreError:
    return StoreError(f"{where or 'the file'}: expected {expected}, got {_short(data)}")


def run_id_of(spec: RunSpec) -> str:
    """The name of the run that `spec` describes: a readable slug and 8 hex digits of its canonical JSON.

    Defaults are part of the JSON, and a number counts by its value: 1 and 1.0 give the same name.
    """
    parts = (spec.dataset, spec.label_scheme, spec.architecture, spec.head, spec.strategy)
    slug = "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts)[:SLUG_LENGTH].strip("-")
    digest = hashlib.blake2b(canonical_json(spec).encode("ascii"), digest_size=HASH_BYTES)
    return f"{slug}-{digest.hexdigest()}"


def canonical_json(value: object) -> str:
    """One line of ASCII JSON that is the same for equal content: keys sorted, 1.0 written as 1. Raises StoreError."""
    return json.dumps(_by_value(encode(value)), sort_keys=True, allow_nan=False, separators=(",", ":"))


def _by_value(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _by_value(item) for key, item in data.items()}
    if isinstance(data, list):
        return [_by_value(item) for item in data]
    return int(data) if isinstance(data, float) and data.is_integer() else data
