"""Calibration: does a stated 80 % come true in 80 of 100 images?"""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures.theme import MUTED, PALETTE, base_layout, fraction_axis, transparent
from core.language import t
from core.types import Calibration


def calibration_figure(calibration: Calibration, *, subject: str = "") -> go.Figure:
    """Reliability diagram over a histogram of the stated probabilities.

    Args:
        calibration: bins of equal width; empty bins have None and are left out.
        subject: what the stated probability is of, for the axis title; "" for the positive class.
    """
    axis = t("stated probability of {subject}", subject=subject or t("the positive class"))
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.76, 0.24], vertical_spacing=0.06)
    figure.add_trace(
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", name=t("perfectly calibrated"),
            line={"color": MUTED, "dash": "dot"}, hoverinfo="skip",
        ),
        row=1, col=1,
    )  # fmt: skip
    rows = [
        (stated, seen, low, high, n)
        for stated, seen, low, high, n in zip(
            calibration.mean_predicted,
            calibration.observed,
            calibration.observed_low,
            calibration.observed_high,
            calibration.count,
            strict=True,
        )
        if stated is not None and seen is not None
    ]
    whisker = {
        "type": "data",
        "symmetric": False,
        "array": [0.0 if high is None else high - seen for _, seen, _, high, _ in rows],
        "arrayminus": [0.0 if low is None else seen - low for _, seen, low, _, _ in rows],
        "thickness": 1.5,
        "width": 4,
    }
    figure.add_trace(
        go.Scatter(
            x=[stated for stated, *_ in rows], y=[seen for _, seen, *_ in rows], error_y=whisker,
            mode="lines+markers", name=t("this run, with 95 % interval"),
            line={"color": PALETTE[0], "width": 2}, marker={"size": 9, "color": PALETTE[0]},
            customdata=[n for *_, n in rows],
            hovertemplate=t(
                "stated {stated}<br>seen {seen}<br>{count} scores",
                stated="%{x:.2f}", seen="%{y:.2f}", count="%{customdata}",
            )
            + "<extra></extra>",
        ),
        row=1, col=1,
    )  # fmt: skip
    centres = [(low + high) / 2 for low, high in zip(calibration.bin_low, calibration.bin_high, strict=True)]
    figure.add_trace(
        go.Bar(
            x=centres, y=calibration.count, marker={"color": transparent(PALETTE[0], 0.55)}, showlegend=False,
            width=[0.9 * (h - w) for w, h in zip(calibration.bin_low, calibration.bin_high, strict=True)],
            hovertemplate=t("{count} scores around {stated}", count="%{y}", stated="%{x:.2f}") + "<extra></extra>",
        ),
        row=2, col=1,
    )  # fmt: skip
    figure.update_xaxes(range=[-0.02, 1.02], fixedrange=True, tickformat=".1f")
    figure.update_xaxes(title={"text": axis}, row=2, col=1)
    figure.update_yaxes(**fraction_axis(t("share that came true")), row=1, col=1)
    figure.update_yaxes(title={"text": t("scores")}, fixedrange=True, nticks=3, row=2, col=1)
    return base_layout(figure, height=480)
