"""Learning curves from `history.csv`: one panel for the loss, one for each metric."""

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures.theme import MUTED, PALETTE, base_layout
from core.language import t

NOT_A_CURVE = ("stage", "epoch", "seconds")


def curve_names(history: pd.DataFrame) -> list[str]:
    """What was tracked, the loss first: columns of `history` that are neither bookkeeping nor validation."""
    names = [str(c) for c in history.columns if c not in NOT_A_CURVE and not str(c).startswith("val_")]
    return sorted(names, key=lambda name: name != "loss")


def history_figure(history: pd.DataFrame) -> go.Figure:
    """Training and validation over the epochs, stages one after the other with a line between them.

    Args:
        history: columns `stage,epoch,seconds,loss,val_loss,<metric>,val_<metric>`, a row per epoch.
    """
    names = curve_names(history)[:2]
    figure = make_subplots(rows=1, cols=max(1, len(names)), subplot_titles=[t(n.replace("_", " ")) for n in names])
    steps = list(range(1, len(history) + 1))
    for column, name in enumerate(names, start=1):
        for prefix, label, dash, color in (
            ("", t("training"), "dash", MUTED),
            ("val_", t("validation"), "solid", PALETTE[0]),
        ):
            if prefix + name not in history:
                continue
            figure.add_trace(
                go.Scatter(
                    x=steps, y=history[prefix + name], mode="lines+markers" if len(steps) < 3 else "lines",
                    name=label, legendgroup=label, showlegend=column == 1,
                    line={"dash": dash, "color": color, "width": 2},
                    hovertemplate=t("epoch {number}", number="%{x}") + f"<br>{label} %{{y:.4f}}<extra></extra>",
                ),
                row=1, col=column,
            )  # fmt: skip
    if "stage" in history:
        changes = [i for i in range(1, len(history)) if history["stage"].iloc[i] != history["stage"].iloc[i - 1]]
        for change in changes:
            figure.add_vline(x=change + 0.5, line={"color": MUTED, "dash": "dot", "width": 1})
    figure.update_xaxes(title={"text": t("epoch")}, fixedrange=True, rangemode="tozero")
    figure.update_yaxes(fixedrange=True)
    return base_layout(figure, height=340)
