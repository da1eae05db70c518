"""Compare: which run is best on one data set and task, by how much, and whether the data can tell."""

import streamlit as st

from core.figures.confusion import confusion_figure, multilabel_figure
from core.figures.leaderboard import MOST_ROWS, forest_figure
from core.figures.names import evaluation_of, run_titles
from core.language import t
from pages.ui import comparing, headlines_cache
from pages.ui.blocks import chart, damaged_list, empty_state, page_head
from pages.ui.charts import choose_format, csv_button
from pages.ui.comparing_choice import choose_columns, filtered
from pages.ui.comparing_cost import show_cost, show_differences, show_repeats
from pages.ui.comparing_curves import show_curves
from pages.ui.comparing_elsewhere import show_elsewhere
from pages.ui.comparing_pairs import show_agreement, show_pairs
from pages.ui.comparing_report import report_button
from pages.ui.linked_more import linked_tabs

page_head(
    t("Compare"),
    t(
        "Which run is best, by how much, and can the data tell? Finished runs of one task beside each other, each "
        "scored once on test images that no choice has seen; every number comes from the predictions in `results/`."
    ),
)
listing = headlines_cache.run_headlines()
finished = headlines_cache.finished_headlines()
if not finished:
    empty_state(t("No finished runs yet."), "make benchmark", t("It trains on drawn phantoms and takes a few minutes."))
    damaged_list(listing.damaged, "run")
    st.stop()

of_task = comparing.choose_task(finished)
dataset, task = of_task[0].spec.dataset, of_task[0].spec.label_scheme
runs = filtered(of_task)
if not runs:
    st.info(t("No run is left: take a filter back."), icon=":material/filter_alt_off:")
    st.stop()
titles = run_titles(of_task)
groups = comparing.comparable(runs)
sentence = st.empty()  # filled last: the figures need not wait for the resampling
sentence.skeleton(height=150)
comparing.leak_warning(runs, titles)

st.header(t("Leaderboard"), anchor=False)
order = ", ".join(titles[r.run_id] for r in runs[:3])
chart(
    forest_figure(runs, titles),
    alt=t("AUC of {n} runs with 95 % intervals; highest: {order}", n=len(runs), order=order),
)
if runs[0].task != "binary":
    st.caption(
        t("AUC is the macro mean over the classes; a hollow diamond is the class with the lowest AUC of that run.")
    )
if len(runs) > MOST_ROWS:
    st.caption(t("The picture shows the first {n}; the table has all.", n=MOST_ROWS))
table = comparing.leaderboard_table(runs, titles)
with st.container(horizontal=True, gap="small"):
    columns = choose_columns(table, comparing.column_names(runs))
    csv_button(table, f"leaderboard-{dataset}-{task}", "leaderboard")
comparing.show_table(table, alt=t("Leaderboard of {n} runs", n=len(runs)), columns=columns)
st.caption(t("Worst class: the one found least often at the run's own cut. A click on a column's name sorts by it."))

st.header(t("Head against head"), anchor=False)
first = [r.run_id for r in comparing.best_of_heads(groups[0])][:4]
picked = st.multiselect(
    t("Runs to look at"),
    [r.run_id for r in runs],
    default=first,
    format_func=lambda run_id: titles[run_id],
    max_selections=comparing.MOST_COMPARED,
    key=f"picked-{dataset}-{task}-{len(runs)}",
)
chosen = [r for r in runs if r.run_id in picked]
names = {
    "curves": t("Curves"), "confusion": t("Confusion"), "pairs": t("Pairs"), "agreement": t("Agreement"),
    "cost": t("Cost"), "repeats": t("Seeds and folds"), "differences": t("What differs"),
}  # fmt: skip
part, tabs = linked_tabs(names, "part")
with tabs[part]:
    if part == "curves":
        show_curves(headlines_cache.whole_runs(chosen), titles)
    elif part == "confusion":
        with st.grid(4, min_column_width=300, gap="medium"):
            for record in chosen:
                with st.container(border=True):
                    comparing.show_headline(record, titles)
                    evaluation = evaluation_of(record)
                    draw = multilabel_figure if record.task == "multilabel" else confusion_figure
                    chart(
                        draw(evaluation.confusion, evaluation.class_names),
                        alt=t("Confusion matrix of {run} on test, rows are the truth", run=titles[record.run_id]),
                        key=f"confusion-{record.run_id}",
                    )
        st.caption(
            t("Rows are the truth; the shade and the percentage are shares of the row, so a rare class is as visible.")
        )
    elif part == "pairs":
        show_pairs(chosen, titles)
    elif part == "agreement":
        show_agreement(chosen, titles)
    elif part == "cost":
        show_cost(groups[0], titles)
    elif part == "repeats":
        show_repeats(runs)
    else:
        show_differences(chosen, titles)
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    choose_format()
    report_button(runs, titles, picked)
with sentence.container(border=True):
    comparing.show_verdict(groups[0], titles, others=len(runs) - len(groups[0]))
    show_elsewhere(runs, groups[0])
comparing.show_unfinished(listing, dataset, task)
damaged_list(listing.damaged, "run")
