"""The lesson on ROC: a threshold is dragged over the stored scores of a run, and the curve grows point by point."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from core.evaluation.operating import at_threshold
from core.figures.learn_charts import growing_roc, heaps_figure
from core.figures.names import dataset_title, evaluation_of, run_titles, task_title
from core.figures.text import counted, interval
from core.language import t
from core.registry.lessons import ROC_RUN
from core.registry.metrics import find_estimate
from core.types import Evaluation, RunRecord
from pages.ui import cache, learn_cache, state
from pages.ui.blocks import chart, empty_state, plain, split_badges
from pages.ui.learn_lesson import ask_the_class, lesson_head
from pages.ui.linked import linked_select
from pages.ui.presenting import presenting, prose_px


def roc_lesson() -> None:
    """Sensitivity against false alarms, threshold by threshold."""
    lesson_head(
        t("A ROC curve, point by point"),
        t("A network gives a score; people choose the threshold. The curve is every choice at once."),
    )
    runs = binary_runs(cache.finished_runs(), ROC_RUN)
    if not runs:
        empty_state(t("No finished run with two classes yet."), "make benchmark")
        return
    titles = run_names(runs)
    asked = st.query_params.get(state.RUN)
    if presenting():  # the picker is hidden there, the link chooses
        run_id = asked if asked in runs else next(iter(runs))
    else:
        run_id = linked_select(t("Scores of"), list(runs), state.RUN, shown=titles.__getitem__)
    record = runs[run_id]
    _drag(record)
    ask_the_class(
        [
            t("Where would you put the threshold if a missed finding costs ten times as much as a false alarm?"),
            t("Two networks have the same AUC. Can one of them still be the better one at your threshold?"),
            t("Half as many people are ill next year. What happens to the curve, and what to the alarms?"),
        ]
    )
    st.caption(t("{scores}. Run: {run_id}.", scores=plain(titles[run_id]), run_id=plain(run_id)), width=prose_px())
    if not presenting():
        split_badges(record)


def binary_runs(records: tuple[RunRecord, ...], first: str) -> dict[str, RunRecord]:
    """The runs with a ROC curve of one positive class, `first` in front; the majority class has no curve to draw."""
    found = [r for r in records if r.task == "binary" and r.spec.head != "dummy" and _evaluation(r).curves]
    found.sort(key=lambda r: (r.run_id != first, r.run_id))
    return {record.run_id: record for record in found}


def run_names(runs: Mapping[str, RunRecord]) -> dict[str, str]:
    """Run id -> data, task and recipe; runs are told apart among those of their own task alone."""
    tasks: dict[tuple[str, str], list[RunRecord]] = {}
    for record in runs.values():
        tasks.setdefault((record.spec.dataset, record.spec.label_scheme), []).append(record)
    return {
        run_id: f"{dataset_title(dataset)}, {task_title(dataset, scheme)}: {title}"
        for (dataset, scheme), alike in tasks.items()
        for run_id, title in run_titles(alike).items()
    }


def _evaluation(record: RunRecord) -> Evaluation:
    evaluation = evaluation_of(record)
    if evaluation is None:  # finished runs have one
        raise ValueError(record.run_id)
    return evaluation


@st.fragment
def _drag(record: RunRecord) -> None:
    evaluation = _evaluation(record)
    name = str(evaluation.positive_class)
    other = next(c for c in evaluation.class_names if c != name)
    called = t(name)  # what the reader calls it
    cut = st.slider(
        t("Threshold: drag it down from 1"), 0.0, 1.0, 1.0, step=0.005, format="%.3f", key=f"roc-cut-{record.run_id}"
    )
    table = cache.threshold_table(record, name)
    point = at_threshold(table, cut)
    cuts, alarms, found = learn_cache.roc_path(record, name)
    tried = cuts >= cut - 1e-9
    here = (point.fp / max(1, point.fp + point.tn), point.tp / max(1, point.tp + point.fn))
    drawn = (np.append(alarms[tried], here[0]), np.append(found[tried], here[1]))
    if tried[0]:  # nothing is called above every score: there the curve begins
        drawn = (np.insert(drawn[0], 0, 0.0), np.insert(drawn[1], 0, 0.0))
    stored = next(c for c in evaluation.curves if c.kind == "roc" and c.class_name == name)
    st.markdown(
        t(
            "From **{cut}** on the network calls “{name}”: it finds **{tp}** of {ill} and raises **{fp}** false alarms "
            "on {healthy} others. That is one point: sensitivity **{sensitivity}**, false alarms **{alarms}**.",
            cut=f"{cut:.3f}", name=plain(called), tp=f"{point.tp:,}", ill=f"{point.tp + point.fn:,}",
            fp=f"{point.fp:,}", healthy=f"{point.fp + point.tn:,}", sensitivity=f"{here[1]:.3f}",
            alarms=f"{here[0]:.3f}",
        ),
    )  # fmt: skip
    left, right = st.columns(2, gap="medium")
    with left:
        chart(
            heaps_figure(table.positives.tolist(), table.negatives.tolist(), cut, names=(called, t(other))),
            alt=t("Scores of images with {name} above the line and without it below; the threshold is {cut}",
                  name=called, cut=f"{cut:.3f}"),
            key=f"roc-scores-{record.run_id}",
        )  # fmt: skip
    with right:
        chart(
            growing_roc(drawn, here, whole=(stored.x, stored.y)),
            alt=t("The ROC curve down to threshold {cut}: sensitivity {sensitivity} at false alarms {alarms}",
                  cut=f"{cut:.3f}", sensitivity=f"{here[1]:.3f}", alarms=f"{here[0]:.3f}"),
            key=f"roc-growing-{record.run_id}",
        )  # fmt: skip
    auc = find_estimate(evaluation, "auc")
    if auc is not None:
        group = record.audit.group_field if record.audit is not None else "image"
        st.markdown(
            t(
                "At 0 the curve is whole. The area under it, **AUC {auc}**, is how often a random image with “{name}” "
                "scores higher than a random one without: {population}, {split}.",
                auc=interval(auc), name=plain(called), population=counted(auc.n_images, auc.n_groups, group),
                split=t(auc.split),
            ),
            width=prose_px(),
        )  # fmt: skip
