"""The Compare page's choices and tables: which runs belong together, which stand for a head, what a row says."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
import streamlit as st

from core.errors import MedLensError
from core.evaluation.intervals import unit_of
from core.figures.leaderboard import never_called
from core.figures.names import (
    dataset_title,
    evaluation_of,
    group_field_of,
    run_title,
    split_kind_of,
    strategy_title,
    task_title,
)
from core.figures.text import (
    audit_text,
    duration,
    estimate_text,
    group_title,
    interval,
    method_words,
    plural,
    split_badge,
    worst_text,
)
from core.language import retold, t, tn
from core.registry.metrics import find_estimate, worst_class
from core.store.runs import RunListing
from core.types import RunRecord
from pages.ui import cache, state
from pages.ui.blocks import error_box, plain, split_badges
from pages.ui.linked import linked_select

MOST_COMPARED = 10
ROWS_SHOWN = 20  # a longer table scrolls in itself


def choose_task(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Data set and task, both in the URL; returns their finished runs, the highest AUC first.

    What has most runs stands first, so that the page opens on something to compare; phantoms stand last.
    """
    datasets = most_first(r.spec.dataset for r in records)
    first, second = st.columns(2)
    with first:
        dataset = linked_select(t("Data set"), datasets, state.DATASET, shown=dataset_title)
    # runs on a share of the training part are points of a learning curve, which the page Run draws
    here = [r for r in records if r.spec.dataset == dataset and r.spec.train_share == 1]
    tasks = most_first(r.spec.label_scheme for r in here)
    with second:
        task = linked_select(t("Task"), tasks, state.TASK, shown=lambda key: task_title(dataset, key))
    return by_auc([r for r in here if r.spec.label_scheme == task])


def most_first(keys: Iterable[str]) -> list[str]:
    """Each key once, the most frequent first and equals by name; phantoms last, however many there are."""
    counts = Counter(keys)
    return sorted(counts, key=lambda key: (key == "phantom", -counts[key], key))


def by_auc(records: Sequence[RunRecord]) -> list[RunRecord]:
    """The highest test AUC first; runs whose split leaks stand after all others, runs without an AUC last."""
    return sorted(records, key=lambda r: (_auc(r) < 0, split_kind_of(r) == "random", -_auc(r), r.run_id))


def _auc(record: RunRecord) -> float:
    evaluation = evaluation_of(record)
    found = find_estimate(evaluation, "auc") if evaluation is not None else None
    return found.value if found is not None and found.value is not None else -1.0


