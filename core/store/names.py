"""Names that become folders and files: checked before they touch a path.

A name comes from a URL, a command line or a foreign JSON file, so only letters, digits, dot, dash and
underscore pass, and nothing that leads out of the folder it belongs to.
"""

import gc
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.errors import StoreError
from core.language import said
from core.store.atomic import CHUNK_BYTES

_FOLDER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True, slots=True)
class Damaged:
    """A folder that cannot be used, and one sentence that says why."""

    name: str
    reason: str


def is_folder_name(name: str) -> bool:
    """Whether `name` may be a run id or a model name: lowercase, digits, `.`, `_`, `-`, never `..`."""
    return bool(_FOLDER_NAME.fullmatch(name)) and ".." not in name and not name.endswith(".")


def check_folder_name(name: str, what: str) -> str:
    """`name` itself. Raises StoreError when it could lead anywhere else than into its own folder."""
    if not isinstance(name, str) or not is_folder_name(name):
        raise StoreError(
            said(
                "{name} is no {what}: expected lowercase letters, digits, '.', '_' and '-', starting "
                "with a letter or digit, without '..'.",
                name=repr(name),
                what=said(what),
            )
        )
    return name


def check_file_name(name: str) -> str:
    """`name` itself. Raises StoreError when it is no plain file name."""
    if not isinstance(name, str) or not _FILE_NAME.fullmatch(name) or ".." in name:
        raise StoreError(
            said("{name} is no file name for a run: expected letters, digits, '.', '_' and '-' only.", name=repr(name))
        )
    return name


def sha256_of(data: bytes | Path) -> str:
    """SHA-256 in hex of bytes, or of a file read in pieces. Raises OSError when it cannot be read."""
    digest = hashlib.sha256()
    if isinstance(data, bytes):
        digest.update(data)
    else:
        with data.open("rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


def read_limited(path: Path, limit_bytes: int) -> bytes:
    """The content of a file. Raises StoreError when it is missing, no file, too large or not readable."""
    try:
        if not path.is_file():
            raise StoreError(said("{name} is missing", name=path.name))
        size = path.stat().st_size
        if size > limit_bytes:
            raise StoreError(
                said(
                    "{name} has {size:,} bytes, the limit is {limit_bytes:,}",
                    name=path.name,
                    size=size,
                    limit_bytes=limit_bytes,
                )
            )
        return path.read_bytes()
    except OSError as error:
        raise StoreError(
            said("{name} cannot be read ({reason})", name=path.name, reason=error.strerror or error)
        ) from error


@contextmanager
def no_collecting() -> Iterator[None]:
    """Look for no garbage while many objects are made that all stay; a sixth of the time of reading a thousand runs."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


FilesState = tuple[tuple[str, int, int], ...]


def files_state(folder: Path) -> FilesState:
    """(name, bytes, time of change in ns) of every file of a folder, by name; nothing when it is gone."""
    try:
        with os.scandir(folder) as files:
            return tuple(sorted((f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files))
    except OSError:  # it goes while we look: the next look reads what is left
        return ()
