"""The images of a ZIP, read where they lie: nothing is unpacked to the disk, one bad entry never stops the rest.

What an entry says of itself is not believed: sizes are counted while inflating, and the limits of `core.limits`
hold for what comes out. Names lead nowhere, but those that try to are refused, so that no other program trips.
"""

import hashlib
import io
import os
import re
import stat
import struct
import threading
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core import limits
from core.data.frames import FrameChoice
from core.data.images import MIDDLE, decode_image
from core.errors import DataError, ImageRefused
from core.language import message_of, said, said_together

RULE = "entries by name, hidden ones and folders left out"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_CHUNK_BYTES = 1 << 18
_DRIVE = re.compile(r"[A-Za-z]:")
# what `zipfile` raises on archives that contradict themselves, as met on thousands of mutated ones
_DAMAGE = (
    OSError, EOFError, ValueError, IndexError, struct.error, zipfile.BadZipFile, zlib.error, NotImplementedError,
    RuntimeError,
)  # fmt: skip


class ZipImages:
    """The entries of a ZIP as pictures. Safe for several threads; close it after use."""

    kind, rule = "zip", RULE

    def __init__(self, archive: Path | bytes, frame: FrameChoice = MIDDLE, *, name: str = "the ZIP") -> None:
        """Read the directory.

        Args:
            archive: a file, or all of its bytes.
            name: what an archive of bytes is called in a refusal; a file has its own.
            frame: which frame or slice of DICOM and NIfTI files is read.
        Raises: DataError when `archive` is no ZIP that can be read, or has too many entries.
        """
        name = name if isinstance(archive, bytes) else archive.name
        try:
            with io.BytesIO(archive) if isinstance(archive, bytes) else archive.open("rb") as stream:
                _check_directory(stream)
            self._zip = zipfile.ZipFile(io.BytesIO(archive) if isinstance(archive, bytes) else archive)
        except _DAMAGE as error:
            raise DataError(said("{name}: it is no ZIP, or damaged ({reason}).", name=name, reason=error)) from error
        entries = [entry for entry in self._zip.infolist() if not entry.filename.endswith("/")]
        digest = hashlib.blake2b(digest_size=16)
        for entry in entries:
            digest.update(f"{entry.orig_filename!r} {entry.CRC} {entry.file_size}\n".encode())
        self.digest = digest.hexdigest()
        times = Counter(entry.filename for entry in entries)
        self._refused = {
            name: said("the ZIP has {n} entries of this name", n=count) for name, count in times.items() if count > 1
        }
        for entry in _overlapping(entries):
            self._refused[entry.filename] = said("it shares its bytes with another entry, as only built archives do")
        self._entries = {entry.filename: entry for entry in entries}
        self._lock, self._frame = threading.Lock(), frame
        self._inflated = 0

    def names(self) -> list[str]:
        """Names of the entries, sorted, each once; what cannot be used stands among them and is refused when read."""
        return sorted(name for name in self._entries if not _hidden(name))

    def read(self, name: str) -> np.ndarray:
        """The picture of one name of the list: uint8 (H, W, 3) RGB. Raises ImageRefused with one sentence."""
        return decode_image(self.content(name), name, self._frame)

    def content(self, name: str) -> bytes:
        """The bytes of one name of the list. Raises ImageRefused with one sentence."""
        entry = self._entries.get(name)
        if entry is None:
            raise ImageRefused(said("{name}: the ZIP has no such entry.", name=name))
        reason = self._refused.get(name) or _unusable(entry)
        if reason:
            raise ImageRefused(said_together("", [name, ": ", reason, "."]))
        try:
            return self._inflate(entry)
        except ImageRefused as error:
            raise ImageRefused(said_together("", [name, ": ", message_of(error), "."])) from error
        except _DAMAGE as error:
            raise ImageRefused(
                said("{name}: the entry is damaged, or not as the ZIP's directory says.", name=name)
            ) from error

    def _inflate(self, entry: zipfile.ZipInfo) -> bytes:
        data = bytearray()
        with self._lock, self._zip.open(entry) as stream:  # one file position for all threads
            while chunk := stream.read(_CHUNK_BYTES):
                data += chunk
                self._inflated += len(chunk)
                if len(data) > limits.MAX_IMAGE_BYTES:
                    raise ImageRefused(said("it has more than {most} MB", most=limits.MAX_IMAGE_BYTES // 1024**2))
                if len(data) > limits.ZIP_RATIO_FREE_BYTES + limits.MAX_ZIP_RATIO * entry.compress_size:
                    raise ImageRefused(
                        said("it grows to more than {times} times its packed size", times=limits.MAX_ZIP_RATIO)
                    )
                if self._inflated > limits.MAX_ZIP_TOTAL_BYTES:
                    most = f"{limits.MAX_ZIP_TOTAL_BYTES // 1024**3:,}"
                    raise ImageRefused(said("the ZIP holds more than {most} GB in all", most=most))
        if len(data) != entry.file_size:
            stated = f"{entry.file_size:,}"
            raise ImageRefused(
                said("it has {n} bytes, the ZIP's directory says {stated}", n=f"{len(data):,}", stated=stated)
            )
        return bytes(data)

    def close(self) -> None:
        """Close the archive."""
        self._zip.close()


def _check_directory(stream: BinaryIO) -> None:
    """Count the entries before a library builds an object for each. Raises ValueError, struct.error or OSError."""
    size = stream.seek(0, os.SEEK_END)
    tail_at = max(0, size - 22 - 65_535)
    stream.seek(tail_at)
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        raise ValueError(said("it has no directory at its end"))
    length = struct.unpack_from("<I", tail, at + 12)[0]
    if at >= 76 and tail[at - 20 : at - 16] == b"PK\x06\x07":  # ZIP64: its record stands before this locator
        at -= 76
        length = struct.unpack_from("<Q", tail, at + 40)[0]
    end = tail_at + at
    if length > min(end, limits.MAX_ZIP_DIRECTORY_BYTES):
        raise ValueError(said("its directory has {length:,} bytes", length=length))
    stream.seek(end - length)
    directory = stream.read(length)
    count = position = 0
    while position + 46 <= len(directory) and directory[position : position + 4] == b"PK\x01\x02":
        position += 46 + sum(struct.unpack_from("<HHH", directory, position + 28))
        count += 1
        if count > limits.MAX_ZIP_ENTRIES:
            most = f"{limits.MAX_ZIP_ENTRIES:,}"
            raise ValueError(said("it has more than {most} entries; unpack it and give the folder", most=most))


def _overlapping(entries: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Entries that begin before an earlier one has ended."""
    found, end = [], 0
    for entry in sorted(entries, key=lambda e: e.header_offset):
        if entry.header_offset < end:
            found.append(entry)
        end = max(end, entry.header_offset + 30 + len(entry.filename) + entry.compress_size)
    return found


def _hidden(name: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/"))


def _unusable(entry: zipfile.ZipInfo) -> str:
    """Why an entry is not even opened, or an empty text."""
    name, mode = entry.orig_filename, entry.external_attr >> 16
    parts = name.split("/")
    if len(name) > limits.MAX_ZIP_NAME_LENGTH:
        most = f"{limits.MAX_ZIP_NAME_LENGTH:,}"
        return said("its name has {n} letters; accepted are up to {most}", n=f"{len(name):,}", most=most)
    # an absolute path has an empty first part
    if _DRIVE.match(name) or not {"\\", "\0"}.isdisjoint(name) or not {"", ".", ".."}.isdisjoint(parts):
        return said("its name leads out of the archive or is no plain path")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return said("it is a link, a pipe or a device, not a file")
    if entry.flag_bits & _ENCRYPTED:
        return said("it is encrypted; unpack it with its password")
    if entry.compress_type not in _METHODS:
        return said("it is packed by method {method}; accepted are stored and deflated", method=entry.compress_type)
    return ""
