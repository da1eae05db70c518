"""The first stops of the lesson on networks, of a stored or a live trace: the pixels, and stage after stage."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.figures.learn_maps import WALL_PX, channel_wall, enlarged, filter_wall
from core.figures.overlay import draw_boxes
from core.language import t
from core.store.traces import MEAN_POOLING, POOLING, SMOOTH, Trace, TraceStage
from pages.ui.blocks import plain
from pages.ui.presenting import prose_px

COLUMNS = {16: 8, 24: 8, 32: 8, 48: 12, 64: 16, 96: 16}
PICTURE_PX = 448
NEIGHBOURS = 4  # pixels to each side of the middle, as numbers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Way:
    """What the lesson follows: a trace, and the name of the picture where it was chosen by the reader ("": stored)."""

    trace: Trace
    picture: str = ""

    @property
    def live(self) -> bool:
        """Whether a network has just run for it."""
        return bool(self.picture)


def show_pixels(way: Way) -> None:
    """The picture as the network gets it, and some of its pixels as numbers."""
    trace, pixels = way.trace, way.trace.pixels
    side, colour = len(pixels), pixels.ndim == 3
    x, y, width, height = trace.boxes[0] if trace.boxes else (0.5, 0.5, 0.0, 0.0)
    row, column = (int((y + height / 2) * side), int((x + width / 2) * side))
    seen, said = st.columns([2, 3], gap="large")
    with seen:
        rgb = pixels if colour else np.repeat(pixels[..., None], 3, axis=2)
        alt = (
            t("The chosen picture as the network gets it, {side} by {side} pixels", side=side) if way.live
            else t("A drawn chest radiograph; a frame marks the planted nodule")
        )  # fmt: skip
        st.image(draw_boxes(enlarged(rgb, PICTURE_PX), trace.boxes), width=PICTURE_PX, alt=alt)
    with said:
        st.markdown(_pixel_words(way), width=prose_px())
        near = slice(row - NEIGHBOURS, row + NEIGHBOURS), slice(column - NEIGHBOURS, column + NEIGHBOURS)
        part = (pixels[..., 0] if colour else pixels)[near]
        alt = (
            t("Eight by eight pixels from the middle of the picture, as numbers") if way.live
            else t("Eight by eight pixels from the middle of the nodule, as numbers")
        )  # fmt: skip
        st.dataframe(
            part.astype(int), hide_index=True, width="content", alt=alt,
            column_config={
                str(i): st.column_config.NumberColumn(str(column - NEIGHBOURS + i), width=44)
                for i in range(2 * NEIGHBOURS)
            },
        )  # fmt: skip


def _pixel_words(way: Way) -> str:
    side = len(way.trace.pixels)
    if not way.live:
        return t(
            "A drawn radiograph, so that no patient is shown. The frame is where a nodule was planted; the network "
            "does not get the frame. What it gets is {count} numbers from 0 (black) to 255 (white), one per pixel "
            "of a square of {side} by {side}. Below are those around the middle of the frame.",
            count=f"{side * side:,}", side=side,
        )  # fmt: skip
    if way.trace.pixels.ndim == 3:
        return t(
            "**{picture}**, brought to a square of {side} by {side} pixels. The network gets three numbers from 0 to "
            "255 for each of them, red, green and blue: {count} in all. Below are the red ones around the middle.",
            picture=plain(way.picture), count=f"{3 * side * side:,}", side=side,
        )  # fmt: skip
    return t(
        "**{picture}**, brought to a square of {side} by {side} pixels. The network gets one number from 0 (black) to "
        "255 (white) for each of them, {count} in all; a network made for colours gets each of them three times. "
        "Below are those around the middle.",
        picture=plain(way.picture), count=f"{side * side:,}", side=side,
    )  # fmt: skip


def show_stage(way: Way, number: int) -> None:
    """One stage: its maps, before them the filters where it is the first, and what was done."""
    trace, stage = way.trace, way.trace.stages[number]
    height, width, shown = stage.maps.shape
    if number == 0 and len(trace.filters):
        with st.container(width=WALL_PX):  # both walls of the first stage fit a screen
            st.image(
                filter_wall(trace.filters, COLUMNS.get(len(trace.filters), 8)), width="stretch",
                caption=_filter_words(trace), alt=t("Small squares of light and dark: some are edges, some are spots"),
            )  # fmt: skip
    if stage.channels:
        caption = t(
            "What this stage gives: {channels} maps of {height} by {width} numbers. Here are the {shown} that answer "
            "most strongly somewhere in this picture; bright is a strong answer",
            channels=stage.channels, height=height, width=width, shown=shown,
        )  # fmt: skip
    else:
        caption = t("What this stage gives: {channels} maps of {height} by {width} numbers; bright is a strong answer",
                    channels=shown, height=height, width=width)  # fmt: skip
    alt = (
        t("{channels} small maps of the picture; each answers to something else", channels=shown) if way.live
        else t("{channels} small maps of the chest; each answers to something else", channels=shown)
    )  # fmt: skip
    with st.container(width=WALL_PX if number == 0 else "stretch"):
        st.image(channel_wall(stage.maps, COLUMNS.get(shown, 12)), width="stretch", caption=caption, alt=alt)
    st.markdown(f"{_done(stage)} {_sees(stage, len(trace.pixels))}", width=prose_px())


def _filter_words(trace: Trace) -> str:
    if trace.filters.ndim == 4:
        return t(
            "The {channels} filters of the first convolution, in colour: what is lighter or more of a colour than the "
            "grey adds, what is darker takes away",
            channels=len(trace.filters),
        )
    return t("The {channels} filters of the first convolution: light adds, dark takes away, grey ignores",
             channels=len(trace.filters))  # fmt: skip


def _done(stage: TraceStage) -> str:
    """What the stage does to what came before it."""
    if stage.kind == POOLING:
        return t(
            "Pooling keeps the strongest of every {kernel} by {kernel} numbers. The maps shrink, what they found "
            "stays, and where exactly it was gets a little vaguer.",
            kernel=stage.kernel,
        )
    if stage.kind == MEAN_POOLING:
        return t(
            "Pooling keeps the mean of every {kernel} by {kernel} numbers. The maps shrink, what they found stays, and "
            "where exactly it was gets a little vaguer.",
            kernel=stage.kernel,
        )
    if stage.convolutions > 1:
        if stage.kind == SMOOTH:
            return t(
                "{count} convolutions lie between the stage before and this one. Each moves its filters over the maps "
                "before it: multiply, add, and let little through of what is below zero. The later the stage, the "
                "smaller its maps and the more of them.",
                count=stage.convolutions,
            )
        return t(
            "{count} convolutions lie between the stage before and this one. Each moves its filters over the maps "
            "before it: multiply, add, and after most of them keep what is above zero (ReLU). The later the stage, the "
            "smaller its maps and the more of them.",
            count=stage.convolutions,
        )
    if stage.kind == SMOOTH:
        return t(
            "Each map is one filter of {kernel} by {kernel} numbers, moved over everything before it: multiply, add, "
            "and let little through of what is below zero.",
            kernel=stage.kernel,
        )
    return t(
        "Each map is one filter of {kernel} by {kernel} numbers, moved over everything before it: multiply, add, "
        "and keep what is above zero (ReLU).",
        kernel=stage.kernel,
    )


def _sees(stage: TraceStage, side: int) -> str:
    """How much of the picture one number of a stage has seen."""
    if stage.field_px > side:
        return t(
            "One number here can have seen {field} by {field} pixels, more than the whole picture of {side} by {side}.",
            field=stage.field_px, side=side,
        )  # fmt: skip
    return t("One number here has seen {field} by {field} pixels of the picture.", field=stage.field_px)
