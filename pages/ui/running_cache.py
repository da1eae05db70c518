"""What the Run page keeps: the table behind the slider, cuts by rule, recalibration, subgroups."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core import paths
from core.errors import MedLensError
from core.evaluation.intervals import unit_of
from core.figures.names import evaluation_of, group_field_of
from core.language import t
from core.types import Calibration, RunRecord
from pages.ui import cache
from pages.ui.at_hand import rows_of
from pages.ui.comparing_cache import Sums, sums_of, threshold_of

if TYPE_CHECKING:
    from core.evaluation.cut_table import CutTable
    from core.evaluation.recalibration import Recalibration
    from core.evaluation.subgroups import SubgroupTable

RULES = (
    "youden", "f1", "sensitivity:0.9", "sensitivity:0.95", "sensitivity:0.99", "specificity:0.9", "specificity:0.95",
    "cost:2", "cost:5", "cost:10", "cost:20",
)  # fmt: skip
OWN = "own"


def rule_cuts(record: RunRecord, class_name: str) -> Mapping[str, float]:
    """Rule to the cut that it chooses for a class on validation, the run's own first; without one it is left out."""
    return _rule_cuts(record.run_id, class_name, sums_of(record), str(paths.results_folder()), record)


@st.cache_data(max_entries=64, show_spinner=False)
def _rule_cuts(run_id: str, class_name: str, sums: Sums, folder: str, _record: RunRecord) -> dict[str, float]:
    from core.evaluation.thresholds import choose_threshold

    cuts = {OWN: float(threshold_of(_record).values.get(class_name, 0.5))}
    try:
        validation = cache.predictions(_record, "validation")
    except MedLensError:  # a run without a validation part has its own cut alone
        return cuts
    for rule in RULES:
        try:
            cuts[rule] = float(choose_threshold(validation, rule).values[class_name])
        except (MedLensError, KeyError):
            continue
    return cuts


def cut_table(record: RunRecord, class_name: str) -> "CutTable":
    """Every cut of a class on test with its intervals. Raises RunDamaged."""
    with st.spinner(t("Drawing patients for the intervals…")):
        return _cut_table(record.run_id, class_name, sums_of(record), str(paths.results_folder()), record)


@st.cache_resource(max_entries=12, show_spinner=False)  # 8 MB each
def _cut_table(run_id: str, class_name: str, sums: Sums, folder: str, _record: RunRecord) -> "CutTable":
    from core.evaluation.cut_table import cut_table as counted

    cuts = sorted(set(rule_cuts(_record, class_name).values()))
    return counted(cache.predictions(_record), class_name, cuts, unit=unit_of(group_field_of(_record)))


def recalibrations(record: RunRecord, class_name: str) -> "tuple[Recalibration, Recalibration | None]":
    """Slope and intercepts of a class's scores as they are, and divided by the run's temperature."""
    return _recalibrations(record.run_id, class_name, sums_of(record), str(paths.results_folder()), record)


@st.cache_resource(max_entries=64, show_spinner=False)
def _recalibrations(
    run_id: str, class_name: str, sums: Sums, folder: str, _record: RunRecord
) -> "tuple[Recalibration, Recalibration | None]":
    from core.evaluation.calibration import apply_temperature
    from core.evaluation.recalibration import recalibration

    pred = cache.predictions(_record)
    i, groups = pred.class_names.index(class_name), pred.groups
    before = recalibration(np.asarray(pred.y_prob[:, i]), pred.truth_of(i), groups)
    evaluation = evaluation_of(_record)
    temperature = evaluation.calibration.temperature if evaluation is not None else None
    if temperature is None:
        return before, None
    cooled = apply_temperature(pred, temperature)
    return before, recalibration(np.asarray(cooled.y_prob[:, i]), pred.truth_of(i), groups)


def after_temperature(record: RunRecord) -> tuple[Calibration, float | None] | None:
    """Reliability and Brier score on test once scores are divided by the temperature; None without one."""
    return _after_temperature(record.run_id, sums_of(record), str(paths.results_folder()), record)


@st.cache_resource(max_entries=32, show_spinner=False)
def _after_temperature(
    run_id: str, sums: Sums, folder: str, _record: RunRecord
) -> tuple[Calibration, float | None] | None:
    from core.evaluation.calibration import apply_temperature, reliability
    from core.evaluation.metrics import brier

    evaluation = evaluation_of(_record)
    if evaluation is None or evaluation.calibration.temperature is None:
        return None
    cooled = apply_temperature(cache.predictions(_record), evaluation.calibration.temperature)
    return reliability(cooled), brier(cooled)


def subgroups(record: RunRecord, field: str, class_name: str | None, metric: str) -> "SubgroupTable | str":
    """The test images parted by a column of the data set's table, or why they cannot be. Raises RunDamaged.

    The reason is "not here", "no column", "one value" or "no match"; words for them are the page's.
    """
    rows = rows_of(record)
    if rows is None:
        return "not here"
    if field not in rows.columns:
        return "no column"
    stamp = (len(rows), str(rows["content_hash"].iloc[0]) if len(rows) else "")
    return _subgroups(
        record.run_id, field, class_name, metric, stamp, sums_of(record), str(paths.results_folder()), record
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _subgroups(
    run_id: str,
    field: str,
    class_name: str | None,
    metric: str,
    stamp: tuple[int, str],
    sums: Sums,
    folder: str,
    _record: RunRecord,
) -> "SubgroupTable | str":
    from core.evaluation.subgroups import parts_by, subgroup_table

    rows, pred = rows_of(_record), cache.predictions(_record)
    if rows is None:
        return "not here"
    mine = rows.reindex(pred.image_ids.astype(str))
    if mine[field].isna().all():
        return "no match"
    words = parts_by(mine, field)
    if words is None:
        return "one value"
    unit = unit_of(group_field_of(_record))
    return subgroup_table(pred, threshold_of(_record), words, field, class_name=class_name, metric=metric, unit=unit)
