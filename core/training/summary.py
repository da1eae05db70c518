"""What a plan came to: its runs side by side, and which one validation selects for each task."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.evaluation.turns import apart, mean_estimate, turns_of
from core.registry.metrics import find_estimate
from core.types import Estimate, RunRecord


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One finished run of a plan; `task` is its data set and label scheme, `selected` the best one on validation."""

    run_id: str
    task: tuple[str, str]
    validation_auc: Estimate | None
    test_auc: Estimate | None
    test_accuracy: Estimate | None
    params: int
    seconds: float
    selected: bool

    def cells(self) -> tuple[str, ...]:
        """Validation AUC, test AUC, test accuracy, parameters and seconds as words."""
        figures = (self.validation_auc, self.test_auc, self.test_accuracy)
        return (*map(interval_words, figures), f"{self.params:,}", f"{self.seconds:.0f}")

    def document(self) -> dict[str, object]:
        """Plain JSON values; a figure is [value, low, high], fractions."""
        figures = {
            name: None if found is None else [found.value, found.low, found.high]
            for name, found in (
                ("validation_auc", self.validation_auc), ("test_auc", self.test_auc),
                ("test_accuracy", self.test_accuracy),
            )
        }  # fmt: skip
        return {
            "run_id": self.run_id, "dataset": self.task[0], "label_scheme": self.task[1], **figures,
            "parameters": self.params, "seconds": self.seconds, "selected": self.selected,
        }  # fmt: skip


def plan_summary(records: Sequence[RunRecord]) -> tuple[SummaryRow, ...]:
    """One row per finished run, task by task, the best on validation first; of equals the first by name.

    Runs on several folds or seeds are rows of their own; `plan_means` has one row for all turns of a recipe.
    """
    rows = []
    for record in records:
        validation = overall(record, "validation", "auc")
        if record.status == "done":
            rows.append((record, validation))
    rows.sort(key=lambda item: (_task(item[0]), -_value(item[1]), item[0].run_id))
    first = {_task(record): record.run_id for record, found in reversed(rows) if _value(found) >= 0}
    return tuple(
        SummaryRow(
            run_id=record.run_id, task=_task(record), validation_auc=found, test_auc=overall(record, "test", "auc"),
            test_accuracy=overall(record, "test", "accuracy"), params=record.params_total or 0,
            seconds=round(sum(record.seconds.values()), 1), selected=first.get(_task(record)) == record.run_id,
        )
        for record, found in rows
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MeanRow:
    """The mean over the turns of one recipe; `name` is what their run ids share, the estimates as `mean_estimate`."""

    name: str
    task: tuple[str, str]
    turns: int
    validation_auc: Estimate | None
    test_auc: Estimate | None
    test_accuracy: Estimate | None
    test_balanced_accuracy: Estimate | None

    def document(self) -> dict[str, object]:
        """Plain JSON values; a figure is [value, low, high], fractions."""
        figures = ("validation_auc", "test_auc", "test_accuracy", "test_balanced_accuracy")
        found = {name: getattr(self, name) for name in figures}
        told = {name: None if e is None else [e.value, e.low, e.high] for name, e in found.items()}
        return {"recipe": self.name, "dataset": self.task[0], "label_scheme": self.task[1], "turns": self.turns, **told}


def plan_means(records: Sequence[RunRecord]) -> tuple[MeanRow, ...]:
    """One row per recipe with several finished turns, task by task, the best mean on validation first."""
    rows = []
    for turns in turns_of([r for r in records if r.status == "done"]):
        if len(turns) < 2:
            continue
        wanted = (("validation", "auc"), ("test", "auc"), ("test", "accuracy"), ("test", "balanced_accuracy"))
        name = turns[0].run_id.rpartition("-")[0]
        rows.append(MeanRow(name, _task(turns[0]), len(turns), *(_mean(turns, *one) for one in wanted)))
    return tuple(sorted(rows, key=lambda row: (row.task, -_value(row.validation_auc), row.name)))


def _mean(turns: Sequence[RunRecord], split: str, metric: str) -> Estimate | None:
    found = [overall(record, split, metric) for record in turns]
    known = [estimate for estimate in found if estimate is not None]
    return mean_estimate(known, independent=apart(turns)) if len(known) == len(turns) else None


def overall(record: RunRecord, split: str, metric: str) -> Estimate | None:
    """A run's figure over all classes on one split, or None where it has none."""
    evaluation = next((e for e in record.evaluations if e.split == split), None)
    return None if evaluation is None else find_estimate(evaluation, metric)


def interval_words(found: Estimate | None) -> str:
    """ "0.912 (0.880–0.943)", or "not defined"."""
    if found is None or found.value is None:
        return "not defined"
    interval = "" if found.low is None else f" ({found.low:.3f}–{found.high:.3f})"
    return f"{found.value:.3f}{interval}"


def _task(record: RunRecord) -> tuple[str, str]:
    return record.spec.dataset, record.spec.label_scheme


def _value(found: Estimate | None) -> float:
    return -1.0 if found is None or found.value is None else found.value
