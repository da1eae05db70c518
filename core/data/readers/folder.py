"""`folder`: one folder per class, with or without train/validation/test above them.

Without patient names every image is a group of its own; the option `group_regex` takes them from the file names.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from core.data.readers.common import (
    SPLIT_NAMES,
    Findings,
    ReadResult,
    check_options,
    describe_folder,
    image_files,
    listed,
    subfolders,
)
from core.data.readers.own_labels import check_names, class_order, group_pattern
from core.language import said
from core.types import DatasetSpec

LAYOUT = said("expected: ROOT/<class>/*.png, or ROOT/train/<class>/*.png with test and validation beside train")
OPTIONS = ("group_regex", "classes")


def read(spec: DatasetSpec, root: Path, options: Mapping[str, int | float | str]) -> ReadResult:
    """Read every image below the class folders.

    Options:
        group_regex: its first group, searched in the file name, is the patient.
        classes: the classes in their order, separated by commas; of two, the second is the positive one.
    """
    check_options(spec, options, OPTIONS)
    findings = Findings()
    pattern = group_pattern(spec, options)
    parts = _parts(root, findings)
    rows = [row for split, base in parts for row in _rows_of(split, base, root, pattern, findings)]
    names = class_order(spec, options, [str(row["label"]) for row in rows], findings)
    if rows and len(names) < 2:
        findings.structural.append(
            said(
                "there is only the class {listed}; at least two are needed; {layout}",
                listed=listed(names),
                layout=LAYOUT,
            )
        )
    elif not rows and not findings.structural:
        findings.structural.append(
            said(
                "no class folder with images was found; {layout}; {found}",
                layout=LAYOUT,
                found=describe_folder(root),
            )
        )
    return findings.result(replace(spec, class_names=names), rows)


def _parts(root: Path, findings: Findings) -> list[tuple[str, Path]]:
    """(official split, folder of class folders)."""
    inside = subfolders(root)
    splits = {n: f for n, f in inside.items() if n.casefold() in SPLIT_NAMES and subfolders(f)}
    if not splits:
        return [("", root)]
    beside = [n for n, f in inside.items() if n not in splits and image_files(f)[0]]
    if beside:
        findings.structural.append(
            said(
                "beside {listed} stand other folders with images: {listed_2}; {layout}",
                listed=listed(splits),
                listed_2=listed(beside),
                layout=LAYOUT,
            )
        )
    classes = {n: set(subfolders(f)) for n, f in splits.items()}
    every = set().union(*classes.values())
    for name, has in classes.items():
        if every - has:
            findings.notes.append(
                said("{name} lacks the class folders {listed}", name=name, listed=listed(sorted(every - has)))
            )
    return [(SPLIT_NAMES[n.casefold()], f) for n, f in splits.items()]


def _rows_of(
    split: str, base: Path, root: Path, pattern: re.Pattern[str] | None, findings: Findings
) -> list[dict[str, object]]:
    loose, _ = image_files(base, recursive=False)
    if loose:
        findings.refused.append(
            said(
                "{n} images stand outside every class folder: {listed}",
                n=len(loose),
                listed=listed([p.name for p in loose]),
            )
        )
    folders = subfolders(base)
    check_names(list(folders), findings)
    rows: list[dict[str, object]] = []
    for label, folder in folders.items():
        files, others = image_files(folder)
        if not files:
            findings.structural.append(said("the class folder {folder} holds no image", folder=folder))
        if others:
            findings.notes.append(
                said(
                    "{folder}: {n} files are no images: {listed}",
                    folder=folder,
                    n=len(others),
                    listed=listed([o.name for o in others], 5),
                )
            )
        for path in files:
            image_id = path.relative_to(root).as_posix()
            match = pattern.search(path.name) if pattern else None
            if pattern and match is None:
                findings.refused.append(said("{image_id}: group_regex finds no patient in the name", image_id=image_id))
                continue
            group = match[1] if match else image_id
            rows.append({"image_id": image_id, "path": str(path), "label": label, "group": group, "split": split})
    return rows
