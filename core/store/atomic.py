"""Files that are either wholly there or not there: write aside, flush to the disk, rename.

A kill at any moment leaves the old version or the new one, never half of one. What a killed writer leaves
behind has `.tmp-` in its name, which git ignores and no listing counts.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

TEMPORARY = ".tmp-"
CHUNK_BYTES = 1 << 20


def is_temporary(path: Path) -> bool:
    """Whether this is what a killed writer left behind."""
    return TEMPORARY in path.name


def stage_bytes(path: Path, data: bytes | Path) -> Path:
    """Write `data` (bytes, or a file to copy) beside `path` under a temporary name, flushed to the disk.

    Returns: the temporary file; renaming it to `path` makes it count. It is removed when writing fails.
    """
    aside = path.with_name(f".{path.name[:80]}{TEMPORARY}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with aside.open("xb") as target:
            if isinstance(data, bytes):
                target.write(data)
            else:
                with data.open("rb") as source:
                    while chunk := source.read(CHUNK_BYTES):
                        target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
    except BaseException:  # Ctrl-C too: nothing half-written stays
        aside.unlink(missing_ok=True)
        raise
    return aside


def flush_folder(folder: Path) -> None:
    """Make the renames inside `folder` survive a power cut, where the system can do that."""
    with contextlib.suppress(OSError):  # Windows cannot open a folder, some network drives cannot flush one
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the content of `path` at once; its folder is made where it is missing.

    Raises: OSError when the disk refuses; `path` is then what it was before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _discarded_on_error(stage_bytes(path, data)) as aside:
        aside.replace(path)
    flush_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Replace the content of `path` at once, as UTF-8 with the line ends as they stand in `text`."""
    write_bytes(path, text.encode("utf-8"))


def write_together(folder: Path, files: dict[str, bytes | Path], last: str) -> None:
    """Replace several files of `folder`: all are written aside first, then renamed, `last` at the very end.

    A reader that takes `last` as the sign of completeness never sees a set of which a part is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    staged: dict[str, Path] = {}
    try:
        for name, data in files.items():
            staged[name] = stage_bytes(folder / name, data)
        for name in sorted(staged, key=lambda n: (n == last, n)):
            if name == last:
                flush_folder(folder)  # the others reach the disk before the file that vouches for them
            staged[name].replace(folder / name)
    except BaseException:
        for aside in staged.values():
            aside.unlink(missing_ok=True)
        raise
    flush_folder(folder)


@contextlib.contextmanager
def _discarded_on_error(aside: Path) -> Iterator[Path]:
    try:
        yield aside
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold `folder` against other writers of the same machine; the lock ends with the process, however it ends.

    Does nothing where the system has no such lock (Windows): two writers of one run then race, and each
    file is still whole.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
