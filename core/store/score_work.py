"""The unfinished half of a score file: its lock, its frozen list of files, and whether two works are the same.

Nothing here removes a file that `python -m core score` did not write.
"""

import contextlib
import csv
import json
import os
from itertools import islice
from pathlib import Path

from core.errors import RunFinished, StoreError
from core.store.atomic import TEMPORARY, write_text
from core.store.codec import encode, to_json
from core.store.scores import ScoreMeta, beside, load_meta, parse_score_row, score_columns

SAME_WORK = (
    "model", "model_sha256", "engine", "task", "class_names", "positive_class", "preprocess", "temperature",
    "threshold", "source", "source_digest", "listing", "limit", "frame", "numbers_sha256",
)  # fmt: skip
WAY_OUT = "Use another --out, or --restart to begin anew."
GROUP_ROWS = 16_384  # of one Parquet row group: 30 MB while it is built from text


def part_of(path: Path) -> Path:
    """Where the rows grow."""
    return beside(path, ".part")


def refused_part_of(path: Path) -> Path:
    """Where the refusals grow."""
    return beside(path, ".refused.csv.part")


def _names_of(path: Path) -> Path:
    return beside(path, ".names.part")


def work_files(path: Path) -> tuple[Path, ...]:
    """Every file that belongs to the score file `path`, finished or not, `path` itself first."""
    endings = (".meta.json", ".refused.csv")
    return (path, *(beside(path, e) for e in endings), refused_part_of(path), _names_of(path), part_of(path))


def lock_work(path: Path) -> int:
    """A handle on the growing file that no other process of this machine has; it ends with the process.

    Raises: StoreError when another process holds it; OSError when the file cannot be opened.
    """
    try:
        import fcntl
    except ImportError:  # Windows: two writers would race, as in `atomic.only_writer`
        return os.open(part_of(path), os.O_RDWR | os.O_CREAT)
    while True:
        handle = os.open(part_of(path), os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise StoreError(f"Another process is writing {path.name}. Wait for it, or use another --out.") from error
        except OSError:  # a file system without locks
            return handle
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), part_of(path).stat()):
                return handle
        os.close(handle)  # its last writer finished and renamed it in between


def release(path: Path, handle: int) -> None:
    """Let go of the lock; a work that never began leaves no file behind."""
    part = part_of(path)
    try:
        if not beside(path, ".meta.json").exists() and part.stat().st_size == 0:
            part.unlink()
    except OSError:  # it is gone, or may not be removed: neither harms
        pass
    finally:
        os.close(handle)


def stored_work(path: Path, restart: bool) -> ScoreMeta | None:
    """The sidecar of the unfinished work that stands there, or None where there is none (any more).

    Raises: RunFinished when `path` is finished and `restart` is false; StoreError when `path` or its parts are
        not ours.
    """
    sidecar, part = beside(path, ".meta.json"), part_of(path)
    if path.exists() and not sidecar.exists():
        raise StoreError(f"{path} exists and was not written by `score` (it has no {sidecar.name}). Use another --out.")
    if restart:
        path.unlink(missing_ok=True)
        os.truncate(part, 0)  # it is the lock, too
        for file in work_files(path)[1:-1]:
            file.unlink(missing_ok=True)
        return None
    if path.exists():
        if not load_meta(path).finished:
            raise StoreError(f"{path} exists, but its sidecar says that it is not finished. Use another --out.")
        remove_work(path)
        raise RunFinished(f"{path} is finished. {WAY_OUT}")
    begun = part.stat().st_size > 0
    if not sidecar.exists():
        if begun:
            raise StoreError(f"{part.name} has no sidecar {sidecar.name}, so it cannot be gone on with. {WAY_OUT}")
        return None
    if not _names_of(path).exists():
        if begun:
            raise StoreError(f"{_names_of(path).name} is missing, so {part.name} cannot be gone on with. {WAY_OUT}")
        return None  # killed while it was removed to begin anew
    kept = beside(path, ".refused.csv")
    if kept.exists() and not refused_part_of(path).exists():  # killed between the renames of `finish`
        kept.replace(refused_part_of(path))
    return load_meta(path)


