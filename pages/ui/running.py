"""The parts of the Run page: which run, its tiles, its tables, how to make it again."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from core import paths
from core.figures.names import (
    architecture_title,
    asked_facts,
    dataset_title,
    group_field_of,
    head_title,
    run_titles,
    strategy_title,
    task_title,
    training_words,
)
from core.figures.sequences import history_words, settings_words
from core.figures.text import (
    counted,
    duration,
    group_title,
    interval,
    listing,
    method_words,
    metric_title,
    size,
    worst_text,
)
from core.language import retold, t
from core.registry.metrics import find_estimate, metric_spec
from core.store.reproduce import command, plan_name, plan_text
from core.types import Estimate, Evaluation, RunRecord
from pages.ui import cache, state
from pages.ui.blocks import facts, plain
from pages.ui.comparing import by_auc
from pages.ui.importing import origin_facts, origin_words
from pages.ui.linked import linked_select

TILES = ("auc", "balanced_accuracy", "average_precision", "brier")
CLASS_COLUMNS = ("auc", "sensitivity", "specificity", "ppv", "npv", "f1", "average_precision")


def choose_run(records: Sequence[RunRecord]) -> RunRecord:
    """One run, in the URL; the best of each task stands first."""
    tasks: dict[tuple[str, str], list[RunRecord]] = {}
    for record in by_auc(records):
        tasks.setdefault((record.spec.dataset, record.spec.label_scheme), []).append(record)
    labels: dict[str, str] = {}
    for (dataset, scheme), members in sorted(tasks.items(), key=lambda item: (item[0][0] == "phantom", item[0])):
        titles = run_titles(members)
        where = f"{dataset_title(dataset)} / {task_title(dataset, scheme)}"
        for record in members:
            mark = "" if record.status == "done" else f" ({t(record.status)})"
            labels[record.run_id] = f"{where} / {titles[record.run_id]}{mark}"
    asked = st.query_params.get(state.RUN)
    if asked and asked not in labels:
        st.warning(
            t("There is no run “{asked}” here; the first one is shown.", asked=plain(asked)), icon=":material/link_off:"
        )
    chosen = linked_select(t("Run"), list(labels), state.RUN, shown=lambda run_id: labels[run_id])
    return next(r for r in records if r.run_id == chosen)


def show_tiles(record: RunRecord, evaluation: Evaluation) -> None:
    """The overall numbers with their intervals, then on what they stand and which class does worst."""
    found = [find_estimate(evaluation, metric) for metric in TILES]
    tile_row([e for e in found if e is not None], macro=record.task != "binary")
    population = counted(evaluation.n_images, evaluation.n_groups, group_field_of(record))
    method = method_words(found[0].method) if found[0] is not None else ""
    split = t(evaluation.split).capitalize()
    st.caption(
        plain(
            t(
                "{split}: {population}. Brackets: 95 % intervals, {method}.",
                split=split, population=population, method=method,
            )
        )
    )  # fmt: skip
    lowest = worst_text(evaluation)
    if lowest:
        st.markdown(f":material/arrow_downward: {plain(lowest[0].upper() + lowest[1:])}.")


def tile_row(estimates: Sequence[Estimate], *, macro: bool = False) -> None:
    """One tile per estimate: value large, interval below."""
    with st.grid(4, min_column_width=150):
        for estimate in estimates:
            spec = metric_spec(estimate.metric)
            bracket = interval(estimate).partition(" ")[2] if estimate.low is not None else t("no interval")
            title = t(spec.title)
            st.metric(
                t("Macro {metric}", metric=title) if macro and spec.per_class else title,
                interval(estimate).partition(" (")[0],
                delta=bracket,
                delta_color="off",
                delta_arrow="off",
                help=t(spec.meaning),
                border=True,
            )


def class_table(evaluation: Evaluation) -> pd.DataFrame:
    """Every class with its metrics and their intervals, as text."""
    rows = []
    for name in evaluation.class_names:
        found = {metric_title(m): find_estimate(evaluation, m, name) for m in CLASS_COLUMNS}
        rows.append({t("Class"): t(name), **{title: interval(e) if e else "–" for title, e in found.items()}})
    return pd.DataFrame(rows)


def estimate_table(evaluation: Evaluation) -> pd.DataFrame:
    """Every stored number of one split, with its method."""
    return pd.DataFrame(
        {
            t("Metric"): metric_title(e.metric),
            t("Class"): t(e.class_name) if e.class_name else t("overall"),
            t("Value"): e.value,
            t("Low"): e.low,
            t("High"): e.high,
            t("Method"): method_words(e.method),
        }
        for e in evaluation.estimates
    )


def count_table(record: RunRecord) -> pd.DataFrame:
    """Images per class and groups, for each split."""
    group = group_title(group_field_of(record))
    return pd.DataFrame(
        {
            t("Split"): t(c.split),
            t("Images"): c.n_images,
            group: c.n_groups,
            **{t(name): c.images_per_class.get(name, 0) for name in record.class_names},
        }
        for c in record.counts
    )


def show_downloads(record: RunRecord) -> None:
    """The command, the plan file it reads, and the files of the run."""
    if record.spec.strategy == "imported":
        st.markdown(origin_words(record))
        with st.container(horizontal=True):
            _stored_files(record)
        return
    text = plan_text(record.spec, f"Again: {record.run_id}")
    st.markdown(t("Save the plan below, then run this in the folder of MedLens (DIR: the folder of the data set):"))
    st.code(command(record.spec, record.run_id), language="bash")
    if record.spec.weights.startswith("run:"):
        source = plain(record.spec.weights[4:])
        st.caption(t("It starts from the network of {run}, which must be there first.", run=source))
    if record.spec.members:
        members = listing([plain(name) for name in record.spec.members])
        st.caption(t("It joins the scores of {runs}, which must be there first.", runs=members))
    with st.container(horizontal=True):
        st.download_button(
            t("Plan (TOML)"), text, plan_name(record.run_id), "application/toml", icon=":material/download:",
            on_click="ignore",
        )  # fmt: skip
        _stored_files(record)
    with st.expander(t("The plan file")):
        st.code(text, language="toml")


def _stored_files(record: RunRecord) -> None:
    for name, mime in (("run.json", "application/json"), ("predictions.csv", "text/csv")):
        path = paths.results_folder() / record.run_id / name
        if path.is_file():
            st.download_button(
                name, path.read_bytes, f"{record.run_id}-{name}", mime, icon=":material/download:",
                on_click="ignore",
            )  # fmt: skip


def prevalence(record: RunRecord, class_name: str) -> float | None:
    """The share of test images that show a class, as the average precision of a random ranking."""
    from core.evaluation.curves import chance_level

    return chance_level(cache.predictions(record), class_name) if class_name else None


def spec_facts(record: RunRecord) -> Mapping[str, object]:
    """The spec, field by field, in the order of a reader's questions."""
    spec, histories = record.spec, history_words(record)
    if spec.strategy == "imported":
        return origin_facts(record)
    shape = spec.preprocess
    return {
        t("Data set"): dataset_title(spec.dataset),
        t("Task"): task_title(spec.dataset, spec.label_scheme),
        t("Network"): strategy_title(spec.strategy) if spec.members else t(
            "{network}, weights: {weights}, {strategy}",
            network=architecture_title(spec.architecture), weights=t(spec.weights),
            strategy=strategy_title(spec.strategy),
        ),
        t("Head"): head_title(spec.head),
        **({t("Earlier images"): histories} if histories else {}),
        t("Settings chosen on validation"): settings_words(record),
        t("Rule of the cuts"): spec.threshold_rule,
        t("Input"): t(
            "{side} px, {how}, contrast {contrast}",
            side=shape.size_px, how=t(shape.resize_mode), contrast=t(shape.contrast),
        ),
        t("Augmentation"): _changed(spec.augmentation),
        t("Balance"): t(spec.balance),
        **asked_facts(spec),
        t("Training"): training_words(spec),
        t("Split"): ", ".join([
            t(spec.split), t("seed {number}", number=spec.split_seed),
            *([] if spec.fold is None else [t("fold {number}", number=spec.fold)]),
        ]),
        t("Seed"): spec.seed,
        t("Data options"): ", ".join(f"{k} = {v}" for k, v in spec.dataset_options.items()) or t("none"),
        t("Left out"): ", ".join(f"{n} ({retold(why)})" for why, n in record.dropped.items()) or t("nothing"),
    }  # fmt: skip


