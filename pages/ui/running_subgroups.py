"""The part of the Run page about subgroups: sex, age, view, place, source; or why there are none."""

import pandas as pd
import streamlit as st

from core.evaluation.subgroups import FIELDS, METRICS, OTHERS, UNKNOWN, SubgroupTable
from core.figures.names import dataset_title, evaluation_of
from core.figures.subgroups import subgroups_figure
from core.figures.text import metric_title
from core.language import t
from core.registry.metrics import find_estimate
from core.types import Evaluation, RunRecord
from pages.ui import running_cache
from pages.ui.blocks import plain
from pages.ui.charts import chart_with_numbers


def field_title(field: str) -> str:
    """What a column of the data set's table is called."""
    return {
        "sex": t("Sex"), "age": t("Age"), "view": t("View"), "site": t("Place or collection"),
        "source": t("Data set of a union"),
    }[field]  # fmt: skip


def part_title(name: str) -> str:
    """What a part is called: the table's own word, but for those that the evaluation gives."""
    return {UNKNOWN: t("not stated"), OTHERS: t("all others")}.get(name, name)


def why_not(reason: str, field: str, record: RunRecord) -> str:
    """Why there are no subgroups by a field."""
    data = dataset_title(record.spec.dataset)
    return {
        "not here": t("{field}: not available. The table of {data} is not on this machine, and a run stores scores "
                      "alone.", field=field_title(field), data=data),
        "no column": t("{field}: not available. {data} does not state it.", field=field_title(field), data=data),
        "one value": t("{field}: not available. All test images are alike in it.", field=field_title(field)),
        "no match": t("{field}: not available. The table states it for none of the test images.",
                      field=field_title(field)),
    }[reason]  # fmt: skip


@st.fragment
def show_subgroups(record: RunRecord, evaluation: Evaluation) -> None:
    """Each subgroup with its number and interval, the gap with its interval, and what is not available."""
    left, right = st.columns(2)
    overall = t("all classes") if evaluation.positive_class is None else str(evaluation.positive_class)
    with left:
        metric = str(st.segmented_control(t("Measure"), METRICS, default="auc", format_func=metric_title,
                                          required=True, key=f"sub-metric-{record.run_id}"))  # fmt: skip
    with right:
        names = [overall] if evaluation.positive_class is not None else [overall, *evaluation.class_names]
        chosen = overall
        if len(names) > 1:
            chosen = str(
                st.selectbox(t("Class, against all others"), names, key=f"sub-class-{record.run_id}", format_func=t)
            )
    class_name = None if chosen == overall else chosen
    whole = find_estimate(evaluation, metric, class_name)
    missing = []
    for field in FIELDS:
        found = running_cache.subgroups(record, field, class_name, metric)
        if isinstance(found, str):
            missing.append(why_not(found, field, record))
            continue
        _show_field(record, found, whole.value if whole is not None else None)
    if missing:
        st.markdown("\n".join(f"- {plain(line)}" for line in missing))
    st.caption(
        t("Parts of fewer than 20 images, or without both sides, have no estimate. The gap is between the two parts "
          "that lie farthest apart, which makes it look larger than it is: a question for new data, not a finding. For "
          "all classes each part has the mean over the classes that it shows; without an interval it is no part of a "
          "gap.")
    )  # fmt: skip


def gap_words(table: SubgroupTable) -> str:
    """ "AUC is 0.04 (−0.01 to 0.09) higher for F than for M: these images cannot tell." """
    if table.gap is None:
        return t("Fewer than two parts can be judged, so there is no gap to state.")
    value, low, high = table.gap
    said = {
        "metric": metric_title(table.metric), "value": f"{value:.3f}", "best": part_title(table.best),
        "worst": part_title(table.worst), "low": "–" if low is None else f"{low:.3f}".replace("-", "−"),
        "high": "–" if high is None else f"{high:.3f}".replace("-", "−"),
    }  # fmt: skip
    if low is not None and low > 0:
        return t("{metric} is {value} ({low} to {high}) higher for {best} than for {worst}.", **said)
    return t("{metric} is {value} ({low} to {high}) higher for {best} than for {worst}: these images cannot tell.",
             **said)  # fmt: skip


def _show_field(record: RunRecord, table: SubgroupTable, whole: float | None) -> None:
    st.subheader(field_title(table.field), anchor=False)
    st.markdown(plain(gap_words(table)))
    rows = [
        (
            part_title(part.name), part.n_images, part.n_positive if part.n_positive else None,
            next((e for e in part.estimates if e.metric == table.metric), None),
        )
        for part in table.parts
    ]  # fmt: skip
    frame = pd.DataFrame(
        {
            "run_id": record.run_id, "split": "test", "field": table.field, "part": part.name,
            "images": part.n_images, "groups": part.n_groups, "with_class": part.n_positive, "metric": e.metric,
            "value": e.value, "low": e.low, "high": e.high,
        }
        for part in table.parts for e in part.estimates
    )  # fmt: skip
    chart_with_numbers(
        subgroups_figure(rows, table.metric, whole), frame, alt=gap_words(table),
        name=f"subgroups-{table.field}-{record.run_id}", key=f"subgroups-{table.field}",
    )  # fmt: skip


def subgroup_lines(record: RunRecord) -> list[str]:
    """Item 21 of the model card: the gap by each field, or why there is none."""
    evaluation = evaluation_of(record)
    if evaluation is None:
        return []
    lines = []
    for field in FIELDS:
        found = running_cache.subgroups(record, field, None, "auc")
        if isinstance(found, str):
            lines.append(why_not(found, field, record))
        else:
            parts = ", ".join(f"{part_title(p.name)} {p.n_images:,}" for p in found.parts)
            lines.append(f"{field_title(field)} ({parts}): {gap_words(found)}")
    return lines
