"""The Data page's figures of who is in a data set: images per patient, age, sex, view, and the place of a lesion."""

import numpy as np
import streamlit as st

from core.data.copies import ages, group_sizes, values_of
from core.figures.spread import age_figure, group_sizes_figure, values_figure
from core.figures.text import group_word, percent
from core.language import t, tn
from core.types import DatasetSpec, DatasetTable
from pages.ui.blocks import chart, plain

COLUMNS = ("sex", "view", "site", "finding")  # of text, where a table has them


def group_plural(spec: DatasetSpec) -> str:
    """What several groups of a data set are called."""
    words = {
        "patient": t("patients"), "lesion": t("lesions"), "study": t("studies"), "image": t("images"),
        "synthetic patient": t("synthetic patients"),
    }  # fmt: skip
    word = group_word(spec.group_field)
    return words.get(word, f"{word}s")


def per_group(spec: DatasetSpec) -> str:
    """What is counted: "Images per patient"."""
    words = {
        "patient": t("Images per patient"), "lesion": t("Images per lesion"), "study": t("Images per study"),
        "synthetic patient": t("Images per synthetic patient"),
    }  # fmt: skip
    return words.get(group_word(spec.group_field), t("Images per group"))


def show_spread(spec: DatasetSpec, table: DatasetTable) -> None:
    """A figure for each thing that the table knows, and a sentence for what it does not."""
    titles = {"sex": t("Sex"), "view": t("View"), "site": t("Place of the lesion"), "finding": t("Finding")}
    known = {column: found for column in COLUMNS if (found := values_of(table, column))}
    years = ages(table)
    with st.grid(2, min_column_width=330, gap="medium"):
        sizes, groups = group_sizes(table), group_plural(spec)
        if group_word(spec.group_field) != "image":
            with st.container():
                st.subheader(per_group(spec), anchor=False)
                _group_sizes(sizes, groups, per_group(spec))
        if years.size:
            with st.container():
                st.subheader(t("Age"), anchor=False)
                _age(years, len(table))
        for column, values in known.items():
            with st.container():
                st.subheader(titles[column], anchor=False)
                words = ", ".join(f"{t(name or 'not stated')}: {n:,}" for name, n in list(values.items())[:6])
                chart(values_figure(values), alt=t("Images by {what}: {words}", what=titles[column], words=words))
    if group_word(spec.group_field) == "image":
        st.caption(t("The source publishes no identity of its patients, so nobody can tell how many images one has."))
    expected = {"age": t("Age"), "sex": t("Sex")}
    if "radiograph" in spec.modality:
        expected["view"] = t("View")
    absent = [title for column, title in expected.items() if column not in table.rows]
    if absent:
        st.caption(t("Not in the source's tables: {names}.", names=", ".join(absent)))


def _group_sizes(sizes: np.ndarray, groups: str, title: str) -> None:
    several = float((sizes > 1).mean())
    share = float(sizes[sizes > 1].sum() / sizes.sum())
    words = t(
        "{share} of the {groups} have more than one image, and {images} of all images are theirs; one has {most}.",
        share=percent(several), groups=groups, images=percent(share), most=int(sizes.max()),
    )  # fmt: skip
    chart(group_sizes_figure(sizes, groups, title), alt=words)
    st.caption(plain(words))


def _age(years: np.ndarray, images: int) -> None:
    low, middle, high = (round(float(v)) for v in np.percentile(years, (25, 50, 75)))
    words = t(
        "Half of the images are of people from {low} to {high} years, the median is {middle}.",
        low=low, high=high, middle=middle,
    )  # fmt: skip
    chart(age_figure(years), alt=words)
    missing = images - years.size
    said = tn("{n} image has no age.", "{n} images have no age.", missing) if missing else ""
    st.caption(plain(f"{words} {said}"))
