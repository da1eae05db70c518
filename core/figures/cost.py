"""What runs cost against what they score, with the front of those that no other beats in both."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

import plotly.graph_objects as go

from core.figures.theme import MUTED, base_layout
from core.language import t


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPoint:
    """One run: its cost (above 0), its AUC with interval, its look, and whether it lies on the front."""

    title: str
    cost: float
    value: float
    low: float | None
    high: float | None
    color: str
    symbol: str
    on_front: bool


def cost_axis(key: str) -> str:
    """What an axis of `core/evaluation/cost.py` is called, with its unit."""
    return {
        "training_seconds": t("seconds of training (features not counted)"),
        "params_trained": t("weights that training changed"),
        "params_total": t("weights in all"),
        "megabytes": t("size of the model (MB)"),
    }[key]


def cost_figure(points: Sequence[CostPoint], axis: str) -> go.Figure:
    """AUC against cost in powers of ten; the line joins the runs that nothing beats in both, numbered by cost.

    Args:
        axis: key of the cost.
    """
    figure = go.Figure()
    front = sorted((p for p in points if p.on_front), key=lambda p: p.cost)
    if len(front) > 1:
        figure.add_trace(
            go.Scatter(
                x=[p.cost for p in front], y=[p.value for p in front], mode="lines", name=t("Pareto front"),
                line={"color": MUTED, "dash": "dot", "width": 2, "shape": "hv"}, hoverinfo="skip",
            )
        )  # fmt: skip
    for point in points:
        whisker = None
        if point.low is not None and point.high is not None:
            whisker = {
                "type": "data", "symmetric": False, "array": [point.high - point.value],
                "arrayminus": [point.value - point.low], "color": point.color, "thickness": 1, "width": 3,
            }  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=[point.cost], y=[point.value], mode="markers", name=point.title, showlegend=False, error_y=whisker,
                marker={
                    "color": point.color, "symbol": point.symbol if point.on_front else f"{point.symbol}-open",
                    "size": 13 if point.on_front else 10, "line": {"width": 2, "color": point.color},
                },
                hovertemplate=f"{point.title}<br>AUC %{{y:.3f}}<br>%{{x:,.4~g}}<extra></extra>",
            )
        )  # fmt: skip
    for number, point in enumerate(front, start=1):
        figure.add_annotation(
            x=log10(point.cost), y=point.value, text=f"<b>{number}</b>", showarrow=False, xshift=-14, yshift=12,
            font={"size": 14},
        )  # fmt: skip
    figure.update_xaxes(type="log", dtick="D2", title={"text": cost_axis(axis)}, fixedrange=True)
    figure.update_yaxes(title={"text": t("AUC on test")}, fixedrange=True)
    return base_layout(figure, height=420)
