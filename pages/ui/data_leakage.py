"""The Data page's demonstration: the same network with patients kept apart and split at random, side by side."""

import streamlit as st

from core.errors import MedLensError
from core.evaluation.intervals import unit_of
from core.evaluation.leakage import leak_pairs
from core.figures.names import dataset_title, evaluation_of, group_field_of, run_titles, task_title
from core.figures.spread import leakage_figure
from core.figures.text import group_word, method_words, number, plural
from core.language import t
from core.registry.metrics import find_estimate
from core.types import Comparison, DatasetSpec, RunRecord
from pages.ui import cache, data_cache, state
from pages.ui.blocks import chart, error_box, plain

Pair = tuple[RunRecord, RunRecord]


def show_leakage(spec: DatasetSpec) -> None:
    """The pairs on this data set, or, where it has none, on another one that has."""
    pairs = leak_pairs(cache.finished_runs())
    here = [pair for pair in pairs if pair[0].spec.dataset == spec.key] or list(pairs)
    if not here:
        st.markdown(
            t("No two stored runs differ in their split alone. This plan trains two heads twice, with patients kept "
              "apart and at random:")
        )  # fmt: skip
        st.code("python -m core benchmark leakage", language="bash")
        st.page_link("pages/train.py", label=t("Start it on Train"), query_params={state.PLAN: "leakage"})
        return
    dataset = here[0][0].spec.dataset
    if dataset != spec.key:
        st.caption(
            plain(t("No such pair of runs is stored on these data; these are on {dataset}.",
                    dataset=dataset_title(dataset)))
        )  # fmt: skip
    mine = [pair for pair in here if pair[0].spec.label_scheme == here[0][0].spec.label_scheme]
    titles = run_titles([honest for honest, _ in mine])
    by_id = {honest.run_id: (honest, leaky) for honest, leaky in mine}
    figure, words = st.columns([3, 2], gap="large")
    with words:
        key = st.selectbox(t("Network and head"), list(by_id), format_func=titles.__getitem__, key=f"leak-{dataset}")
        _say(by_id[key])
    with figure:
        rows = {titles[honest.run_id]: (_interval(honest), _interval(leaky)) for honest, leaky in mine}
        task = task_title(dataset, mine[0][0].spec.label_scheme)
        chart(
            leakage_figure(rows),
            alt=t("AUC of {n} networks on {task}, with patients kept apart and at random: {words}", n=len(rows),
                  task=task, words="; ".join(f"{name} {number(a[0], 3)} / {number(b[0], 3)}"
                                             for name, (a, b) in rows.items())),
        )  # fmt: skip
        st.caption(plain(f"{dataset_title(dataset)}, {task}"))


def _interval(record: RunRecord) -> tuple[float, float, float]:
    evaluation = evaluation_of(record)
    found = find_estimate(evaluation, "auc") if evaluation is not None else None
    if found is None or found.value is None:
        return (float("nan"),) * 3
    low = found.value if found.low is None else found.low
    return found.value, low, found.value if found.high is None else found.high


def _say(pair: Pair) -> None:
    """The difference with its interval, and in one sentence what the random split pretends."""
    honest, leaky = pair
    try:
        found = data_cache.leak_difference(honest, leaky, unit_of(group_field_of(honest)))
    except MedLensError as error:
        error_box(str(error))
        return
    kept, pretended = _interval(honest)[0], _interval(leaky)[0]
    st.metric(
        t("AUC that the random split adds"), f"{found.difference:+.3f}",
        help=t("95 % interval {low} to {high}; {method}. The two runs are judged on different images, so nothing is "
               "paired.", low=f"{found.low:+.3f}", high=f"{found.high:+.3f}", method=method_words(found.method)),
    )  # fmt: skip
    st.caption(t("95 % interval {low} to {high}", low=f"{found.low:+.3f}", high=f"{found.high:+.3f}"))
    st.markdown(_sentence(found, kept, pretended))
    audit, word = leaky.audit, group_word(group_field_of(leaky))
    if audit is not None:
        st.caption(
            plain(t("In the random split {groups} stand in more than one part.",
                    groups=plural(audit.groups_in_several_splits, word)))
        )  # fmt: skip


def _sentence(found: Comparison, kept: float, pretended: float) -> str:
    values = {"leaky": f"**{pretended:.3f}**", "honest": f"**{kept:.3f}**"}
    if found.low > 0:
        return t("A random split would have pretended an AUC of {leaky}; on people whom it has never seen the same "
                 "network has {honest}.", **values)  # fmt: skip
    if found.high < 0:
        return t("Here the random split gave less ({leaky}) than patients kept apart ({honest}): its test images are "
                 "others, and harder.", **values)  # fmt: skip
    return t("The random split gave {leaky}, patients kept apart {honest}: so many images cannot tell the two apart. "
             "It does not follow that the split does not matter.", **values)  # fmt: skip
