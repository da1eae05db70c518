"""Published figures and ours side by side: the sentences, the table with a row per figure, and the drawing.

A figure in which ours is worse stands first, in the table and in the drawing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd
import plotly.graph_objects as go

from core.figures.names import group_field_of, run_title
from core.figures.text import group_word, interval, listing, metric_title, plural, split_badge
from core.figures.theme import INK, MUTED, PALETTE, base_layout
from core.language import t, tn
from core.registry.published import published_source
from core.registry.published_types import COMPARED, PublishedRow, PublishedSummary, Verdict

ORDER: tuple[Verdict, ...] = ("behind", "level", "ahead", "no run yet", "not compared")
COLORS: Mapping[str, str] = MappingProxyType({"ahead": PALETTE[0], "level": MUTED, "behind": PALETTE[4]})
SYMBOLS: Mapping[str, str] = MappingProxyType({"ahead": "circle", "level": "square", "behind": "triangle-down"})
MOST_DRAWN = 30
MOST_NAMED = 3
ROW_PX = 58
LONGEST_TITLE = 60  # letters that fit on a phone; the table has the whole name


def worst_first(rows: Iterable[PublishedRow]) -> list[PublishedRow]:
    """Behind, level, ahead, then what has no run; the catalogue's order within each."""
    return sorted(rows, key=lambda row: ORDER.index(row.verdict))


def metric_words(row: PublishedRow) -> str:
    """ "AUC", "PPV for Melanoma"; the source's own word where it is no metric of ours."""
    figure = row.figure
    if not figure.metric:
        return t(figure.metric_words.replace("_", " "))
    class_name = row.estimate.class_name if row.estimate is not None else figure.targets[0].class_name
    title = metric_title(row.estimate.metric if row.estimate is not None else figure.metric)
    return t("{metric} for {class_name}", metric=title, class_name=t(class_name)) if class_name else title


def printed(value: float) -> str:
    """A published number with the digits that it was printed with."""
    return f"{value:,.0f}" if value >= 100 else f"{value:g}"


def summary_words(summary: PublishedSummary) -> str:
    """How many figures stand beside a run, how the comparison ends, and how many comparisons are unfair."""
    counts = summary.by_verdict
    waiting, never = counts["no run yet"], counts["not compared"]
    rest = []
    if waiting:
        rest.append(tn("{n} waits for a run", "{n} wait for a run", waiting))
    if never:
        rest.append(
            tn("{n} has nothing here to be compared with", "{n} have nothing here to be compared with", never)
        )  # fmt: skip
    if not summary.compared:
        return t(
            "None of these {figures} stands beside a run yet: {rest}.",
            figures=plural(summary.total, "published figure"), rest=listing(rest),
        )  # fmt: skip
    tail = " " + t("Of the others, {rest}.", rest=listing(rest)) if rest else ""
    unfair = t("none of these comparisons is known to be unfair")
    if summary.unfair == summary.compared:
        unfair = t("every one of these comparisons is not like for like")
    elif summary.unfair:
        unfair = tn(
            "{n} of these comparisons is not like for like", "{n} of these comparisons are not like for like",
            summary.unfair,
        )  # fmt: skip
    text = tn(
        "{n} of {total} published figures stands beside a run of ours: ahead in {ahead}, level in {level}, behind in "
        "{behind}; {unfair}.",
        "{n} of {total} published figures stand beside a run of ours: ahead in {ahead}, level in {level}, behind in "
        "{behind}; {unfair}.",
        summary.compared,
        total=f"{summary.total:,}", ahead=f"{counts['ahead']:,}", level=f"{counts['level']:,}",
        behind=f"{counts['behind']:,}", unfair=unfair,
    )  # fmt: skip
    return text + tail


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskWords:
    """How the comparison with one source's task ends: counts, what we are behind, and what is not alike, in words."""

    title: str
    counts: Mapping[Verdict, int]
    behind: str
    differs: str


