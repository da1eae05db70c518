"""The last stops of the lesson on networks: one number a map, and the weighted sum that becomes a probability."""

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from core.figures.learn_maps import coloured, wall
from core.language import t
from core.store.traces import Trace
from pages.ui.blocks import chart, disclaimer, plain
from pages.ui.learn_stages import PICTURE_PX, Way
from pages.ui.presenting import presenting, prose_px

SHOWN_NUMBERS = 12


def show_last_numbers(way: Way) -> None:
    """Pooling to one number a map, and the numbers that count most, each times its weight."""
    trace = _with_class(way)
    shown = plain(t(trace.shown_class))
    order, numbers, weights, added = _counted(trace)
    st.markdown(_pooling_words(trace), width=prose_px())
    units = trace.pooling == "units"
    maps, listed = st.columns([2, 3], gap="large") if not units else (None, st.container())
    if maps is not None:
        with maps:
            grids = np.asarray(trace.activations, dtype=np.float64)
            tops = np.maximum(grids.max(axis=(0, 1)), 1e-9)
            st.image(
                wall([coloured(grids[..., c] / tops[c]) for c in order], 4, width_px=PICTURE_PX), width="stretch",
                caption=t("The twelve last maps that count most for {shown}, in the order of the table", shown=shown),
                alt=t("Twelve small maps, some warm in one place, some all over"),
            )  # fmt: skip
    with listed:
        values = {
            _pooled_title(trace): numbers[order], t("Weight for {shown}", shown=t(trace.shown_class)): weights[order],
            t("Product"): added[order],
        }  # fmt: skip
        st.dataframe(
            pd.DataFrame({t("Number") if units else t("Map"): order + 1, **values}), hide_index=True, width="stretch",
            height="content",
            column_config={name: st.column_config.NumberColumn(format="%.3f") for name in values},
            alt=t("The numbers that count most for {shown}, their weights and their products", shown=shown),
        )  # fmt: skip
        bias, total = float(trace.bias[trace.shown_index]), float(added.sum() + trace.bias[trace.shown_index])
        st.markdown(
            t(
                "These {n} products give {own}, all {others} others {rest}, the constant {constant}: together "
                "**{total}**. The network's own score of {shown} is **{logit}**.",
                n=len(order), own=f"{added[order].sum():+.3f}", others=len(added) - len(order),
                rest=f"{added.sum() - added[order].sum():+.3f}", constant=f"{bias:+.3f}", total=f"{total:.3f}",
                shown=shown, logit=f"{float(trace.logits[trace.shown_index]):.3f}",
            )
            + ("" if way.live else " " + t("They differ in the last digits because the stored numbers are rounded.")),
            width=prose_px(),
        )  # fmt: skip


def _with_class(way: Way) -> Trace:
    """The trace with the class that the reader follows; the stored lesson follows one."""
    trace = way.trace
    if not way.live or presenting():
        return trace
    names = list(trace.class_names)
    kept = f"network-class-{trace.model}"  # over the stops and over pictures; the widget itself is drawn at two stops
    first = st.session_state.get(kept, trace.shown_class)
    chosen = st.selectbox(
        t("Follow the score of"), names, index=names.index(first), format_func=t, width=320, key=f"{kept}-select"
    )
    if chosen != first:
        st.session_state[kept] = chosen
    return replace(trace, shown_class=chosen)