def _changed(augmentation: object) -> str:
    names = [n for n in type(augmentation).__dataclass_fields__ if getattr(augmentation, n)]  # type: ignore[attr-defined]
    return ", ".join(f"{n} {getattr(augmentation, n)}" for n in names).replace(" True", "") or t("none")


def show_facts(record: RunRecord) -> None:
    """Spec on the left; what it cost and with what it was computed on the right."""
    left, right = st.columns(2, gap="medium")
    with left:
        facts(spec_facts(record), alt=t("The spec of this run"))
    with right:
        environment = record.environment
        facts(
            {
                t("Run"): record.run_id,
                t("Made"): record.created_utc,
                t("Time"): ", ".join(f"{t(stage)} {duration(s)}" for stage, s in record.seconds.items()),
                t("Weights"): t(
                    "{total} in all, {trained} trained",
                    total=f"{record.params_total:,}", trained=f"{record.params_trained:,}",
                ),
                t("Size"): size(record.model_bytes),
                t("Memory at most"): size(record.peak_memory_bytes),
                t("Data fingerprint"): record.dataset_fingerprint,
                t("Software"): ""
                if environment is None
                else t(
                    "Python {python}, Keras {keras} on {backend}, NumPy {numpy}, scikit-learn {sklearn}",
                    python=environment.python, keras=environment.keras, backend=environment.backend or "–",
                    numpy=environment.numpy, sklearn=environment.sklearn,
                ),
                t("Machine"): ""
                if environment is None
                else t("{cpu}, {cores} cores", cpu=environment.cpu, cores=environment.cores),
                t("Commit"): "" if environment is None else environment.commit,
            },
            alt=t("What this run cost and with what it was computed"),
        )  # fmt: skip
