"""predictions.csv and history.csv: the text of the file, and back, to the last bit.

Floats are written by repr, so that every number computed from the file equals the one computed from memory.
"""

import csv
import io
from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.errors import RunDamaged
from core.types import Predictions, RunRecord

SPLIT_ORDER = ("validation", "test")
KEYS = ("image_id", "group", "split")


def predictions_header(class_names: Sequence[str], task: str) -> list[str]:
    """Column names of predictions.csv: `image_id,group,split,y_true,p_<class>,…` (multilabel: `y_<class>`)."""
    truth = [f"y_{name}" for name in class_names] if task == "multilabel" else ["y_true"]
    return [*KEYS, *truth, *(f"p_{name}" for name in class_names)]


def predictions_text(parts: Sequence[Predictions]) -> str:
    """The CSV text of the predictions of one run, validation rows first. Expects at least one part."""
    parts = sorted(parts, key=lambda part: SPLIT_ORDER.index(part.split))
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(predictions_header(parts[0].class_names, parts[0].task))
    for part in parts:
        truth = np.asarray(part.y_true).reshape(len(part), -1).astype(np.int64).tolist()
        scores = np.asarray(part.y_prob, dtype=np.float64).tolist()
        writer.writerows(
            [str(image), str(group), part.split, *labels, *row]
            for image, group, labels, row in zip(part.image_ids, part.groups, truth, scores, strict=True)
        )
    return out.getvalue()


def predictions_frame(data: bytes, record: RunRecord) -> pd.DataFrame:
    """predictions.csv as a frame: keys as text, truth as int64, scores as float64 exactly as written.

    Raises: RunDamaged when the header is not the one of `record`, or a cell is no number.
    """
    expected = predictions_header(record.class_names, record.task)
    first_score = len(expected) - len(record.class_names)
    try:
        header = next(csv.reader(io.StringIO(data.decode("utf-8"), newline="")), [])
        if header != expected:
            raise RunDamaged(
                f"predictions.csv has the header {','.join(header)[:200]!r}, expected {','.join(expected)!r}"
            )
        # read by position: two classes may differ in nothing that pandas would keep apart in a header
        types = {i: "str" if i < len(KEYS) else "int64" if i < first_score else "float64" for i in range(len(expected))}
        frame = pd.read_csv(
            io.BytesIO(data), header=None, skiprows=_header_lines(header), dtype=types, na_filter=False,
            float_precision="round_trip", encoding="utf-8", index_col=False, skip_blank_lines=False,
        )  # fmt: skip
    except (ValueError, OverflowError, csv.Error, pd.errors.ParserError) as error:
        raise RunDamaged(f"predictions.csv cannot be read ({str(error)[:160]})") from error
    if frame.shape[1] != len(expected):
        raise RunDamaged(f"predictions.csv has {frame.shape[1]} columns, expected {len(expected)}")
    return frame.set_axis(expected, axis="columns")


def _header_lines(header: Sequence[str]) -> int:
    """Lines that the header takes: a class name may hold a line break."""
    return 1 + sum(name.count("\n") for name in header)


def predictions_of(frame: pd.DataFrame, record: RunRecord, split: str, positive_class: str | None) -> Predictions:
    """The rows of one split as Predictions. Raises RunDamaged when there are none, PredictionsInvalid otherwise."""
    rows = frame[(frame["split"] == split).to_numpy()]
    if rows.empty:
        present = ", ".join(sorted(set(frame["split"]))) or "no rows at all"
        raise RunDamaged(f"{record.run_id}: predictions.csv has no rows of the {split} split; it has {present}.")
    width = len(record.class_names)
    truth = rows.iloc[:, len(KEYS) : -width].to_numpy(dtype=np.int64)
    return Predictions(
        run_id=record.run_id,
        split=split,
        task=record.task,
        class_names=record.class_names,
        positive_class=positive_class,
        image_ids=rows["image_id"].to_numpy(dtype=object),
        groups=rows["group"].to_numpy(dtype=object),
        y_true=truth if record.task == "multilabel" else truth[:, 0].copy(),
        y_prob=rows.iloc[:, -width:].to_numpy(dtype=np.float64),
    )


def history_text(history: pd.DataFrame) -> str:
    """The CSV text of one row per epoch; floats by repr, a missing number is an empty cell."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([str(name) for name in history.columns])
    for row in history.itertuples(index=False, name=None):
        writer.writerow(
            ["" if pd.isna(cell) else cell.item() if isinstance(cell, np.generic) else cell for cell in row]
        )
    return out.getvalue()


def history_frame(data: bytes) -> pd.DataFrame:
    """history.csv as a frame. Raises RunDamaged when it is no table."""
    try:
        return pd.read_csv(io.BytesIO(data), float_precision="round_trip", encoding="utf-8")
    except (ValueError, pd.errors.ParserError) as error:
        raise RunDamaged(f"history.csv cannot be read ({str(error)[:160]})") from error
