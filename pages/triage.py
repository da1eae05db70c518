"""Triage: a batch becomes a reading list by urgency instead of arrival; and what that saves, simulated."""

import streamlit as st

from core.language import t
from pages.ui import cache
from pages.ui.blocks import damaged_list, empty_state, no_models, page_head
from pages.ui.model_choice import choose_model
from pages.ui.prediction import show_card
from pages.ui.triage_list import choose_batch, choose_question, show_list
from pages.ui.triage_room import show_room

page_head(
    t("Triage"),
    t(
        "A stack of pictures, the most urgent first: a network scores each, and the list is read by score instead of "
        "first in, first out. The second tab says what that would save, and whom it costs."
    ),
)

reading, saving = st.tabs(
    [f":material/format_list_numbered: {t('Reading list')}", f":material/hourglass_bottom: {t('What it would save')}"],
    on_change="rerun",
    key="triage-tab",
)
if reading.open:
    with reading:
        models = cache.model_listing()
        # numbers about a patient are typed in one by one, which no stack of pictures can wait for
        cards = [card for card in models.cards if not card.tabular_inputs]
        if not cards:
            no_models()
        else:
            left, right = st.columns([2, 3], gap="large")
            with left:
                card = choose_model(cards)
                question = choose_question(card)
            with right:
                files = choose_batch()
                if not files:
                    st.caption(
                        t("Nothing chosen yet. Phantoms are drawn by this program: no person stands behind them.")
                    )
                elif question is None:
                    st.caption(t("This model has several answers: say on the left which of them is urgent."))
            if files and question is not None:
                show_list(card, question, files)
            st.subheader(t("The model"), anchor=False)
            show_card(card)
        damaged_list(models.damaged, "model")
if saving.open:
    with saving:
        runs = cache.finished_runs()
        if runs:
            show_room(runs)
        else:
            empty_state(
                t("No finished runs yet."), "make benchmark", t("It trains on drawn phantoms for some minutes.")
            )
