"""Methods: how each number is made, with sources, and what the program cannot know."""

import pandas as pd
import streamlit as st

from core.figures.text import NOT_A_DIAGNOSIS
from core.registry.architectures import ARCHITECTURES
from core.registry.heads import HEADS
from core.registry.labels import LABEL_SCHEMES
from core.registry.metrics import METRICS
from pages.ui.blocks import page_head, prose
from pages.ui.methods import LIMITS, SECTIONS

page_head(
    "Methods",
    "How each number on these pages is made, and from where the recipe comes. Written for those who present a "
    "number to others; the tables are the catalogues that the program itself works from.",
)
st.warning(NOT_A_DIAGNOSIS, icon=":material/medical_information:")

for title, text in SECTIONS.items():
    st.header(title, anchor=title.lower().replace(" ", "-"))
    prose(text)

st.header("Metrics", anchor="metrics")
for metric in METRICS.values():
    best = "high" if metric.higher_is_better else "low"
    cut = ", at a cut" if metric.needs_threshold else ""
    prose(f"**{metric.title}** ({best} is best{cut}). {metric.meaning} *{metric.source}*")
st.header("Networks", anchor="networks")
st.dataframe(
    pd.DataFrame(
        {
            "Network": a.title,
            "Input": f"{a.input_px} px, {'grey' if a.input_channels == 1 else 'RGB'}",
            "Features": a.feature_dim,
            "Weights": a.params,
            "Starts from": a.weights or "nothing",
            "Map from layer": a.cam_layer,
            "Source": a.source,
            "Licence": a.licence,
        }
        for a in ARCHITECTURES.values()
    ),
    hide_index=True,
    height="content",
    column_config={"Weights": st.column_config.NumberColumn(format="localized")},
    alt="Every network with its size, source and licence",
)
st.header("Heads", anchor="heads")
st.dataframe(
    pd.DataFrame(
        {
            "Head": h.title,
            "Standardised": "yes" if h.standardise else "no",
            "Fixed": ", ".join(f"{k} = {v}" for k, v in h.settings.items()) or "–",
            "Searched on validation": "; ".join(f"{k}: {', '.join(map(str, v))}" for k, v in h.search_space.items())
            or "–",
            "Source": h.source,
        }
        for h in HEADS.values()
    ),
    hide_index=True,
    height="content",
    alt="Every classifier on the features with its settings and source",
)
st.header("Tasks", anchor="tasks")
st.dataframe(
    pd.DataFrame(
        {"Task": s.title, "Kind": s.task, "Classes": ", ".join(s.class_names), "Source": s.source}
        for s in LABEL_SCHEMES.values()
    ),
    hide_index=True,
    height="content",
    alt="Every label scheme with its classes and source",
)
st.header("What these numbers cannot say", anchor="limits")
prose(LIMITS)
