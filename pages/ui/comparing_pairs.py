"""Every pair of the chosen runs tested, and two of them sorted image by image."""

from collections.abc import Mapping, Sequence

import streamlit as st

from core.errors import MedLensError
from core.evaluation.intervals import unit_of
from core.figures.names import group_field_of
from core.figures.pairs import p_words, pair_words, pairs_figure, pairs_frame
from core.figures.text import method_words
from core.language import t
from core.types import Comparison, RunRecord
from pages.ui import comparing_cache
from pages.ui.at_hand import show_pictures
from pages.ui.blocks import error_box, plain
from pages.ui.charts import chart_with_numbers, csv_button

MOST_SENTENCES = 6


def show_pairs(chosen: Sequence[RunRecord], titles: Mapping[str, str]) -> None:
    """The matrix of pairwise differences, its words, and the other tests beside it."""
    if len(chosen) < 2:
        st.info(t("Choose two runs or more above to test them in pairs."), icon=":material/info:")
        return
    unit = unit_of(group_field_of(chosen[0]))
    try:
        matrix = comparing_cache.pair_matrix(chosen, unit)
    except MedLensError as error:
        error_box(str(error))
        return

    def pair(a: str, b: str) -> tuple[Comparison, float, bool]:
        test = matrix.pair(a, b)
        return test.comparison, test.corrected_p, test.told_apart

    def mcnemar(a: str, b: str) -> tuple[Comparison, float] | None:
        test = matrix.pair(a, b)
        return None if test.mcnemar is None or test.mcnemar_p is None else (test.mcnemar, test.mcnemar_p)

    ids = list(matrix.run_ids)
    told = sum(test.told_apart for test in matrix.pairs)
    st.markdown(
        t("Of {pairs} pairs {n} can be told apart on these {images} images.", n=told, pairs=len(matrix.pairs),
          images=f"{matrix.n_images:,}")
    )  # fmt: skip
    drawn, named = st.columns([3, 2], gap="medium")
    with drawn:
        chart_with_numbers(
            pairs_figure(ids, titles, pair),
            pairs_frame(ids, titles, pair, lambda a, b: matrix.pair(a, b).delong_p, mcnemar),
            alt=t("Differences in AUC of every pair of {n} runs; the table holds them", n=len(ids)), name="pairs",
            key="pairs",
        )  # fmt: skip
    with named:
        st.markdown("\n".join(f"{i + 1}. {plain(titles[r])}" for i, r in enumerate(ids)))
        st.caption(
            t("A bold number: the row is ahead (blue) or behind (ochre), and that outlasts the correction for all "
              "pairs. A question mark: these images cannot tell.")
        )  # fmt: skip
    with st.expander(t("The pairs in words"), expanded=len(matrix.pairs) <= MOST_SENTENCES):
        order = sorted(matrix.pairs, key=lambda p: p.corrected_p)
        names = [(p.comparison.first, p.comparison.second) for p in order]
        st.markdown("\n".join(f"- {plain(pair_words(titles[a], titles[b], pair(a, b)))}" for a, b in names))
    st.caption(
        t("Differences: {method}; 95 % intervals; p corrected by Holm over all {pairs} pairs shown. The table adds "
          "DeLong's test (binary) and McNemar's at the runs' own cuts; both take every image as independent.",
          method=method_words(matrix.pairs[0].comparison.method), pairs=len(matrix.pairs))
    )  # fmt: skip


@st.fragment
def show_agreement(chosen: Sequence[RunRecord], titles: Mapping[str, str]) -> None:
    """Two runs on the same images: both right, both wrong, one alone; and the images of each."""
    if len(chosen) < 2:
        st.info(t("Choose two runs or more above to see where they agree."), icon=":material/info:")
        return
    by_id = {r.run_id: r for r in chosen}
    ids = list(by_id)
    left, right = st.columns(2)
    with left:
        first = st.selectbox(t("First run"), ids, format_func=lambda i: titles[i], key="agree-first")
    with right:
        second = st.selectbox(
            t("Second run"), [i for i in ids if i != first], format_func=lambda i: titles[i], key="agree-second"
        )
    try:
        found = comparing_cache.agreement(by_id[first], by_id[second])
    except MedLensError as error:
        error_box(str(error))
        return
    words = {
        "both_right": t("both right"),
        "only_first": t("only the first right"),
        "only_second": t("only the second right"),
        "both_wrong": t("both wrong"),
    }
    n = len(found.images)
    with st.grid(4, min_column_width=140):
        for cell, word in words.items():
            count = found.count(cell)
            st.metric(word, f"{count:,}", delta=f"{100 * count / n:.1f} %", delta_color="off", delta_arrow="off",
                      border=True)  # fmt: skip
    test = found.mcnemar
    verdict = t("The accuracies differ by {difference} ({low} to {high}); McNemar's exact p is {p}.",
                difference=f"{test.difference:+.3f}".replace("-", "−"), low=f"{test.low:.3f}".replace("-", "−"),
                high=f"{test.high:.3f}".replace("-", "−"), p=p_words(test.p_value))  # fmt: skip
    kappa = "" if found.kappa is None else t("Their decisions agree beyond chance with a kappa of {kappa}.",
                                             kappa=f"{found.kappa:.2f}")  # fmt: skip
    either = n - found.count("both_wrong")
    reach = t("At least one of the two is right on {n} of {all} images.", n=f"{either:,}", all=f"{n:,}")
    st.markdown(f"{verdict} {kappa} {reach}")
    cell = st.segmented_control(
        t("Images of"), list(words), default="only_first", format_func=lambda c: words[c], required=True,
        key="agree-cell",
    )  # fmt: skip
    rows = found.of(str(cell))
    if rows.empty:
        st.caption(t("No image lies here."))
        return
    st.dataframe(
        rows.drop(columns=["cell"]).assign(**{c: rows[c].map(t) for c in ("truth", "first", "second")}),
        hide_index=True, height=240,
        column_config={
            "image_id": t("image_id"), "group": t("group"), "truth": t("truth"), "first": t("first"),
            "second": t("second"),
            "first_score": st.column_config.NumberColumn(t("first_score"), format="%.3f"),
            "second_score": st.column_config.NumberColumn(t("second_score"), format="%.3f"),
        },
        alt=t("The images of one cell, those with the most different scores first"),
    )  # fmt: skip
    csv_button(rows.assign(first_run=first, second_run=second, split="test"), f"agreement-{cell}", "agreement")
    captions = {
        row.image_id: t("truth: {truth}; first: {first}; second: {second}", truth=t(row.truth), first=t(row.first),
                        second=t(row.second))
        for row in rows.head(24).itertuples()
    }  # fmt: skip
    show_pictures(by_id[first], rows["image_id"].tolist(), captions, "agreement")
