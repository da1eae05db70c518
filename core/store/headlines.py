"""Stored runs without their curves: what a leaderboard of a thousand runs shows, kept from one start to the next.

A record is read, checked and measured against the sums of its files once (`runs.list_runs`). Of a whole run its
headline is then kept in a file of the cache folder, beside the names, sizes and times of change of the run's files.
The store stays the truth: an entry counts only while these are what they were, and the file only while its digest fits
and the code that reads records is the one that wrote it. Anything else about it is as if there were no file.
"""

import contextlib
import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import orjson

from core import limits, paths, records, specs
from core.errors import StoreError
from core.store import codec, decoding, runs
from core.store.atomic import write_bytes
from core.store.names import Damaged, FilesState, no_collecting, read_limited
from core.store.runs import Known, RunListing, list_runs
from core.types import RunRecord

FEWEST = 100  # readable runs that a file is kept for; fewer are read in the time that it takes to look for it
JUDGED = "test"  # the part whose numbers a leaderboard shows


def headline_of(record: RunRecord) -> RunRecord:
    """The record with its test evaluation alone, and that without curves: nine tenths of a record are curves."""
    kept = tuple(replace(e, curves=()) for e in record.evaluations if e.split == JUDGED)
    return replace(record, evaluations=kept)


def list_headlines(folder: Path | None = None, known: Known | None = None, kept: Path | None = None) -> RunListing:
    """`list_runs`, every record as its headline; never raises.

    Args:
        known: what an earlier listing of this function found in the same folder, changed in place.
        kept: the file that holds headlines between two starts (`kept_file`); None neither reads nor writes one.
    """
    root = folder or paths.results_folder()
    known = {} if known is None else known
    if kept is not None and not any(entry.parent == root for entry in known):
        known.update(_read(kept, root))
    before = dict(known)
    listing = list_runs(root, known, headline_of)
    found = {record.run_id: root / record.run_id for record in listing.records}
    fresh = any(known[entry] is not before.get(entry) for entry in found.values())
    stored = {*found.values(), *(root / damaged.name for damaged in listing.damaged)}
    for entry in [entry for entry in before if entry.parent == root and entry not in stored]:
        known.pop(entry, None)  # removed from the disk
    if kept is not None and fresh and len(found) >= FEWEST:
        _write(kept, [(entry.name, *known[entry]) for entry in found.values()])
    return listing


def kept_file(folder: Path) -> Path:
    """Where the headlines of one results folder are kept: a file per folder, in the cache folder."""
    name = hashlib.blake2b(str(folder.resolve()).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return paths.cache_folder() / "headlines" / f"{name}.jsonl"


def _read(kept: Path, root: Path) -> Known:
    """What a file holds, by the folder of the run; nothing when there is no file, or any doubt about it."""
    try:
        digest, _, content = read_limited(kept, limits.MAX_HEADLINES_BYTES).partition(b"\n")
        if digest != _digest(content):
            return {}
        found: Known = {}
        with no_collecting():
            for line in filter(None, content.split(b"\n")):
                name, state, data = orjson.loads(line)
                record = decoding.decode(RunRecord, data)
                if record.run_id == name:
                    found[root / name] = tuple((file, size, changed) for file, size, changed in state), record
    except (OSError, StoreError, ValueError, TypeError):
        return {}
    return found


def _write(kept: Path, shown: list[tuple[str, FilesState, RunRecord | Damaged]]) -> None:
    """Replace the file; a disk that refuses costs the next start its time, and nothing else."""
    lines = []
    for one in shown:
        with contextlib.suppress(TypeError):  # a text that is no Unicode, an integer beyond 64 bits: read each time
            lines.append(orjson.dumps(one))
    content = b"\n".join(lines)
    with contextlib.suppress(OSError):
        write_bytes(kept, _digest(content) + b"\n" + content)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, key=_readers(), digest_size=16).hexdigest().encode("ascii")


@cache
def _readers() -> bytes:
    """What the code is that reads and checks records: with another one, all of them are read again.

    Raises: OSError where the code is no file.
    """
    own = Path(__file__)
    code = [own, *(Path(str(module.__file__)) for module in (codec, decoding, records, runs, specs))]
    return hashlib.blake2b(b"".join(path.read_bytes() for path in code), digest_size=32).digest()
