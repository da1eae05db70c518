"""How far a training in the background has come: runs stored, the run under way, its epochs, what was printed last.

Read from the files that the command line writes, so that a page which opens later sees the same.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core import limits, paths
from core.errors import RunDamaged, StoreError
from core.jobs import files
from core.jobs.queue import Job
from core.store.names import read_limited
from core.store.runs import HISTORY, load_record, run_folder
from core.store.tables import read_history

LOG_BYTES = 16_384  # of the end of the log that are looked at
LOG_LINES = 30
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PATH = re.compile(r"(?<![\w./~-])(?:~|[A-Za-z]:)?(?:/[^\s/:'\"<>|,;()]+)+/([^\s/:'\"<>|,;()]*)")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Progress:
    """Runs of the job by their state, the one under way, and what it says.

    `stage`: what the training said last, such as "features of the train part", with `done` of `total`; "" where it
    has not said anything. `history`: the epochs of the run under way so far, None without any.
    """

    stored: tuple[str, ...]
    failed: tuple[str, ...]
    current: str
    stage: str
    done: int
    total: int
    epochs: int
    history: pd.DataFrame | None


def progress(job: Job, results: Path | None = None) -> Progress:
    """Where the job stands now. Never raises: a file that cannot be read counts as not written yet."""
    stored, failed, current = [], [], ""
    epochs = 0
    for run_id in job.request.run_ids:
        try:
            record = load_record(run_id, results)
        except StoreError:
            record = None
        if record is not None and record.status == "done":
            stored.append(run_id)
        elif record is not None and record.status == "failed" and record.created_utc >= job.begun_utc > "":
            failed.append(run_id)
        elif not current:
            current = run_id
            epochs = record.spec.epochs if record is not None else 0
    stage, done, total = _said(job.folder)
    history = history_so_far(current, results) if current else None
    return Progress(
        stored=tuple(stored), failed=tuple(failed), current=current, stage=stage, done=done, total=total,
        epochs=epochs, history=history,
    )  # fmt: skip


def history_so_far(run_id: str, results: Path | None = None) -> pd.DataFrame | None:
    """The epochs of a run that may still be under way; None where there are none yet."""
    try:
        return read_history(read_limited(run_folder(run_id, results) / HISTORY, limits.MAX_PREDICTIONS_BYTES))
    except (StoreError, RunDamaged):
        return None


def log_tail(job: Job, lines: int = LOG_LINES) -> str:
    """The last lines that the command printed, without the folders of this machine."""
    try:
        with (job.folder / files.LOG).open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - LOG_BYTES))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    kept = [line.rsplit("\r", 1)[-1].rstrip() for line in _ESCAPES.sub("", text).splitlines()]
    return without_paths("\n".join([line for line in kept if line][-lines:]))


def without_paths(text: str, known: Sequence[Path] = ()) -> str:
    """`text` with every path from the root cut down to its last part: a log may be read by others."""
    for folder in (*known, paths.results_folder(), paths.data_folder(), paths.cache_folder(), paths.REPOSITORY):
        text = text.replace(f"{folder}/", "")
    return _PATH.sub(lambda found: f"…/{found.group(1)}", text)


def _said(folder: Path) -> tuple[str, int, int]:
    try:
        said = json.loads(read_limited(folder / files.PROGRESS, files.MAX_FILE_BYTES))
        return str(said["stage"]), int(said["done"]), int(said["total"])
    except (StoreError, ValueError, KeyError, TypeError):
        return "", 0, 0
