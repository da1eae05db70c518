"""The Data page's wall of pictures, with the experts' boxes and masks drawn in."""

from collections import Counter

import numpy as np
import streamlit as st

from core.errors import ImageRefused
from core.figures.names import label_title
from core.figures.overlay import draw_boxes, draw_outline, shrink
from core.language import t, tn
from core.types import DatasetSpec, DatasetTable
from pages.ui import data_cache
from pages.ui.cache import Sample

SHOWN = 10
SHOWN_PX = 384


def show_wall(spec: DatasetSpec, table: DatasetTable) -> None:
    """Pictures of one label or of each in turn, another draw at a click, marks where the source has them."""
    counts = Counter(token for label in table.rows["label"].astype(str) for token in label.split("|"))
    words = {"": t("each label in turn")} | {
        token: f"{label_title(data_cache.label_words(token, table.spec))} ({count:,})"
        for token, count in counts.most_common()
    }
    turn_key = f"wall-turn-{spec.key}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox(
            t("Label of the source"),
            list(words),
            format_func=words.__getitem__,
            key=f"wall-label-{spec.key}",
            width=320,
        )
        if st.button(t("Show others"), icon=":material/casino:", key=f"wall-more-{spec.key}"):
            st.session_state[turn_key] = st.session_state.get(turn_key, 0) + 1
        marked = any(column in table.rows for column in ("boxes", "mask_path"))
        show = st.toggle(t("Show where the findings lie"), value=True, key=f"marks-{spec.key}") if marked else False
    samples = data_cache.wall(table, label, st.session_state.get(turn_key, 0), SHOWN)
    with st.grid(5, min_column_width=150):
        for sample in samples:
            _show(sample, marks=show)


def _show(sample: Sample, *, marks: bool) -> None:
    picture = shrink(sample.pixels, SHOWN_PX)
    height, width = sample.pixels.shape[:2]
    known = ""
    if marks and sample.boxes:
        picture = draw_boxes(picture, sample.boxes)
        known = tn("{n} box drawn", "{n} boxes drawn", len(sample.boxes))
    elif marks and sample.mask_path:
        picture, known = outlined(picture, sample.mask_path), t("mask outlined")
    caption = label_title(sample.caption)
    words = ", ".join(filter(None, [caption, sample.name, known]))
    st.image(picture, caption=f"{caption}  \n{width} x {height} px", width="stretch", alt=words)


def outlined(picture: np.ndarray, mask_path: str) -> np.ndarray:
    """The picture with the border of its mask; as it is where the mask cannot be read."""
    from core.data.sources import read_image

    try:
        return draw_outline(picture, read_image(mask_path)[..., 0])
    except ImageRefused:  # the picture is still worth showing
        return picture
