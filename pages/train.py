"""Train: choose runs, see what they take, start them in the background, follow them, stop and resume."""

import streamlit as st

from core.language import t
from pages.ui import training_jobs, training_plan
from pages.ui.blocks import page_head
from pages.ui.importing import import_results

page_head(
    t("Train"),
    t(
        "Choose runs, see what is stored and how long the rest would take, and start them: the training goes on when "
        "this tab is closed. It is the command line's own work, with the same run ids and the same files in `results/`."
    ),
)
refusal = training_plan.refusal_here()
training_plan.say_refusal(refusal)

st.header(t("What to train"), anchor=False)
chosen = training_plan.choose()
if chosen is not None:
    training_plan.show(chosen, allowed=not refusal)

st.header(t("Under way, and done"), anchor=False)
training_jobs.show(allowed=not refusal)

st.header(t("Trained elsewhere"), anchor=False)
import_results(allowed=not refusal)
