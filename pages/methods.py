"""Methods: how each number is made, with sources, and what the program cannot know."""

import pandas as pd
import streamlit as st

from core.figures.text import NOT_A_DIAGNOSIS
from core.language import t
from core.registry.architectures import ARCHITECTURES
from core.registry.heads import HEADS
from core.registry.labels import LABEL_SCHEMES
from core.registry.metrics import METRICS
from pages.ui.blocks import page_head, prose
from pages.ui.methods import LIMITS, SECTIONS

page_head(
    t("Methods"),
    t(
        "How each number on these pages is made, and from where the recipe comes. Written for those who present a "
        "number to others; the tables are the catalogues that the program itself works from."
    ),
)
st.warning(t(NOT_A_DIAGNOSIS), icon=":material/medical_information:")

for title, text in SECTIONS.items():
    st.header(t(title), anchor=title.lower().replace(" ", "-"))
    prose(t(text))

st.header(t("Metrics"), anchor="metrics")
for metric in METRICS.values():
    best = t("high is best") if metric.higher_is_better else t("low is best")
    cut = t(", at a cut") if metric.needs_threshold else ""
    prose(f"**{t(metric.title)}** ({best}{cut}). {t(metric.meaning)} *{metric.source}*")
st.header(t("Networks"), anchor="networks")
st.dataframe(
    pd.DataFrame(
        {
            t("Network"): t(a.title),
            t("Input"): f"{a.input_px} px, {t('grey') if a.input_channels == 1 else 'RGB'}",
            t("Features"): a.feature_dim,
            t("Weights"): a.params,
            t("Starts from"): a.weights or t("nothing"),
            t("Map from layer"): a.cam_layer,
            t("Source"): t(a.source),
            t("Licence"): t(a.licence),
        }
        for a in ARCHITECTURES.values()
    ),
    hide_index=True,
    height="content",
    column_config={t("Weights"): st.column_config.NumberColumn(format="localized")},
    alt=t("Every network with its size, source and licence"),
)
st.header(t("Heads"), anchor="heads")
st.dataframe(
    pd.DataFrame(
        {
            t("Head"): t(h.title),
            t("Standardised"): t("yes") if h.standardise else t("no"),
            t("Fixed"): ", ".join(f"{k} = {v}" for k, v in h.settings.items()) or "–",
            t("Searched on validation"): "; ".join(f"{k}: {', '.join(map(str, v))}" for k, v in h.search_space.items())
            or "–",
            t("Source"): t(h.source),
        }
        for h in HEADS.values()
    ),
    hide_index=True,
    height="content",
    alt=t("Every classifier on the features with its settings and source"),
)
st.header(t("Tasks"), anchor="tasks")
st.dataframe(
    pd.DataFrame(
        {
            t("Task"): t(s.title),
            t("Kind"): t(s.task),
            t("Classes"): ", ".join(map(t, s.class_names)),
            t("Source"): t(s.source),
        }
        for s in LABEL_SCHEMES.values()
    ),
    hide_index=True,
    height="content",
    alt=t("Every label scheme with its classes and source"),
)
st.header(t("What these numbers cannot say"), anchor="limits")
prose(t(LIMITS))
