"""ROC and precision-recall curves, one or many in one plot, with their operating points."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import plotly.graph_objects as go

from core.figures.theme import CLEAR, MUTED, base_layout, fraction_axis, transparent
from core.language import t
from core.registry.metrics import find_estimate
from core.types import Curve, Evaluation

CORNER = 0.3  # side of the enlarged corner of a ROC plot
LOWEST = 1e-3  # where an axis in powers of ten begins; points left of it stand on its edge

Band = tuple[Sequence[float], Sequence[float], Sequence[float]]  # x, low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveLine:
    """One curve with its look. `point` is the operating point (x, y) at the chosen threshold, or None; so is `band`."""

    label: str
    curve: Curve
    color: str
    dash: str = "solid"
    symbol: str = "circle"
    point: tuple[float, float] | None = None
    band: Band | None = None


def roc_figure(lines: Sequence[CurveLine], *, corner: bool = False, log: bool = False, height: int = 460) -> go.Figure:
    """ROC curves over the chance line; a marker on a curve is its operating point, a shade its 95 % band.

    Args:
        lines: curves of kind "roc"; x is 1 - specificity, y is sensitivity.
        corner: show the upper left alone, where good curves are told apart.
        log: false alarms in powers of ten from a thousandth, where screening is decided.
    """
    ends = [LOWEST * 10 ** (i / 20) for i in range(61)] if log else [0.0, 1.0]
    figure = go.Figure(_chance(ends, ends, t("chance (AUC 0.50)")))
    shown = [_from_lowest(line) for line in lines] if log else list(lines)
    for line in shown:
        figure.add_traces(_band(line))
    for line in shown:
        figure.add_traces(_traces(line, t("1 − specificity"), t("sensitivity")))
    high, low = (CORNER, 1 - CORNER) if corner and not log else (1.0, 0.0)
    figure.update_xaxes(**fraction_axis(t("1 − specificity (false alarms among the healthy)"), 0.0, high))
    if log:
        figure.update_xaxes(type="log", range=[-3.05, 0.02], tickformat="", dtick=1)
    figure.update_yaxes(**fraction_axis(t("sensitivity (found among the ill)"), low, 1.0))
    return base_layout(figure, height=height)


def pr_figure(lines: Sequence[CurveLine], *, prevalence: float | None = None, height: int = 460) -> go.Figure:
    """Precision-recall curves; the grey line is the precision of calling every image positive.

    Args:
        lines: curves of kind "pr"; x is recall, y is precision.
        prevalence: share of positive images, in [0, 1]; None draws no line.
    """
    figure = go.Figure()
    if prevalence is not None:
        name = t("call everything (precision {value})", value=f"{prevalence:.2f}")
        figure.add_trace(_chance([0, 1], [prevalence, prevalence], name))
    for line in lines:
        figure.add_traces(_band(line))
    for line in lines:
        figure.add_traces(_traces(line, t("recall"), t("precision")))
    figure.update_xaxes(**fraction_axis(t("recall (sensitivity)")))
    figure.update_yaxes(**fraction_axis(t("precision (PPV)")))
    return base_layout(figure, height=height)


def _chance(x: list[float], y: list[float], name: str) -> go.Scatter:
    return go.Scatter(x=x, y=y, mode="lines", name=name, line={"color": MUTED, "dash": "dot"}, hoverinfo="skip")


def _from_lowest(line: CurveLine) -> CurveLine:
    """The same line with everything left of the axis of powers of ten on its edge."""
    curve = replace(line.curve, x=tuple(max(LOWEST, x) for x in line.curve.x))
    point = None if line.point is None else (max(LOWEST, line.point[0]), line.point[1])
    band = None
    if line.band is not None:
        kept = [row for row in zip(*line.band, strict=True) if row[0] >= LOWEST]
        band = ([r[0] for r in kept], [r[1] for r in kept], [r[2] for r in kept])
    return replace(line, curve=curve, point=point, band=band)


def _band(line: CurveLine) -> list[go.Scatter]:
    """The shade of a line's band; nothing without one."""
    if line.band is None:
        return []
    x, low, high = line.band
    return [
        go.Scatter(
            x=[*x, *reversed(list(x))], y=[*high, *reversed(list(low))], fill="toself", mode="lines",
            line={"color": CLEAR, "width": 0}, fillcolor=transparent(line.color, 0.16), hoverinfo="skip",
            name=t("{run}: 95 % band", run=line.label), legendgroup=line.label, showlegend=False,
        )
    ]  # fmt: skip


def _traces(line: CurveLine, x_name: str, y_name: str) -> list[go.Scatter]:
    cuts = [t("above every score") if cut is None else f"{cut:.3f}" for cut in line.curve.thresholds]
    drawn = go.Scatter(
        x=line.curve.x,
        y=line.curve.y,
        mode="lines",
        name=line.label,
        legendgroup=line.label,
        line={"color": line.color, "dash": line.dash, "width": 2},
        customdata=cuts,
        hovertemplate=f"{x_name} %{{x:.3f}}<br>{y_name} %{{y:.3f}}<br>{t('threshold')} %{{customdata}}",
    )
    if line.point is None:
        return [drawn]
    marker = {"color": line.color, "symbol": line.symbol, "size": 12, "line": {"color": "white", "width": 1.5}}
    point = go.Scatter(
        x=[line.point[0]],
        y=[line.point[1]],
        mode="markers",
        name=t("{run}: operating point", run=line.label),
        legendgroup=line.label,
        showlegend=False,
        marker=marker,
        hovertemplate=f"{t('operating point')}<br>{x_name} %{{x:.3f}}<br>{y_name} %{{y:.3f}}",
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
