"""The part of the Run page about its ranking: ROC and precision-recall of one class, with bands."""

import pandas as pd
import streamlit as st

from core.figures.curves import CurveLine, curve_classes, line_of, pr_figure, roc_figure
from core.figures.names import run_title
from core.figures.theme import PALETTE
from core.language import t
from core.types import Evaluation, RunRecord
from pages.ui import comparing_cache, running
from pages.ui.charts import chart_with_numbers
from pages.ui.comparing import choose_class


@st.fragment
def show_ranking(record: RunRecord, evaluation: Evaluation) -> None:
    """Both curves with their operating points and 95 % bands; the corner of few false alarms on demand."""
    class_name = choose_class(curve_classes(evaluation), f"curves-{record.run_id}")
    if not class_name:
        st.info(t("No curve is defined: every class is in all test images, or in none."), icon=":material/info:")
        return
    log = st.toggle(t("False alarms in powers of ten"), key=f"log-{record.run_id}")
    roc_band, pr_band = comparing_cache.bands(record, class_name)
    lines: dict[str, list[CurveLine]] = {}
    for kind, band in (("roc", roc_band), ("pr", pr_band)):
        line = line_of(evaluation, kind, class_name, label=run_title(record.spec), color=PALETTE[0])
        if line is not None and (band.low == band.low).all():
            known = (band.x.tolist(), band.low.tolist(), band.high.tolist())
            line = CurveLine(label=line.label, curve=line.curve, color=line.color, point=line.point, band=known)
        lines[kind] = [line] if line is not None else []
    roc, pr = st.columns(2, gap="medium")
    with roc:
        chart_with_numbers(
            roc_figure(lines["roc"], log=log), _points(record, lines["roc"]),
            alt=t("ROC curve for {name}, with its operating point and 95 % band", name=t(class_name)),
            name=f"roc-{record.run_id}", key=f"roc-{record.run_id}",
        )  # fmt: skip
    with pr:
        chart_with_numbers(
            pr_figure(lines["pr"], prevalence=running.prevalence(record, class_name)), _points(record, lines["pr"]),
            alt=t("Precision-recall curve for {name}, with its operating point and 95 % band", name=t(class_name)),
            name=f"pr-{record.run_id}", key=f"pr-{record.run_id}",
        )  # fmt: skip
    st.caption(t("The shade is a pointwise 95 % band from 200 resamples of whole groups; the marker is the run's cut."))


def _points(record: RunRecord, lines: list[CurveLine]) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame({"run_id": record.run_id, "split": "test", "kind": line.curve.kind,
                          "class": line.curve.class_name, "x": line.curve.x, "y": line.curve.y,
                          "threshold": line.curve.thresholds})
            for line in lines
        ] or [pd.DataFrame()]
    )  # fmt: skip
