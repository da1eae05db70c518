"""The `st.cache_*` functions of the app (the Triage page's: triage_cache.py). Networks are behind door.py.

Everything that comes from a folder is cached under that folder's state (names, sizes, times of change), so a
new run or model appears on the next look, without a restart, and a changed one is read again.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from core import paths
from core.errors import SpecInvalid
from core.language import said
from core.registry.datasets import DATASETS
from core.registry.labels import label_scheme
from core.store.models import ModelListing, list_models
from core.store.names import FilesState, files_state
from core.store.runs import Known, RunListing, list_runs, load_history, load_predictions
from core.types import ClassCounts, DatasetSpec, DatasetTable, Predictions, ReferralRecord, RunRecord

if TYPE_CHECKING:
    from core.evaluation.compare import Ranking
    from core.evaluation.operating import ThresholdTable
    from core.evaluation.referral import RiskCoverage
    from core.registry.gaps import Reference, Representativeness

PHANTOM_PATIENTS = 300  # enough to see the shares; as many as one likes can be drawn

State = tuple[str, str]
_KNOWN: Known = {}  # records by folder: a run that is added or changed is read, and no other


def folder_state(folder: Path) -> State:
    """What stands in a folder and its subfolders: (folder, digest of the path, size, time of change of every file).

    A digest, because Streamlit looks at every part of a key: of three thousand files that takes longer than all else.
    """
    found: list[tuple[str, FilesState]] = []
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, files_state(Path(entry)) if entry.is_dir() else _file_state(entry))
                           for entry in entries)  # fmt: skip
    except OSError:  # not there, or gone while we looked: the next look sees what is left
        found = []
    return str(folder), hashlib.blake2b(repr(found).encode("utf-8", "surrogatepass")).hexdigest()


def _file_state(entry: "os.DirEntry[str]") -> FilesState:
    try:
        status = entry.stat()
    except OSError:  # a link to nothing
        return ()
    return (("", status.st_size, status.st_mtime_ns),)


def run_listing() -> RunListing:
    """Every stored run, and what cannot be read, as of now."""
    return _run_listing(folder_state(paths.results_folder()))


@st.cache_resource(max_entries=4, show_spinner="…")  # in no language; frozen, so one copy serves all sessions
def _run_listing(state: State) -> RunListing:
    return list_runs(Path(state[0]), _KNOWN)


def finished_runs() -> tuple[RunRecord, ...]:
    """The finished runs that hold a test evaluation."""
    return tuple(r for r in run_listing().done if any(e.split == "test" for e in r.evaluations))


def model_listing() -> ModelListing:
    """Every shipped model's card, and what cannot be used, as of now."""
    return _model_listing(folder_state(paths.models_folder()))


@st.cache_resource(max_entries=4, show_spinner=False)
def _model_listing(state: State) -> ModelListing:
    return list_models(Path(state[0]))


def predictions(record: RunRecord, split: str = "test") -> Predictions:
    """The stored scores of one run. Raises RunDamaged."""
    return _predictions(record.run_id, split, _sums(record), str(paths.results_folder()))


@st.cache_resource(max_entries=64, show_spinner=False)
def _predictions(run_id: str, split: str, sums: tuple[tuple[str, str], ...], folder: str) -> Predictions:
    return load_predictions(run_id, split, Path(folder))


def risk_coverage(record: RunRecord) -> "tuple[RiskCoverage, ReferralRecord]":
    """Error against coverage on the test part, and the band from validation with what it does. Raises RunDamaged."""
    return _risk_coverage(record.run_id, _sums(record), str(paths.results_folder()), record)


