"""Predict: drop in a picture, see what a trained network gives it, how sure it is, and where it looked."""

import streamlit as st

from core.language import t
from core.registry.datasets import DATASETS
from pages.ui import cache
from pages.ui.beside import show_beside
from pages.ui.blocks import damaged_list, no_models, page_head
from pages.ui.model_choice import choose_model
from pages.ui.pictures import choose_pictures
from pages.ui.prediction import show_card, show_result
from pages.ui.tabular import numbers_form

page_head(
    t("Predict"),
    t(
        "Drop in a picture: a trained network says what it sees, how sure it is and where it looked. "
        "Pictures stay in the memory of this session; nothing is stored or sent elsewhere."
    ),
)

models = cache.model_listing()
if not models.cards:
    no_models()
    damaged_list(models.damaged, "model")
    st.stop()

MEASURED = 3  # pictures whose maps are measured unasked: each takes some twenty predictions
left, right = st.columns([2, 3], gap="large")
with left:
    card = choose_model(models.cards)
    show_card(card)
    numbers = numbers_form(card)
    damaged_list(models.damaged, "model")
with right:
    pictures = choose_pictures()
    if not pictures:
        kind = t(DATASETS[card.training_dataset].modality) if card.training_dataset in DATASETS else t("image")
        st.caption(t("Nothing chosen yet. This model expects: {kind}. A sample is one click away.", kind=kind))
for picture in pictures:
    if numbers is not None:
        show_result(card, picture, numbers, measure=len(pictures) <= MEASURED)
        show_beside(card, picture)
