"""The Published page's parts: the choices, the sentences, the table to sort, and where the figures come from."""

from collections.abc import Sequence

import streamlit as st

from core.figures.published import ORDER, published_table, task_words
from core.language import t
from core.registry.published import SOURCES, published_source
from core.registry.published_types import PublishedRow
from pages.ui import state
from pages.ui.blocks import plain, prose
from pages.ui.linked import linked_select

ALL = "all"
BADGES = {"ahead": "blue", "level": "gray", "behind": "red"}
ROWS_SHOWN = 20  # a longer table scrolls in itself


def choose(rows: Sequence[PublishedRow]) -> list[PublishedRow]:
    """Source and task, both in the URL; the rows that fit."""
    first, second = st.columns(2)
    with first:
        source = linked_select(
            t("Published by"), [ALL, *SOURCES], state.SOURCE,
            shown=lambda key: t("all works") if key == ALL else published_source(key).title,
        )  # fmt: skip
    here = [row for row in rows if source in (ALL, row.figure.source)]
    tasks = sorted({row.figure.task_words for row in here}, key=str.lower)
    with second:
        task = linked_select(
            t("Their task"),
            [ALL, *tasks],
            state.QUESTION,
            shown=lambda name: t("all tasks") if name == ALL else t(name),
        )
    return [row for row in here if task in (ALL, row.figure.task_words)]


def show_tasks(rows: Sequence[PublishedRow]) -> None:
    """For each task that has a run: how it ends, what beats us, and why the comparison is unfair."""
    for task in task_words(rows):
        badges = " ".join(
            f":{BADGES[v]}-badge[{t('{verdict} in {count}', verdict=t(v), count=count)}]"
            for v, count in task.counts.items()
            if count
        )
        behind = t("Behind {figures}.", figures=plain(task.behind)) + "  \n" if task.behind else ""
        unfair = (
            t("*Not alike:* {differs}.", differs=plain(task.differs))
            if task.differs
            else t("Like for like, as far as is known.")
        )
        prose(f"**{plain(task.title)}** {badges}  \n{behind}{unfair}")


def show_table(rows: Sequence[PublishedRow]) -> None:
    """Every figure, and the same as a file."""
    frame = published_table(rows)
    st.dataframe(
        frame,
        hide_index=True,
        width="stretch",
        height="content" if len(frame) <= ROWS_SHOWN else "auto",
        column_config={
            t("Their model"): st.column_config.TextColumn(pinned=True, width="medium"),
            t("Theirs"): st.column_config.NumberColumn(format="plain"),
            t("Ours"): st.column_config.NumberColumn(format="%.3f"),
            t("Open"): st.column_config.LinkColumn(display_text=t("open"), help=t("Everything about our run")),
            t("Not alike"): st.column_config.TextColumn(width="large"),
            t("Turns"): st.column_config.NumberColumn(
                help=t("Runs of one recipe whose mean stands here; Open shows the first")
            ),
            t("Chosen from"): st.column_config.TextColumn(
                help=t("The best of these on validation; never chosen on test")
            ),
        },
        alt=t(
            "{count} published figures with ours beside them, in the order {order}",
            count=len(frame),
            order=", ".join(map(t, ORDER)),
        ),
    )
    st.download_button(
        t("Download as CSV"), frame.drop(columns=t("Open")).to_csv(index=False), "medlens-published.csv", "text/csv",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def show_sources(rows: Sequence[PublishedRow]) -> None:
    """The works that the shown figures are taken from."""
    for key in dict.fromkeys(row.figure.source for row in rows):
        source = published_source(key)
        st.markdown(f"- **{plain(source.title)}**: {plain(t(source.citation))}")
