"""Data: what the numbers stand on. Source, licence, balance, patients and sample pictures of each data set."""

import streamlit as st

from core.errors import MedLensError
from core.figures.names import dataset_title
from core.language import t
from core.registry.datasets import DATASETS
from pages.ui import cache, changes, data_copies, data_leakage, data_spread, data_wall, datasets, state
from pages.ui.blocks import error_box, page_head
from pages.ui.linked import linked_select

OWN = ("folder", "csv")  # readers for one's own data: nothing to describe or to fetch

page_head(
    t("Data"),
    t(
        "What the numbers stand on: where each data set comes from, what may be done with it, how its classes are "
        "spread, and what it looks like. Read from the catalogue and from the data that lie on this machine."
    ),
)
here = ["phantom", *(key for key in cache.datasets_at_hand() if key not in OWN)]
spec = DATASETS[linked_select(t("Data set"), here, state.DATASET, shown=dataset_title)]
if spec.synthetic:
    st.badge(t("synthetic: drawn by this program"), color="violet", icon=":material/draw:")
about, spread = st.columns([2, 3], gap="large")
with about:
    st.header(t(spec.title), anchor=False)
    datasets.provenance(spec)
with spread:
    st.header(t("How the classes are spread"), anchor=False)
    try:
        with st.spinner(t("Reading the data set; the first time this takes a while…")):
            table = cache.dataset_table(spec.key)
        datasets.show_table_facts(spec, table)
        datasets.show_balance(spec, table)
    except MedLensError as error:
        error_box(str(error))
        table = None
if table is not None:
    st.header(t("Patients, ages and views"), anchor=False)
    data_spread.show_spread(spec, table)
    st.header(t("What it looks like"), anchor=False)
    data_wall.show_wall(spec, table)
    st.header(t("Copies and contradictions"), anchor=False)
    data_copies.show_copies(spec, table)

st.header(t("What a random split would pretend"), anchor=False)
data_leakage.show_leakage(spec)

st.header(t("What training does to a picture"), anchor=False)
changes.show_presets()
changes.show_contrasts()

missing = [k for k in DATASETS if k not in here and k not in OWN and not DATASETS[k].joins]
if missing:
    st.header(t("Not on this machine"), anchor=False)
    st.markdown(t("MedLens reads these too, in the folder layout in which they are published."))
    datasets.show_missing(missing)
st.caption(
    t(
        "Your own images: a folder with one folder per class, or a CSV of paths and labels (name the patients, so that "
        "splits keep them apart): `python -m core data check folder --root DIR`."
    )
)
