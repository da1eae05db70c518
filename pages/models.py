"""Models: what the pages answer with, and a network of one's own from a file."""

import streamlit as st

from core.language import t
from pages.ui import cache
from pages.ui.blocks import damaged_list, page_head, prose
from pages.ui.models import bring_your_own, model_table

page_head(
    t("Models"),
    t(
        "The networks that the pages answer with. One of your own can join them: a Keras file, read without running it "
        "and tried apart from everything else."
    ),
)

models = cache.model_listing()
if models.cards:
    model_table(models.cards)
damaged_list(models.damaged, "model")

st.subheader(t("Bring your own"), anchor=False)
prose(
    t(
        "MedLens asks for what no file says, such as the names of the classes, and guesses the pixel range with a "
        "reason. A network that was brought along has no measured quality: its card says so, its cut is 0.5, and its "
        "scores are not calibrated."
    )
)
bring_your_own()
