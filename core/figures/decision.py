"""Decision curves and natural frequencies: what a cut is worth, and what it does to a thousand people."""

from collections.abc import Sequence

import plotly.graph_objects as go

from core.figures.theme import CLEAR, INK, MUTED, PALETTE, base_layout, fraction_axis, transparent
from core.language import t

PER_ROW = 50  # of the field of people
LOWEST_SHOWN = -0.05  # treating everybody falls without end; below this the picture shows nothing else


def decision_figure(
    threshold: Sequence[float], benefit: Sequence[float], low: Sequence[float], high: Sequence[float],
    everybody: Sequence[float], *, cut: float | None = None, name: str = "",
) -> go.Figure:  # fmt: skip
    """Net benefit against threshold probability, beside treating everybody and nobody.

    Args:
        low, high: of the 95 % band, NaN where there is none. cut: drawn as a line. name: of the run.
    """
    figure = go.Figure()
    known = [i for i, v in enumerate(low) if v == v]
    if known:
        x = [threshold[i] for i in known]
        figure.add_trace(
            go.Scatter(
                x=[*x, *reversed(x)], y=[high[i] for i in known] + [low[i] for i in reversed(known)], fill="toself",
                mode="lines", line={"color": CLEAR, "width": 0}, fillcolor=transparent(PALETTE[0], 0.16),
                hoverinfo="skip", showlegend=False,
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=threshold, y=benefit, mode="lines", name=name or t("this run, with 95 % band"),
            line={"color": PALETTE[0], "width": 2},
            hovertemplate="%{x:.2f}: %{y:.3f}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=threshold, y=everybody, mode="lines", name=t("call everybody"), hoverinfo="skip",
            line={"color": MUTED, "dash": "dash", "width": 2},
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=[0, 1], y=[0, 0], mode="lines", name=t("call nobody"), hoverinfo="skip",
            line={"color": MUTED, "dash": "dot", "width": 2},
        )
    )  # fmt: skip
    if cut is not None:
        figure.add_vline(x=min(cut, 1.0), line={"color": PALETTE[1], "width": 2})
    top = max([*benefit, *(high[i] for i in known), 0.05])
    figure.update_xaxes(**fraction_axis(t("threshold probability: from which risk on one would act")))
    figure.update_yaxes(range=[LOWEST_SHOWN, 1.08 * top], title={"text": t("net benefit per person")}, fixedrange=True)
    return base_layout(figure, height=400)


def people_figure(ill: int, found: float, alarms: float, people: int = 1000) -> go.Figure:
    """A field of people, one dot each: found, missed, alarmed for nothing, and left in peace; colour and shape differ.

    Args:
        ill: of the people. found: of the ill. alarms: among the others; rounded to whole people.
    """
    found_n, alarms_n = min(round(found), ill), min(round(alarms), people - ill)
    kinds = (
        (t("found"), found_n, PALETTE[0], "circle", 1.0),
        (t("missed"), ill - found_n, PALETTE[1], "x", 1.0),
        (t("false alarm"), alarms_n, PALETTE[4], "square-open", 1.0),
        (t("rightly left"), people - ill - alarms_n, MUTED, "circle", 0.35),
    )
    figure, start = go.Figure(), 0
    for name, count, color, symbol, opacity in kinds:
        places = range(start, start + count)
        figure.add_trace(
            go.Scatter(
                x=[i % PER_ROW for i in places], y=[i // PER_ROW for i in places], mode="markers",
                name=f"{name}: {count}", hoverinfo="skip",
                marker={"color": color, "symbol": symbol, "size": 6, "opacity": opacity},
            )
        )  # fmt: skip
        start += count
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True, autorange="reversed")
    base_layout(figure, height=300)
    figure.update_layout(legend={"y": -0.02, "font": {"size": 13, "color": INK}})
    return figure
