"""The figures of the lessons that a slider moves: a ROC curve that grows, learning curves, accuracy over prevalence."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures.theme import MUTED, PALETTE, base_layout, fraction_axis, transparent
from core.language import t

HEIGHT_PX = 430
BINS = 25


def growing_roc(
    points: tuple[np.ndarray, np.ndarray], here: tuple[float, float], *, whole: tuple[Sequence[float], Sequence[float]]
) -> go.Figure:
    """The part of a ROC curve that the thresholds down to the present one have drawn.

    Args:
        points: (false alarm rates, sensitivities) of the thresholds tried so far, from the highest down.
        here: those of the present threshold, the large marker.
        whole: (x, y) of the stored curve, shown thin once the last point is reached.
    """
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", name=t("guessing"), line={"color": MUTED, "dash": "dot"},
            hoverinfo="skip",
        )
    )  # fmt: skip
    done = here == (1.0, 1.0)
    x, y = (list(whole[0]), list(whole[1])) if done else (points[0].tolist(), points[1].tolist())
    figure.add_trace(
        go.Scatter(
            x=x, y=y, mode="lines", name=t("thresholds tried so far"), line={"color": PALETTE[0], "width": 4},
            fill="tozeroy" if done else None, fillcolor=transparent(PALETTE[0], 0.18),
            hovertemplate=t("false alarms %{x:.3f}<br>found %{y:.3f}<extra></extra>"),
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=[here[0]], y=[here[1]], mode="markers", name=t("this threshold"),
            marker={"color": PALETTE[1], "size": 18, "line": {"color": "white", "width": 2}},
            hovertemplate=t("false alarms %{x:.3f}<br>found %{y:.3f}<extra></extra>"),
        )
    )  # fmt: skip
    figure.update_xaxes(**fraction_axis(t("1 − specificity: alarms among the healthy")))
    figure.update_yaxes(**fraction_axis(t("sensitivity: found among the ill")))
    return base_layout(figure, height=HEIGHT_PX)


def heaps_figure(
    positives: Sequence[float], negatives: Sequence[float], cut: float, *, names: tuple[str, str]
) -> go.Figure:
    """Two heaps of scores, each as shares of its own images so that a rare class is seen, and the threshold.

    Args:
        positives, negatives: scores of the class, in [0, 1]; the first heap grows up, the second down.
        cut: every score at or above it is a call.
        names: what to call the images with the class, and those without it.
    """
    figure, edges = go.Figure(), np.linspace(0.0, 1.0, BINS + 1)
    for values, name, colour, sign in ((positives, names[0], PALETTE[0], 1), (negatives, names[1], MUTED, -1)):
        counts, _ = np.histogram(np.clip(values, 0.0, 1.0), edges)
        shares = counts / max(1, counts.sum())
        called = edges[:-1] >= cut - 1e-9
        figure.add_trace(
            go.Bar(
                x=(edges[:-1] + edges[1:]) / 2, y=sign * shares, name=name, width=0.92 / BINS,
                marker={"color": colour, "opacity": [1.0 if c else 0.45 for c in called]}, customdata=counts,
                hovertemplate=t("score about %{x:.2f}: %{customdata} images<extra></extra>"),
            )
        )  # fmt: skip
    figure.update_layout(barmode="relative")
    figure.add_vline(x=cut, line={"color": PALETTE[1], "width": 4})
    figure.update_xaxes(range=[-0.02, 1.02], title={"text": t("score")}, fixedrange=True, tickformat=".1f")
    figure.update_yaxes(title={"text": t("share of each kind")}, fixedrange=True, showticklabels=False)
    return base_layout(figure, height=HEIGHT_PX)


def fitting_figure(histories: Mapping[str, pd.DataFrame], chosen: str, epoch: int) -> go.Figure:
    """Loss of one training up to an epoch, training dashed and validation solid; the other trainings thin behind it.

    Args:
        histories: name -> history.csv with `epoch`, `loss`, `val_loss`.
        chosen: the one that is shown in full.
        epoch: the last one shown, from 1.
    """
    figure = go.Figure()
    longest = max(len(history) for history in histories.values())
    highest = max(float(history[["loss", "val_loss"]].max().max()) for history in histories.values())
    for position, history in enumerate(h for name, h in histories.items() if name != chosen):
        figure.add_trace(
            go.Scatter(
                x=history["epoch"], y=history["val_loss"], mode="lines", hoverinfo="skip",
                name=t("validation of the other three"), legendgroup="others", showlegend=position == 0,
                line={"color": transparent(MUTED, 0.45), "width": 1.5},
            )
        )  # fmt: skip
    shown = histories[chosen].iloc[:epoch]
    best = int(shown["val_loss"].to_numpy().argmin())
    for column, label, colour, dash in (
        ("loss", t("training images"), MUTED, "dash"),
        ("val_loss", t("validation images"), PALETTE[0], "solid"),
    ):
        figure.add_trace(
            go.Scatter(
                x=shown["epoch"], y=shown[column], mode="lines", name=label,
                line={"color": colour, "width": 4, "dash": dash},
                hovertemplate=t("epoch %{x}: loss %{y:.3f}<extra></extra>"),
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=[int(shown["epoch"].iloc[best])], y=[float(shown["val_loss"].iloc[best])], mode="markers",
            name=t("best on validation so far"),
            marker={"color": PALETTE[1], "size": 15, "symbol": "diamond", "line": {"color": "white", "width": 2}},
            hovertemplate=t("epoch %{x}: loss %{y:.3f}<extra></extra>"),
        )
    )  # fmt: skip
    figure.update_xaxes(title={"text": t("epoch")}, range=[0, longest + 1], fixedrange=True)
    figure.update_yaxes(
        title={"text": t("loss (cross-entropy)")}, range=[-0.03 * highest, 1.04 * highest], fixedrange=True
    )
    return base_layout(figure, height=HEIGHT_PX)


def prevalence_figure(
    prevalence: Sequence[float], accuracy: Sequence[float], low: Sequence[float], high: Sequence[float], here: float
) -> go.Figure:
    """Accuracy of a network and of saying no to everyone, against the share of the ill.

    Args:
        prevalence, accuracy, low, high: (m,) fractions; the band is left out where `low` is NaN.
        here: the prevalence that the slider stands at.
    """
    figure = go.Figure()
    x = list(prevalence)
    if np.isfinite(np.asarray(low, dtype=np.float64)).all():
        figure.add_trace(
            go.Scatter(
                x=[*x, *x[::-1]], y=[*high, *list(low)[::-1]], fill="toself", mode="lines", line={"width": 0},
                fillcolor=transparent(PALETTE[0], 0.2), name=t("95 % interval"), hoverinfo="skip",
            )
        )  # fmt: skip
    for y, name, colour, dash in (
        (list(accuracy), t("the network"), PALETTE[0], "solid"),
        ([1 - p for p in x], t("says no to everyone"), PALETTE[1], "dash"),
    ):
        figure.add_trace(
            go.Scatter(
                x=x, y=y, mode="lines", name=name, line={"color": colour, "dash": dash, "width": 4},
                hovertemplate=t("ill %{x:.1%}<br>accuracy %{y:.3f}<extra></extra>"),
            )
        )  # fmt: skip
    figure.add_vline(x=here, line={"color": MUTED, "width": 2, "dash": "dot"})
    figure.update_xaxes(
        title={"text": t("share of people who are ill")}, tickformat=".0%", range=[-0.005, max(x) + 0.005],
        fixedrange=True,
    )  # fmt: skip
    figure.update_yaxes(**fraction_axis(t("accuracy: right answers among all"), 0.5, 1.0))
    return base_layout(figure, height=HEIGHT_PX)


def contributions_figure(
    added: Sequence[float], constant: float, class_name: str, *, most: int = 12, units: bool = False
) -> go.Figure:
    """What each channel adds to the score of a class, the largest first, all others as one bar, and the constant.

    Args:
        added: weight times strongest (or mean) activation, one per channel.
        constant: what the head adds whatever the picture; all bars together are the score.
        class_name: whose score it is.
        most: channels that get a bar of their own.
        units: the numbers come from a layer behind the maps, and are no maps'.
    """
    values = np.asarray(added, dtype=np.float64)
    order = np.argsort(-np.abs(values), kind="stable")
    own, rest = order[:most], order[most:]
    names = [t("number {n}", n=int(i) + 1) if units else t("map {n}", n=int(i) + 1) for i in own]
    heights = [float(values[i]) for i in own]
    if len(rest):
        names.append(t("{n} others", n=len(rest)))
        heights.append(float(values[rest].sum()))
    names.append(t("constant"))
    heights.append(float(constant))
    figure = go.Figure(
        go.Bar(
            x=names, y=heights, marker={"color": [PALETTE[0] if h >= 0 else PALETTE[1] for h in heights]},
            text=[f"{h:+.2f}" for h in heights], textposition="outside", cliponaxis=False,
            hovertemplate="%{x}: %{y:+.3f}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_hline(y=0, line={"color": MUTED, "width": 1})
    figure.update_xaxes(fixedrange=True)
    low, high = min(0.0, *heights), max(0.0, *heights)
    air = 0.12 * (high - low)
    figure.update_yaxes(
        title={"text": t("added to the score of {name}", name=class_name)}, range=[low - air, high + air],
        fixedrange=True,
    )  # fmt: skip
    return base_layout(figure, height=360, legend=False)


def weights_figure(weights: Sequence[float], order: Sequence[int], class_name: str) -> go.Figure:
    """Weights of some channels for a class as bars with their sign.

    Args:
        weights: one per channel.
        order: the channels to show, in order.
        class_name: whose weights they are.
    """
    heights = [float(weights[i]) for i in order]
    figure = go.Figure(
        go.Bar(
            x=[t("map {n}", n=int(i) + 1) for i in order], y=heights,
            marker={"color": [PALETTE[0] if h >= 0 else PALETTE[1] for h in heights]},
            text=[f"{h:+.2f}" for h in heights], textposition="outside", cliponaxis=False,
            hovertemplate="%{x}: %{y:+.3f}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_hline(y=0, line={"color": MUTED, "width": 1})
    largest = max((abs(h) for h in heights), default=1.0)
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(
        title={"text": t("weight for {name}", name=class_name)}, range=[-1.2 * largest, 1.2 * largest], fixedrange=True,
    )  # fmt: skip
    return base_layout(figure, height=360, legend=False)
