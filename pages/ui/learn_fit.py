"""The lesson on overfitting: four stored trainings that differ in dropout and random changes alone."""

import pandas as pd
import streamlit as st

from core.figures.learn_charts import fitting_figure
from core.language import t
from core.registry.lessons import OVERFITTING_PLAN, OVERFITTING_RUNS
from pages.ui import cache
from pages.ui.blocks import chart, empty_state, plain
from pages.ui.learn_lesson import ask_the_class, lesson_head
from pages.ui.presenting import prose_px


def fit_lesson() -> None:
    """Training loss falls for ever; validation loss says when learning has become learning by heart."""
    lesson_head(
        t("Overfitting in learning curves"),
        t("A network that goes on learning its training images by heart gets worse on all others."),
    )
    known = {record.run_id: record for record in cache.finished_runs()}
    records = {choice: known[run_id] for choice, run_id in OVERFITTING_RUNS.items() if run_id in known}
    if len(records) < len(OVERFITTING_RUNS):
        empty_state(
            t("The four small trainings of this lesson are not here."),
            f"python -m core benchmark {OVERFITTING_PLAN}",
            t("They take about a minute on two cores, on drawn radiographs."),
        )
        return
    found = {choice: cache.history(record) for choice, record in records.items()}
    histories = {choice: history for choice, history in found.items() if history is not None}
    _move(histories)
    ask_the_class(
        [
            t("After which epoch would you stop, and what do you look at to decide it?"),
            t("Training loss of nearly zero: a triumph, or a warning?"),
            t("Dropout makes the training loss worse. Why would anybody want that?"),
        ]
    )
    counts = next(c for c in records[False, False].counts if c.split == "train")
    validation = next(c for c in records[False, False].counts if c.split == "validation")
    st.caption(
        t(
            "Four trainings of LeNet-5 on the same {train} drawn training images and {validation} validation images, "
            "one seed each: another seed moves these curves, and the differences between the four are no ranking. The "
            "weights that a run keeps are those of its best epoch. Runs: {runs}.",
            train=counts.n_images, validation=validation.n_images,
            runs=", ".join(plain(record.run_id[-8:]) for record in records.values()),
        ),
        width=prose_px(),
    )  # fmt: skip


@st.fragment
def _move(histories: dict[tuple[bool, bool], pd.DataFrame]) -> None:
    longest = max(len(history) for history in histories.values())
    with st.container(horizontal=True, gap="large", vertical_alignment="center"):
        dropout = st.toggle(t("Dropout"), key="fit-dropout", help=t("Silences 40 % of the units at random, each step."))
        changes = st.toggle(
            t("Random changes"), key="fit-changes",
            help=t("Every image is shifted, turned and brightened a little, anew in each epoch."),
        )  # fmt: skip
    epoch = st.slider(t("Epochs trained"), 1, longest, longest, key="fit-epoch")
    chosen = (dropout, changes)
    names = {choice: str(choice) for choice in histories}
    history = histories[chosen]
    shown = history.iloc[:epoch]
    best = int(shown["val_loss"].idxmin())
    now = shown.iloc[-1]
    chart(
        fitting_figure({names[c]: h for c, h in histories.items()}, names[chosen], epoch),
        alt=t("After {epoch} epochs the training loss is {train}, the validation loss {validation}",
              epoch=len(shown), train=f"{now['loss']:.3f}", validation=f"{now['val_loss']:.3f}"),
        key="fit-curves",
    )  # fmt: skip
    st.markdown(
        t(
            "After **{epoch}** epochs the loss on training images is **{train}** and on validation images "
            "**{validation}**. Validation was best after epoch **{best}**, at {lowest}.",
            epoch=len(shown), train=f"{now['loss']:.3f}", validation=f"{now['val_loss']:.3f}",
            best=int(history["epoch"].iloc[best]), lowest=f"{shown['val_loss'].iloc[best]:.3f}",
        )
        + " "
        + (
            t("From there on it learnt what only its training images have in common.")
            if len(shown) - best > 5 and now["val_loss"] > 1.1 * shown["val_loss"].iloc[best]
            else t("So far it still learns what other images share.")
        ),
        width=prose_px(),
    )  # fmt: skip
