"""How a data set is spread: images per patient, ages, and shares of sexes, views and sites."""

import textwrap
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from core.figures.theme import MUTED, PALETTE, base_layout
from core.language import t

MOST_BARS = 12  # further values are added up
MOST_LETTERS = 44  # of a line of a network's title
MOST_PER_GROUP = 20  # images; patients with more stand in the last column


def group_sizes_figure(sizes: np.ndarray, group_plural: str, title: str) -> go.Figure:
    """Columns: how many groups have one image, two, and so on; the last column holds all that have more.

    Args:
        sizes: (g,) images of each group. group_plural: "patients", title: "images per patient", as the reader says.
    """
    top = int(min(MOST_PER_GROUP, sizes.max()))
    counts = np.bincount(np.minimum(sizes, top), minlength=top + 1)[1:]
    names = [str(n) for n in range(1, top + 1)]
    if sizes.max() > top:
        names[-1] += "+"
    figure = go.Figure(
        go.Bar(
            x=names, y=counts, marker={"color": PALETTE[0]},
            hovertemplate=t("{images} images: {groups} {words}", images="%{x}", groups="%{y:,}", words=group_plural)
            + "<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title={"text": title}, type="category", fixedrange=True)
    figure.update_yaxes(title={"text": group_plural}, fixedrange=True)
    return base_layout(figure, height=260, legend=False)


def age_figure(ages: np.ndarray) -> go.Figure:
    """Columns of five years over the images that have an age.

    Args:
        ages: (n,) years.
    """
    edges = np.arange(5 * np.floor(ages.min() / 5), ages.max() + 5.1, 5)
    counts, edges = np.histogram(ages, edges)
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2, y=counts, width=4.6, marker={"color": PALETTE[0]},
            customdata=np.stack([edges[:-1], edges[1:] - 1], axis=1),
            hovertemplate=t("{low} to {high} years: {images} images", low="%{customdata[0]:.0f}",
                            high="%{customdata[1]:.0f}", images="%{y:,}") + "<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title={"text": t("age in years")}, fixedrange=True)
    figure.update_yaxes(title={"text": t("images")}, fixedrange=True)
    return base_layout(figure, height=260, legend=False)


def values_figure(values: Mapping[str, int]) -> go.Figure:
    """Horizontal bars, the most frequent on top; what the table leaves empty is grey and called "not stated".

    Args:
        values: value to images.
    """
    shown = dict(list(values.items())[:MOST_BARS])
    rest = sum(values.values()) - sum(shown.values())
    names = [t(name) if name else t("not stated") for name in shown]
    numbers = list(shown.values())
    colors = [MUTED if name == "" else PALETTE[0] for name in shown]
    if rest:
        names, numbers, colors = [*names, t("others")], [*numbers, rest], [*colors, MUTED]
    figure = go.Figure(
        go.Bar(
            x=numbers, y=names, orientation="h", marker={"color": colors}, text=[f"{n:,}" for n in numbers],
            textposition="auto",
            hovertemplate=t("{value}: {images} images", value="%{y}", images="%{x:,}") + "<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title={"text": t("images")}, fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, type="category")
    return base_layout(figure, height=90 + 26 * len(names), legend=False)


def leakage_figure(rows: Mapping[str, tuple[tuple[float, float, float], tuple[float, float, float]]]) -> go.Figure:
    """Two dots with whiskers for each network: patients kept apart, and split at random.

    Args:
        rows: title to ((value, low, high) of the honest run, the same of the leaking one); AUC, fractions.
    """
    figure = go.Figure()
    looks = (
        (t("patients kept apart"), PALETTE[0], "circle", -0.12), (t("split at random"), PALETTE[1], "diamond", 0.12),
    )  # fmt: skip
    names = list(rows)
    for part, (label, color, symbol, shift) in enumerate(looks):
        found = [rows[name][part] for name in names]
        figure.add_trace(
            go.Scatter(
                x=[value for value, _, _ in found], y=[position + shift for position in range(len(names))],
                mode="markers", name=label, marker={"color": color, "symbol": symbol, "size": 11},
                error_x={"type": "data", "symmetric": False, "array": [high - v for v, _, high in found],
                         "arrayminus": [v - low for v, low, _ in found], "color": color, "thickness": 1.6},
                customdata=[[low, high] for _, low, high in found],
                hovertemplate="AUC %{x:.3f} (%{customdata[0]:.3f}–%{customdata[1]:.3f})<extra>" + label + "</extra>",
            )
        )  # fmt: skip
    lines = [textwrap.wrap(name, MOST_LETTERS) for name in names]
    for position, words in enumerate(
        lines
    ):  # above its dots: a label beside them would leave a phone no room for these
        figure.add_annotation(
            x=0, xref="x domain", y=position - 0.22, yref="y", text="<br>".join(words), showarrow=False, xanchor="left",
            yanchor="bottom", align="left", font={"size": 13},
        )  # fmt: skip
    figure.update_yaxes(showticklabels=False, range=[len(names) - 0.6, -0.75], fixedrange=True, showgrid=False)
    figure.update_xaxes(
        title={"text": t("AUC on the test images, 95 % interval")}, fixedrange=True, tickformat=".2f", nticks=6,
        tickangle=0,
    )  # fmt: skip
    row_px = 46 + 18 * max(map(len, lines), default=1)
    base_layout(figure, height=120 + row_px * len(names))
    figure.update_layout(legend={"y": -70 / (row_px * len(names) + 20)})
    return figure
