"""Subgroups as dots and whiskers, the whole test part as a line."""

from collections.abc import Sequence

import plotly.graph_objects as go

from core.figures.text import interval, metric_title
from core.figures.theme import MUTED, PALETTE, base_layout
from core.language import t
from core.types import Estimate

Row = tuple[str, int, int | None, Estimate | None]  # name, images, of them with the class (None: no one), estimate


def subgroups_figure(rows: Sequence[Row], metric: str, whole: float | None) -> go.Figure:
    """One row a subgroup with its number of images; the dotted line is the value of all images."""
    figure = go.Figure()
    values = [v for *_, e in rows if e is not None for v in (e.value, e.low) if v is not None]
    left = max(0.0, min([*values, whole if whole is not None else 1.0]) - 0.08)
    for place, (name, n_images, n_positive, estimate) in enumerate(rows):
        text = t("{name}: {n} images", name=name, n=f"{n_images:,}")
        if n_positive is not None:
            text = t("{name}: {n} images, {ill} with it", name=name, n=f"{n_images:,}", ill=f"{n_positive:,}")
        if estimate is None or estimate.value is None:
            text = f"{text}  <i>{t('too few to tell')}</i>"
        else:
            text = f"{text}  <b>{interval(estimate)}</b>"
            figure.add_trace(
                go.Scatter(
                    x=[estimate.value], y=[place], mode="markers", showlegend=False,
                    marker={"size": 11, "color": PALETTE[0]}, hovertemplate=f"{name} %{{x:.3f}}<extra></extra>",
                    error_x={
                        "type": "data", "symmetric": False, "thickness": 2, "width": 5, "color": PALETTE[0],
                        "array": [(estimate.high or estimate.value) - estimate.value],
                        "arrayminus": [estimate.value - (estimate.low if estimate.low is not None else estimate.value)],
                    },
                )
            )  # fmt: skip
        figure.add_annotation(
            x=left, y=place, xanchor="left", yanchor="bottom", yshift=6, showarrow=False, text=text, font={"size": 13}
        )
    if whole is not None:
        figure.add_vline(x=whole, line={"color": MUTED, "dash": "dot", "width": 1.5}, layer="below")
    figure.update_xaxes(
        range=[left, 1.01], fixedrange=True,
        title={"text": t("{metric}, test (dotted: all images)", metric=metric_title(metric))},
    )  # fmt: skip
    figure.update_yaxes(range=[len(rows) - 0.5, -0.9], visible=False, fixedrange=True)
    return base_layout(figure, height=48 * max(1, len(rows)) + 70, legend=False)
