"""A comparison of runs as a document: verdict, table, figures and where every number comes from.

What it holds, whichever file it becomes (core/figures/comparison_html.py writes it as one HTML file).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import plotly.graph_objects as go

from core.figures.calibration import calibration_figure
from core.figures.confusion import confusion_figure, multilabel_figure
from core.figures.curves import CurveLine, curve_classes, line_of, pr_figure, roc_figure
from core.figures.leaderboard import forest_figure
from core.figures.names import dataset_title, evaluation_of, group_field_of, split_kind_of, task_title
from core.figures.text import audit_text, counted, estimate_text, interval, split_badge, worst_text
from core.figures.theme import architecture_symbol, head_color, series_dash
from core.language import t
from core.registry.metrics import find_estimate, worst_class
from core.types import Evaluation, RunRecord

DRAWN = 6  # runs in the curves and matrices; the table has all
CURVE_CLASSES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure, its heading, and the words for those who do not see it."""

    title: str
    figure: go.Figure
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSource:
    """Where a run's numbers come from: names and values, and its plan as the text of a TOML file."""

    title: str
    facts: Mapping[str, str]
    plan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonReport:
    """`verdict` and `warnings` are plain sentences; `rows` belong to `columns`; `created` has a zone."""

    title: str
    verdict: tuple[str, ...]
    warnings: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    drawings: tuple[Drawing, ...]
    sources: tuple[RunSource, ...]
    versions: Mapping[str, str]
    created: datetime


def comparison_report(
    records: Sequence[RunRecord],
    titles: Mapping[str, str],
    *,
    drawn: Sequence[str] = (),
    verdict: Sequence[str] = (),
    made_by: Mapping[str, tuple[str, str]],
    versions: Mapping[str, str],
    created: datetime,
) -> ComparisonReport:
    """The report of finished runs of one data set and label scheme, in the order given.

    Args:
        records: each with a test evaluation; at least one.
        titles: run id to what the run is called.
        drawn: ids of the runs in curves and matrices, at most `DRAWN` of them; none takes the first ones.
        verdict: sentences of the page about them, without Markdown.
        made_by: run id to the command and the plan file that make the run again (core/store/reproduce.py).
    """
    first = records[0]
    judged = [(record, evaluation) for record in records if (evaluation := evaluation_of(record)) is not None]
    # the majority class is the floor that chance already draws
    chosen = [pair for pair in judged if pair[0].run_id in drawn] or [p for p in judged if p[0].spec.head != "dummy"]
    random = [titles[record.run_id] for record in records if split_kind_of(record) == "random"]
    return ComparisonReport(
        title=f"{task_title(first.spec.dataset, first.spec.label_scheme)}: {dataset_title(first.spec.dataset)}",
        verdict=tuple(verdict),
        warnings=tuple(
            t("{run}: images of one person stand in training and in test, so that its numbers are too good.", run=title)
            for title in random
        ),
        columns=(
            t("Run"), "AUC", t("Accuracy"), t("Balanced accuracy"), t("Found least often"), t("Test part"),
            t("Split"),
        ),
        rows=tuple(_row(record, evaluation, titles[record.run_id]) for record, evaluation in judged),
        drawings=tuple(_drawings(judged, (chosen or judged)[:DRAWN], titles)),
        sources=tuple(
            _source(record, evaluation, titles[record.run_id], *made_by[record.run_id]) for record, evaluation in judged
        ),
        versions=dict(versions),
        created=created,
    )  # fmt: skip


def _row(record: RunRecord, evaluation: Evaluation, title: str) -> tuple[str, ...]:
    worst = worst_class(evaluation, "sensitivity")
    figures = [find_estimate(evaluation, metric) for metric in ("auc", "accuracy", "balanced_accuracy")]
    return (
        title, *("–" if found is None else interval(found, 3) for found in figures),
        "–" if worst is None else f"{worst.class_name} {interval(worst, 2)}",
        counted(evaluation.n_images, evaluation.n_groups, group_field_of(record)),
        split_badge(record.audit, record.spec),
    )  # fmt: skip


Judged = Sequence[tuple[RunRecord, Evaluation]]


def _drawings(judged: Judged, chosen: Judged, titles: Mapping[str, str]) -> list[Drawing]:
    records = [record for record, _ in judged]
    found = [Drawing(
        title=t("AUC on the test part, with 95 % intervals"), figure=forest_figure(records, titles),
        words=_told(judged, titles),
    )]  # fmt: skip
    for class_name in curve_classes(chosen[0][1])[:CURVE_CLASSES]:
        of_class = class_name or chosen[0][1].positive_class or ""
        for kind, name, draw in (("roc", "ROC", roc_figure), ("pr", t("Precision-recall"), pr_figure)):
            lines = _lines(chosen, kind, class_name, titles)
            if lines:
                heading = t("{kind} curve: {name}", kind=name, name=of_class)
                found.append(Drawing(title=heading, figure=draw(lines), words=heading))
    for record, evaluation in chosen:
        draw_matrix = multilabel_figure if record.task == "multilabel" else confusion_figure
        title = titles[record.run_id]
        found.append(Drawing(
            title=t("Decisions: {run}", run=title),
            figure=draw_matrix(evaluation.confusion, evaluation.class_names),
            words=t("Confusion matrix of {run}, rows are the truth. {worst}", run=title, worst=worst_text(evaluation)),
        ))  # fmt: skip
        found.append(Drawing(
            title=t("Are the probabilities of {run} right?", run=title),
            figure=calibration_figure(evaluation.calibration, subject=_stated(evaluation)),
            words=t("Reliability diagram: stated probability against the share that came true."),
        ))  # fmt: skip
    return found


def _stated(evaluation: Evaluation) -> str:
    """Whose probability a reliability diagram is about."""
    if evaluation.task == "binary":
        return str(evaluation.positive_class)
    return t("the most probable class") if evaluation.task == "multiclass" else t("each class")


def _lines(chosen: Judged, kind: str, class_name: str, titles: Mapping[str, str]) -> list[CurveLine]:
    found = [
        line_of(
            evaluation, kind, class_name, label=titles[record.run_id], color=head_color(record.spec.head),
            dash=series_dash(place), symbol=architecture_symbol(record.spec.architecture),
        )
        for place, (record, evaluation) in enumerate(chosen)
    ]  # fmt: skip
    return [line for line in found if line is not None]


def _told(judged: Judged, titles: Mapping[str, str]) -> str:
    found = [(titles[r.run_id], find_estimate(e, "auc"), group_field_of(r)) for r, e in judged]
    return "; ".join(f"{title}: {estimate_text(auc, field)}" for title, auc, field in found if auc is not None)


def _source(record: RunRecord, evaluation: Evaluation, title: str, command: str, plan: str) -> RunSource:
    facts = {
        t("Run id"): record.run_id,
        t("Data"): f"{dataset_title(record.spec.dataset)}, {record.dataset_fingerprint[:16]}",
        t("Split"): f"{split_badge(record.audit, record.spec)}. {audit_text(record.audit)}",
        t("Cut"): f"{evaluation.threshold.rule}, {evaluation.threshold.chosen_on}",
        t("Made"): record.created_utc,
        t("Commit"): record.environment.commit if record.environment is not None else "",
        t("Command"): command,
    }
    return RunSource(
        title=title, facts={name: value for name, value in facts.items() if value},
        plan=plan,
    )  # fmt: skip
