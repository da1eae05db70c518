"""The pictures and the table behind image ids, where the data set of a run lies on this machine."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core import paths
from core.errors import ImageRefused, MedLensError
from core.figures.overlay import shrink
from core.language import t, tn
from core.registry.datasets import DATASETS
from core.types import RunRecord
from pages.ui import cache
from pages.ui.blocks import plain

THUMB_PX = 240
MOST_PICTURES = 12


def is_at_hand(record: RunRecord) -> bool:
    """Whether the pictures of a run can be shown: its data set is drawn, or lies in the data folder."""
    spec = DATASETS.get(record.spec.dataset)
    if spec is None:
        return False
    return spec.synthetic or (not spec.joins and (paths.data_folder() / spec.key).is_dir())


def rows_of(record: RunRecord) -> pd.DataFrame | None:
    """The rows of the run's data set, indexed by image id; None where it is not here or cannot be read."""
    if not is_at_hand(record):
        return None
    try:
        if DATASETS[record.spec.dataset].synthetic:
            with st.spinner(t("Reading the data set…")):
                return _drawn_rows(record.spec.dataset, tuple(sorted(record.spec.dataset_options.items())))
        with st.spinner(t("Reading the data set…")):
            table = cache.dataset_table(record.spec.dataset)
        return _indexed(record.spec.dataset, table.fingerprint, table.rows)
    except MedLensError:
        return None


@st.cache_resource(max_entries=2, show_spinner=False)
def _drawn_rows(key: str, options: tuple[tuple[str, int | float | str], ...]) -> pd.DataFrame:
    from core.data.load import load_table

    rows = load_table(key, options=dict(options)).rows
    return rows.set_index(rows["image_id"].astype(str))


@st.cache_resource(max_entries=4, show_spinner=False)
def _indexed(key: str, fingerprint: str, _rows: pd.DataFrame) -> pd.DataFrame:
    return _rows.set_index(_rows["image_id"].astype(str))


@st.cache_data(max_entries=256, show_spinner=False)
def thumbnail(path: str) -> np.ndarray | None:
    """A picture of the data set, small; None where it cannot be read."""
    from core.data.sources import read_image

    try:
        return shrink(read_image(path), THUMB_PX)
    except ImageRefused:
        return None


def show_pictures(
    record: RunRecord, image_ids: Sequence[str], captions: Mapping[str, str], key: str,
    under: Callable[[], Callable[[str, str, np.ndarray], None] | None] | None = None,
) -> None:  # fmt: skip
    """The first dozen of the images, on demand; or one line that says why there are none.

    Args:
        under: asked once, where pictures are shown; what it gives draws more under each of them, from (image id,
            path, small picture).
    """
    if not is_at_hand(record):
        st.caption(
            t("The pictures are not on this machine: with the data set in `MEDLENS_DATA` they stand here. "
              "The ids are those of the data set.")
        )  # fmt: skip
        return
    if not image_ids or not st.toggle(t("Show the pictures"), key=f"pictures-{key}"):
        return
    rows = rows_of(record)
    where = {} if rows is None else rows["path"].to_dict()
    found = {i: where[i] for i in image_ids[:MOST_PICTURES] if i in where}
    if not found:
        st.caption(t("None of these ids is in the data set on this machine."))
        return
    more_under = under() if under is not None else None
    with st.grid(6, min_column_width=130):
        for image_id, path in found.items():
            pixels = thumbnail(str(path))
            words = captions.get(image_id, "")
            if pixels is None:
                st.caption(t("{image}: cannot be read", image=plain(image_id)))
                continue
            with st.container():
                st.image(pixels, width="stretch", alt=t("Image {image}. {what}", image=image_id, what=words))
                st.caption(f"{plain(image_id)}  \n{plain(words)}")
                if more_under is not None:
                    more_under(image_id, str(path), pixels)
    if len(image_ids) > MOST_PICTURES:
        more = len(image_ids) - MOST_PICTURES
        st.caption(tn("{n} more image is in the table.", "{n} more images are in the table.", more))
