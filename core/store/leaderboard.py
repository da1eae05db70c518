"""The leaderboard: one row per finished run, derived from the stored records and from nothing else.

results/leaderboard.csv can be deleted at any time; `write_leaderboard` makes the same bytes again.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from core import paths
from core.registry.metrics import find_estimate, worst_class
from core.store.atomic import write_text
from core.store.runs import list_runs
from core.store.tables import csv_line
from core.types import Evaluation, RunRecord

LEADERBOARD = "leaderboard.csv"
METRIC_COLUMNS = (
    "balanced_accuracy", "accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "average_precision", "brier",
)  # fmt: skip
COLUMNS = (
    "run_id", "dataset", "label_scheme", "task", "architecture", "head", "strategy", "split_kind", "seed", "fold",
    "n_train_images", "n_test_images", "n_test_groups", "auc", "auc_low", "auc_high", *METRIC_COLUMNS,
    "worst_class", "worst_class_sensitivity", "calibration_error", "seconds_total", "params_total", "params_trained",
    "groups_crossing", "images_crossing", "dataset_fingerprint", "created_utc",
)  # fmt: skip

Cell = str | int | float | None


def evaluation_of(record: RunRecord, split: str = "test") -> Evaluation | None:
    """The evaluation of one split, or None where the record has none."""
    return next((evaluation for evaluation in record.evaluations if evaluation.split == split), None)


def leaderboard_rows(records: Iterable[RunRecord]) -> list[dict[str, Cell]]:
    """One row per finished run with a test evaluation, ordered by data set, scheme, architecture, head, run id.

    Fractions, never percent; None where a number is not defined. `auc` and the other metrics are overall
    numbers of the test split (binary: of the positive class; otherwise macro).
    """
    rows = []
    for record in records:
        evaluation = evaluation_of(record)
        if record.status == "done" and evaluation is not None:
            rows.append(_row(record, evaluation))
    return sorted(
        rows, key=lambda row: tuple(str(row[c]) for c in ("dataset", "label_scheme", "architecture", "head", "run_id"))
    )


def _row(record: RunRecord, evaluation: Evaluation) -> dict[str, Cell]:
    spec = record.spec
    auc = find_estimate(evaluation, "auc")
    worst = worst_class(evaluation, "sensitivity")
    train = next((c.n_images for c in record.counts if c.split == "train"), None)
    row: dict[str, Cell] = {
        "run_id": record.run_id, "dataset": spec.dataset, "label_scheme": spec.label_scheme, "task": record.task,
        "architecture": spec.architecture, "head": spec.head, "strategy": spec.strategy,
        "split_kind": record.audit.split_kind if record.audit else spec.split,
        "seed": spec.seed, "fold": spec.fold, "n_train_images": train, "n_test_images": evaluation.n_images,
        "n_test_groups": evaluation.n_groups,
        "auc": auc.value if auc else None, "auc_low": auc.low if auc else None, "auc_high": auc.high if auc else None,
        "worst_class": worst.class_name if worst else None, "worst_class_sensitivity": worst.value if worst else None,
        "seconds_total": float(sum(record.seconds.values())), "params_total": record.params_total,
        "params_trained": record.params_trained,
        "groups_crossing": record.audit.groups_in_several_splits if record.audit else None,
        "images_crossing": record.audit.images_in_several_splits if record.audit else None,
        "dataset_fingerprint": record.dataset_fingerprint, "created_utc": record.created_utc,
    }  # fmt: skip
    for metric in (*METRIC_COLUMNS, "calibration_error"):
        estimate = find_estimate(evaluation, metric)
        row[metric] = estimate.value if estimate else None
    return row


def leaderboard_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """The rows as a frame with the columns of COLUMNS; empty, with its columns, when there are none."""
    frame = pd.DataFrame(leaderboard_rows(records), columns=list(COLUMNS))
    numbers = [
        c for c in COLUMNS if c.startswith(("auc", "worst_class_s", "calibration", "seconds")) or c in METRIC_COLUMNS
    ]
    return frame.astype(dict.fromkeys(numbers, "float64"))


def leaderboard_text(records: Iterable[RunRecord]) -> str:
    """The CSV text: floats by repr, an empty cell where a number is not defined."""
    rows = [[row[column] for column in COLUMNS] for row in leaderboard_rows(records)]
    return csv_line(COLUMNS) + "".join(map(csv_line, rows))


def write_leaderboard(folder: Path | None = None) -> Path:
    """Write leaderboard.csv from the runs of `folder` (default: the results folder) and return its path."""
    root = folder or paths.results_folder()
    path = root / LEADERBOARD
    write_text(path, leaderboard_text(list_runs(root).records))
    return path
