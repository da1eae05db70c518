"""Published: what others printed for the same tasks, and what our runs reach beside it, fair or not."""

import streamlit as st

from core.evaluation.published import compare_published, summary_of
from core.figures.published import MOST_DRAWN, figure_words, published_figure, summary_words
from core.language import t
from core.registry.published import published_figures
from pages.ui import cache, published
from pages.ui.blocks import chart, empty_state, page_head, plain, prose

page_head(
    t("Published"),
    t(
        "What four works and three benchmarks print for these tasks, and what our runs reach beside it. Our run is the "
        "best one on validation; its number is that of its test part, which chose nothing."
    ),
)
runs = cache.finished_runs()
if not runs:
    empty_state(
        t("No finished runs yet: every figure waits."), "make benchmark", t("The published figures stand below.")
    )

rows = published.choose(compare_published(published_figures(), runs))
with st.container(border=True):
    st.markdown(f"#### {plain(summary_words(summary_of(rows)))}")
    st.caption(
        t(
            "A published figure has no interval. Ahead: our whole 95\u00a0% interval is better than it; behind: all of "
            "it is worse; level: it holds the figure, and these images cannot tell. Their numbers are of another split "
            "of other images, with doubts of their own, so no line here is a contest."
        )
    )

if any(row.run is not None for row in rows):
    st.header(t("Where we stand"), anchor=False)
    published.show_tasks(rows)
    compared = [row for row in rows if row.run is not None]
    chart(published_figure(compared), alt=figure_words(compared))
    if len(compared) > MOST_DRAWN:
        st.caption(
            t(
                "Drawn are {drawn} of {count}, those in which we are behind first; the table has them all.",
                drawn=MOST_DRAWN,
                count=len(compared),
            )
        )

st.header(t("Every figure"), anchor=False)
published.show_table(rows)
prose(
    t(
        "The row says what is not alike: how the images were split, which and how many there are, how frequent a class "
        "is, what the number means. Sensitivity, specificity, PPV and NPV can each be bought with another, so the run "
        "beside them is the one with the best balanced accuracy on validation. Runs whose patients cross from training "
        "into test stand for nobody here; the Compare page marks them."
    )
)
st.header(t("Where they are printed"), anchor=False)
published.show_sources(rows)