def _counted(trace: Trace) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(which numbers count most, all last numbers, their weights for the class, their products)."""
    numbers = trace.pooled.astype(np.float64)
    weights = trace.weights[:, trace.shown_index].astype(np.float64)
    added = weights * numbers
    return np.argsort(-np.abs(added), kind="stable")[:SHOWN_NUMBERS], numbers, weights, added


def _pooled_title(trace: Trace) -> str:
    if trace.pooling == "units":
        return t("Value")
    return t("Largest number") if trace.pooling == "max" else t("Mean")


def _pooling_words(trace: Trace) -> str:
    height, width, channels = trace.activations.shape
    if trace.pooling == "units":
        return t(
            "Behind the {channels} last maps this network has more layers, which mix all their numbers. The last of "
            "them gives {count} numbers, and where in the picture something was is gone.",
            channels=channels, count=len(trace.pooled),
        )  # fmt: skip
    if trace.pooling == "max":
        return t(
            "Of each of the {channels} last maps, {height} by {width} numbers, only the largest is kept: how strongly "
            "something was found anywhere. Where it was is gone.",
            channels=channels, height=height, width=width,
        )  # fmt: skip
    return t(
        "Of each of the {channels} last maps, {height} by {width} numbers, only the mean is kept: how much of "
        "something is there in all. Where it was is gone.",
        channels=channels, height=height, width=width,
    )  # fmt: skip


def show_answer(way: Way) -> None:
    """The weighted sum, and the probability that is made of it."""
    from core.figures.learn_charts import contributions_figure

    trace = _with_class(way)
    shown, units = plain(t(trace.shown_class)), trace.pooling == "units"
    _, _, _, added = _counted(trace)
    st.markdown(_answer_words(trace, shown, live=way.live), width=prose_px())
    chart(
        contributions_figure(added, float(trace.bias[trace.shown_index]), t(trace.shown_class), units=units),
        alt=t(
            "Bars: what the twelve numbers that count most, all others and the constant add to the score of {shown}",
            shown=t(trace.shown_class),
        ),
        key="network-sum",
    )
    if not way.live:
        st.caption(
            t(
                "{model} on phantom {phantom}; the probability is calibrated (temperature {temperature}). It says what "
                "this network gives, not that there is a nodule.",
                model=trace.model, phantom=trace.phantom, temperature=f"{trace.temperature:.2f}",
            )
        )  # fmt: skip
        return
    _class_table(trace)
    st.caption(f"{_curve_words(trace)} {_live_words(way)}")
    if not presenting():  # whose bar says it already
        disclaimer()


def _answer_words(trace: Trace, shown: str, *, live: bool) -> str:
    values = {
        "channels": len(trace.pooled), "shown": shown, "logit": f"{float(trace.logits[trace.shown_index]):.2f}",
        "share": f"{float(trace.probabilities[trace.shown_index]):.3f}",
    }  # fmt: skip
    if live:
        return t(
            "Each of these {channels} numbers is multiplied by a weight that training found; the products and one "
            "constant add up to the score of {shown}, **{logit}**. Its probability is **{share}**.",
            **values,
        )
    if trace.pooling == "max":
        return t(
            "Of each of the {channels} last maps only the strongest number is kept. Each is multiplied by a weight "
            "that training found; the products and one constant add up to **{logit}** for {shown}, and a fixed curve "
            "turns that into a probability of **{share}**.",
            **values,
        )
    return t(
        "Of each of the {channels} last maps the mean is kept. Each is multiplied by a weight that training found; "
        "the products and one constant add up to **{logit}** for {shown}, and a fixed curve turns that into a "
        "probability of **{share}**.",
        **values,
    )


def _curve_words(trace: Trace) -> str:
    """How probabilities come from scores: with or without the other classes."""
    temperature = f"{trace.temperature:.2f}"
    if abs(float(np.sum(trace.probabilities)) - 1.0) < 1e-6:
        return t(
            "Softmax: e to the power of score / {temperature}, divided by the sum of that over all classes; "
            "{temperature} is the temperature that calibrates the network.",
            temperature=temperature,
        )
    return t(
        "Sigmoid, each class by itself: 1 / (1 + e to the power of −score / {temperature}); {temperature} is the "
        "temperature that calibrates the network.",
        temperature=temperature,
    )


def _live_words(way: Way) -> str:
    return t(
        "{model} on {picture}: the probabilities of the Predict page. They say what this network gives, not what the "
        "picture shows.",
        model=way.trace.model, picture=plain(way.picture),
    )  # fmt: skip


def _class_table(trace: Trace) -> None:
    """Every class: its sum done here, the network's own score, and the probability."""
    by_hand = trace.pooled.astype(np.float64) @ trace.weights.astype(np.float64) + trace.bias
    values = {
        t("Added up here"): by_hand, t("The network's own score"): trace.logits.astype(np.float64),
        t("Probability"): trace.probabilities,
    }  # fmt: skip
    st.dataframe(
        pd.DataFrame({t("Class"): [t(name) for name in trace.class_names], **values}), hide_index=True,
        width="stretch", column_config={name: st.column_config.NumberColumn(format="%.3f") for name in values},
        alt=t("Score and probability of every class; the sums done here are the network's own"),
    )  # fmt: skip