def begin(path: Path, meta: ScoreMeta, names: list[str]) -> None:
    """Write the frozen list and then the sidecar, which vouches for it. Raises OSError."""
    sidecar = beside(path, ".meta.json")
    sidecar.unlink(missing_ok=True)
    refused_part_of(path).unlink(missing_ok=True)
    with _names_of(path).open("w", encoding="ascii", newline="\n") as stream:
        for name in names:
            stream.write(json.dumps(name) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    write_text(sidecar, to_json(meta))


def read_names(path: Path, count: int) -> list[str]:
    """The files as they were listed when the work began. Raises StoreError when the list is damaged."""
    file = _names_of(path)
    try:
        with file.open(encoding="ascii") as stream:
            names = [json.loads(line) for line in stream]
    except (OSError, ValueError) as error:
        raise StoreError(f"{file.name} cannot be read ({error}). {WAY_OUT}") from error
    if len(names) != count or not all(isinstance(name, str) for name in names):
        raise StoreError(f"{file.name} has {len(names):,} names, its sidecar says {count:,}. {WAY_OUT}")
    return names


def check_same_work(path: Path, stored: ScoreMeta, wanted: ScoreMeta) -> None:
    """Raises StoreError with every difference between the unfinished work and what is asked for now."""
    then, now = encode(stored), encode(wanted)
    differences = [f"{key} was {then[key]!r}, now {now[key]!r}" for key in SAME_WORK if then[key] != now[key]]
    if differences:
        raise StoreError(f"{path.name} was begun with other settings: {'; '.join(differences)}. {WAY_OUT}")


def remove_work(path: Path) -> None:
    """Remove what a finished output does not need."""
    for file in (_names_of(path), refused_part_of(path), part_of(path)):
        file.unlink(missing_ok=True)


def disk_error(path: Path, error: OSError) -> StoreError:
    """What to say when the disk refuses."""
    return StoreError(
        f"{path}: {error.strerror or error}. What was scored before is kept; mend this, and the same command goes on."
    )


def write_parquet(path: Path, meta: ScoreMeta) -> Path:
    """The rows of the growing file as Parquet beside `path`, a row group at a time; its temporary name."""
    import pyarrow
    import pyarrow.parquet

    aside = path.with_name(f".{path.name[:80]}{TEMPORARY}parquet")  # one name: we are the only writer
    columns, width = score_columns(meta), len(meta.class_names)
    kinds = [pyarrow.string(), *[pyarrow.float64()] * width, pyarrow.string(), pyarrow.int32(), pyarrow.int32()]
    kinds += [pyarrow.float64()] * (len(columns) - len(kinds))
    schema = pyarrow.schema(list(zip(columns, kinds, strict=True)))
    with (
        part_of(path).open(encoding="utf-8", newline="") as stream,
        pyarrow.parquet.ParquetWriter(aside, schema) as writer,
    ):
        rows = csv.reader(stream, strict=True)
        next(rows)
        while group := [parse_score_row(cells, meta) for cells in islice(rows, GROUP_ROWS)]:
            arrays = [pyarrow.array(cells, kind) for cells, kind in zip(zip(*group, strict=True), kinds, strict=True)]
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema))
    with aside.open("rb+") as stream:
        os.fsync(stream.fileno())
    return aside


def printable_name(name: str) -> str:
    """`name` in one line of text: control characters and bytes that are no Unicode are written as escapes."""
    return "".join(c.encode("unicode_escape").decode("ascii") if is_control(c) else c for c in name)


def is_control(character: str) -> bool:
    """Whether a character cannot stand in a line of a file: a control character, or half a surrogate pair."""
    code = ord(character)
    return code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000