def task_words(rows: Iterable[PublishedRow]) -> list[TaskWords]:
    """One for each source and task that has a run, in the order of the rows; what beats us is named."""
    groups: dict[tuple[str, str], list[PublishedRow]] = {}
    for row in rows:
        if row.run is not None:
            groups.setdefault((row.figure.source, row.figure.task_words), []).append(row)
    return [
        TaskWords(
            title=f"{published_source(source).title}, {t(task)}",
            counts={verdict: sum(row.verdict == verdict for row in group) for verdict in COMPARED},
            behind=_named_together([row for row in group if row.verdict == "behind"]),
            differs="; ".join(dict.fromkeys(words for row in group for words in row.differs)),
        )
        for (source, task), group in groups.items()
    ]


def _named_together(rows: Sequence[PublishedRow]) -> str:
    """Their models and numbers, by metric, with our number once where it is the same for all."""
    groups: dict[str, list[PublishedRow]] = {}
    for row in rows:
        groups.setdefault(_ours(row), []).append(row)
    parts = []
    for ours, group in list(groups.items())[:MOST_NAMED]:
        theirs = [f"{t(row.figure.model)} {printed(row.figure.value)}" for row in group[:MOST_NAMED]]
        left = len(group) - len(theirs)
        models = listing([*theirs, t("{count} more", count=left)] if left else theirs)
        parts.append(t("{models} ({ours} here)", models=models, ours=ours))
    if len(groups) > MOST_NAMED:
        parts.append(t("{count} more numbers", count=len(groups) - MOST_NAMED))
    return "; ".join(parts)


def _ours(row: PublishedRow) -> str:
    return f"{metric_words(row)} {interval(row.estimate, 3) if row.estimate is not None else '–'}"


def _named(row: PublishedRow) -> str:
    return t(
        "{model}: {theirs} there, {ours} here",
        model=t(row.figure.model), theirs=printed(row.figure.value), ours=_ours(row),
    )  # fmt: skip


def published_table(rows: Iterable[PublishedRow]) -> pd.DataFrame:
    """One row per figure, the worst for us first; numbers stay numbers, so that columns can be sorted."""
    return pd.DataFrame([_cells(row) for row in worst_first(rows)])


def _cells(row: PublishedRow) -> dict[str, object]:
    figure, run, ours = row.figure, row.run, row.estimate
    return {
        t("Their model"): t(figure.model),
        t("Verdict"): t(row.verdict),
        t("Metric"): metric_words(row),
        t("Theirs"): figure.value,
        t("Ours"): ours.value if ours is not None else None,
        t("95 % interval"): "" if ours is None else interval(ours, 3).partition(" ")[2].strip("()"),
        t("Not alike"): "; ".join(row.differs) if run is not None else row.reason,
        t("Published by"): published_source(figure.source).title,
        t("Task"): t(figure.task_words),
        t("Our run"): run_title(run.spec) if run is not None else "",
        t("Open"): f"run?run={run.run_id}" if run is not None else None,
        t("Our split"): split_badge(run.audit, run.spec) if run is not None else "",
        t("Our images"): ours.n_images if ours is not None else None,
        t("Our groups"): "" if ours is None or run is None else plural(ours.n_groups, group_word(group_field_of(run))),
        t("Turns"): len(row.turns) if run is not None else None,
        t("Chosen from"): ""
        if run is None
        else t("{recipes} by {metric}", recipes=plural(row.candidates, "recipe"), metric=metric_title(row.chosen_by)),
        t("Measured on"): t(figure.evaluated_on),
        t("Their images"): figure.n_images,
        t("Their data"): t(figure.dataset_words),
        t("Their note"): t(figure.note),
    }


