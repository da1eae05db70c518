"""Numbers beside the picture, for networks that take them: age, sex, a measurement. They stay in the session."""

import streamlit as st

from core.language import t
from core.types import ModelCard, TabularInput
from pages.ui.blocks import plain


def numbers_form(card: ModelCard) -> tuple[float, ...] | None:
    """The numbers that the network takes, in order: () when it takes none, None until all of them are entered."""
    if not card.tabular_inputs:
        return ()
    with st.form(f"numbers-{card.name}"):
        st.markdown(t("**This network also looks at**"))
        values = [_asked(card, item) for item in card.tabular_inputs]
        st.form_submit_button(t("Use these"), type="primary")
    if any(value is None for value in values):
        st.caption(t("The network answers once all of them are entered. They hold for every picture below."))
        return None
    return tuple(float(value) for value in values if value is not None)


def _asked(card: ModelCard, item: TabularInput) -> float | None:
    bounded = item.low is not None and item.high is not None
    return st.number_input(
        plain(item.name),
        min_value=item.low,
        max_value=item.high,
        value=None,
        placeholder=t("{low} to {high}", low=f"{item.low:g}", high=f"{item.high:g}") if bounded else t("a number"),
        key=f"number-{card.name}-{item.name}",
    )
