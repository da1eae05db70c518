"""Scores written row by row so that a kill at any moment loses no row and doubles none.

While the work goes on, `FILE.part` and `FILE.refused.csv.part` grow in the order of `FILE.names.part`, the files
as they were listed at the start. Whoever goes on reads all three side by side, cuts off what was torn, and starts at
the first batch that is not whole; the sidecar must describe the same work. `FILE` itself appears last, by rename.
"""

import csv
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from core.errors import StoreError
from core.store.atomic import flush_folder, write_text
from core.store.codec import to_json
from core.store.score_work import (
    begin,
    check_same_work,
    disk_error,
    lock_work,
    part_of,
    printable_name,
    read_names,
    refused_part_of,
    release,
    remove_work,
    stored_work,
    write_parquet,
)
from core.store.scores import (
    REFUSED_HEADER,
    RefusedFile,
    ScoreMeta,
    beside,
    check_format,
    guarded_text,
    parse_score_row,
    score_columns,
    score_line,
    unguarded_text,
)
from core.store.tables import csv_line

Row = (
    tuple[str, Sequence[float], str, int, int] | tuple[str, Sequence[float], str, int, int, float]
)  # as `score_line` takes it


class ScoreWriter:
    """The one writer of a score file. Build it with `open`; use it in a `with` block."""

    def __init__(self, path: Path, meta: ScoreMeta, names: list[str], batch_size: int) -> None:
        self.path, self.meta, self.names = path, meta, names
        self._header = csv_line(score_columns(meta)).encode()
        self._refused_header = csv_line(REFUSED_HEADER).encode()
        self.n_scored = self.n_refused = 0
        self._find_end(batch_size)
        # unbuffered: what a full disk did not take is not tried again when the file is closed
        self._rows = part_of(path).open("ab", buffering=0)
        self._refused = refused_part_of(path).open("ab", buffering=0)
        self._lock: int | None = None

    @classmethod
    def open(
        cls, path: Path, meta: ScoreMeta, list_names: Callable[[], list[str]], *, batch_size: int, restart: bool = False
    ) -> "ScoreWriter":
        """Begin `path`, or go on where an earlier writer stopped.

        Args:
            meta: what is to be done; `n_files` is filled in from the listing.
            list_names: gives the files in order; called only when the work begins anew.
            batch_size: images that are appended at once; after a kill the whole batches are kept.
            restart: remove an earlier output of `score` first, finished or not.
        Raises: RunFinished when `path` is finished; StoreError when another process writes it, it was made by
            something else, the unfinished work is another one, or the disk refuses.
        """
        check_format(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = lock_work(path)
        except OSError as error:
            raise disk_error(path, error) from error
        try:
            stored = stored_work(path, restart)
            if stored is None:
                names = list_names()
                meta = replace(meta, n_files=len(names))
                begin(path, meta, names)
            else:
                check_same_work(path, stored, meta)
                names = read_names(path, stored.n_files)
                meta = stored
            writer = cls(path, meta, names, batch_size)
        except OSError as error:
            release(path, lock)
            raise disk_error(path, error) from error
        except BaseException:
            release(path, lock)
            raise
        writer._lock = lock
        return writer

    @property
    def done(self) -> int:
        """Files that have a row or a refusal, the first of `names`."""
        return self.n_scored + self.n_refused

    def append(self, rows: Sequence[Row], refused: Sequence[RefusedFile]) -> None:
        """Keep one batch, in the order of `names`; it is with the system when this returns. Raises StoreError."""
        try:
            lines = [csv_line([guarded_text(r.image_id), guarded_text(r.reason)]) for r in refused]
            _write_whole(self._refused, "".join(lines).encode())
            _write_whole(self._rows, "".join(score_line(*row) for row in rows).encode())
        except OSError as error:
            raise disk_error(self.path, error) from error
        self.n_scored += len(rows)
        self.n_refused += len(refused)

    def finish(self) -> ScoreMeta:
        """Give the output its name, once every file has been dealt with. Raises StoreError."""
        if self.done != len(self.names):
            raise StoreError(f"{self.path.name}: {self.done:,} of {len(self.names):,} files are done.")
        try:
            for stream in (self._rows, self._refused):
                os.fsync(stream.fileno())
                stream.close()
            whole = part_of(self.path)
            if self.path.suffix.lower() == ".parquet":
                whole = write_parquet(self.path, self.meta)
            self.meta = replace(self.meta, finished=True, n_scored=self.n_scored, n_refused=self.n_refused)
            refused_part_of(self.path).replace(beside(self.path, ".refused.csv"))
            write_text(beside(self.path, ".meta.json"), to_json(self.meta))
            whole.replace(self.path)  # last: a file of this name is a finished one
            flush_folder(self.path.parent)
            remove_work(self.path)
        except OSError as error:
            raise disk_error(self.path, error) from error
        return self.meta

    def close(self) -> None:
        """Let go of the files; what was appended stays."""
        self._rows.close()
        self._refused.close()
        if self._lock is not None:
            release(self.path, self._lock)
            self._lock = None

    def __enter__(self) -> "ScoreWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find_end(self, batch_size: int) -> None:
        """Count what is there and cut both files behind the last whole batch."""
        scored = _Lines(part_of(self.path), self._header, self._scored_name)
        refused = _Lines(refused_part_of(self.path), self._refused_header, self._refused_name)
        with scored.stream, refused.stream:
            ends = scored.end, refused.end
            counts = scored.count, refused.count
            for at, name in enumerate(self.names, start=1):
                if not (scored.take(name) or refused.take(name)):
                    break
                if at % batch_size == 0 or at == len(self.names):
                    ends = scored.end, refused.end
                    counts = scored.count, refused.count
        self.n_scored, self.n_refused = counts
        for lines, end in zip((scored, refused), ends, strict=True):
            lines.cut(end)

    def _scored_name(self, cells: list[str]) -> str:
        return str(parse_score_row(cells, self.meta)[0])

    def _refused_name(self, cells: list[str]) -> str:
        if len(cells) != len(REFUSED_HEADER):
            raise ValueError("another number of cells")
        return unguarded_text(cells[0])


def _write_whole(stream: IO[bytes], data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) :]


class _Lines:
    """The whole, readable lines of a growing file, one ahead."""

    def __init__(self, path: Path, header: bytes, name_of: Callable[[list[str]], str]) -> None:
        self.path, self.header, self._name_of = path, header, name_of
        path.touch()
        self.stream: IO[bytes] = path.open("rb")
        found = self.stream.read(len(header))
        if found != header and not header.startswith(found):
            self.stream.close()
            raise StoreError(
                f"{path.name} does not begin as a part of these scores does: something else has written it. "
                "Use another --out, or --restart."
            )
        self.end = len(header) if found == header else 0
        self.count = 0
        self._next: tuple[str, int] | None = None
        self._advance()

    def take(self, name: str) -> bool:
        """Whether the next line is that of `name`; it is then behind us."""
        if self._next is None or self._next[0] != printable_name(name):
            return False
        self.end += self._next[1]
        self.count += 1
        self._advance()
        return True

    def cut(self, end: int) -> None:
        """Drop what stands behind `end`; an empty file gets its header."""
        with self.path.open("r+b") as stream:
            stream.truncate(end)
            if end == 0:
                stream.write(self.header)

    def _advance(self) -> None:
        line = self.stream.readline() if self.end else b""
        self._next = None
        if line.endswith(b"\n"):
            try:
                (cells,) = csv.reader([line.decode("utf-8")], strict=True)
                self._next = self._name_of(cells), len(line)
            except (ValueError, csv.Error):  # torn by a power cut: made again
                return
