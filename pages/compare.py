"""Compare: which run is best on one data set and task, by how much, and whether the data can tell."""

import streamlit as st

from core.figures.confusion import confusion_figure, multilabel_figure
from core.figures.curves import curve_classes, line_of, roc_figure
from core.figures.leaderboard import bars_figure, forest_figure
from core.figures.names import evaluation_of, run_titles
from core.figures.text import listing as listed
from core.figures.theme import architecture_symbol, head_color, series_dash
from pages.ui import cache, comparing
from pages.ui.blocks import chart, damaged_list, empty_state, page_head

page_head(
    "Compare",
    "Which run is best, by how much, and can the data tell? Finished runs of one task beside each other, each "
    "scored once on test images that no choice has seen; every number comes from the predictions in `results/`.",
)
listing = cache.run_listing()
finished = cache.finished_runs()
if not finished:
    empty_state("No finished runs yet.", "make benchmark", "It trains on drawn phantoms and takes a few minutes.")
    damaged_list(listing.damaged, "run")
    st.stop()

runs = comparing.choose_task(finished)
titles = run_titles(runs)
groups = comparing.comparable(runs)
sentence = st.empty()  # filled last: the figures need not wait for the resampling
sentence.skeleton(height=150)
comparing.leak_warning(runs, titles)

st.header("Leaderboard", anchor=False)
order = ", then ".join(titles[r.run_id] for r in runs[:3])
chart(forest_figure(runs, titles), alt=f"AUC of {len(runs)} runs with 95 % intervals; highest: {order}")
if runs[0].task != "binary":
    st.caption("AUC is the macro mean over the classes; a hollow diamond is the class with the lowest AUC of that run.")
comparing.show_table(comparing.leaderboard_table(runs, titles), alt=f"Leaderboard of {len(runs)} runs")
st.caption("Worst class: the one found least often at the run's own cut. A click on a column's name sorts by it.")

st.header("Head against head", anchor=False)
first = [r.run_id for r in comparing.best_of_heads(groups[0])][:4]
picked = st.multiselect(
    "Runs in the ROC curves and the confusion matrices",
    [r.run_id for r in runs],
    default=first,
    format_func=lambda run_id: titles[run_id],
    max_selections=comparing.MOST_COMPARED,
    key=f"picked-{runs[0].spec.dataset}-{runs[0].spec.label_scheme}",
)
chosen = [r for r in runs if r.run_id in picked]
curves, bars = st.columns(2, gap="medium")
with curves:
    st.subheader("ROC curves", anchor=False)
    class_name = comparing.choose_class(curve_classes(evaluation_of(runs[0])), "roc")
    corner = st.toggle("Enlarge the upper left corner")
    lines = [
        line_of(
            evaluation_of(r), "roc", class_name, label=titles[r.run_id], color=head_color(r.spec.head),
            dash=series_dash(i), symbol=architecture_symbol(r.spec.architecture),
        )
        for i, r in enumerate(chosen)
    ]  # fmt: skip
    names = listed([titles[r.run_id] for r in chosen])
    chart(
        roc_figure([line for line in lines if line], corner=corner),
        alt=f"ROC curves of {names} for {class_name}, over the chance line",
    )
    st.caption(
        "The marker on a curve is the run's operating point: where its cut, chosen on validation, lands on test."
    )
with bars:
    st.subheader("AUC by network and head", anchor=False)
    chart(bars_figure(comparing.one_of_each(groups[0])), alt="AUC with 95 % intervals, a bar per network and head")
    st.caption("Bars start at 0.5, the AUC of a coin. Whiskers are 95 % intervals; that two overlap decides nothing.")

st.header("Confusion matrices", anchor=False)
with st.grid(4, min_column_width=300, gap="medium"):
    for record in chosen:
        with st.container(border=True):
            comparing.show_headline(record, titles)
            evaluation = evaluation_of(record)
            draw = multilabel_figure if record.task == "multilabel" else confusion_figure
            chart(
                draw(evaluation.confusion, evaluation.class_names),
                alt=f"Confusion matrix of {titles[record.run_id]} on test, rows are the truth",
                key=f"confusion-{record.run_id}",
            )
st.caption("Rows are the truth; the shade and the percentage are shares of the row, so a rare class is as visible.")
with sentence.container(border=True):
    comparing.show_verdict(groups[0], titles, others=len(runs) - len(groups[0]))
comparing.show_unfinished(listing, runs[0].spec.dataset, runs[0].spec.label_scheme)
damaged_list(listing.damaged, "run")