def comparable(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """Runs on the same images with the same split, the largest group first: only they are compared in pairs."""
    groups: dict[object, list[RunRecord]] = {}
    for record in records:
        spec = record.spec
        key = (record.dataset_fingerprint, split_kind_of(record), spec.split_seed, spec.fold)
        groups.setdefault(key, []).append(record)
    return sorted(groups.values(), key=len, reverse=True)


def best_of_heads(records: Sequence[RunRecord]) -> list[RunRecord]:
    """For each head its run with the highest AUC, best first; the majority class is left to the table."""
    found: dict[str, RunRecord] = {}
    for record in by_auc(records):
        if record.spec.head != "dummy":
            found.setdefault(record.spec.head, record)
    return list(found.values()) or by_auc(records)[:1]


def one_of_each(records: Sequence[RunRecord]) -> list[RunRecord]:
    """For each network and head the run with the highest AUC, in the order of the networks' names."""
    found: dict[tuple[str, str], RunRecord] = {}
    for record in by_auc(records):
        found.setdefault((record.spec.architecture, record.spec.head), record)
    return list(found.values())


def choose_class(names: Sequence[str], key: str) -> str:
    """Which class the curves are of; nothing to choose where there is one."""
    if len(names) < 2:
        return names[0] if names else ""
    label = t("Class, against all others")
    if len(names) <= 4:
        return str(
            st.segmented_control(label, names, default=names[0], required=True, key=f"class-{key}", format_func=t)
        )
    return str(st.selectbox(label, names, key=f"class-{key}", format_func=t))


def show_verdict(group: Sequence[RunRecord], titles: Mapping[str, str], *, others: int) -> None:
    """The sentence: the best run of each head, paired on the same test images."""
    from core.evaluation.verdict import verdict_of

    rivals = best_of_heads(group)
    unit = unit_of(group_field_of(rivals[0]))
    try:
        ranking = cache.ranking(rivals, unit)
    except MedLensError as error:
        error_box(str(error))
        return
    st.markdown(f"#### {plain(verdict_of(ranking, titles, unit=unit))}")
    said = [
        t("Each head stands with the network that does best for it on test, which flatters all of them a little."),
        t("Difference on the same images:"),
    ]
    if ranking.comparisons:
        said.append(t("{method}; brackets are 95 % intervals.", method=method_words(ranking.comparisons[0].method)))
    if others:
        said.append(t("{runs} on another split or other images: left out.", runs=plural(others, "run")))
    st.caption(" ".join(said))
    split_badges(rivals[0])


def column_names(records: Sequence[RunRecord]) -> dict[str, str]:
    """Key of a leaderboard column to its name, in order."""
    group = group_title(group_field_of(records[0]) if records else "group")
    return {
        "run": t("Run"), "auc": "AUC", "interval": t("95 % interval"), "worst": t("Worst class"),
        "worst_value": t("its sensitivity"), "never": t("Never predicted"), "split": t("Split"), "open": t("Open"),
        "groups": group, "images": t("Images"), "balanced": t("Balanced accuracy"), "brier": t("Brier score"),
        "calibration": t("Calibration error"), "trained": t("Trained in"), "params": t("Weights trained"),
        "megabytes": "MB", "strategy": t("Training of the network"), "seed": t("Seed"), "fold": t("Fold"),
        "run_id": t("Run id"),
    }  # fmt: skip


def leaderboard_table(records: Sequence[RunRecord], titles: Mapping[str, str]) -> pd.DataFrame:
    """What the table shows, a row a run in the order given; numbers stay numbers, so that columns can be sorted."""
    names, rows = column_names(records), []
    for record in records:
        evaluation = evaluation_of(record)
        if evaluation is None:
            continue
        value = {
            m: e.value
            for m in ("auc", "balanced_accuracy", "brier", "calibration_error")
            if (e := find_estimate(evaluation, m)) is not None
        }
        auc, worst = find_estimate(evaluation, "auc"), worst_class(evaluation, "sensitivity")
        never = [] if record.spec.head == "dummy" else never_called(record)
        row = {
            "run": titles[record.run_id],
            "auc": value.get("auc"),
            "interval": interval(auc, 3).partition(" ")[2].strip("()") if auc else "",
            "worst": t(str(worst.class_name)) if worst else "",
            "worst_value": worst.value if worst else None,
            "never": ", ".join(f"{t(name)} (0/{n})" for name, n in never),
            "split": split_badge(record.audit, record.spec),
            "open": f"run?run={record.run_id}",
            "groups": evaluation.n_groups,
            "images": evaluation.n_images,
            "balanced": value.get("balanced_accuracy"),
            "brier": value.get("brier"),
            "calibration": value.get("calibration_error"),
            "trained": duration(sum(record.seconds.values())),
            "params": record.params_trained or None,
            "megabytes": record.model_bytes / 1e6 or None,
            "strategy": strategy_title(record.spec.strategy),
            "seed": record.spec.seed,
            "fold": record.spec.fold,
            "run_id": record.run_id,
        }
        rows.append({names[key]: cell for key, cell in row.items()})
    return pd.DataFrame(rows)


def show_table(frame: pd.DataFrame, alt: str, *, columns: Sequence[str] | None = None) -> None:
    """The leaderboard as a table to sort, each row with a link to its run; `columns` are those seen, by name."""
    two = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        frame,
        hide_index=True,
        width="stretch",
        height="content" if len(frame) <= ROWS_SHOWN else "auto",
        column_order=columns,
        column_config={
            t("Run"): st.column_config.TextColumn(),
            "AUC": st.column_config.NumberColumn(format="%.3f", pinned=True),
            t("its sensitivity"): two,
            t("Balanced accuracy"): two,
            t("Brier score"): two,
            t("Calibration error"): two,
            "MB": st.column_config.NumberColumn(format="%.1f"),
            t("Open"): st.column_config.LinkColumn(display_text=t("open"), help=t("Everything about this run")),
        },
        alt=alt,
    )


def show_headline(record: RunRecord, titles: Mapping[str, str]) -> None:
    """A run's name, its AUC with all that belongs to it, and its worst class."""
    evaluation = evaluation_of(record)
    st.markdown(f"**{plain(titles[record.run_id])}**")
    if evaluation is None:
        return
    auc = find_estimate(evaluation, "auc")
    if auc is not None:
        said = estimate_text(auc, group_field_of(record))
        if record.task != "binary":
            said = t("macro {metric}", metric=said)
        st.caption(plain(f"{said}; {worst_text(evaluation)}"))


def show_unfinished(stored: RunListing, dataset: str, task: str) -> None:
    """Interrupted and failed runs of this task: named and marked, never ranked."""
    unfinished = [
        r for r in stored.records
        if r.status != "done" and r.spec.dataset == dataset and r.spec.label_scheme == task
    ]  # fmt: skip
    if not unfinished:
        return
    title = t("{runs} not finished, and not ranked", runs=plural(len(unfinished), "run"))
    with st.expander(title, icon=":material/pause_circle:"):
        for record in unfinished:
            reason = f": {plain(retold(record.failure))}" if record.failure else ""
            st.markdown(f"- **{plain(run_title(record.spec))}**, {t(record.status)}{reason}")
        st.caption(t("`python -m core benchmark` with the same plan goes on where they stopped."))


def leak_warning(records: Sequence[RunRecord], titles: Mapping[str, str]) -> None:
    """One box for the runs whose split leaks: their numbers are no rivals of the others."""
    leaking = [r for r in records if split_kind_of(r) == "random"]
    if not leaking:
        return
    found = " ".join(dict.fromkeys(audit_text(r.audit) for r in leaking))
    said = tn(
        "{names}: {found} It is here to show what leakage does, and is left out of the sentence above.",
        "{n} runs on a random split: {found} They are here to show what leakage does, and are left out of the sentence "
        "above.", len(leaking), names=plain(titles[leaking[0].run_id]), found=plain(found),
    )  # fmt: skip
    st.warning(said, icon=":material/warning:")