@st.cache_resource(max_entries=16, show_spinner=False)
def _risk_coverage(
    run_id: str, sums: tuple[tuple[str, str], ...], folder: str, _record: RunRecord
) -> "tuple[RiskCoverage, ReferralRecord]":
    from core.evaluation.intervals import unit_of
    from core.evaluation.referral import referral_record, risk_coverage

    validation, test = (_predictions(run_id, split, sums, folder) for split in ("validation", "test"))
    threshold = next(e.threshold for e in _record.evaluations if e.split == "test")
    unit = unit_of(_record.audit.group_field) if _record.audit is not None else "groups"
    found = referral_record(validation, test, threshold, unit=unit)
    if found is None:
        raise SpecInvalid(said("A multilabel run has no band."))
    return risk_coverage(test, threshold, unit=unit), found


def history(record: RunRecord) -> pd.DataFrame | None:
    """The epochs of one run, None where it has none. Raises RunDamaged."""
    return _history(record.run_id, _sums(record), str(paths.results_folder()))


@st.cache_data(max_entries=64, show_spinner=False)
def _history(run_id: str, sums: tuple[tuple[str, str], ...], folder: str) -> pd.DataFrame | None:
    return load_history(run_id, Path(folder))


def _sums(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """The sha256 of the run's files: what is cached under them cannot be stale."""
    return tuple(sorted(record.artifacts.items()))


def ranking(records: Sequence[RunRecord], unit: str) -> "Ranking":
    """The best of `records` against each other one, paired on the images of all. Raises MedLensError."""
    keys = tuple((r.run_id, _sums(r)) for r in records)
    return _ranking(keys, unit, str(paths.results_folder()))


@st.cache_data(max_entries=32, show_spinner=False)
def _ranking(runs: tuple[tuple[str, tuple[tuple[str, str], ...]], ...], unit: str, folder: str) -> "Ranking":
    from core.evaluation.compare import compare_with_best

    scores = [_predictions(run_id, "test", sums, folder) for run_id, sums in runs]
    return compare_with_best(scores, n_bootstrap=1000, unit=unit)


def tested_source(record: RunRecord) -> str:
    """The data set of a union that the test images come from; "" for a run on one data set. Raises RunDamaged."""
    from core.evaluation.representativeness import by_sources

    return next(iter(by_sources(predictions(record))), "")


def representativeness(record: RunRecord, reference: "Reference | None") -> "Representativeness":
    """Bias, variance and data mismatch of a run that stored scores of training images. Raises RunDamaged."""
    stated = None if reference is None else (reference.words, tuple(sorted(reference.stated.items())))
    return _representativeness(record.run_id, stated, _sums(record), str(paths.results_folder()), record)


@st.cache_resource(max_entries=32, show_spinner=False)  # frozen, and its mappings cannot be pickled
def _representativeness(
    run_id: str,
    stated: tuple[str, tuple[tuple[str, float], ...]] | None,
    sums: tuple[tuple[str, str], ...],
    folder: str,
    _record: RunRecord,
) -> "Representativeness":
    from core.evaluation.intervals import unit_of
    from core.evaluation.representativeness import representativeness as measured
    from core.registry.gaps import Reference

    train, validation, test = (_predictions(run_id, split, sums, folder) for split in ("train", "validation", "test"))
    threshold = next(e.threshold for e in _record.evaluations if e.split == "test")
    reference = None if stated is None else Reference(words=stated[0], stated=dict(stated[1]))
    unit = unit_of(_record.audit.group_field) if _record.audit is not None else "groups"
    return measured(train, validation, test, threshold, reference=reference, unit=unit)


def threshold_table(record: RunRecord, class_name: str) -> "ThresholdTable":
    """The sorted test scores of one class, for a slider. Raises RunDamaged."""
    return _threshold_table(record.run_id, class_name, _sums(record), str(paths.results_folder()))


@st.cache_resource(max_entries=64, show_spinner=False)
def _threshold_table(run_id: str, class_name: str, sums: tuple[tuple[str, str], ...], folder: str) -> "ThresholdTable":
    from core.evaluation.operating import threshold_table as sorted_scores

    return sorted_scores(_predictions(run_id, "test", sums, folder), class_name)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A picture that is at hand: uint8 (H, W, 3), its id, its label, and where a finding is known to lie."""

    name: str
    pixels: np.ndarray
    caption: str
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    mask_path: str = ""


def datasets_at_hand() -> list[str]:
    """Keys of the data sets that lie in the data folder, in the catalogue's order; phantoms not counted."""
    root = paths.data_folder()
    return [key for key, spec in DATASETS.items() if not spec.synthetic and (root / key).is_dir()]


def dataset_table(key: str) -> DatasetTable:
    """All rows of a data set at hand; unusable files are listed in `refused`. Raises MedLensError."""
    folder = paths.data_folder() / key
    stamp = tuple(sorted((p.name, p.stat().st_mtime_ns) for p in folder.iterdir())) if folder.is_dir() else ()
    return _dataset_table(key, str(folder), stamp)


@st.cache_resource(max_entries=6, show_spinner=False)
def _dataset_table(key: str, folder: str, stamp: tuple[tuple[str, int], ...]) -> DatasetTable:
    from core.data.load import load_table

    if DATASETS[key].synthetic:
        return load_table(key, options={"patients": PHANTOM_PATIENTS})
    return load_table(key, Path(folder), policy="skip")


def split_counts(key: str, scheme: str) -> tuple[tuple[ClassCounts, ...], str, dict[str, int]]:
    """Images per class and split with the default seed; (counts, kind of split, dropped). Raises MedLensError."""
    table = dataset_table(key)
    return _split_counts(key, scheme, table.fingerprint, table)


@st.cache_data(max_entries=32, show_spinner=False)
def _split_counts(
    key: str, scheme: str, fingerprint: str, _table: DatasetTable
) -> tuple[tuple[ClassCounts, ...], str, dict[str, int]]:
    from core.data.labelling import apply_scheme
    from core.data.splits import assign_splits, class_counts, default_kind

    kind = default_kind(_table)
    labelled = assign_splits(apply_scheme(_table, label_scheme(scheme, _table.spec)), kind, 0)
    return class_counts(labelled), kind, dict(labelled.dropped)


def samples(source: str, count: int = 6) -> tuple[Sample, ...]:
    """A few pictures of a data set at hand, the labels taken in turn, one per group. Raises MedLensError."""
    table = dataset_table(source)
    return _samples(source, table.fingerprint, count, table)


@st.cache_resource(max_entries=12, show_spinner=False)
def _samples(source: str, fingerprint: str, count: int, _table: DatasetTable) -> tuple[Sample, ...]:
    from core.data.sources import read_image

    rows = _table.rows.drop_duplicates("group")
    order = np.random.default_rng(0).permutation(len(rows))
    rows = rows.iloc[order]
    turn = rows.groupby("label", sort=False).cumcount()
    rows = rows.iloc[np.argsort(turn.to_numpy(), kind="stable")].head(count)
    found = []
    for row in rows.to_dict("records"):
        boxes = row.get("boxes")
        mask = row.get("mask_path")
        found.append(
            Sample(
                name=str(row["image_id"]),
                pixels=read_image(str(row["path"])),
                caption=_label_words(str(row["label"]), _table.spec),
                boxes=tuple(boxes) if isinstance(boxes, (tuple, list)) else (),
                mask_path=mask if isinstance(mask, str) else "",
            )
        )
    return tuple(found)


def _label_words(label: str, spec: DatasetSpec) -> str:
    """Raw tokens in the words of the data set's most detailed task; a finding outweighs its absence."""
    schemes = [label_scheme(key, spec) for key in spec.label_schemes]
    detailed = max(schemes, key=lambda scheme: len(scheme.class_names))
    tokens = label.split("|")
    words = [detailed.mapping.get(token) or token.replace("_", " ").capitalize() for token in tokens]
    found = [word for token, word in zip(tokens, words, strict=True) if token != "negative"]
    return ", ".join(found or words)
