"""What the Compare page keeps: pairwise tests, bands of curves, agreement of two runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core import paths
from core.figures.names import evaluation_of
from core.language import t
from core.types import RunRecord, Threshold
from pages.ui import cache

if TYPE_CHECKING:
    from core.evaluation.agreement import Agreement
    from core.evaluation.bands import CurveBand
    from core.evaluation.pairwise import PairMatrix

Sums = tuple[tuple[str, str], ...]


def sums_of(record: RunRecord) -> Sums:
    """The sha256 of the run's files: what is cached under them cannot be stale."""
    return tuple(sorted(record.artifacts.items()))


def keys_of(records: Sequence[RunRecord]) -> tuple[tuple[str, Sums], ...]:
    """Run ids with the sums of their files, to cache under."""
    return tuple((r.run_id, sums_of(r)) for r in records)


def threshold_of(record: RunRecord) -> Threshold:
    """The cuts of a finished run, as its test evaluation holds them."""
    evaluation = evaluation_of(record)
    return evaluation.threshold if evaluation is not None else Threshold(values={}, rule="fixed:0.5", chosen_on="none")


def pair_matrix(records: Sequence[RunRecord], unit: str) -> "PairMatrix":
    """Every pair of `records` tested on the images of all. Raises MedLensError."""
    with st.spinner(t("Drawing patients for every pair…")):
        return _pair_matrix(keys_of(records), unit, str(paths.results_folder()), list(records))


@st.cache_resource(max_entries=16, show_spinner=False)  # frozen, so one copy serves all sessions
def _pair_matrix(
    runs: tuple[tuple[str, Sums], ...], unit: str, folder: str, _records: Sequence[RunRecord]
) -> "PairMatrix":
    from core.evaluation.pairwise import pair_matrix as tested

    scores = [cache.predictions(record) for record in _records]
    return tested(scores, thresholds=[threshold_of(r) for r in _records], n_bootstrap=1000, unit=unit)


def bands(record: RunRecord, class_name: str | None) -> "tuple[CurveBand, CurveBand]":
    """ROC and PR of one class (None: the mean of all) with 95 % bands. Raises MedLensError."""
    return _bands(keys_of([record]), class_name, str(paths.results_folder()), record)


@st.cache_resource(max_entries=64, show_spinner=False)
def _bands(
    run: tuple[tuple[str, Sums], ...], class_name: str | None, folder: str, _record: RunRecord
) -> "tuple[CurveBand, CurveBand]":
    from core.evaluation.bands import curve_bands

    return curve_bands(cache.predictions(_record), class_name)


def agreement(first: RunRecord, second: RunRecord) -> "Agreement":
    """Which images both, one or neither decides rightly. Raises MedLensError."""
    return _agreement(keys_of([first, second]), str(paths.results_folder()), (first, second))


@st.cache_resource(max_entries=16, show_spinner=False)
def _agreement(runs: tuple[tuple[str, Sums], ...], folder: str, _records: tuple[RunRecord, RunRecord]) -> "Agreement":
    from core.evaluation.agreement import agreement as sorted_images

    one, two = _records
    return sorted_images(cache.predictions(one), cache.predictions(two), (threshold_of(one), threshold_of(two)))
