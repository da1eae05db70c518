"""Playground: change a picture and watch what the network makes of it."""

import streamlit as st

from core.language import t
from pages.ui import cache, state
from pages.ui.blocks import damaged_list, no_models, page_head, plain
from pages.ui.model_choice import choose_model
from pages.ui.pictures import choose_pictures
from pages.ui.playground import playground
from pages.ui.tabular import numbers_form

page_head(
    t("Playground"),
    t(
        "What does the answer hang on? Hide a part of a picture, make it brighter, turn it, put a letter into its "
        "corner, and watch the probability and the heat map move beside the untouched picture."
    ),
)

models = cache.model_listing()
if not models.cards:
    no_models()
    damaged_list(models.damaged, "model")
    st.stop()

brought = st.session_state.get(state.PLAYED)
left, right = st.columns([2, 3], gap="large", vertical_alignment="top" if brought is None else "bottom")
with left:
    card = choose_model(models.cards)
    numbers = numbers_form(card)
with right:
    if brought is None:
        pictures = choose_pictures()[:1]
        if not pictures:
            st.caption(t("Nothing chosen yet: choose a picture, or a sample, which is one click away."))
    else:
        pictures = [brought]
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(t("Picture: **{name}**", name=plain(brought.name)), width="content")
            st.button(
                t("Another picture"), icon=":material/swap_horiz:", type="tertiary",
                on_click=lambda: st.session_state.pop(state.PLAYED, None),
            )  # fmt: skip
if pictures and numbers is not None:
    playground(card, pictures[0], numbers)
