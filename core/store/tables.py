"""predictions.csv and history.csv: the text of the file, and back, to the last bit.

Floats are written by repr and read by Python's own `float`, so that every number computed from the file
equals the one computed from memory. (How exactly a table library reads floats changes with its version.)
"""

import csv
import io
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from core.errors import RunDamaged
from core.language import said
from core.registry.labels import AS_IS, LABEL_SCHEMES
from core.types import Predictions, RunRecord

SPLIT_ORDER = ("validation", "test", "train")  # the training part, where a run stores some of it, stands last
KEYS = ("image_id", "group", "split")


def predictions_header(class_names: Sequence[str], task: str) -> list[str]:
    """Column names of predictions.csv: `image_id,group,split,y_true,p_<class>,…` (multilabel: `y_<class>`)."""
    truth = [f"y_{name}" for name in class_names] if task == "multilabel" else ["y_true"]
    return [*KEYS, *truth, *(f"p_{name}" for name in class_names)]


def predictions_text(parts: Sequence[Predictions]) -> str:
    """The CSV text of the predictions of one run, in SPLIT_ORDER. Expects at least one part."""
    parts = sorted(parts, key=lambda part: SPLIT_ORDER.index(part.split))
    lines = [csv_line(predictions_header(parts[0].class_names, parts[0].task))]
    for part in parts:
        truth = np.asarray(part.y_true).reshape(len(part), -1).astype(np.int64).tolist()
        scores = np.asarray(part.y_prob, dtype=np.float64).tolist()
        for image, group, labels, row in zip(part.image_ids, part.groups, truth, scores, strict=True):
            lines.append(csv_line([str(image), str(group), part.split, *labels, *row]))
    return "".join(lines)


def csv_line(cells: Sequence[object]) -> str:
    """One line of CSV: text quoted where it must be, floats by repr, None as an empty cell.

    (`csv.writer` leaves a carriage return unquoted before Python 3.13, and then cannot read it back.)
    """
    return ",".join(_csv_cell(cell) for cell in cells) + "\n"


def _csv_cell(cell: object) -> str:
    if isinstance(cell, float):
        return repr(cell)
    if not isinstance(cell, str):
        return "" if cell is None else str(cell)
    if any(mark in cell for mark in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def read_predictions(data: bytes, record: RunRecord, split: str, positive_class: str | None) -> Predictions:
    """The rows of one split.

    Raises: RunDamaged when the header is not the one of `record`, a row is too short or too long, a cell is no
        number, or the split has no rows; PredictionsInvalid when the scores contradict themselves.
    """
    expected = predictions_header(record.class_names, record.task)
    width = len(record.class_names)
    images: list[str] = []
    groups: list[str] = []
    truth: list[list[int]] = []
    scores: list[list[float]] = []
    present: set[str] = set()
    rows = _rows(data, "predictions.csv")
    header = next(rows, [])
    if header != expected:
        raise RunDamaged(
            said(
                "predictions.csv has the header {listed}, expected {listed_2}",
                listed=repr(",".join(header)[:200]),
                listed_2=repr(",".join(expected)),
            )
        )
    for number, row in enumerate(rows, start=1):
        if len(row) != len(expected):
            raise RunDamaged(
                said(
                    "row {number} of predictions.csv has {n} cells, expected {n_2}",
                    number=number,
                    n=len(row),
                    n_2=len(expected),
                )
            )
        present.add(row[2])
        if row[2] != split:
            continue
        try:
            truth.append([int(cell) for cell in row[len(KEYS) : -width]])
            scores.append([float(cell) for cell in row[-width:]])
        except ValueError as error:
            raise RunDamaged(
                said("row {number} of predictions.csv cannot be read ({reason})", number=number, reason=error)
            ) from error
        images.append(row[0])
        groups.append(row[1])
    if not images:
        held = ", ".join(sorted(present)) or said("no rows at all")
        raise RunDamaged(
            said(
                "{run_id}: predictions.csv has no rows of the {split} split; it has {held}.",
                run_id=record.run_id,
                split=split,
                held=held,
            )
        )
    labels = np.array(truth, dtype=np.int64)
    return Predictions(
        run_id=record.run_id,
        split=split,
        task=record.task,
        class_names=record.class_names,
        positive_class=positive_class,
        image_ids=np.array(images, dtype=object),
        groups=np.array(groups, dtype=object),
        y_true=labels if record.task == "multilabel" else labels[:, 0].copy(),
        y_prob=np.array(scores, dtype=np.float64),
    )


def history_text(history: pd.DataFrame) -> str:
    """The CSV text of one row per epoch; floats by repr, a missing number is an empty cell."""
    rows = [[_plain(value) for value in row] for row in history.itertuples(index=False, name=None)]
    return csv_line([str(name) for name in history.columns]) + "".join(map(csv_line, rows))


def read_history(data: bytes) -> pd.DataFrame:
    """history.csv as a frame: whole numbers, floats (an empty cell is NaN) or text, column by column.

    Raises: RunDamaged when it is no table.
    """
    rows = _rows(data, "history.csv")
    header = next(rows, [])
    body = list(rows)
    if not header or any(len(row) != len(header) for row in body):
        raise RunDamaged(said("history.csv is no table: its rows differ in length, or it is empty"))
    columns = zip(*body, strict=True) if body else [()] * len(header)
    return pd.DataFrame({name: _column(cells) for name, cells in zip(header, columns, strict=True)})


def _rows(data: bytes, name: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise RunDamaged(said("{name} cannot be read ({reason})", name=name, reason=error)) from error


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        value = value.item()
    return None if value is None or value is pd.NA or value != value else value  # NaN differs from itself


def _column(cells: Sequence[str]) -> np.ndarray | list[str]:
    for kind in (int, float):
        try:
            return np.array([kind(cell) if cell or kind is int else np.nan for cell in cells])
        except (ValueError, OverflowError):
            continue
    return list(cells)


def positive_class_of(record: RunRecord) -> str | None:
    """The class that a binary run looks for; None for other tasks. Raises RunDamaged when nothing says it."""
    if record.task != "binary":
        return None
    for evaluation in record.evaluations:
        if evaluation.positive_class is not None:
            return evaluation.positive_class
    scheme = LABEL_SCHEMES.get(record.spec.label_scheme)
    if scheme is not None and scheme.positive_class is not None:
        return scheme.positive_class
    if record.spec.label_scheme == AS_IS and len(record.class_names) == 2:
        return record.class_names[1]  # as the label scheme "as_is" defines it
    raise RunDamaged(
        said("{run_id}: neither an evaluation nor the label scheme names the positive class.", run_id=record.run_id)
    )
