"""Run: everything about one run, from its numbers to the command that makes it again."""

import streamlit as st

from core.figures.calibration import calibration_figure
from core.figures.confusion import confusion_figure, multilabel_figure
from core.figures.curves import curve_classes, line_of, pr_figure, roc_figure
from core.figures.history import history_figure
from core.figures.names import evaluation_of, run_title
from core.figures.sentences import calibration_sentence
from core.figures.theme import PALETTE
from pages.ui import cache, running
from pages.ui.blocks import chart, damaged_list, empty_state, page_head, plain, split_badges
from pages.ui.comparing import choose_class
from pages.ui.referral import show_referral
from pages.ui.representativeness import show_representativeness

page_head(
    "Run",
    "One run in full: what it scored on test images, how its cut trades missed findings for false alarms, how it "
    "learnt, and how to make it again. Read from its folder in `results/`.",
)
listing = cache.run_listing()
if not listing.records:
    empty_state("No runs yet.", "make benchmark", "It trains on drawn phantoms and takes a few minutes.")
    damaged_list(listing.damaged, "run")
    st.stop()

record = running.choose_run(listing.records)
evaluation = evaluation_of(record)
split_badges(record)
history = cache.history(record)
if evaluation is None:
    st.warning(
        f"This run is {record.status} and has no test result. {plain(record.failure)}", icon=":material/pause_circle:"
    )
else:
    running.show_tiles(record, evaluation)
    st.header("Move the cut", anchor=False)
    running.show_cut(record, evaluation)

    st.header("Ranking: ROC and precision-recall", anchor=False)
    class_name = choose_class(curve_classes(evaluation), f"curves-{record.run_id}")
    look = {"label": run_title(record.spec), "color": PALETTE[0]}
    roc, pr = st.columns(2, gap="medium")
    with roc:
        line = line_of(evaluation, "roc", class_name, **look)
        chart(roc_figure([line] if line else []), alt=f"ROC curve for {class_name}, with its operating point")
    with pr:
        line = line_of(evaluation, "pr", class_name, **look)
        share = running.prevalence(record, class_name)
        chart(pr_figure([line] if line else [], prevalence=share), alt=f"Precision-recall curve for {class_name}")

    st.header("Decisions, class by class", anchor=False)
    draw = multilabel_figure if record.task == "multilabel" else confusion_figure
    matrix, table = st.columns([2, 3], gap="medium")
    with matrix:
        chart(draw(evaluation.confusion, evaluation.class_names), alt="Confusion matrix on test, rows are the truth")
    with table:
        st.dataframe(running.class_table(evaluation), hide_index=True, alt="Metrics of each class with intervals")
        st.caption("At the run's own cut, each class against all others; brackets are 95 % intervals.")

    st.header("Are the stated probabilities right?", anchor=False)
    subject = {"binary": str(evaluation.positive_class), "multiclass": "the most probable class"}
    drawn, said = st.columns([3, 2], gap="medium")
    with drawn:
        chart(
            calibration_figure(evaluation.calibration, subject=subject.get(record.task, "each class")),
            alt="Reliability diagram: stated probability against the share that came true, with intervals",
        )
    with said:
        st.markdown(calibration_sentence(evaluation.calibration))

    if record.task != "multilabel":
        st.header("What if a person reads the hard ones?", anchor=False)
        show_referral(record)

if history is not None and not history.empty:
    st.header("How it learnt", anchor=False)
    chart(history_figure(history), alt=f"Loss and metric over {len(history)} epochs, training and validation")
    with st.expander("The numbers of every epoch"):
        st.dataframe(history, hide_index=True, alt="history.csv, one row per epoch")

if evaluation is not None and record.spec.score_train:
    st.header("Do its images stand for what it is judged on?", anchor=False)
    show_representativeness(record, listing.records)

st.header("What it is made of", anchor=False)
if record.counts:
    st.dataframe(running.count_table(record), hide_index=True, alt="Images and groups per split and class")
running.show_facts(record)
if evaluation is not None:
    with st.expander("Every stored number of the test part"):
        st.dataframe(running.estimate_table(evaluation), hide_index=True, alt="All estimates with their methods")
st.header("Make it again", anchor=False)
running.show_downloads(record)
damaged_list(listing.damaged, "run")
