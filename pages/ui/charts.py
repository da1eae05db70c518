"""A figure with its numbers: the table beside it, the CSV out of it, and the picture as PNG or SVG.

What is saved leads back: the file carries the run id and the split, and is named after both.
"""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.figures.theme import CHART_CONFIG
from core.language import t
from pages.ui.presenting import enlarged

FORMAT = "picture-format"  # session state: "png" or "svg"


def chart_with_numbers(
    figure: go.Figure, frame: pd.DataFrame, *, alt: str, name: str, key: str, select: bool = False
) -> object:
    """Draw a figure; under it lie its numbers and a CSV of them.

    Args:
        frame: what was drawn, with the run ids. name: of the files, without a suffix. key: of the figure on the page.
        select: give back what was clicked, and run the page again for it.
    Returns: the selection of `st.plotly_chart`, or None.
    """
    config = {**CHART_CONFIG, "toImageButtonOptions": {"format": picture_format(), "filename": name, "scale": 2}}
    found = None
    if select:
        found = st.plotly_chart(
            enlarged(figure), width="stretch", config=config, alt=alt, key=key, on_select="rerun",
            selection_mode="points",
        )  # fmt: skip
    else:
        st.plotly_chart(enlarged(figure), width="stretch", config=config, alt=alt, key=key)
    with st.container(horizontal=True, gap="small"):
        with st.popover(t("Numbers"), icon=":material/table_rows:", type="tertiary"):
            st.dataframe(frame, hide_index=True, alt=t("The numbers of the figure: {what}", what=alt))
        csv_button(frame, name, key)
    return found


def csv_button(frame: pd.DataFrame, name: str, key: str) -> None:
    """A button that saves a table as CSV, numbers at full precision; the text is made when someone asks for it."""
    st.download_button(
        "CSV", lambda: frame.to_csv(index=False), f"{name}.csv", "text/csv", key=f"csv-{key}", on_click="ignore",
        icon=":material/download:", type="tertiary",
    )  # fmt: skip


def picture_format() -> str:
    """As what a figure's camera button saves it: "png", or "svg"."""
    return str(st.session_state.get(FORMAT) or "png")


def choose_format() -> None:
    """PNG or SVG, for all figures with numbers of this session."""
    st.segmented_control(
        t("The camera button of a figure saves"), ["png", "svg"], default=picture_format(), key=FORMAT,
        format_func=str.upper, required=True,
    )  # fmt: skip
