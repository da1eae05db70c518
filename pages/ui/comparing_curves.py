"""ROC and precision-recall of the chosen runs, with bands, per class or as the mean over the classes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.errors import UndefinedMetric
from core.figures.curves import CurveLine, curve_classes, line_of, pr_figure, roc_figure
from core.figures.names import evaluation_of
from core.figures.text import listing
from core.figures.theme import architecture_symbol, head_color, series_dash
from core.language import t
from core.types import Curve, RunRecord
from pages.ui import cache, comparing_cache
from pages.ui.charts import chart_with_numbers
from pages.ui.comparing import choose_class

if TYPE_CHECKING:
    from core.evaluation.bands import CurveBand

FEW = 3  # runs, up to which bands are drawn unasked: more lie on each other


@st.fragment
def show_curves(chosen: Sequence[RunRecord], titles: Mapping[str, str]) -> None:
    """The curves of up to ten runs, their operating points, and their 95 % bands."""
    if not chosen:
        st.info(t("Choose runs above to draw their curves."), icon=":material/info:")
        return
    mean = t("mean over the classes")
    names = curve_classes(evaluation_of(chosen[0]))
    class_name = choose_class(names if len(names) < 2 else [mean, *names], "roc")
    with st.container(horizontal=True, gap="medium"):
        banded = st.toggle(t("95 % bands"), value=len(chosen) <= FEW, key=f"bands-{len(chosen) <= FEW}")
        corner = st.toggle(t("Enlarge the upper left corner"), key="corner")
        log = st.toggle(t("False alarms in powers of ten"), key="log-corner")
    picked = None if class_name == mean else class_name
    roc_lines, pr_lines, frames = [], [], []
    for place, record in enumerate(chosen):
        for kind, lines in (("roc", roc_lines), ("pr", pr_lines)):
            line = _line(record, kind, picked, titles[record.run_id], place, banded=banded)
            if line is not None:
                lines.append(line)
                frames.append(_numbers(record, line, titles[record.run_id]))
    said = listing([titles[r.run_id] for r in chosen])
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    if not roc_lines:
        st.info(t("No curve is defined for this class: it is in all test images, or in none."), icon=":material/info:")
        return
    left, right = st.columns(2, gap="medium")
    shown = t(class_name or str(evaluation_of(chosen[0]).positive_class))  # type: ignore[union-attr]
    with left:
        st.subheader(t("ROC curves"), anchor=False)
        chart_with_numbers(
            roc_figure(roc_lines, corner=corner, log=log), frame[frame["kind"] == "roc"],
            alt=t("ROC curves of {runs} for {name}, over the chance line", runs=said, name=shown),
            name=f"roc-{shown}", key="roc-curves",
        )  # fmt: skip
    with right:
        st.subheader(t("Precision and recall"), anchor=False)
        chart_with_numbers(
            pr_figure(pr_lines, prevalence=_prevalence(chosen[0], picked)), frame[frame["kind"] == "pr"],
            alt=t("Precision-recall curves of {runs} for {name}", runs=said, name=shown), name=f"pr-{shown}",
            key="pr-curves",
        )  # fmt: skip
    st.caption(
        t("A marker is the run's operating point: where its cut, chosen on validation, lands on test. A band is "
          "pointwise, from 200 resamples of whole groups; that two bands overlap decides nothing, see the pairs.")
    )  # fmt: skip


def _line(
    record: RunRecord, kind: str, class_name: str | None, title: str, place: int, *, banded: bool
) -> CurveLine | None:
    """A run's curve: the stored one of a class, or the mean over the classes."""
    evaluation = evaluation_of(record)
    if evaluation is None:
        return None
    look = {"label": title, "color": head_color(record.spec.head), "dash": series_dash(place),
            "symbol": architecture_symbol(record.spec.architecture)}  # fmt: skip
    line = None
    if class_name is not None:
        line = line_of(evaluation, kind, class_name, **look)
        if line is None or not banded:
            return line
    try:
        band = comparing_cache.bands(record, class_name)[0 if kind == "roc" else 1]
    except UndefinedMetric:
        return line
    if line is None:
        line = CurveLine(curve=_as_curve(band, kind), **look)
    if not banded or not (band.low == band.low).all():
        return line
    return replace(line, band=(band.x.tolist(), band.low.tolist(), band.high.tolist()))


def _as_curve(band: "CurveBand", kind: str) -> Curve:
    return Curve(
        kind="roc" if kind == "roc" else "pr", class_name="", x=tuple(band.x.tolist()), y=tuple(band.y.tolist()),
        thresholds=(None,) * len(band.x),
    )  # fmt: skip


def _numbers(record: RunRecord, line: CurveLine, title: str) -> pd.DataFrame:
    """The points of one curve, with the run they are of."""
    return pd.DataFrame(
        {
            "run": title, "run_id": record.run_id, "split": "test", "kind": line.curve.kind,
            "class": line.curve.class_name or "mean", "x": line.curve.x, "y": line.curve.y,
            "threshold": line.curve.thresholds,
        }
    )  # fmt: skip


def _prevalence(record: RunRecord, class_name: str | None) -> float | None:
    from core.evaluation.curves import chance_level

    return chance_level(cache.predictions(record), class_name) if class_name else None
