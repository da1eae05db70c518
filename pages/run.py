"""Run: everything about one run, from its numbers to the command that makes it again."""

import streamlit as st

from core.figures.confusion import confusion_figure, multilabel_figure
from core.figures.history import history_figure
from core.figures.names import evaluation_of
from core.language import retold, t
from pages.ui import cache, headlines_cache, running
from pages.ui.blocks import chart, damaged_list, empty_state, page_head, plain, split_badges
from pages.ui.charts import choose_format
from pages.ui.linked_more import linked_tabs
from pages.ui.referral import show_referral
from pages.ui.representativeness import show_representativeness
from pages.ui.running_cut import show_cut
from pages.ui.running_errors import show_errors
from pages.ui.running_learning import points_of, show_learning
from pages.ui.running_probability import show_calibration, show_decision
from pages.ui.running_ranking import show_ranking
from pages.ui.running_report import show_report
from pages.ui.running_subgroups import show_subgroups

page_head(
    t("Run"),
    t(
        "One run in full: what it scored on test images, how its cut trades missed findings for false alarms, how it "
        "learnt, and how to make it again. Read from its folder in `results/`."
    ),
)
listing = headlines_cache.run_headlines()
if not listing.records:
    empty_state(t("No runs yet."), "make benchmark", t("It trains on drawn phantoms and takes a few minutes."))
    damaged_list(listing.damaged, "run")
    st.stop()

record = headlines_cache.whole(running.choose_run(listing.records))
evaluation = evaluation_of(record)
split_badges(record)
history = cache.history(record)
if evaluation is None:
    st.warning(
        t(
            "This run is {status} and has no test result. {failure}",
            status=t(record.status), failure=plain(retold(record.failure)),
        ),
        icon=":material/pause_circle:",
    )  # fmt: skip
else:
    running.show_tiles(record, evaluation)
    st.header(t("Move the cut"), anchor=False)
    show_cut(record, evaluation)

    st.header(t("Look deeper"), anchor=False)
    names = {
        "ranking": t("Ranking"), "decisions": t("Decisions"), "calibration": t("Calibration"),
        "worth": t("Worth acting on?"), "doubt": t("I don't know"), "errors": t("Errors"),
        "subgroups": t("Subgroups"), "report": t("Report"),
    }  # fmt: skip
    if record.task == "multilabel":
        names.pop("doubt")  # a band around one cut is not defined where an image holds many decisions
    curve = points_of(record, listing.records)
    if curve:
        names["images"] = t("More images?")
    part, tabs = linked_tabs(names, "part")
    with tabs[part]:
        if part == "ranking":
            show_ranking(record, evaluation)
        elif part == "decisions":
            draw = multilabel_figure if record.task == "multilabel" else confusion_figure
            matrix, table = st.columns([2, 3], gap="medium")
            with matrix:
                chart(
                    draw(evaluation.confusion, evaluation.class_names),
                    alt=t("Confusion matrix on test, rows are the truth"),
                )
            with table:
                st.dataframe(
                    running.class_table(evaluation), hide_index=True, alt=t("Metrics of each class with intervals")
                )
                st.caption(t("At the run's own cut, each class against all others; brackets are 95 % intervals."))
        elif part == "calibration":
            show_calibration(record, evaluation)
        elif part == "worth":
            show_decision(record)
        elif part == "doubt":
            show_referral(record)
        elif part == "errors":
            show_errors(record, evaluation)
        elif part == "subgroups":
            show_subgroups(record, evaluation)
        elif part == "images":
            show_learning(curve)
        else:
            show_report(record)
    choose_format()

if history is not None and not history.empty:
    st.header(t("How it learnt"), anchor=False)
    words = t("Loss and metric over {n} epochs, training and validation", n=len(history))
    chart(history_figure(history), alt=words)
    with st.expander(t("The numbers of every epoch")):
        st.dataframe(history, hide_index=True, alt=t("history.csv, one row per epoch"))

if evaluation is not None and record.spec.score_train:
    st.header(t("Do its images stand for what it is judged on?"), anchor=False)
    show_representativeness(record, cache.run_listing().records)  # judged by validation, which no headline has

st.header(t("What it is made of"), anchor=False)
if record.counts:
    st.dataframe(running.count_table(record), hide_index=True, alt=t("Images and groups per split and class"))
running.show_facts(record)
if evaluation is not None:
    with st.expander(t("Every stored number of the test part")):
        st.dataframe(running.estimate_table(evaluation), hide_index=True, alt=t("All estimates with their methods"))
st.header(t("Make it again"), anchor=False)
running.show_downloads(record)
damaged_list(listing.damaged, "run")
