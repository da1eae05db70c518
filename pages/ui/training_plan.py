"""The Train page's first half: a shipped plan or choices of one's own, its runs, their time, and the command.

Nothing typed here reaches a command line: plans come from the catalogue, or are written by core/jobs/choices.py.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.errors import MedLensError
from core.figures.names import architecture_title, dataset_title, head_title, run_title, strategy_title, task_title
from core.figures.text import duration
from core.jobs import choices, queue
from core.jobs.choices import TRAINING_VARIABLE, training_refused
from core.jobs.estimate import PlannedRun, planned, total_seconds
from core.jobs.plans import missing_data
from core.language import t, tn
from core.registry.architectures import ARCHITECTURES
from core.registry.datasets import DATASETS
from core.registry.labels import AS_IS
from core.serve.access import TOKEN_VARIABLE, is_loopback
from core.types import RunSpec
from pages.ui import cache, state, train_cache
from pages.ui.blocks import error_box, plain
from pages.ui.linked import linked_select

TABLE_PX = 420  # a longer table scrolls in itself
MOST_EPOCHS = 500
OWN_DATA = ("folder", "csv")  # a folder of one's own is named on the command line


@dataclass(frozen=True, slots=True)
class Chosen:
    """What would be trained: the plan's name on the command line, its title and runs, and its text where it is new."""

    plan: str
    title: str
    specs: tuple[RunSpec, ...]
    own_plan: str | None = None


def refusal_here() -> choices.Refusal:
    """Why visitors of this server may not start trainings or add results; "" when they may."""
    address = st.get_option("server.address") or "0.0.0.0"
    return training_refused(
        loopback=is_loopback(str(address)),
        token=bool(os.environ.get(TOKEN_VARIABLE, "").strip()),
        switch=os.environ.get(TRAINING_VARIABLE, ""),
    )


def say_refusal(refusal: choices.Refusal) -> None:
    """One sentence on why nothing can be started here; nothing at all where it can."""
    if refusal == "switched off":
        st.info(
            t("Whoever runs this server has switched training off (MEDLENS_TRAINING=off). Plans can be looked at, and "
              "their commands copied."),
            icon=":material/lock:",
        )  # fmt: skip
    elif refusal:
        st.info(
            t("Anybody can reach this server, so it lets no visitor start a training. Whoever runs it sets a token, or "
              "MEDLENS_TRAINING=on."),
            icon=":material/lock:",
        )  # fmt: skip


def choose() -> Chosen | None:
    """A shipped plan or a choice of one's own; None after an error box."""
    ways = {"plan": t("A plan that ships"), "own": t("A choice of your own")}
    way = st.segmented_control(
        t("Take"), list(ways), format_func=ways.__getitem__, default="plan", key="train-way",
        label_visibility="collapsed", required=True,
    )  # fmt: skip
    try:
        return _own_choice() if way == "own" else _shipped_plan()
    except MedLensError as error:
        error_box(str(error))
        return None


def _shipped_plan() -> Chosen:
    plans = train_cache.plans()
    order = sorted(plans, key=lambda key: key != "phantom")  # first the one that needs no download
    key = linked_select(t("Plan"), order, state.PLAN, shown=lambda key: f"{key}: {t(plans[key].title)}")
    return Chosen(key, plans[key].title, plans[key].runs)


def _own_choice() -> Chosen | None:
    here = ["phantom", *(key for key in cache.datasets_at_hand() if key not in OWN_DATA)]
    first, second, third = st.columns(3)
    dataset = first.selectbox(t("Data set"), here, format_func=dataset_title, key="own-dataset")
    schemes = list(DATASETS[dataset].label_schemes) or [AS_IS]
    scheme = first.selectbox(
        t("Task"), schemes, format_func=lambda key: task_title(dataset, key), key=f"own-scheme-{dataset}"
    )
    networks = list(ARCHITECTURES)
    network = second.selectbox(
        t("Network"), networks, format_func=architecture_title, key="own-network",
        index=networks.index("compact_cnn") if DATASETS[dataset].synthetic else 0,
    )  # fmt: skip
    ways = choices.strategies_of(network)
    strategy = second.selectbox(t("How"), ways, format_func=strategy_title, key=f"own-strategy-{network}")
    heads = choices.heads_of(strategy)
    picked = st.multiselect(
        t("Heads, one run each"), heads, default=heads[:1], format_func=head_title, key=f"own-heads-{strategy}"
    )
    epochs = third.number_input(t("Epochs at most"), 1, MOST_EPOCHS, 20, key="own-epochs")
    seed = third.number_input(t("Seed"), 0, 9999, 0, key="own-seed")
    leak = st.toggle(
        t("Split at random, to teach leakage"), key="own-leak",
        help=t("Images of one patient then stand in training and test; such runs are marked wherever they appear."),
    )  # fmt: skip
    if not picked:
        st.info(t("Choose at least one head."), icon=":material/info:")
        return None
    specs = choices.own_runs(
        dataset, scheme, network, picked, strategy, epochs=int(epochs), seed=int(seed),
        split="random" if leak else "auto",
    )  # fmt: skip
    title = f"{dataset_title(dataset)}, {task_title(dataset, scheme)}: {architecture_title(network)}"
    return Chosen("own.toml", title, specs, choices.plan_of(specs, title))


