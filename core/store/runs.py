"""Stored runs: `results/<run_id>/` with run.json, predictions.csv, history.csv and artifacts.

A run counts only once run.json stands there, which is written last; a finished run is never changed.
Reading many never fails because of one: what cannot be used is listed with its reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from core import limits, paths
from core.errors import PredictionsInvalid, RunFinished, StoreError
from core.language import message_of, said
from core.store import tables
from core.store.atomic import is_temporary, only_writer, write_text, write_together
from core.store.codec import SCHEMA_VERSION, from_json, run_id_of, to_json
from core.store.names import (
    Damaged,
    FilesState,
    check_file_name,
    check_folder_name,
    files_state,
    is_folder_name,
    no_collecting,
    read_limited,
    sha256_of,
)
from core.store.run_parts import check_parts, damaged
from core.types import Predictions, RunRecord, RunStatus

RECORD, PREDICTIONS, HISTORY = "run.json", "predictions.csv", "history.csv"
LISTING_HASH_BYTES = 8 * 1024**2  # larger files are summed when they are read, so that a listing stays quick


@dataclass(frozen=True, slots=True)
class RunListing:
    """All runs of a results folder: the readable records by run_id, and what cannot be used."""

    records: tuple[RunRecord, ...]
    damaged: tuple[Damaged, ...]

    @property
    def done(self) -> tuple[RunRecord, ...]:
        """The finished runs."""
        return tuple(record for record in self.records if record.status == "done")


def run_folder(run_id: str, folder: Path | None = None) -> Path:
    """Where a run lies. Raises StoreError when `run_id` is no run id."""
    return (folder or paths.results_folder()) / check_folder_name(run_id, "run id")


def run_status(run_id: str, folder: Path | None = None) -> RunStatus | None:
    """ "done", "failed" or "interrupted"; None where no readable record is stored under `run_id`."""
    try:
        return load_record(run_id, folder).status
    except StoreError:
        return None


def is_finished(run_id: str, folder: Path | None = None) -> bool:
    """Whether a readable record with status done is stored under `run_id`."""
    return run_status(run_id, folder) == "done"


def write_history(run_id: str, history: pd.DataFrame, folder: Path | None = None) -> None:
    """Let history.csv of a run under way grow; it counts for nothing until `save_run`.

    Raises: RunFinished when a finished run stands there.
    """
    _refuse_finished(run_id, folder)
    write_text(run_folder(run_id, folder) / HISTORY, tables.history_text(history))


def _refuse_finished(run_id: str, folder: Path | None) -> None:
    if is_finished(run_id, folder):
        raise RunFinished(
            said(
                "{run_id} is finished, and a finished run is never changed. Delete {run_folder} to run "
                "it again, or change the spec (a seed is enough).",
                run_id=run_id, run_folder=run_folder(run_id, folder),
            )
        )  # fmt: skip


def save_run(
    record: RunRecord,
    predictions: Sequence[Predictions] = (),
    history: pd.DataFrame | None = None,
    artifacts: Mapping[str, bytes] | None = None,
    folder: Path | None = None,
) -> Path:
    """Store a run; the sha256 of every file beside run.json is added to the record's `artifacts`.

    Args:
        record: its `run_id` must be that of its spec; `schema_version` is set here.
        predictions: validation and test, and where the run scores them, training images; a finished run needs the
            test part.
        history: one row per epoch, columns `stage,epoch,seconds,loss,val_loss,…`.
        artifacts: file name -> content, such as a fitted head.
    Returns: the folder of the run.
    Raises: RunFinished when a finished run stands there; RunDamaged when the parts contradict each other;
        OSError when the disk refuses, and what stood there before stands there still.
    """
    check_parts(record, predictions)
    files: dict[str, bytes | Path] = {}
    if predictions:
        try:
            files[PREDICTIONS] = tables.predictions_text(predictions).encode("utf-8")
        except UnicodeEncodeError as error:
            text = repr(error.object[max(0, error.start - 30) : error.end + 10])
            raise damaged(
                record.run_id,
                said("an image id or group is no text that a CSV file can hold: {text}. Rename the image.", text=text),
            ) from error
    if history is not None and len(history.columns):
        files[HISTORY] = tables.history_text(history).encode("utf-8")
    for name, data in (artifacts or {}).items():
        if check_file_name(name) in (RECORD, PREDICTIONS, HISTORY):
            raise damaged(record.run_id, said("an artifact cannot be called {name}; that name is taken.", name=name))
        files[name] = bytes(data)
    sums = {name: sha256_of(data) for name, data in files.items()}
    record = replace(record, schema_version=SCHEMA_VERSION, artifacts=sums)
    files[RECORD] = to_json(record).encode("utf-8")
    target = run_folder(record.run_id, folder)
    with only_writer(target):
        _refuse_finished(record.run_id, folder)
        for leftover in target.iterdir() if target.is_dir() else ():
            if is_temporary(leftover):
                leftover.unlink(missing_ok=True)
        write_together(target, files, last=RECORD)
    return target


def load_record(run_id: str, folder: Path | None = None) -> RunRecord:
    """The record of one run. Raises RunDamaged with the reason, StoreError when `run_id` is no run id."""
    where = run_folder(run_id, folder)
    try:
        if not (where / RECORD).exists():
            raise StoreError(
                said("{record} is missing: the run is under way, was killed, or is not here at all", record=RECORD)
            )
        record = from_json(RunRecord, read_limited(where / RECORD, limits.MAX_RUN_JSON_BYTES))
        if record.run_id != run_id:
            raise StoreError(
                said(
                    "the folder is called {run_id}, but the record says {stated}",
                    run_id=repr(run_id), stated=repr(record.run_id),
                )
            )  # fmt: skip
        expected = run_id_of(record.spec)
        if record.run_id != expected:
            raise StoreError(said("the spec has been changed: it belongs to {expected}", expected=repr(expected)))
    except StoreError as error:
        raise damaged(run_id, message_of(error)) from error
    return record


def load_predictions(run_id: str, split: str = "test", folder: Path | None = None) -> Predictions:
    """The scores of one run on "validation", "test" or (where it stored them) "train", exactly as they were saved.

    Raises: RunDamaged when the file is missing, changed since it was written, or contradicts itself.
    """
    record = load_record(run_id, folder)
    data = _checked_bytes(record, PREDICTIONS, limits.MAX_PREDICTIONS_BYTES, folder)
    try:
        return tables.read_predictions(data, record, split, tables.positive_class_of(record))
    except PredictionsInvalid as error:
        raise damaged(run_id, said("predictions.csv contradicts itself: {reason}", reason=error)) from error


def load_history(run_id: str, folder: Path | None = None) -> pd.DataFrame | None:
    """One row per epoch, or None for a run without training epochs. Raises RunDamaged."""
    record = load_record(run_id, folder)
    if HISTORY not in record.artifacts:
        return None
    return tables.read_history(_checked_bytes(record, HISTORY, limits.MAX_PREDICTIONS_BYTES, folder))


def load_artifact(run_id: str, name: str, folder: Path | None = None) -> bytes:
    """The content of a file beside run.json, checked against its sum. Raises RunDamaged."""
    return _checked_bytes(load_record(run_id, folder), check_file_name(name), limits.MAX_MODEL_BYTES, folder)


def _checked_bytes(record: RunRecord, name: str, limit_bytes: int, folder: Path | None) -> bytes:
    expected = record.artifacts.get(name)
    if expected is None and name in record.left_out:
        raise damaged(
            record.run_id,
            said(
                "{name} was left out of this results folder to keep it small. The run's numbers are all here; to have "
                "the file, train the run again with MEDLENS_RESULTS set to a folder of its own.",
                name=name,
            ),
        )
    if expected is None:
        held = ", ".join(sorted(record.artifacts)) or said("none")
        raise damaged(record.run_id, said("the run holds no {name}; its files: {held}.", name=name, held=held))
    try:
        data = read_limited(run_folder(record.run_id, folder) / name, limit_bytes)
    except StoreError as error:
        raise damaged(record.run_id, message_of(error)) from error
    if sha256_of(data) != expected:
        raise damaged(record.run_id, said("{name} is not the file that was saved (its sha256 differs).", name=name))
    return data


def verify_run(run_id: str, folder: Path | None = None) -> RunRecord:
    """The record, once every file of the run has been read and its sum compared. Raises RunDamaged."""
    record = load_record(run_id, folder)
    _check_files(record, folder, largest_bytes=None)
    return record


def _check_files(record: RunRecord, folder: Path | None, largest_bytes: int | None) -> None:
    where = run_folder(record.run_id, folder)
    if record.status == "done" and PREDICTIONS not in record.artifacts:
        raise damaged(record.run_id, said("a finished run without {file}", file=PREDICTIONS))
    for name, expected in sorted(record.artifacts.items(), key=lambda item: item[0] == PREDICTIONS):
        path = where / check_file_name(name)
        try:
            if not path.is_file():
                raise damaged(record.run_id, said("{name} is missing", name=name))
            if largest_bytes is not None and path.stat().st_size > largest_bytes:
                continue
            if sha256_of(path) != expected:
                differs = said("{name} is not the file that was saved (its sha256 differs)", name=name)
                raise damaged(record.run_id, differs)
        except OSError as error:
            reason = error.strerror or error
            raise damaged(record.run_id, said("{name} cannot be read ({reason})", name=name, reason=reason)) from error


Known = dict[Path, tuple[FilesState, RunRecord | Damaged]]


def list_runs(
    folder: Path | None = None, known: Known | None = None, keep: Callable[[RunRecord], RunRecord] | None = None
) -> RunListing:
    """Every run of the results folder, by name; never raises.

    Files, dotfiles and what a killed writer left are passed over. A folder that cannot be used is listed as
    Damaged. Files up to LISTING_HASH_BYTES are compared with their sums.

    Args:
        known: what an earlier listing found, changed in place: a folder whose files have the same names, sizes and
            times of change as then is not read again.
        keep: what is held of a record once it has been read and checked; None holds all of it.
    """
    root = folder or paths.results_folder()
    records: list[RunRecord] = []
    damaged: list[Damaged] = []
    try:
        entries = sorted((p for p in root.iterdir() if not p.name.startswith(".")), key=lambda p: p.name)
    except OSError:  # no results folder yet, or none that may be read
        return RunListing((), ())
    with no_collecting():  # a record is thousands of objects, none of them garbage
        for entry in entries:
            if not entry.is_dir() or is_temporary(entry):
                continue
            if not is_folder_name(entry.name):
                damaged.append(Damaged(entry.name, said("the name of the folder is no run id")))
                continue
            found = _listed(entry, {} if known is None else known, keep)
            if isinstance(found, Damaged):
                damaged.append(found)
            else:
                records.append(found)
    return RunListing(tuple(records), tuple(damaged))


def _listed(entry: Path, known: Known, keep: Callable[[RunRecord], RunRecord] | None) -> RunRecord | Damaged:
    state = files_state(entry)
    if entry in known and known[entry][0] == state:
        return known[entry][1]
    found: RunRecord | Damaged
    try:
        found = load_record(entry.name, entry.parent)
        _check_files(found, entry.parent, LISTING_HASH_BYTES)
        found = found if keep is None else keep(found)
    except StoreError as error:
        found = Damaged(entry.name, message_of(error).without(f"{entry.name}: "))
    known[entry] = state, found
    return found
