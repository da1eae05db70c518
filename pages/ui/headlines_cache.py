"""Every stored run as its headline, for pages that list them all; and the whole record of those that they draw.

A headline has neither curves nor the numbers of validation (`core/store/headlines.py`).
"""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import streamlit as st

from core import paths
from core.store.headlines import kept_file, list_headlines
from core.store.names import FilesState, files_state
from core.store.runs import Known, RunListing, load_record, run_folder
from core.types import RunRecord
from pages.ui.cache import State, folder_state

_KNOWN: Known = {}  # headlines by folder: a run that is added or changed is read, and no other
_LOOKING = Lock()  # two sessions that look at different states must not read the same runs twice


def run_headlines() -> RunListing:
    """The headline of every stored run, and what cannot be read, as of now."""
    return _run_headlines(folder_state(paths.results_folder()))


@st.cache_resource(max_entries=4, show_spinner="…")  # in no language; frozen, so one copy serves all sessions
def _run_headlines(state: State) -> RunListing:
    folder = Path(state[0])
    with _LOOKING:
        return list_headlines(folder, _KNOWN, kept_file(folder))


def finished_headlines() -> tuple[RunRecord, ...]:
    """The headlines of the finished runs that hold a test evaluation."""
    return tuple(record for record in run_headlines().done if record.evaluations)


def whole(record: RunRecord) -> RunRecord:
    """The whole record of a headline. Raises RunDamaged."""
    folder = paths.results_folder()
    return _whole(record.run_id, str(folder), files_state(run_folder(record.run_id, folder)))


def whole_runs(records: Sequence[RunRecord]) -> list[RunRecord]:
    """The whole records of headlines, in the same order. Raises RunDamaged."""
    return [whole(record) for record in records]


@st.cache_resource(max_entries=64, show_spinner=False)
def _whole(run_id: str, folder: str, state: FilesState) -> RunRecord:
    return load_record(run_id, Path(folder))