def show(chosen: Chosen, *, allowed: bool) -> None:
    """The runs, their time, the command, and the button."""
    runs = planned(chosen.specs, cache.run_listing().records)
    st.markdown(f"**{plain(t(chosen.title))}**  \n{_summary(runs)}")
    st.dataframe(
        _table(runs), hide_index=True, height=min(TABLE_PX, 38 + 35 * len(runs)),
        alt=tn("{n} run of the plan, with what is stored and its time",
               "{n} runs of the plan, with what is stored and their times", len(runs)),
    )  # fmt: skip
    st.caption(
        t("Times come from stored runs of the same network and head, per image where the data differ; they are those "
          "of the machines that stored them. Features are computed once and counted for the first run that needs them.")
    )  # fmt: skip
    st.markdown(t("In a terminal, in the folder of MedLens, this does the same:"))
    st.code(f"python -m core benchmark {chosen.plan}", language="bash")
    if chosen.own_plan is not None:
        st.download_button(
            t("Download the plan"), chosen.own_plan, file_name=chosen.plan, mime="application/toml",
            on_click="ignore", icon=":material/download:",
        )  # fmt: skip
    _start_button(chosen, runs, allowed=allowed)


def _start_button(chosen: Chosen, runs: Sequence[PlannedRun], *, allowed: bool) -> None:
    left = [run for run in runs if run.stored != "done"]
    absent = missing_data([run.spec for run in left], cache.datasets_at_hand())
    busy = any(job.state in queue.ALIVE and job.request.title == chosen.title for job in queue.jobs())
    if absent:
        names = ", ".join(dataset_title(key) for key in absent)
        st.warning(
            t("Not on this machine: {names}. The Data page says how to get it.", names=plain(names)),
            icon=":material/download:",
        )
    if not left:
        st.success(t("Every run of it is stored; there is nothing to train."), icon=":material/check:")
        st.page_link("pages/compare.py", label=t("See them on Compare"), query_params=_where(chosen.specs))
        return
    label = tn("Start {n} run", "Start {n} runs", len(left))
    closed = not allowed or bool(absent) or busy or not queue.can_run_here()
    pressed = st.button(
        label, type="secondary" if closed else "primary", icon=":material/play_arrow:", key="train-start",
        disabled=closed,
        help=t("It is under way or waiting already.") if busy else None,
    )  # fmt: skip
    if pressed:
        try:
            queue.start(chosen.title, chosen.plan, [run.run_id for run in runs], own_plan=chosen.own_plan)
        except (MedLensError, OSError) as error:
            error_box(str(error))
            return
        st.rerun()


def _where(specs: Sequence[RunSpec]) -> dict[str, str]:
    return {state.DATASET: specs[0].dataset, state.TASK: specs[0].label_scheme}


def _summary(runs: Sequence[PlannedRun]) -> str:
    stored = sum(run.stored == "done" for run in runs)
    left = len(runs) - stored
    counted = tn("{n} run, {stored} stored.", "{n} runs, {stored} stored.", len(runs), stored=stored)
    if not left:
        return counted
    seconds = total_seconds(runs)
    if seconds is not None:
        return f"{counted} " + tn(
            "{n} is left and takes about {time}.", "{n} are left and take about {time}.", left, time=duration(seconds)
        )
    unknown = sum(run.seconds is None for run in runs)
    return f"{counted} " + tn(
        "How long the rest takes is not known: for {n} run nothing alike is stored.",
        "How long the rest takes is not known: for {n} runs nothing alike is stored.",
        unknown,
    )


def _table(runs: Sequence[PlannedRun]) -> pd.DataFrame:
    words = {
        "done": t("stored"), "interrupted": t("begun, goes on where it stopped"), "failed": t("failed, tried again"),
        "": t("not yet"),
    }  # fmt: skip
    rows = [
        {
            t("Run"): run_title(run.spec), t("Stored?"): words[run.stored], t("Time"): _time(run),
            t("Split"): t("random: leaks") if run.spec.split == "random" else "",
            t("Data set"): dataset_title(run.spec.dataset),
            t("Task"): task_title(run.spec.dataset, run.spec.label_scheme), t("Seed"): str(run.spec.seed),
            t("Run id"): run.run_id,
        }
        for run in runs
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    differing = [bool((frame[column] != frame[column].iloc[0]).any()) for column in frame.columns[3:-1]]
    return frame.loc[:, [True, True, True, *differing, True]]  # what all runs share says nothing in a column


def _time(run: PlannedRun) -> str:
    if run.stored == "done":
        return "–"
    if run.seconds is None:
        return t("not known")
    return tn("{time}, as {n} run took", "{time}, as {n} runs took", run.alike, time=duration(run.seconds))
