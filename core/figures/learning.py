"""The learning curve: a metric against the number of training images, carried on beyond them with its doubt."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.figures.text import interval, metric_title
from core.figures.theme import MUTED, PALETTE, base_layout, transparent
from core.language import t
from core.types import Estimate


def learning_figure(
    images: Sequence[int],
    estimates: Sequence[Estimate],
    n_images: np.ndarray,
    values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    *,
    height: int = 420,
) -> go.Figure:
    """Runs as points with whiskers, the fitted curve as a line, its interval as a band.

    Args:
        images: training images of each run; estimates: its metric on test, each with an interval.
        n_images, values, low, high: (K,) the curve; beyond the largest run it is drawn dotted.
    """
    metric = metric_title(estimates[0].metric)
    band = go.Scatter(
        x=np.concatenate([n_images, n_images[::-1]]), y=np.concatenate([high, low[::-1]]), fill="toself", mode="none",
        name=t("95 % interval"), hoverinfo="skip", fillcolor=transparent(PALETTE[0], 0.18),
    )  # fmt: skip
    most = max(images)
    lines = [
        go.Scatter(
            x=n_images[part], y=values[part], mode="lines", name=name,
            line={"color": PALETTE[0], "width": 2, "dash": dash},
            hovertemplate=f"%{{x:,.0f}}<br>{metric} %{{y:.3f}}<extra></extra>",
        )
        for part, name, dash in (
            (n_images <= most, t("fitted curve"), "solid"),
            (n_images >= most, t("carried on: no run stands here"), "dot"),
        )
    ]  # fmt: skip
    known = [(e.value or 0.0, e.low or 0.0, e.high or 0.0) for e in estimates]
    points = go.Scatter(
        x=list(images), y=[v for v, _, _ in known], mode="markers", name=t("runs, with 95 % intervals"),
        marker={"color": PALETTE[1], "size": 11, "symbol": "diamond"},
        error_y={
            "type": "data", "symmetric": False, "array": [h - v for v, _, h in known],
            "arrayminus": [v - lo for v, lo, _ in known], "color": PALETTE[1], "thickness": 2, "width": 5,
        },
        text=[interval(e, 3) for e in estimates], hovertemplate=f"%{{x:,}}<br>{metric} %{{text}}<extra></extra>",
    )  # fmt: skip
    figure = go.Figure([band, *lines, points])
    figure.add_vline(x=most, line={"color": MUTED, "dash": "dot", "width": 1.5}, layer="below")
    ticks = [most * factor for factor in (0.125, 0.25, 0.5, 1, 2, 4)]
    figure.update_xaxes(
        type="log", title={"text": t("training images (each step doubles them)")}, fixedrange=True,
        tickvals=ticks, ticktext=[f"{tick:,.0f}" for tick in ticks],
    )  # fmt: skip
    bottom = min([lo for _, lo, _ in known] + [float(low.min())])
    figure.update_yaxes(
        title={"text": t("{metric}, test", metric=metric)}, range=[bottom - 0.01, min(1.0, float(high.max()) + 0.01)],
        fixedrange=True,
    )  # fmt: skip
    return base_layout(figure, height=height)


def gain_sentence(metric: str, gain: tuple[float, float, float], most: int) -> str:
    """What twice the training images would give, and whether these runs can tell at all."""
    value, low, high = gain
    numbers = {
        "metric": metric_title(metric), "gain": f"{value:.3f}", "low": f"{low:.3f}", "high": f"{high:.3f}",
        "twice": f"{2 * most:,}", "most": f"{most:,}",
    }  # fmt: skip
    if round(low, 3) > 0:
        return t(
            "Twice the training images ({twice}, not {most}) would raise the {metric} by about {gain} "
            "({low} to {high}), if the curve goes on as it came.",
            **numbers,
        )
    return t(
        "Whether twice the training images ({twice}, not {most}) would raise the {metric} these runs cannot tell: by "
        "{gain} ({low} to {high}), if the curve goes on as it came.",
        **numbers,
    )
