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
    from core.language import speaking, spoken, t
    from pages.ui.blocks import run_safely
    from pages.ui.forgetting import forget_closed_tabs
    from pages.ui.languages import language_switch, settle_language
    from pages.ui.looks import dress
    from pages.ui.presenting import presenting, show_presenting

    UI = Path(__file__).parent / "pages" / "ui"
    st.set_page_config(page_title="MedLens", page_icon=str(UI / "icon.svg"), layout="wide", initial_sidebar_state=240)
    st.logo(str(UI / "logo.svg"), size="large")
    forget_closed_tabs()
    settle_language()
    dress()

    page = st.navigation(
        {
            t("Look"): [
                st.Page(
                    "pages/predict.py", title=t("Predict"), icon=":material/image_search:", url_path="start",
                    default=True,
                ),
                st.Page("pages/playground.py", title=t("Playground"), icon=":material/science:", url_path="playground"),
                st.Page("pages/live.py", title=t("Live"), icon=":material/videocam:", url_path="live"),
                st.Page("pages/triage.py", title=t("Triage"), icon=":material/low_priority:", url_path="triage"),
            ],
            t("Compare runs"): [
                st.Page("pages/compare.py", title=t("Compare"), icon=":material/leaderboard:", url_path="compare"),
                st.Page("pages/run.py", title=t("Run"), icon=":material/query_stats:", url_path="run"),
                st.Page("pages/published.py", title=t("Published"), icon=":material/newspaper:", url_path="published"),
            ],
            t("Data and models"): [
                st.Page("pages/data.py", title=t("Data"), icon=":material/dataset:", url_path="data"),
                st.Page("pages/models.py", title=t("Models"), icon=":material/deployed_code:", url_path="models"),
                st.Page("pages/train.py", title=t("Train"), icon=":material/model_training:", url_path="train"),
            ],
            t("Teach"): [
                st.Page("pages/learn.py", title=t("Learn"), icon=":material/school:", url_path="learn"),
                st.Page("pages/quiz.py", title=t("Quiz"), icon=":material/quiz:", url_path="quiz"),
                st.Page("pages/methods.py", title=t("Methods"), icon=":material/menu_book:", url_path="methods"),
                # the default page lies at / only; this one lets a link to /predict arrive
                st.Page("pages/predict.py", title=t("Predict"), url_path="predict", visibility="hidden"),
            ],
        },
        position="hidden" if presenting() else "sidebar",
        expanded=True,
    )  # fmt: skip
    st.sidebar.caption(t("For research and teaching. Not a medical device."))
    language_switch()
    show_presenting()
    with speaking(spoken()):  # looked up once: a page with a thousand runs says thousands of words
        run_safely(page.run)
