"""The risk-coverage curve: how often a network is wrong when it may leave its least sure images to a person."""

import numpy as np
import plotly.graph_objects as go

from core.figures.theme import MUTED, PALETTE, base_layout, fraction_axis
from core.language import t

HEADROOM = 1.15  # above the highest interval


def risk_coverage_figure(
    coverage: np.ndarray,
    risk: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    *,
    answered: float | None = None,
    error: float | None = None,
    height: int = 380,
) -> go.Figure:
    """Error among the answered (m,) against the share answered (m,), with its interval; all in [0, 1].

    Args:
        low, high: NaN where there is no interval.
        answered, error: what the band chosen on validation does, drawn as a point; None draws none.
    """
    figure = go.Figure()
    known = np.isfinite(low) & np.isfinite(high)
    if known.any():
        x = np.concatenate([coverage[known], coverage[known][::-1]])
        y = np.concatenate([high[known], low[known][::-1]])
        figure.add_trace(
            go.Scatter(
                x=x, y=y, fill="toself", mode="none", name=t("95 % interval"), hoverinfo="skip",
                fillcolor=f"rgba{(*_rgb(PALETTE[0]), 0.18)}",
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=coverage, y=risk, mode="lines", name=t("error among the answered"),
            line={"color": PALETTE[0], "width": 2},
            hovertemplate=_answered("%{x:.0%}", "%{y:.1%}"),
        )
    )  # fmt: skip
    whole = float(risk[-1])
    figure.add_trace(
        go.Scatter(
            x=[0, 1], y=[whole, whole], mode="lines",
            name=t("all answered ({share} % wrong)", share=f"{100 * whole:.1f}"),
            line={"color": MUTED, "dash": "dot"}, hoverinfo="skip",
        )
    )  # fmt: skip
    if answered is not None and error is not None:
        figure.add_trace(
            go.Scatter(
                x=[answered], y=[error], mode="markers", name=t("the band chosen on validation"),
                marker={"color": PALETTE[1], "size": 12, "symbol": "diamond", "line": {"color": "white", "width": 1.5}},
                hovertemplate=t("the band: {answered}", answered=_answered("%{x:.1%}", "%{y:.1%}")),
            )
        )  # fmt: skip
    top = max(float(np.nanmax(np.append(high[known], risk))), error or 0.0, 0.01) * HEADROOM
    figure.update_xaxes(**fraction_axis(t("answered by the network (share of images)")))
    figure.update_yaxes(**fraction_axis(t("wrong among the answered"), 0.0, min(1.0, top)))
    return base_layout(figure, height=height)


def _answered(share: str, wrong: str) -> str:
    return t("answered {share}<br>of those wrong {wrong}", share=share, wrong=wrong) + "<extra></extra>"


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
