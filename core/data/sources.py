"""Where a picture comes from: a file, a row of an `.npz` archive, or a phantom; one call for all three.

Archives are read without pickle, so that none can run code.
"""

import hashlib
import re
import threading
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from core import limits
from core.data.containers import check_size
from core.data.images import decode_image
from core.data.phantom_path import GENERATOR_VERSION, is_phantom, parse_phantom_path
from core.errors import ImageRefused
from core.language import said

_ARCHIVE_ROW = re.compile(r"(.+\.npz)#([^/#]+)/(\d{1,12})", re.IGNORECASE)
_OPEN_ARRAYS = 3  # the train, validation and test part of one MedMNIST archive
_HASH_BYTES = 16


def read_image(path: str) -> np.ndarray:
    """The picture at `path`.

    Args:
        path: a file; `archive.npz#train/12` (row 12 of the array `train_images`, or `train`); or a
            phantom's address, see `core.data.phantom_path`.
    Returns: uint8 (H, W, 3) RGB.
    Raises: ImageRefused when there is none, or it cannot be used.
    """
    if is_phantom(path):
        from core.data.phantom import draw_phantom

        address = parse_phantom_path(path)
        return draw_phantom(address.seed, address.patient, address.image, address.size_px).pixels
    row = _archive_row(path)
    if row is None:
        return decode_image(Path(path))
    if row.dtype != np.uint8 or row.ndim not in (2, 3) or (row.ndim == 3 and row.shape[2] not in (1, 3)):
        raise ImageRefused(
            said(
                "{path}: expected a uint8 picture, grey or RGB, got {dtype} {shape}.",
                path=path,
                dtype=row.dtype,
                shape=row.shape,
            )
        )
    try:
        check_size(row.shape[1], row.shape[0])
    except ImageRefused as error:
        raise ImageRefused(said("{path}: {reason}.", path=path, reason=error)) from error
    if row.ndim == 3 and row.shape[2] == 3:
        return row.copy()
    return cv2.cvtColor(np.ascontiguousarray(row.reshape(row.shape[:2])), cv2.COLOR_GRAY2RGB)


def content_hash(path: str) -> str:
    """32 hex digits (BLAKE2b) of what stands at `path`, without decoding it.

    A file's are those of its bytes, an archive row's those of its numbers, a phantom's those of its address
    and the generator's version. Raises ImageRefused when there is nothing to read.
    """
    digest = hashlib.blake2b(digest_size=_HASH_BYTES)
    if is_phantom(path):
        digest.update(f"{GENERATOR_VERSION} {parse_phantom_path(path)}".encode())
        return digest.hexdigest()
    row = _archive_row(path)
    if row is not None:
        digest.update(f"{row.dtype.str} {row.shape} ".encode())
        digest.update(row.tobytes())
        return digest.hexdigest()
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, lambda: digest).hexdigest()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or said("not a usable path")
        raise ImageRefused(
            said("{path}: the file cannot be read ({reason}); check the path.", path=path, reason=reason)
        ) from error


def _archive_row(path: str) -> np.ndarray | None:
    """The row that `path` names, or None when it is a plain file's path."""
    match = _ARCHIVE_ROW.fullmatch(path)
    if match is None:
        return None
    images = _ARCHIVES.array(Path(match.group(1)), match.group(2))
    index = int(match.group(3))
    if images.ndim < 3 or index >= len(images):
        raise ImageRefused(
            said(
                "{path}: there is no picture {index} in an array of shape {shape}.",
                path=path,
                index=index,
                shape=images.shape,
            )
        )
    return np.asarray(images[index])


class _OpenArrays:
    """The last few arrays read from archives; forgotten when the file changes. Safe between threads."""

    def __init__(self) -> None:
        self._arrays: OrderedDict[tuple[str, int, int, str], np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def array(self, archive: Path, part: str) -> np.ndarray:
        try:
            state = archive.stat()
        except (OSError, ValueError) as error:
            raise ImageRefused(
                said(
                    "{name}: the archive cannot be read; check the path {archive}.", name=archive.name, archive=archive
                )
            ) from error
        key = (str(archive), state.st_mtime_ns, state.st_size, part)
        with self._lock:
            if key not in self._arrays:
                self._arrays[key] = _read_array(archive, part)
                while len(self._arrays) > _OPEN_ARRAYS:
                    self._arrays.popitem(last=False)
            self._arrays.move_to_end(key)
            return self._arrays[key]


_ARCHIVES = _OpenArrays()


def _read_array(archive: Path, part: str) -> np.ndarray:
    try:
        with zipfile.ZipFile(archive) as entries:
            sizes = {entry.filename.removesuffix(".npy"): entry.file_size for entry in entries.infolist()}
        name = next((n for n in (f"{part}_images", part) if n in sizes), None)
        if name is None:
            known = ", ".join(sorted(sizes)[:12])
            raise ImageRefused(
                said(
                    "{name}: it has no array {part}_images or {part}; it has {known}.",
                    name=archive.name,
                    part=part,
                    known=known,
                )
            )
        if sizes[name] > limits.MAX_ARRAY_BYTES:
            raise ImageRefused(
                said(
                    "{name}: the array {array} has {sizes:.1f} GB; accepted are up to {most} GB.",
                    name=archive.name,
                    array=name,
                    sizes=sizes[name] / 1024**3,
                    most=limits.MAX_ARRAY_BYTES // 1024**3,
                )
            )
        with np.load(archive, allow_pickle=False) as arrays:
            return np.asarray(arrays[name])
    except (
        OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError
    ) as error:  # fmt: skip
        raise ImageRefused(
            said("{name}: the archive is damaged, or no NumPy archive of plain numbers.", name=archive.name)
        ) from error
