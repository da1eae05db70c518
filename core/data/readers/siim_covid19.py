"""`siim-covid19`: the label of a study, the boxes of an image, the patient where `patients.csv` tells.

The label is the study's, never the image's: 304 images without a box belong to studies that are not negative.
"""

import ast
import math
from collections.abc import Hashable, Mapping
from pathlib import Path

import pandas as pd

from core.data.readers.common import (
    Findings,
    ReadResult,
    check_options,
    describe_folder,
    find_file,
    has_columns,
    image_files,
    index_by_stem,
    listed,
    read_csv,
)
from core.language import message_of, said, said_together
from core.registry.labels import SIIM_STUDY_LABELS
from core.types import DatasetSpec

LAYOUT = said(
    "expected: ROOT/train_study_level.csv, ROOT/train_image_level.csv, ROOT/meta.csv, images "
    "in ROOT/train and, where present, ROOT/patients.csv"
)
BOX_SLACK_PX = 8.0  # one box of the public set reaches 3.6 px beyond its image; more than this is a wrong size
Box = tuple[float, float, float, float]


def read(spec: DatasetSpec, root: Path, options: Mapping[str, int | float | str]) -> ReadResult:
    """Read the two CSV files, `meta.csv` and the images. Metadata: `study`, `image_label`, `boxes`."""
    check_options(spec, options)
    findings = Findings()
    tables = _tables(root, findings)
    if findings.structural:
        return findings.result(spec, [])
    labels = _study_labels(tables["train_study_level.csv"], findings)
    sizes = _sizes(tables["meta.csv"], findings)
    patients = _patients(tables.get("patients.csv"), findings)
    files = index_by_stem(image_files(root / "train" if (root / "train").is_dir() else root)[0])
    rows = []
    for record in tables["train_image_level.csv"].to_dict("records"):
        row = _row(record, labels, sizes, patients, files, findings)
        if row is not None:
            rows.append(row)
    named = {_bare(i, "_image") for i in tables["train_image_level.csv"]["id"]}
    unnamed = sorted(set(files) - named)
    if unnamed:
        findings.notes.append(
            said(
                "{n} images are not named in train_image_level.csv: {listed}", n=len(unnamed), listed=listed(unnamed, 5)
            )
        )
    return findings.result(spec, rows)


def _tables(root: Path, findings: Findings) -> dict[str, pd.DataFrame]:
    wanted = {
        "train_study_level.csv": ("id", *SIIM_STUDY_LABELS),
        "train_image_level.csv": ("id", "boxes", "label", "StudyInstanceUID"),
        "meta.csv": ("image_id", "dim0", "dim1"),
        "patients.csv": ("image_id", "StudyInstanceUID", "patientid"),
    }
    tables = {}
    missing = []
    for name, columns in wanted.items():
        path = find_file(root, name)
        if path is not None:
            frame = read_csv(path, findings)
            if frame is not None and has_columns(frame, name, columns, findings):
                tables[name] = frame
        elif name == "patients.csv":
            findings.notes.append(
                said("patients.csv is not there: a study counts as one patient, though some have several")
            )
        else:
            missing.append(name)
    if missing:
        findings.structural.append(
            said(
                "{listed} not found; {layout}; {found}",
                listed=listed(missing),
                layout=LAYOUT,
                found=describe_folder(root),
            )
        )
    return tables


def _bare(identifier: str, ending: str) -> str:
    return identifier.removesuffix(ending)


def _study_labels(frame: pd.DataFrame, findings: Findings) -> dict[str, str]:
    """Study -> its one label; studies without exactly one are named, and their images refused later."""
    labels: dict[str, str] = {}
    for record in frame.to_dict("records"):
        study = _bare(record["id"], "_study")
        marked = [name for name in SIIM_STUDY_LABELS if record[name] in ("1", "1.0")]
        if len(marked) != 1:
            findings.refused.append(
                said("study {study} has {n} labels, expected exactly one", study=study, n=len(marked))
            )
        elif labels.get(study, marked[0]) != marked[0]:
            findings.refused.append(said("study {study} has two rows with different labels", study=study))
            labels[study] = ""
        else:
            labels[study] = marked[0]
    return labels


