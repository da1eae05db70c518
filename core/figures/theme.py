"""One palette and one base layout for every figure, readable on a light and on a dark page.

Colour never stands alone: lines also differ in dash, points in symbol. Backgrounds stay transparent and
text keeps the page's own colour, so the app's theme decides; only data carries a colour from here.
"""

from collections.abc import Mapping

import plotly.graph_objects as go

from core.registry.architectures import ARCHITECTURES
from core.registry.heads import HEADS

# Six tones between 12 % and 30 % luminance: 3:1 against white and against the dark page (WCAG 2.2, 1.4.11),
# and told apart with protanopia, deuteranopia and tritanopia (Machado et al. 2009); tests/figures checks both.
PALETTE = ("#3384DD", "#B58F08", "#7242F3", "#446E24", "#B9508F", "#96937C")
MUTED = "#8A8F98"  # chance lines, thresholds' guides and the majority class: there, but not data
# Streamlit's chart theme replaces this placeholder by its strongest grey, light or dark; elsewhere it is near black.
INK = "#000037"
CLEAR = "rgba(0,0,0,0)"
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross", "triangle-down", "pentagon")

# What Streamlit's chart call needs: no logo, one button that saves the picture, no zoom that traps a phone.
CHART_CONFIG: Mapping[str, object] = {"displaylogo": False, "modeBarButtons": [["toImage"]], "scrollZoom": False}


def series_color(position: int) -> str:
    """The colour of the series at `position`; the palette repeats after six, dashes and symbols do not."""
    return PALETTE[position % len(PALETTE)]


def head_color(key: str) -> str:
    """One colour per head, the same on every page; the majority class is grey."""
    if key == "dummy":
        return MUTED
    names = [name for name in HEADS if name != "dummy"]
    order = ("mlp", "logistic_regression", "random_forest", "gradient_boosting")
    ranked = [*order, *(name for name in names if name not in order)]
    return series_color(ranked.index(key)) if key in ranked else series_color(len(ranked))


def series_dash(position: int) -> str:
    """The line style of the series at `position`, so that lines of one colour can be told apart."""
    return DASHES[position % len(DASHES)]


def architecture_symbol(key: str) -> str:
    """One point symbol per network."""
    return SYMBOLS[_position(key, tuple(ARCHITECTURES)) % len(SYMBOLS)]


def _position(key: str, known: tuple[str, ...]) -> int:
    return known.index(key) if key in known else len(known)


def transparent(color: str, alpha: float) -> str:
    """`#RRGGBB` with an opacity in [0, 1], as plotly takes it."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def base_layout(figure: go.Figure, *, height: int, legend: bool = True, left: int = 8) -> go.Figure:
    """The layout that all figures share; returns the same figure.

    Args:
        figure: changed in place, it is this function's own.
        height: pixels.
        legend: shown below the plot, where a narrow screen has room for it.
        left: pixels kept for labels that plotly cannot measure itself.
    """
    figure.update_layout(
        height=height,
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        font={"color": INK},
        margin={"l": left, "r": 12, "t": 28, "b": 8},
        showlegend=legend,
        legend={"orientation": "h", "yanchor": "top", "y": -0.22, "x": 0, "font": {"size": 13}, "title": {"text": ""}},
        dragmode=False,
        hoverlabel={"namelength": -1},
    )
    figure.update_xaxes(automargin=True, zeroline=False)
    figure.update_yaxes(automargin=True, zeroline=False)
    return figure


def fraction_axis(title: str, low: float = 0.0, high: float = 1.0) -> dict[str, object]:
    """An axis of fractions with a little air at both ends, so that points on 0 and 1 are not cut."""
    air = 0.02 * (high - low)
    return {
        "title": {"text": title},
        "range": [low - air, high + air],
        "tickformat": ".1f" if high - low > 0.5 else ".2f",
        "fixedrange": True,
    }
