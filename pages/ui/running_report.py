"""The part of the Run page with the 25 things a report must say, and the model card made of them."""

import streamlit as st

from core.errors import MedLensError, StoreError
from core.evaluation.cut_table import per_people
from core.evaluation.failures import confused_pairs
from core.figures.names import evaluation_of, run_title
from core.figures.report_card import card_html, card_json, card_markdown, not_stated
from core.figures.reporting import TYPED, item_titles, report_items
from core.figures.text import interval, metric_title, percent
from core.language import t
from core.registry.metrics import find_estimate
from core.store.notes import load_notes, write_statement
from core.store.reproduce import command
from core.types import Evaluation, ModelCard, RunRecord
from pages.ui import cache, headlines_cache, running_cache
from pages.ui.blocks import error_box, plain
from pages.ui.running_probability import three
from pages.ui.running_subgroups import subgroup_lines

PREVALENCES = (0.01, 0.1)
ITEMS = 25
PAIRS = 3
FAILED = "statement-failed"  # session state: why the last statement could not be kept


@st.fragment
def show_report(record: RunRecord) -> None:
    """All items with their answers, the card to take along, and a form for what no run knows."""
    try:
        statements = dict(load_notes(record.run_id).statements)
    except StoreError as error:
        error_box(str(error))
        statements = {}
    card = next((c for c in cache.model_listing().cards if c.run_id == record.run_id), None)
    items = report_items(
        record, card, extras=_extras(record, card), statements=statements, command=command(record.spec, record.run_id)
    )
    stated = sum(bool(item.answers) for item in items)
    st.markdown(
        t("{n} of {all} items are stated. What is missing says so; a card that hides it would be worth less.", n=stated,
          all=ITEMS)
    )  # fmt: skip
    title = t("Model card: {run}", run=run_title(record.spec))
    with st.container(horizontal=True):
        for label, text, suffix, mime in (
            ("Markdown", card_markdown(title, items), "md", "text/markdown"),
            ("HTML", card_html(title, items), "html", "text/html"),
            ("JSON", card_json(title, items), "json", "application/json"),
        ):
            st.download_button(
                label, text, f"model-card-{record.run_id}.{suffix}", mime, key=f"card-{suffix}-{record.run_id}",
                on_click="ignore", icon=":material/download:",
            )  # fmt: skip
    for item in items:
        lines = "\n".join(f"- {plain(answer)}" for answer in item.answers) or f"*{not_stated()}*"
        st.markdown(f"**{item.number}. {plain(item.title)}**\n\n{lines}")
    _form(record, statements)
    st.caption(
        t("The list follows TRIPOD+AI, CLAIM 2024 and model cards, in our own words; it is not a checked checklist.")
    )


def _form(record: RunRecord, statements: dict[str, str]) -> None:
    """What a person states once: kept in the reader's own file, never in the run."""
    titles = item_titles()
    with st.expander(t("State what no run can know"), icon=":material/edit_note:"):
        number = int(
            st.selectbox(t("Item"), TYPED, format_func=lambda n: f"{n}. {titles[n]}", key=f"item-{record.run_id}")
        )
        with st.form(f"statement-{record.run_id}-{number}", border=False):
            st.text_area(
                t("Statement"), statements.get(str(number), ""), max_chars=2000, key=f"said-{record.run_id}-{number}"
            )
            st.form_submit_button(
                t("Keep"), icon=":material/save:", on_click=_keep, args=(record.run_id, str(number))
            )  # fmt: skip
        failed = st.session_state.pop(FAILED, None)
        if failed:
            error_box(failed)


def _keep(run_id: str, number: str) -> None:
    """Write the statement before the page is drawn again."""
    try:
        write_statement(run_id, number, st.session_state[f"said-{run_id}-{number}"])
    except (StoreError, OSError) as error:
        st.session_state[FAILED] = str(error)


def _extras(record: RunRecord, card: ModelCard | None) -> dict[int, list[str]]:
    """Answers that are computed from the predictions: 17, 19 to 22."""
    evaluation = evaluation_of(record)
    if evaluation is None:
        return {}
    found: dict[int, list[str]] = {20: _simple(record, evaluation), 22: _failures(evaluation)}
    name = str(evaluation.positive_class) if evaluation.positive_class is not None else None
    try:
        found[21] = subgroup_lines(record)
        if name is not None:
            found[17] = _elsewhere(record, evaluation, name)
            before, after = running_cache.recalibrations(record, name)
            found[19] = [t("Slope {slope}, intercept at slope 1 {large}", slope=three(before.slope),
                           large=three(before.in_the_large))]  # fmt: skip
            if after is not None:
                found[19].append(t("After the temperature: slope {slope}, intercept at slope 1 {large}",
                                   slope=three(after.slope), large=three(after.in_the_large)))  # fmt: skip
    except MedLensError as error:
        found[21] = [str(error)]
    return found


def _elsewhere(record: RunRecord, evaluation: Evaluation, name: str) -> list[str]:
    cut = evaluation.threshold.values.get(name)
    if cut is None:
        return []
    table = running_cache.cut_table(record, name)
    lines = []
    for prevalence in PREVALENCES:
        told = per_people(table, cut, prevalence)
        lines.append(
            t("Where {share} have it: PPV {ppv}, NPV {npv}", share=percent(prevalence), ppv=three(told.ppv),
              npv=three(told.npv))
        )  # fmt: skip
    return lines


def _simple(record: RunRecord, evaluation: Evaluation) -> list[str]:
    """The commonest class called always, and the simplest stored run on the same data."""
    lines = []
    if evaluation.task != "multilabel":
        rows = {n: sum(row) for n, row in zip(evaluation.class_names, evaluation.confusion, strict=True)}
        common = max(rows, key=lambda n: rows[n])
        accuracy = find_estimate(evaluation, "accuracy")
        lines.append(
            t("Calling {name} always would be right in {share} of the test images; this run is in {own}.",
              name=t(common), share=percent(rows[common] / max(1, sum(rows.values()))),
              own=interval(accuracy) if accuracy is not None else "–")
        )  # fmt: skip
    for other in headlines_cache.finished_headlines():
        same = (other.dataset_fingerprint, other.spec.label_scheme) == (
            record.dataset_fingerprint, record.spec.label_scheme,
        )  # fmt: skip
        auc = find_estimate(tested, "auc") if same and (tested := evaluation_of(other)) is not None else None
        if auc is not None and other.spec.head == "logistic_regression" and other.run_id != record.run_id:
            lines.append(t("{run}: {metric} {value}", run=run_title(other.spec), metric=metric_title("auc"),
                           value=interval(auc)))  # fmt: skip
            break
    return lines


def _failures(evaluation: Evaluation) -> list[str]:
    if evaluation.task == "multilabel":
        return [
            t("{name}: {fn} missed, {fp} false alarms", name=t(name), fn=row[2], fp=row[1])
            for name, row in zip(evaluation.class_names, evaluation.confusion, strict=True)
        ]
    return [
        t("{truth} called {decision}: {n} of {all}", truth=t(a), decision=t(b), n=n, all=of)
        for a, b, n, of in confused_pairs(evaluation.confusion, evaluation.class_names)[:PAIRS]
    ]