def published_figure(rows: Iterable[PublishedRow]) -> go.Figure:
    """One row a figure that has a run: theirs as a diamond, ours as a point with its whiskers, a line between.

    At most `MOST_DRAWN`, the worst for us first. Names stand above their marks, so that a narrow screen keeps its
    width for the numbers. Colour and shape both tell the verdict.
    """
    drawn = [row for row in worst_first(rows) if row.run is not None][:MOST_DRAWN]
    left = _left_edge(drawn)
    traces: list[go.Scatter] = []
    names: list[dict[str, object]] = []
    seen: set[str] = set()
    for place, row in enumerate(drawn):
        estimate, theirs = row.estimate, row.figure.value
        if estimate is None or estimate.value is None:
            continue
        color = COLORS[row.verdict]
        traces.append(
            go.Scatter(
                x=[theirs, estimate.value], y=[place, place], mode="lines", line={"color": MUTED, "width": 1.5},
                showlegend=False, hoverinfo="skip",
            )
        )  # fmt: skip
        traces.append(
            go.Scatter(
                x=[estimate.value], y=[place], mode="markers", name=t("ours, {verdict}", verdict=t(row.verdict)),
                showlegend=row.verdict not in seen, legendgroup=row.verdict,
                error_x=_whiskers(row, color),
                marker={"size": 12, "color": color, "symbol": SYMBOLS[row.verdict]},
                hovertemplate=f"{run_title(row.run.spec) if row.run else ''}<br>{metric_words(row)} "
                f"{interval(estimate, 3)}<extra></extra>",
            )
        )  # fmt: skip
        traces.append(
            go.Scatter(
                x=[theirs], y=[place], mode="markers", name=t("published"),
                showlegend=not seen, legendgroup="published",
                marker={"size": 13, "color": INK, "symbol": "diamond-open", "line": {"width": 2}},
                hovertemplate=f"{t(row.figure.model)}<br>{metric_words(row)} {printed(theirs)}<extra></extra>",
            )
        )  # fmt: skip
        seen.add(row.verdict)
        title = f"{published_source(row.figure.source).title}: {t(row.figure.model)}"
        title = title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1].rstrip(' ,(')}…"
        text = t(
            "{title}<br>{metric} <b>{theirs}</b> there, <b>{ours}</b> here: {verdict}",
            title=title, metric=metric_words(row), theirs=printed(theirs), ours=interval(estimate, 3),
            verdict=t(row.verdict),
        )  # fmt: skip
        names.append({
            "x": left, "xshift": 2, "xanchor": "left", "y": place, "yanchor": "bottom", "yshift": 7, "align": "left",
            "showarrow": False, "text": text, "font": {"size": 12},
        })  # fmt: skip
    figure = go.Figure(traces, {"annotations": names})
    figure.update_xaxes(range=[left - 0.01 * (1 - left), 1 + 0.02 * (1 - left)], fixedrange=True, side="top")
    figure.update_yaxes(range=[len(drawn) - 0.6, -1.1], visible=False, fixedrange=True)
    base_layout(figure, height=ROW_PX * max(1, len(drawn)) + 150, legend=True)
    figure.update_layout(legend={"y": -0.02}, margin={"t": 40})
    return figure


def figure_words(rows: Iterable[PublishedRow]) -> str:
    """The drawing for those who do not see it: how many rows, and each one that we are behind in."""
    shown = [row for row in rows if row.run is not None]
    behind = [_named(row) for row in shown if row.verdict == "behind"]
    text = t(
        "Published figures as diamonds, ours as points with 95 % whiskers, {rows}", rows=plural(len(shown), "row")
    )  # fmt: skip
    if not behind:
        return text + t("; behind in none")
    named = text + t("; behind in {count}: {named}", count=len(behind), named="; ".join(behind[:5]))
    return named + (t(" and {count} more", count=len(behind) - 5) if len(behind) > 5 else "")


def _left_edge(rows: Sequence[PublishedRow]) -> float:
    values = [row.figure.value for row in rows]
    for row in rows:
        if row.estimate is not None:
            values += [v for v in (row.estimate.value, row.estimate.low) if v is not None]
    return max(0.0, math.floor((min(values, default=0.0) - 0.02) * 10) / 10)


def _whiskers(row: PublishedRow, color: str) -> dict[str, object]:
    estimate = row.estimate
    if estimate is None or estimate.value is None or estimate.low is None or estimate.high is None:
        return {"visible": False}
    return {
        "type": "data", "symmetric": False, "array": [estimate.high - estimate.value],
        "arrayminus": [estimate.value - estimate.low], "color": color, "thickness": 2, "width": 5,
    }  # fmt: skip
