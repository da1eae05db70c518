"""Runs beside each other: dots with whiskers for the table, bars for heads and networks."""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from core.figures.names import architecture_title, evaluation_of, head_title
from core.figures.text import interval
from core.figures.theme import MUTED, architecture_symbol, base_layout, head_color
from core.language import t
from core.registry.metrics import find_estimate, worst_class
from core.types import Estimate, RunRecord

CHANCE_AUC = 0.5
ALERT = "#D9453F"  # 4.3:1 on white and 4.2:1 on the dark page; always beside words
MOST_ROWS = 40  # of a picture; the table has all
NEAR_THE_TOP = 0.85  # when every run is above, an axis from 0.5 would hide what tells them apart

Row = tuple[int, RunRecord, Estimate]  # place from the top, run, its test estimate


def forest_figure(records: Sequence[RunRecord], titles: Mapping[str, str], *, metric: str = "auc") -> go.Figure:
    """One row a run, in the order given: dot and 95 % whisker; a hollow diamond is its worst class.

    Names stand above their whiskers, inside the plot, so that a narrow screen keeps its width for the numbers.

    Args:
        records: finished runs of one task; those without a defined value are left out, and all after the fortieth.
        titles: run id to the row's label.
    """
    rows = [(r, e) for r, e in ((r, _test_estimate(r, metric)) for r in records) if e is not None][:MOST_ROWS]
    by_color: dict[str, list[Row]] = {}
    names: list[dict[str, object]] = []
    left = _left_edge(rows, metric)
    for place, (record, estimate) in enumerate(rows):
        color, name = head_color(record.spec.head), titles[record.run_id]
        by_color.setdefault(color, []).append((place, record, estimate))
        names.append({
            "x": left, "xshift": 5, "xanchor": "left", "y": place, "yanchor": "bottom", "yshift": 5,
            "showarrow": False, "text": f"<b>{interval(estimate, 3)}</b>  {name}", "font": {"size": 13},
        })  # fmt: skip
        blind = never_words(record)
        if blind:
            names.append({
                "x": left, "xshift": 5, "xanchor": "left", "y": place, "yanchor": "top", "yshift": -5,
                "showarrow": False, "text": f"■ {blind}", "font": {"size": 12, "color": ALERT},
            })  # fmt: skip
        if (estimate.value or 0.0) < left:
            names.append({
                "x": left, "xshift": 2, "xanchor": "left", "y": place, "showarrow": False,
                "text": t("◀ left of the axis"), "font": {"color": color, "size": 12},
            })  # fmt: skip
    traces = [trace for color, mine in by_color.items() for trace in _dots(mine, color, titles, metric)]
    # all at once: plotly checks every annotation again with each one that is added
    figure = go.Figure(traces, {"annotations": names})
    if left <= CHANCE_AUC:
        figure.add_vline(x=CHANCE_AUC, line={"color": MUTED, "dash": "dot", "width": 1.5}, layer="below")
    start = t("dotted: chance") if left <= CHANCE_AUC else t("the axis starts at {value}", value=f"{left:.2f}")
    figure.update_xaxes(range=[left - 0.01 * (1 - left), 1 + 0.02 * (1 - left)], fixedrange=True)
    figure.update_xaxes(title={"text": t("AUC, test ({start})", start=start)}, nticks=8)
    figure.update_yaxes(range=[len(rows) - 0.5, -0.9], visible=False, fixedrange=True)
    pitch = 56 if any(never_words(record) for record, _ in rows) else 42
    return base_layout(figure, height=pitch * max(1, len(rows)) + 70, legend=False)


def _dots(rows: Sequence[Row], color: str, titles: Mapping[str, str], metric: str) -> list[go.Scatter]:
    """The dots of one colour with their whiskers, and the diamonds of their worst classes: a trace each, not one a run,
    which plotly and the browser would take ten times as long to make.
    """
    dots = go.Scatter(
        x=[estimate.value for _, _, estimate in rows], y=[place for place, _, _ in rows], mode="markers",
        error_x=_whiskers([estimate for _, _, estimate in rows], color), showlegend=False,
        marker={"size": 12, "color": color, "symbol": [architecture_symbol(r.spec.architecture) for _, r, _ in rows]},
        hovertemplate=[f"{titles[r.run_id]}<br>AUC {interval(e)}<extra></extra>" for _, r, e in rows],
    )  # fmt: skip
    worst = [(place, found) for place, r, _ in rows if (found := _worst_class(r, metric)) is not None]
    if not worst:
        return [dots]
    diamonds = go.Scatter(
        x=[found.value for _, found in worst], y=[place for place, _ in worst], mode="markers", showlegend=False,
        marker={"size": 11, "color": color, "symbol": "diamond-open", "line": {"width": 2}},
        hovertemplate=[_worst_words(found) for _, found in worst],
    )  # fmt: skip
    return [dots, diamonds]


