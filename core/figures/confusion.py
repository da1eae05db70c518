"""Confusion matrices: rows are the truth, columns the decision, in class order."""

from collections.abc import Sequence

import plotly.graph_objects as go

from core.figures.theme import PALETTE, base_layout, transparent
from core.language import t

STRONG = 0.62  # above this share the cell is dark enough on both pages to need white text
LONGEST_LABEL = 16  # characters of a class name on an axis before it breaks into two lines


def confusion_figure(
    counts: Sequence[Sequence[int]], class_names: Sequence[str], *, compact: bool = False, clickable: bool = False
) -> go.Figure:
    """A confusion matrix; the shade is the share of the row, so rare classes are as visible as common ones.

    Args:
        counts: (C, C) images, rows the truth, columns the decision.
        class_names: (C) in the same order.
        compact: smaller, for several side by side.
        clickable: an unseen point lies on each cell, (column, row), for a page that asks which one was clicked:
            a heat map itself cannot be selected.
    """
    shares = [[cell / sum(row) if sum(row) else 0.0 for cell in row] for row in counts]
    shown = [t(name) for name in class_names]
    names = [_broken(name) for name in shown]
    # plotly merges equal category names, so positions carry the cells and the names are only tick labels
    places = list(range(len(names)))
    hover = t("{counts} images of this truth", counts="%{customdata}") + "<extra></extra>"
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=places,
            y=places,
            zmin=0,
            zmax=1,
            colorscale=[[0, transparent(PALETTE[0], 0.05)], [1, transparent(PALETTE[0], 1.0)]],
            showscale=False,
            xgap=3,
            ygap=3,
            customdata=[[_of(n, row) for n in row] for row in counts],
            hovertemplate=hover,
        )
    )
    many = len(names) > 5
    if clickable:
        figure.add_trace(
            go.Scatter(
                x=[column for _ in places for column in places], y=[row for row in places for _ in places],
                mode="markers", marker={"size": 34 if many else 60, "color": "rgba(0,0,0,0)", "symbol": "square"},
                customdata=[_of(n, row) for row in counts for n in row], showlegend=False,
                hovertemplate=hover,
            )
        )  # fmt: skip
    for row, cells in enumerate(counts):
        for column, cell in enumerate(cells):
            share = shares[row][column]
            note = f"<b>{cell:,}</b>" if many else f"<b>{cell:,}</b><br>{100 * share:.0f} %"
            font = {"size": 11 if many else 14, **({"color": "white"} if share > STRONG else {})}
            figure.add_annotation(x=column, y=row, text=note, showarrow=False, font=font)
    side = {"tickmode": "array", "tickvals": places, "showgrid": False, "fixedrange": True}
    # slanted names stay on one line: two slanted lines run into their neighbours
    below = shown if many else names
    figure.update_xaxes(**side, ticktext=below, title={"text": t("decision")}, tickangle=-45 if many else 0)
    figure.update_yaxes(**side, ticktext=names, title={"text": t("truth")}, autorange="reversed")
    height = max(260 if compact else 320, (46 if many else 84) * len(names) + (170 if many else 110))
    return base_layout(figure, height=height, legend=False)


def multilabel_figure(counts: Sequence[Sequence[int]], class_names: Sequence[str]) -> go.Figure:
    """Per class how many were found, missed, raised in vain and rightly left.

    Args:
        counts: (C, 4) images as true negatives, false positives, false negatives, true positives.
    """
    order = ((t("found"), 3), (t("missed"), 2), (t("false alarm"), 1), (t("rightly left"), 0))
    shares, texts = [], []
    for row in counts:
        ill, healthy = row[3] + row[2], row[1] + row[0]
        totals = (ill, ill, healthy, healthy)
        shares.append([row[at] / total if total else 0.0 for (_, at), total in zip(order, totals, strict=True)])
        texts.append([f"{row[at]:,}" for _, at in order])
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=[name for name, _ in order],
            y=[t(name) for name in class_names],
            zmin=0,
            zmax=1,
            text=texts,
            texttemplate="%{text}",
            colorscale=[[0, transparent(PALETTE[0], 0.05)], [1, transparent(PALETTE[0], 0.75)]],
            showscale=False,
            xgap=3,
            ygap=3,
            hovertemplate="%{y}: %{x} %{text} (%{z:.0%})<extra></extra>",
        )
    )
    figure.update_xaxes(side="top", showgrid=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, fixedrange=True)
    return base_layout(figure, height=34 * len(class_names) + 80, legend=False)


def _of(count: int, row: Sequence[int]) -> str:
    return t("{count} of {total}", count=count, total=sum(row))


def _broken(name: str) -> str:
    """A long class name over two lines, broken at the space nearest to its middle."""
    if len(name) <= LONGEST_LABEL or " " not in name:
        return name
    spaces = [i for i, letter in enumerate(name) if letter == " "]
    cut = min(spaces, key=lambda i: abs(i - len(name) / 2))
    return f"{name[:cut]}<br>{name[cut + 1 :]}"
