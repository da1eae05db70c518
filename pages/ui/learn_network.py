"""The lesson on what a convolutional network does: one picture from its pixels to a probability, stage by stage."""

import numpy as np
import streamlit as st

from core.errors import ModelDamaged
from core.figures.learn_maps import WALL_PX, channel_wall, enlarged, filter_wall
from core.figures.overlay import draw_boxes
from core.language import t
from core.registry.lessons import TRACED_MODEL
from core.store.traces import CONVOLUTION, Trace
from pages.ui import learn_cache
from pages.ui.blocks import chart, empty_state
from pages.ui.learn_lesson import ask_the_class, lesson_head
from pages.ui.presenting import prose_px

COLUMNS = {16: 8, 24: 8, 48: 12, 96: 16}
PICTURE_PX = 448


def lesson_trace() -> Trace | None:
    """The stored trace, or None after words on how it is made."""
    try:
        return learn_cache.trace(TRACED_MODEL)
    except ModelDamaged as error:
        empty_state(
            t("The stored way of a picture through {model} is not here.", model=TRACED_MODEL),
            f"python -m core models trace {TRACED_MODEL}", str(error),
        )  # fmt: skip
        return None


def network_lesson() -> None:
    """Filters, activations layer by layer, pooling, the head."""
    lesson_head(
        t("From pixels to a probability"),
        t("A network never sees a nodule: it sees numbers, turns them into other numbers, and adds them up."),
    )
    trace = lesson_trace()
    if trace is None:
        return
    _stage_by_stage(trace)
    ask_the_class(
        [
            t("Which of the first filters answer to an edge, and which to a bright spot? Where would each light up?"),
            t("Pooling throws three of four numbers away. What does the network lose by that, and what does it gain?"),
            t("One cell of the last stage sees {px} pixels. Can this network know that a heart is too large?",
              px=trace.stages[-1].field_px),
        ]
    )  # fmt: skip


@st.fragment
def _stage_by_stage(trace: Trace) -> None:
    names = _stage_names(trace)
    at = st.select_slider(
        t("Follow the picture"), list(range(len(names))), format_func=names.__getitem__, key="network-stage"
    )
    if at == 0:
        _pixels(trace)
    elif at == len(names) - 1:
        _head(trace)
    else:
        _stage(trace, at - 1)


def _stage_names(trace: Trace) -> list[str]:
    """A name for every stop of the slider: the picture, each stage, the answer."""
    names, convolutions, poolings = [t("Pixels")], 0, 0
    for stage in trace.stages:
        if stage.kind == CONVOLUTION:
            convolutions += 1
            names.append(t("Convolution {n}", n=convolutions))
        else:
            poolings += 1
            names.append(t("Pooling {n}", n=poolings))
    return [*names, t("Answer")]


def _pixels(trace: Trace) -> None:
    side = len(trace.pixels)
    seen, said = st.columns([2, 3], gap="large")
    with seen:
        grey = np.repeat(trace.pixels[..., None], 3, axis=2)
        st.image(
            draw_boxes(enlarged(grey, PICTURE_PX), trace.boxes), width=PICTURE_PX,
            alt=t("A drawn chest radiograph; a frame marks the planted nodule"),
        )  # fmt: skip
    with said:
        st.markdown(
            t(
                "A drawn radiograph, so that no patient is shown. The frame is where a nodule was planted; the network "
                "does not get the frame. What it gets is {count} numbers from 0 (black) to 255 (white), one per pixel "
                "of a square of {side} by {side}. Below are those around the middle of the frame.",
                count=f"{side * side:,}", side=side,
            ),
            width=prose_px(),
        )  # fmt: skip
        x, y, width, height = trace.boxes[0] if trace.boxes else (0.5, 0.5, 0.0, 0.0)
        row, column = (int((y + height / 2) * side), int((x + width / 2) * side))
        part = trace.pixels[row - 4 : row + 4, column - 4 : column + 4]
        st.dataframe(
            part.astype(int), hide_index=True, width="content",
            column_config={str(i): st.column_config.NumberColumn(str(column - 4 + i), width=44) for i in range(8)},
            alt=t("Eight by eight pixels from the middle of the nodule, as numbers"),
        )  # fmt: skip


def _stage(trace: Trace, number: int) -> None:
    stage = trace.stages[number]
    height, width, channels = stage.maps.shape
    if number == 0:
        st.image(
            filter_wall(trace.filters, COLUMNS.get(channels, 8)), width=WALL_PX,
            caption=t("The {channels} filters of the first convolution: light adds, dark takes away, grey ignores",
                      channels=channels),
            alt=t("Small squares of light and dark: some are edges, some are spots"),
        )  # fmt: skip
    st.image(
        channel_wall(stage.maps, COLUMNS.get(channels, 12)), width=WALL_PX if number == 0 else "stretch",
        caption=t("What this stage gives: {channels} maps of {height} by {width} numbers; bright is a strong answer",
                  channels=channels, height=height, width=width),
        alt=t("{channels} small maps of the chest; each answers to something else", channels=channels),
    )  # fmt: skip
    if stage.kind == CONVOLUTION:
        text = t(
            "Each map is one filter of {kernel} by {kernel} numbers, moved over everything before it: multiply, add, "
            "and keep what is above zero (ReLU). One number here has seen {field} by {field} pixels of the picture.",
            kernel=stage.kernel, field=stage.field_px,
        )  # fmt: skip
    else:
        text = t(
            "Pooling keeps the strongest of every {kernel} by {kernel} numbers. The maps shrink, what they found "
            "stays, and where exactly it was gets a little vaguer. One number has now seen {field} by {field} pixels.",
            kernel=stage.kernel, field=stage.field_px,
        )  # fmt: skip
    st.markdown(text, width=prose_px())


def _head(trace: Trace) -> None:
    from core.figures.learn_charts import contributions_figure

    shown = trace.shown_class
    weights = trace.weights[:, trace.shown_index].astype(np.float64)
    added = weights * trace.pooled.astype(np.float64)
    logit, share = float(trace.logits[trace.shown_index]), float(trace.probabilities[trace.shown_index])
    st.markdown(
        t(
            "Of each of the {channels} last maps only the strongest number is kept. Each is multiplied by a weight "
            "that training found; the products and one constant add up to **{logit}** for {shown}, and a fixed curve "
            "turns that into a probability of **{share}**.",
            channels=len(added), logit=f"{logit:.2f}", shown=shown, share=f"{share:.3f}",
        )
        if trace.pooling == "max"
        else t(
            "Of each of the {channels} last maps the mean is kept. Each is multiplied by a weight that training found; "
            "the products and one constant add up to **{logit}** for {shown}, and a fixed curve turns that into a "
            "probability of **{share}**.",
            channels=len(added), logit=f"{logit:.2f}", shown=shown, share=f"{share:.3f}",
        ),
        width=prose_px(),
    )  # fmt: skip
    chart(
        contributions_figure(added, float(trace.bias[trace.shown_index]), shown),
        alt=t(
            "Bars: what the twelve maps that count most, all others and the constant add to the score of {shown}",
            shown=shown,
        ),
        key="network-sum",
    )
    st.caption(
        t(
            "{model} on phantom {phantom}; the probability is calibrated (temperature {temperature}). It says what "
            "this network gives, not that there is a nodule.",
            model=trace.model, phantom=trace.phantom, temperature=f"{trace.temperature:.2f}",
        )
    )  # fmt: skip