def _worst_words(lowest: Estimate) -> str:
    name = t("worst class: {class_name}", class_name=t(str(lowest.class_name)))
    return f"{name}<br>AUC {interval(lowest)}<extra></extra>"


def bars_figure(records: Sequence[RunRecord], *, metric: str = "auc") -> go.Figure:
    """AUC per network and head with its interval; bars start at 0.5, the AUC of a coin.

    Args:
        records: finished runs of one task, at most one for each pair of network and head.
    """
    rows = [(r, e) for r, e in ((r, _test_estimate(r, metric)) for r in records) if e is not None]
    networks = list(dict.fromkeys(r.spec.architecture for r, _ in rows))
    figure = go.Figure()
    for head in dict.fromkeys(r.spec.head for r, _ in rows):
        mine = {r.spec.architecture: e for r, e in rows if r.spec.head == head}
        shown = [n for n in networks if n in mine]
        estimates = [mine[n] for n in shown]
        figure.add_trace(
            go.Bar(
                x=[architecture_title(n) for n in shown],
                y=[(e.value or 0.0) - CHANCE_AUC for e in estimates],
                base=CHANCE_AUC,
                name=head_title(head),
                marker={"color": head_color(head)},
                error_y=_whiskers(estimates, MUTED),
                customdata=[interval(e) for e in estimates],
                hovertemplate=t("{head} on {network}", head=head_title(head), network="%{x}")
                + "<br>AUC %{customdata}<extra></extra>",
            )
        )
    figure.update_layout(barmode="group", bargap=0.25, bargroupgap=0.08)
    lows = [e.low if e.low is not None else e.value or 0.0 for _, e in rows]
    figure.update_yaxes(
        range=[min([CHANCE_AUC, *lows]) - 0.02, 1.01], title={"text": t("AUC on test")}, fixedrange=True, dtick=0.1
    )
    figure.update_xaxes(fixedrange=True)
    base_layout(figure, height=400)
    figure.update_layout(legend={"y": -0.12})
    return figure


def never_called(record: RunRecord) -> list[tuple[str, int]]:
    """The classes that the test images show and the run never decides for: (name, images that show it)."""
    evaluation = evaluation_of(record)
    if evaluation is None:
        return []
    counts: Sequence[Sequence[int]] = evaluation.confusion
    names = evaluation.class_names
    if evaluation.task == "multilabel":  # rows are tn, fp, fn, tp
        return [(n, row[2] + row[3]) for n, row in zip(names, counts, strict=True) if not row[1] + row[3] and row[2]]
    calls, shown = [sum(column) for column in zip(*counts, strict=True)], [sum(row) for row in counts]
    return [(n, k) for n, k, called in zip(names, shown, calls, strict=True) if k and not called]


def never_words(record: RunRecord) -> str:
    """ "never predicts Dermatofibroma (0 of 23)"; "" where every class is called at times."""
    if record.spec.head == "dummy":  # the majority class is what it says
        return ""
    found = never_called(record)
    if len(found) > 1:
        return t("never predicts {k} of {n} classes, such as {name}", k=len(found), n=len(record.class_names),
                 name=t(found[0][0]))  # fmt: skip
    return t("never predicts {name} (0 of {n})", name=t(found[0][0]), n=f"{found[0][1]:,}") if found else ""


def _test_estimate(record: RunRecord, metric: str) -> Estimate | None:
    evaluation = evaluation_of(record)
    estimate = find_estimate(evaluation, metric) if evaluation is not None else None
    return estimate if estimate is not None and estimate.value is not None else None


def _left_edge(rows: Sequence[tuple[RunRecord, Estimate]], metric: str) -> float:
    """Where the axis begins: at chance, or closer where all runs but the majority class are far above it."""
    lows = [CHANCE_AUC] if not rows else []
    for record, estimate in rows:
        if record.spec.head == "dummy":
            continue
        lowest = _worst_class(record, metric)
        values = [estimate.value, estimate.low, lowest.value if lowest is not None else None]
        lows.append(min(v for v in values if v is not None))
    edge = min(lows, default=CHANCE_AUC)
    if edge < NEAR_THE_TOP:
        return min(CHANCE_AUC, edge)
    return math.floor((edge - 0.02) * 20) / 20  # a round number, 0.05 apart


def _worst_class(record: RunRecord, metric: str) -> Estimate | None:
    evaluation = evaluation_of(record)
    if evaluation is None or record.task == "binary":  # both classes of a binary task share one AUC
        return None
    return worst_class(evaluation, metric)


def _whiskers(estimates: Sequence[Estimate], color: str) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [(e.high or 0.0) - (e.value or 0.0) if e.high is not None else 0.0 for e in estimates],
        "arrayminus": [(e.value or 0.0) - (e.low or 0.0) if e.low is not None else 0.0 for e in estimates],
        "color": color,
        "thickness": 2,
        "width": 5,
    }
