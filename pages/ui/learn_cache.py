"""What the Learn page keeps: traces, the growing ROC curve's counts, accuracy over prevalence."""

from pathlib import Path

import numpy as np
import streamlit as st

from core import paths
from core.evaluation.lessons import OverPrevalence
from core.registry.lessons import PREVALENCES
from core.store.models import model_folder
from core.store.traces import TRACE, Trace, load_trace
from core.types import RunRecord
from pages.ui import cache

CURVE_CUTS = 401  # thresholds between 1 and 0 that the growing curve is drawn through


def trace(name: str) -> Trace:
    """The trace beside a model, as of now. Raises ModelDamaged where there is none."""
    path = model_folder(name) / TRACE
    stamp = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else (0, 0)
    return _trace(name, str(paths.models_folder()), stamp)


@st.cache_resource(max_entries=4, show_spinner=False)  # read only, half a megabyte
def _trace(name: str, folder: str, stamp: tuple[int, int]) -> Trace:
    return load_trace(name, Path(folder))


def roc_path(record: RunRecord, class_name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds from 1 down to 0, with false alarm rates and sensitivities at each, all (m,). Raises RunDamaged."""
    return _roc_path(record.run_id, class_name, _sums(record), str(paths.results_folder()), record)


@st.cache_data(max_entries=16, show_spinner=False)
def _roc_path(
    run_id: str, class_name: str, sums: tuple[tuple[str, str], ...], folder: str, _record: RunRecord
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from core.evaluation.operating import threshold_frame

    frame = threshold_frame(cache.threshold_table(_record, class_name), CURVE_CUTS).iloc[::-1]
    return frame["cut"].to_numpy(), 1 - frame["specificity"].to_numpy(), frame["sensitivity"].to_numpy()


def over_prevalence(record: RunRecord) -> OverPrevalence:
    """A binary run's accuracy at other prevalences, at its own cut. Raises MedLensError."""
    return _over_prevalence(record.run_id, _sums(record), str(paths.results_folder()), record)


@st.cache_resource(max_entries=16, show_spinner=False)
def _over_prevalence(run_id: str, sums: tuple[tuple[str, str], ...], folder: str, _record: RunRecord) -> OverPrevalence:
    from core.evaluation.lessons import over_prevalence as measured

    threshold = next(e.threshold for e in _record.evaluations if e.split == "test")
    return measured(cache.predictions(_record), threshold, PREVALENCES)


def _sums(record: RunRecord) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(record.artifacts.items()))
