"""The entry: pages and HTTP API in one process. Start it with `streamlit run app.py` or `python -m core serve`.

The server imports this file once, as the module "app", and finds `app` in it. Streamlit runs it again for every visit
and click, as the script "__main__": that part is the router.
"""

from pathlib import Path

import streamlit as st

if __name__ == "app":
    from core.serve.mount import api_middleware

    address, hosts = st.get_option("server.address") or "0.0.0.0", st.get_option("server.allowedHosts")
    app = st.App(__file__, middleware=api_middleware(address, hosts))
else:
    from pages.ui.blocks import run_safely

    UI = Path(__file__).parent / "pages" / "ui"
    st.set_page_config(page_title="MedLens", page_icon=str(UI / "icon.svg"), layout="wide", initial_sidebar_state=240)
    st.logo(str(UI / "logo.svg"), size="large")

    page = st.navigation(
        [
            st.Page(
                "pages/predict.py", title="Predict", icon=":material/image_search:", url_path="start", default=True
            ),
            st.Page("pages/live.py", title="Live", icon=":material/videocam:", url_path="live"),
            st.Page("pages/triage.py", title="Triage", icon=":material/low_priority:", url_path="triage"),
            st.Page("pages/compare.py", title="Compare", icon=":material/leaderboard:", url_path="compare"),
            st.Page("pages/published.py", title="Published", icon=":material/newspaper:", url_path="published"),
            st.Page("pages/run.py", title="Run", icon=":material/query_stats:", url_path="run"),
            st.Page("pages/data.py", title="Data", icon=":material/dataset:", url_path="data"),
            st.Page("pages/models.py", title="Models", icon=":material/deployed_code:", url_path="models"),
            st.Page("pages/methods.py", title="Methods", icon=":material/menu_book:", url_path="methods"),
            # the default page lies at / only; this one lets a link to /predict arrive
            st.Page("pages/predict.py", title="Predict", url_path="predict", visibility="hidden"),
        ]
    )
    st.sidebar.caption("For research and teaching. Not a medical device.")
    run_safely(page.run)
