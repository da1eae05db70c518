"""Repeated runs as strips: a point for every seed and fold, a line for their mean; never one number alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from core.figures.theme import base_layout
from core.language import t, tn


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Runs that differ in seed or fold alone: their values in [0, 1] and what to call each."""

    title: str
    values: tuple[float, ...]
    names: tuple[str, ...]
    color: str
    symbol: str

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return sum(self.values) / len(self.values)


def strip_words(strip: Strip) -> str:
    """ "CNN+MLP: mean 0.82, 3 runs from 0.79 to 0.85"."""
    return tn(
        "{title}: {mean} in {n} run", "{title}: mean {mean}, {n} runs from {low} to {high}", len(strip.values),
        title=strip.title, mean=f"{strip.mean:.3f}", low=f"{min(strip.values):.3f}", high=f"{max(strip.values):.3f}",
    )  # fmt: skip


def strips_figure(strips: Sequence[Strip]) -> go.Figure:
    """One row a configuration, in the order given; names stand above, inside the plot."""
    figure = go.Figure()
    left = min(min(s.values) for s in strips)
    right = max(max(s.values) for s in strips)
    air = max(0.01, 0.06 * (right - left))
    for row, strip in enumerate(strips):
        figure.add_trace(
            go.Scatter(
                x=strip.values, y=[row] * len(strip.values), mode="markers", showlegend=False, customdata=strip.names,
                marker={"size": 11, "color": strip.color, "symbol": strip.symbol, "opacity": 0.75},
                hovertemplate="%{customdata}: AUC %{x:.3f}<extra>" + strip.title + "</extra>",
            )
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=[strip.mean] * 2, y=[row - 0.22, row + 0.22], mode="lines", showlegend=False, hoverinfo="skip",
                line={"color": strip.color, "width": 3},
            )
        )  # fmt: skip
        figure.add_annotation(
            x=left - air, y=row, xanchor="left", yanchor="bottom", yshift=9, showarrow=False, text=strip_words(strip),
            font={"size": 13},
        )  # fmt: skip
    figure.update_xaxes(range=[left - air, right + air], title={"text": t("AUC on test (line: mean)")}, fixedrange=True)
    figure.update_yaxes(range=[len(strips) - 0.6, -0.8], visible=False, fixedrange=True)
    return base_layout(figure, height=52 * len(strips) + 70, legend=False)
