"""Which runs and which columns the Compare page shows; both stand in the URL."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from core.figures.names import architecture_title, head_title, split_kind_of, strategy_title
from core.figures.text import SPLIT_KINDS
from core.language import t, tn
from core.types import RunRecord
from pages.ui.linked_more import linked_many

Filter = tuple[str, str, Callable[[RunRecord], str], Callable[[str], str]]
SHOWN_FIRST = ("auc", "interval", "worst", "worst_value", "never", "split", "open")


def filters() -> tuple[Filter, ...]:
    """(parameter, label, key of a run, words for a key) of every filter."""
    return (
        ("net", t("Network"), lambda r: r.spec.architecture, architecture_title),
        ("head", t("Head"), lambda r: r.spec.head, head_title),
        ("how", t("Training of the network"), lambda r: r.spec.strategy, strategy_title),
        ("split", t("Kind of split"), split_kind_of, lambda k: t(SPLIT_KINDS.get(k, k))),
    )


def filtered(records: Sequence[RunRecord]) -> list[RunRecord]:
    """The runs that every filter lets through; a filter with nothing chosen lets all through."""
    kept = list(records)
    offered = [(f, sorted({f[2](r) for r in records})) for f in filters()]
    offered = [(f, keys) for f, keys in offered if len(keys) > 1]
    if not offered:
        return kept
    asked = any(f[0] in st.query_params for f, _ in offered)
    with st.expander(t("Filter the runs"), icon=":material/filter_alt:", expanded=asked):
        with st.grid(4, min_column_width=200):
            for (parameter, label, key_of, shown), keys in offered:
                chosen = linked_many(label, keys, parameter, shown=shown)
                if chosen:
                    kept = [r for r in kept if key_of(r) in chosen]
        if len(kept) < len(records):
            hidden = len(records) - len(kept)
            st.caption(tn("{n} run is filtered out.", "{n} runs are filtered out.", hidden))
    return kept


def choose_columns(frame: pd.DataFrame, names: dict[str, str]) -> list[str]:
    """The columns of the leaderboard that are to be seen; the run's name always is.

    Args:
        names: key of a column to its name in `frame`, in order.
    Returns: names of columns.
    """
    with st.popover(t("Columns"), icon=":material/view_column:", type="tertiary"):
        keys = linked_many(
            t("Columns of the table"), [k for k in names if k != "run"], "columns", shown=lambda k: names[k],
            default=SHOWN_FIRST,
        )  # fmt: skip
    first = ["auc"] if "auc" in keys else []  # narrow and pinned, so that a phone shows it beside the run's name
    return [names[k] for k in [*first, *(k for k in names if k == "run" or (k in keys and k not in first))]]
