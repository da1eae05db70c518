"""The router: page settings and one line per page, nothing else. Start it with `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

from pages.ui.blocks import run_safely

UI = Path(__file__).parent / "pages" / "ui"
st.set_page_config(page_title="MedLens", page_icon=str(UI / "icon.svg"), layout="wide", initial_sidebar_state=240)
st.logo(str(UI / "logo.svg"), size="large")

page = st.navigation(
    [
        st.Page("pages/predict.py", title="Predict", icon=":material/image_search:", url_path="start", default=True),
        st.Page("pages/compare.py", title="Compare", icon=":material/leaderboard:", url_path="compare"),
        st.Page("pages/run.py", title="Run", icon=":material/query_stats:", url_path="run"),
        st.Page("pages/data.py", title="Data", icon=":material/dataset:", url_path="data"),
        st.Page("pages/methods.py", title="Methods", icon=":material/menu_book:", url_path="methods"),
        # the default page lies at / only; this one lets a link to /predict arrive
        st.Page("pages/predict.py", title="Predict", url_path="predict", visibility="hidden"),
    ]
)
st.sidebar.caption("For research and teaching. Not a medical device.")
run_safely(page.run)
