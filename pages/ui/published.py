"""The Published page's parts: the choices, the sentences, the table to sort, and where the figures come from."""

from collections.abc import Sequence

import streamlit as st

from core.figures.published import ORDER, published_table, task_words
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
            "Published by", [ALL, *SOURCES], state.SOURCE,
            shown=lambda key: "all works" if key == ALL else published_source(key).title,
        )  # fmt: skip
    here = [row for row in rows if source in (ALL, row.figure.source)]
    tasks = sorted({row.figure.task_words for row in here}, key=str.lower)
    with second:
        task = linked_select(
            "Their task", [ALL, *tasks], state.QUESTION, shown=lambda name: "all tasks" if name == ALL else name
        )
    return [row for row in here if task in (ALL, row.figure.task_words)]


def show_tasks(rows: Sequence[PublishedRow]) -> None:
    """For each task that has a run: how it ends, what beats us, and why the comparison is unfair."""
    for task in task_words(rows):
        badges = " ".join(f":{BADGES[v]}-badge[{v} in {count}]" for v, count in task.counts.items() if count)
        behind = f"Behind {plain(task.behind)}.  \n" if task.behind else ""
        unfair = f"*Not alike:* {plain(task.differs)}." if task.differs else "Like for like, as far as is known."
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
            "Their model": st.column_config.TextColumn(pinned=True, width="medium"),
            "Theirs": st.column_config.NumberColumn(format="plain"),
            "Ours": st.column_config.NumberColumn(format="%.3f"),
            "Open": st.column_config.LinkColumn(display_text="open", help="Everything about our run"),
            "Not alike": st.column_config.TextColumn(width="large"),
            "Turns": st.column_config.NumberColumn(help="Runs of one recipe whose mean stands here; Open shows the first"),
            "Chosen from": st.column_config.TextColumn(help="The best of these on validation; never chosen on test"),
        },
        alt=f"{len(frame)} published figures with ours beside them, in the order {', '.join(ORDER)}",
    )
    st.download_button(
        "Download as CSV", frame.drop(columns="Open").to_csv(index=False), "medlens-published.csv", "text/csv",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def show_sources(rows: Sequence[PublishedRow]) -> None:
    """The works that the shown figures are taken from."""
    for key in dict.fromkeys(row.figure.source for row in rows):
        source = published_source(key)
        st.markdown(f"- **{plain(source.title)}**: {plain(source.citation)}")