def _sizes(frame: pd.DataFrame, findings: Findings) -> dict[str, tuple[float, float]]:
    """Image -> (rows, columns) of the original, in pixels."""
    sizes: dict[str, tuple[float, float]] = {}
    for image_id, rows, columns in zip(frame["image_id"], frame["dim0"], frame["dim1"], strict=True):
        try:
            sizes[image_id] = (float(rows), float(columns))
        except ValueError:
            findings.notes.append(
                said(
                    "meta.csv gives {image_id} the size {rows} x {columns}, which are no numbers",
                    image_id=image_id,
                    rows=repr(rows),
                    columns=repr(columns),
                )
            )
    return {i: s for i, s in sizes.items() if min(s) > 0 and math.isfinite(sum(s))}


def _patients(frame: pd.DataFrame | None, findings: Findings) -> dict[str, tuple[str, str]] | None:
    """Image -> (study, patient), or None without patients.csv."""
    if frame is None:
        return None
    per_study = frame[frame["patientid"] != ""].groupby("StudyInstanceUID")["patientid"].nunique()
    for study in per_study[per_study > 1].index:
        findings.structural.append(said("patients.csv gives the study {study} to more than one patient", study=study))
    return {r["image_id"]: (r["StudyInstanceUID"], r["patientid"]) for r in frame.to_dict("records")}


def _row(
    record: Mapping[Hashable, str],
    labels: Mapping[str, str],
    sizes: Mapping[str, tuple[float, float]],
    patients: Mapping[str, tuple[str, str]] | None,
    files: Mapping[str, list[Path]],
    findings: Findings,
) -> dict[str, object] | None:
    image_id, study = _bare(record["id"], "_image"), record["StudyInstanceUID"]
    found = files.get(image_id, [])
    if len(found) != 1:
        findings.refused.append(said_together(": ", [image_id, _file_problem(found)]))
        return None
    if not labels.get(study):
        findings.refused.append(
            said(
                "{image_id}: its study {study} has no usable label in train_study_level.csv",
                image_id=image_id,
                study=repr(study),
            )
        )
        return None
    group = study if patients is None else _patient(image_id, study, patients, findings)
    try:
        boxes = scaled_boxes(record["boxes"], sizes.get(image_id))
    except ValueError as error:
        findings.refused.append(said_together(": ", [image_id, message_of(error)]))
        return None
    if not group:
        return None
    return {
        "image_id": image_id,
        "path": str(found[0]),
        "label": labels[study],
        "group": group,
        "split": "",
        "study": study,
        "image_label": record["label"].partition(" ")[0],
        "boxes": boxes,
    }


def _file_problem(found: list[Path]) -> str:
    if not found:
        return said("no image file of that name is there, though train_image_level.csv names it")
    return said("several files have this name: {listed}", listed=listed(map(str, found)))


def _patient(image_id: str, study: str, patients: Mapping[str, tuple[str, str]], findings: Findings) -> str:
    stated_study, patient = patients.get(image_id, ("", ""))
    if not patient:
        findings.refused.append(said("{image_id}: patients.csv names no patient for it", image_id=image_id))
    elif stated_study != study:
        findings.refused.append(
            said(
                "{image_id}: study {study} in train_image_level.csv, {stated_study} in patients.csv",
                image_id=image_id,
                study=repr(study),
                stated_study=repr(stated_study),
            )
        )
        return ""
    return patient


def scaled_boxes(text: str, size: tuple[float, float] | None) -> tuple[Box, ...]:
    """Boxes as (x, y, width, height) in fractions of the image, clipped to it.

    Args:
        text: a list of {'x', 'y', 'width', 'height'} in original pixels, or "" for none.
        size: (rows, columns) of the original in pixels.
    Raises: ValueError with the reason when the text is no such list, or a box lies outside.
    """
    if not text:
        return ()
    if size is None:
        raise ValueError(said("it has boxes, but meta.csv gives no size to scale them by"))
    try:
        raw = [tuple(float(box[k]) for k in ("x", "y", "width", "height")) for box in ast.literal_eval(text)]
    except (ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError):
        raise ValueError(said("its boxes cannot be read: {text}", text=repr(text[:80]))) from None
    return tuple(_fraction(box, *size) for box in raw)


def _fraction(box: tuple[float, ...], rows: float, columns: float) -> Box:
    x, y, width, height = box
    outside = max(-x, -y, x + width - columns, y + height - rows)
    if not all(map(math.isfinite, box)) or width <= 0 or height <= 0 or outside > BOX_SLACK_PX:
        raise ValueError(
            said(
                "the box {value} does not fit into {columns:g} x {rows:g} pixels",
                value=tuple(round(v, 1) for v in box),
                columns=columns,
                rows=rows,
            )
        )
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + width, columns), min(y + height, rows)
    return left / columns, top / rows, (right - left) / columns, (bottom - top) / rows
