"""The lesson on Grad-CAM: its five steps, each computed again from the stored trace."""

import numpy as np
import streamlit as st

from core.evaluation.lessons import gradcam_steps
from core.figures.learn_maps import coloured, enlarged, signed_grey, wall
from core.figures.overlay import blend, draw_boxes, resize_map
from core.language import t
from core.store.traces import Trace
from pages.ui.learn_lesson import ask_the_class, lesson_head
from pages.ui.learn_network import lesson_trace
from pages.ui.presenting import prose_px

SHOWN_CHANNELS = 12
PICTURE_PX = 448
OVERLAY = 0.6


def gradcam_lesson() -> None:
    """Activations, weights, weighted sum, ReLU, overlay."""
    lesson_head(
        t("What Grad-CAM computes, in five steps"),
        t("A heat map is a weighted sum of the last maps: where the score came from, not where an illness is."),
    )
    trace = lesson_trace()
    if trace is None:
        return
    _step_by_step(trace)
    ask_the_class(
        [
            t("Step 4 throws away all that speaks against the class. When would you rather see it?"),
            t("The map has {cells} by {cells} cells. How small may a nodule be before the map cannot place it?",
              cells=trace.activations.shape[0]),
            t("The warm place lies on the nodule. Does that prove that the network knows what a nodule is?"),
        ]
    )  # fmt: skip
    st.caption(
        t(
            "{model} on phantom {phantom}, class {shown}. Selvaraju et al. 2017. Computed here from the stored "
            "activations and weights; it is the map that the Predict page draws.",
            model=trace.model, phantom=trace.phantom, shown=trace.shown_class,
        )
    )  # fmt: skip


@st.fragment
def _step_by_step(trace: Trace) -> None:
    names = [
        t("1 Last maps"), t("2 Weights"), t("3 Weighted sum"), t("4 Keep what is for it"), t("5 Over the picture"),
    ]  # fmt: skip
    step = st.select_slider(
        t("Step"), list(range(len(names))), format_func=names.__getitem__, key="gradcam-step",
        label_visibility="collapsed",
    )  # fmt: skip
    steps = gradcam_steps(trace.activations, trace.weights[:, trace.shown_index])
    order = steps.order[:SHOWN_CHANNELS]
    maps = trace.activations.astype(np.float64)
    height, width, channels = maps.shape
    shown = trace.shown_class
    if step == 0:
        picture = wall([coloured(maps[..., c] / max(1e-9, maps[..., c].max())) for c in order], 6)
        st.image(
            picture, width="stretch",
            caption=t("Twelve of the {channels} last maps, {height} by {width} cells each", channels=channels,
                      height=height, width=width),
            alt=t("Twelve small maps; some light up where the nodule lies"),
        )  # fmt: skip
        st.markdown(
            t("The picture has gone through the network once. Its last convolution gives {channels} maps. Each "
              "answers to something, but nobody has said what, and not yet whether it matters.", channels=channels),
            width=prose_px(),
        )  # fmt: skip
    elif step == 1:
        from core.figures.learn_charts import weights_figure
        from pages.ui.blocks import chart

        chart(
            weights_figure(steps.weights * height * width, order, shown),
            alt=t("Weights of the twelve maps, some for {shown} and some against it", shown=shown),
            key="gradcam-weights",
        )  # fmt: skip
        st.markdown(
            t("How much would the score of {shown} rise if a map were a little brighter? That is a gradient, and its "
              "mean over the cells is the weight of the map. Behind this network's last stage there is one weighted "
              "sum, so the gradient is its weight: for {shown} above the line, against it below.", shown=shown),
            width=prose_px(),
        )  # fmt: skip
    elif step in (2, 3):
        _sum_and_rest(steps.summed, steps.map, rectified=step == 3, shown=shown)
    else:
        _overlay(trace, steps.map)


def _sum_and_rest(summed: np.ndarray, positive: np.ndarray, *, rectified: bool, shown: str) -> None:
    seen, said = st.columns([2, 3], gap="large")
    with seen:
        if rectified:
            st.image(enlarged(coloured(positive), PICTURE_PX), width=PICTURE_PX,
                     alt=t("The sum without its negative part: one warm place is left"))  # fmt: skip
        else:
            st.image(enlarged(signed_grey(summed), PICTURE_PX), width=PICTURE_PX,
                     alt=t("The weighted sum: light where cells speak for {shown}, dark where against it", shown=shown),
                     )  # fmt: skip
    with said:
        if rectified:
            text = t(
                "ReLU: everything below zero becomes zero. What is left speaks for {shown}; it is divided by its "
                "largest value, so the warmest cell is always full heat, however low the score. **{share}** of the "
                "cells are above half of it.",
                shown=shown, share=f"{100 * float((positive >= 0.5).mean()):.0f} %",
            )  # fmt: skip
        else:
            text = t(
                "Every map times its weight, all added up, cell by cell. Light cells speak for {shown}, dark ones "
                "against it, mid grey is zero. The largest is {high}, the smallest {low}.",
                shown=shown, high=f"{summed.max():+.3f}", low=f"{summed.min():+.3f}",
            )  # fmt: skip
        st.markdown(text, width=prose_px())


def _overlay(trace: Trace, heat: np.ndarray) -> None:
    side = len(trace.pixels)
    grey = enlarged(np.repeat(trace.pixels[..., None], 3, axis=2), PICTURE_PX)
    seen, marked = st.columns(2, gap="medium")
    with seen:
        st.image(blend(grey, heat, OVERLAY), width="stretch", caption=t("The map, stretched over the picture"),
                 alt=t("A heat map over a drawn radiograph, warm in one place"))  # fmt: skip
    with marked:
        st.image(draw_boxes(grey, trace.boxes), width="stretch", caption=t("Where the nodule was planted"),
                 alt=t("The same picture with a frame around the planted nodule"))  # fmt: skip
    peak = np.unravel_index(int(np.argmax(resize_map(heat, side, side))), (side, side))
    inside = any(
        x <= (peak[1] + 0.5) / side <= x + w and y <= (peak[0] + 0.5) / side <= y + h for x, y, w, h in trace.boxes
    )
    st.markdown(
        t("{cells} cells become {side} by {side} pixels, softly; the edges of the warm place are the stretching's and "
          "not the network's.", cells=heat.size, side=side)
        + " "
        + (t("Here the warmest point lies inside the planted nodule.") if inside
           else t("Here the warmest point lies outside the planted nodule.")),
        width=prose_px(),
    )  # fmt: skip
