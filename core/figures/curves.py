"""ROC and precision-recall curves, one or many in one plot, with their operating points."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from core.figures.theme import MUTED, base_layout, fraction_axis
from core.registry.metrics import find_estimate
from core.types import Curve, Evaluation

CORNER = 0.3  # side of the enlarged corner of a ROC plot


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveLine:
    """One curve with its look. `point` is the operating point (x, y) at the chosen threshold, or None."""

    label: str
    curve: Curve
    color: str
    dash: str = "solid"
    symbol: str = "circle"
    point: tuple[float, float] | None = None


def roc_figure(lines: Sequence[CurveLine], *, corner: bool = False, height: int = 460) -> go.Figure:
    """ROC curves over the chance line; a marker on a curve is its operating point.

    Args:
        lines: curves of kind "roc"; x is 1 - specificity, y is sensitivity.
        corner: show the upper left alone, where good curves are told apart.
    """
    figure = go.Figure(_chance([0, 1], [0, 1], "chance (AUC 0.50)"))
    for line in lines:
        figure.add_traces(_traces(line, "1 − specificity", "sensitivity"))
    high, low = (CORNER, 1 - CORNER) if corner else (1.0, 0.0)
    figure.update_xaxes(**fraction_axis("1 − specificity (false alarms among the healthy)", 0.0, high))
    figure.update_yaxes(**fraction_axis("sensitivity (found among the ill)", low, 1.0))
    return base_layout(figure, height=height)


def pr_figure(lines: Sequence[CurveLine], *, prevalence: float | None = None, height: int = 460) -> go.Figure:
    """Precision-recall curves; the grey line is the precision of calling every image positive.

    Args:
        lines: curves of kind "pr"; x is recall, y is precision.
        prevalence: share of positive images, in [0, 1]; None draws no line.
    """
    figure = go.Figure()
    if prevalence is not None:
        figure.add_trace(_chance([0, 1], [prevalence, prevalence], f"call everything (precision {prevalence:.2f})"))
    for line in lines:
        figure.add_traces(_traces(line, "recall", "precision"))
    figure.update_xaxes(**fraction_axis("recall (sensitivity)"))
    figure.update_yaxes(**fraction_axis("precision (PPV)"))
    return base_layout(figure, height=height)


def _chance(x: list[float], y: list[float], name: str) -> go.Scatter:
    return go.Scatter(x=x, y=y, mode="lines", name=name, line={"color": MUTED, "dash": "dot"}, hoverinfo="skip")


def _traces(line: CurveLine, x_name: str, y_name: str) -> list[go.Scatter]:
    cuts = ["above every score" if cut is None else f"{cut:.3f}" for cut in line.curve.thresholds]
    drawn = go.Scatter(
        x=line.curve.x,
        y=line.curve.y,
        mode="lines",
        name=line.label,
        legendgroup=line.label,
        line={"color": line.color, "dash": line.dash, "width": 2},
        customdata=cuts,
        hovertemplate=f"{x_name} %{{x:.3f}}<br>{y_name} %{{y:.3f}}<br>threshold %{{customdata}}",
    )
    if line.point is None:
        return [drawn]
    marker = {"color": line.color, "symbol": line.symbol, "size": 12, "line": {"color": "white", "width": 1.5}}
    point = go.Scatter(
        x=[line.point[0]],
        y=[line.point[1]],
        mode="markers",
        name=f"{line.label}: operating point",
        legendgroup=line.label,
        showlegend=False,
        marker=marker,
        hovertemplate=f"operating point<br>{x_name} %{{x:.3f}}<br>{y_name} %{{y:.3f}}",
    )
    return [drawn, point]


def line_of(evaluation: Evaluation, kind: str, class_name: str, *, label: str, color: str, dash: str = "solid",
            symbol: str = "circle") -> CurveLine | None:  # fmt: skip
    """The stored curve of one class as a line with its operating point; None where the curve is not defined.

    Args:
        kind: "roc" or "pr".
        class_name: the positive class of a binary task, any class of another.
    """
    curve = next((c for c in evaluation.curves if c.kind == kind and c.class_name == class_name), None)
    if curve is None:
        return None
    found = {m: find_estimate(evaluation, m, class_name) for m in ("sensitivity", "specificity", "ppv")}
    value = {m: e.value if e is not None else None for m, e in found.items()}
    sensitivity, specificity, ppv = value["sensitivity"], value["specificity"], value["ppv"]
    point = None
    if kind == "roc" and sensitivity is not None and specificity is not None:
        point = (1 - specificity, sensitivity)
    if kind == "pr" and sensitivity is not None and ppv is not None:
        point = (sensitivity, ppv)
    return CurveLine(label=label, curve=curve, color=color, dash=dash, symbol=symbol, point=point)


def curve_classes(evaluation: Evaluation) -> list[str]:
    """The classes that have a ROC curve, in class order."""
    having = {c.class_name for c in evaluation.curves if c.kind == "roc"}
    return [name for name in evaluation.class_names if name in having]
