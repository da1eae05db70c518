"""`csv`: a table of paths and labels, with a group and a split where the columns are there.

Paths are relative to the CSV and stay below its folder: a table can name no file elsewhere on the machine.
"""

import posixpath
import re
from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path

from core.data.readers.common import (
    SPLIT_NAMES,
    Findings,
    ReadResult,
    check_options,
    describe_folder,
    is_clutter,
    listed,
    read_csv,
)
from core.data.readers.own_labels import check_names, class_order
from core.language import said, said_together
from core.types import DatasetSpec

ALIASES: Mapping[str, tuple[str, ...]] = {
    "path": ("path", "image", "file", "filename", "image_path", "file_name"),
    "label": ("label", "class", "target", "diagnosis"),
    "group": ("group", "patient", "patient_id", "lesion_id", "study"),
    "split": ("split", "set", "subset", "fold"),
}
LAYOUT = said(
    "expected: a CSV with the columns path and label and, where known, group and split (train, validation, test)"
)
DRIVE = re.compile(r"[A-Za-z]:")


def read(spec: DatasetSpec, root: Path, options: Mapping[str, int | float | str]) -> ReadResult:
    """Read the CSV `root`, or the only CSV in the folder `root`.

    Options: `classes`, the classes in their order, separated by commas; of two, the second is the positive one.
    Other columns of the table are kept as metadata.
    """
    check_options(spec, options, ("classes",))
    findings = Findings()
    table = _table(root, findings)
    frame = read_csv(table, findings) if table else None
    if table is None or frame is None:
        return findings.result(spec, [])
    columns = _columns([str(c) for c in frame.columns], table.name, findings)
    if findings.structural:
        return findings.result(spec, [])
    rows = []
    for number, record in enumerate(frame.to_dict("records"), start=1):
        row = _row(record, number, columns, table, findings)
        if row is not None:
            rows.append(row)
    if not rows:
        findings.structural.append(said("{name} has no usable row; {layout}", name=table.name, layout=LAYOUT))
    labels = [str(row["label"]) for row in rows]
    check_names([token for label in labels for token in label.split("|")], findings)
    names = class_order(spec, options, labels, findings)
    if rows and len(names) < 2:
        findings.structural.append(
            said("{name} has only the label {listed}; at least two are needed", name=table.name, listed=listed(names))
        )
    return findings.result(replace(spec, class_names=names), rows)


def _table(root: Path, findings: Findings) -> Path | None:
    if root.is_file():
        return root
    found = [p for p in sorted(root.iterdir()) if p.suffix.casefold() == ".csv" and not is_clutter(p.name)]
    if len(found) == 1:
        return found[0]
    what = (
        said("holds {n} CSV files ({listed}); name one", n=len(found), listed=listed([p.name for p in found]))
        if found
        else said("holds no CSV")
    )
    findings.structural.append(
        said("{root} {what}; {layout}; {found}", root=root, what=what, layout=LAYOUT, found=describe_folder(root))
    )
    return None


def _columns(present: list[str], name: str, findings: Findings) -> dict[str, str]:
    """Role -> column of this table, upper and lower case alike; the first alias that is there counts."""
    by_name: dict[str, str] = {}
    for column in present:
        if column.casefold() in by_name:
            findings.structural.append(
                said(
                    "{name}: the columns {other} and {column} are alike",
                    name=name,
                    other=repr(by_name[column.casefold()]),
                    column=repr(column),
                )
            )
        by_name[column.casefold()] = column
    columns: dict[str, str] = {}
    for role, aliases in ALIASES.items():
        found = [by_name[a] for a in aliases if a in by_name]
        if found:
            columns[role] = found[0]
        if len(found) > 1:
            findings.notes.append(
                said(
                    "{name}: {found} is taken as {role}, not {listed}",
                    name=name,
                    found=repr(found[0]),
                    role=role,
                    listed=listed(map(repr, found[1:])),
                )
            )
    missing = [role for role in ("path", "label") if role not in columns]
    if missing:
        wanted = "; ".join(f"{role} ({', '.join(ALIASES[role][1:])})" for role in missing)
        findings.structural.append(
            said("{name} lacks the column {wanted}; it has {listed}", name=name, wanted=wanted, listed=listed(present))
        )
    if "group" not in columns:
        findings.notes.append(said("there is no group column: images of one patient may stand in two splits"))
    return columns


def _row(
    record: Mapping[Hashable, str], number: int, columns: Mapping[str, str], table: Path, findings: Findings
) -> dict[str, object] | None:
    values = {role: record[column] for role, column in columns.items()}
    relative = posixpath.normpath(values["path"].replace("\\", "/")) if values["path"] else ""
    where = said("{name}, row {number}", name=table.name, number=number)
    if values["path"]:
        where = said_together(" ", [where, f"({values['path']})"])
    problem = _path_problem(relative)
    tokens = [t.strip() for t in values["label"].split("|")]
    split = values.get("split", "").casefold()
    if not problem and not all(tokens):
        problem = (
            said("the label is empty: {value}", value=repr(values["label"]))
            if values["label"]
            else said("there is no label")
        )
    elif not problem and "group" in values and not values["group"]:
        problem = said("there is no group, though the table has that column")
    elif not problem and "split" in values and split not in SPLIT_NAMES:
        problem = said("unknown split {value}; known: train, validation, test", value=repr(values["split"]))
    if problem:
        findings.refused.append(said_together(": ", [where, problem]))
        return None
    used = set(columns.values())
    extra = {str(k): v for k, v in record.items() if k not in used and k not in RESERVED}
    return {
        **extra,
        "image_id": relative,
        "path": str(table.parent / relative),
        "label": "|".join(tokens),
        "group": values.get("group", relative),
        "split": SPLIT_NAMES.get(split, ""),
    }


RESERVED = ("image_id", "path", "label", "group", "split", "content_hash", "boxes", "box_labels", "mask_path")


def _path_problem(relative: str) -> str:
    if not relative:
        return said("there is no path")
    if relative.startswith("/") or DRIVE.match(relative):
        return said("the path is absolute; only paths below the CSV's folder are read")
    if relative == ".." or relative.startswith("../"):
        return said("the path leads out of the CSV's folder; only paths below it are read")
    if "\x00" in relative or "://" in relative or ".npz#" in relative.casefold():
        return said("the path is no file below the CSV's folder")
    return ""
