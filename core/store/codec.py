"""Dataclasses to JSON and back, without loss; and the name that a spec gives to its run.

Every file carries `schema_version` first. Reading is strict: a field that is not known is an error, so that
a file from a newer version is refused with a sentence and never half understood.
"""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

import numpy as np
import orjson

from core.errors import StoreError
from core.language import said
from core.store.decoding import decode, shown
from core.types import RunSpec

SCHEMA_VERSION = 1
SLUG_LENGTH = 120  # with the 9 characters of the hash below every file system's limit of 255 bytes
HASH_BYTES = 4
LONG, AS_ZEROS = b"0" * 19, bytes.maketrans(b"123456789", b"000000000")
BEFORE_A_NUMBER = frozenset(b" \t\r\n:,[-")

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
            raise StoreError(
                said(
                    "{where}: {value} cannot be stored; expected a finite number or nothing.",
                    where=where or "value",
                    value=value,
                )
            )
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
                raise StoreError(
                    said(
                        "{where}: the key {key} is no text; stored mappings have text keys.",
                        where=where or "value",
                        key=repr(key),
                    )
                )
        return {key: encode(value[key], f"{where}[{key}]") for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [encode(item, where) for item in value]
    raise StoreError(
        said("{where}: a {kind} cannot be stored as JSON.", where=where or "value", kind=type(value).__name__)
    )


def from_json(kind: type[Instance], text: str | bytes) -> Instance:
    """The instance of the dataclass `kind` that `text` holds; sequences come back as tuples.

    A missing field takes its default. Raises: StoreError with the path of the field when the text is no JSON,
    a field is unknown, missing without default, or of another type, or the file is of a newer schema.
    """
    try:
        data = _loaded(text)
    except (ValueError, RecursionError) as error:  # a decoding error is a ValueError
        raise StoreError(said("not readable as JSON ({reason})", reason=shown(error))) from error
    if not isinstance(data, dict):
        raise StoreError(said("expected one JSON object, got {kind}", kind=type(data).__name__))
    version = data.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise StoreError(
            said(
                "schema_version is {version}, expected a whole number from 1 to {most}",
                version=shown(version),
                most=SCHEMA_VERSION,
            )
        )
    if version > SCHEMA_VERSION:
        raise StoreError(
            said(
                "written by a newer MedLens (schema {version}, this one reads up to {most}); update MedLens to read it",
                version=version,
                most=SCHEMA_VERSION,
            )
        )
    try:
        return cast(Instance, decode(kind, data))
    except RecursionError as error:
        raise StoreError(said("nested too deeply to be one of our files")) from error


def _loaded(text: str | bytes) -> Any:
    """What `text` holds, by orjson, three times as fast as json; by json where that one is not exact.

    It knows no name that is not Unicode (a lone surrogate), and makes a float of an integer beyond 64 bits.
    """
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if not _may_hold_long_integer(content):
        try:
            return orjson.loads(content)
        except ValueError:
            pass
    return json.loads(text, parse_constant=_refuse_constant)


def _may_hold_long_integer(content: bytes) -> bool:
    """Whether a number of 19 digits or more may stand in `content`; sums and fingerprints, behind a quotation mark, do
    not count. Looked for without `re`, which takes longer for this than orjson for all the rest.
    """
    digits = content.translate(AS_ZEROS)
    place = digits.find(LONG)
    while place >= 0:
        if place == 0 or content[place - 1] in BEFORE_A_NUMBER:
            return True
        place = digits.find(LONG, place + len(LONG))
    return False


def _refuse_constant(name: str) -> None:
    raise ValueError(said("{name} is not a number that JSON allows", name=name))


def run_id_of(spec: RunSpec) -> str:
    """The name of the run that `spec` describes: a readable slug and 8 hex digits of its canonical JSON.

    Fields at their default are left out, so that a field added later orphans no stored run; a default is
    therefore never changed. A number counts by its value: 1 and 1.0 give the same name.
    """
    parts = (spec.dataset, spec.label_scheme, spec.architecture, spec.head, spec.strategy)
    slug = "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts)[:SLUG_LENGTH].strip("-")
    digest = hashlib.blake2b(canonical_json(_stated(spec)).encode("ascii"), digest_size=HASH_BYTES)
    return f"{slug}-{digest.hexdigest()}"


def _stated(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their default, nested ones likewise."""
    stated = {}
    for entry in dataclasses.fields(value):
        default = entry.default
        if default is dataclasses.MISSING and entry.default_factory is not dataclasses.MISSING:
            default = entry.default_factory()
        own = getattr(value, entry.name)
        if default is dataclasses.MISSING or own != default:
            stated[entry.name] = _stated(own) if dataclasses.is_dataclass(own) else encode(own, entry.name)
    return stated


def canonical_json(value: object) -> str:
    """One line of ASCII JSON that is the same for equal content: keys sorted, 1.0 written as 1. Raises StoreError."""
    return json.dumps(_by_value(encode(value)), sort_keys=True, allow_nan=False, separators=(",", ":"))


def _by_value(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _by_value(item) for key, item in data.items()}
    if isinstance(data, list):
        return [_by_value(item) for item in data]
    return int(data) if isinstance(data, float) and data.is_integer() else data
