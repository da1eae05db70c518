"""`nih-chest-xray`: findings joined by "|" from `Data_Entry_2017.csv` or the Kaggle sample, boxes where present.

`BBox_List_2017.csv` counts in pixels of the distributed 1024 x 1024 images, whatever size the files here have.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from pathlib import Path

from core.data.readers.common import (
    Findings,
    ReadResult,
    check_options,
    describe_folder,
    find_file,
    has_columns,
    image_files,
    index_by_stem,
    is_clutter,
    listed,
    read_csv,
    subfolders,
)
from core.data.readers.nih_details import boxes_by_image, official_splits, years
from core.language import said, said_together
from core.types import DatasetSpec

TABLES = ("Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv", "sample_labels.csv")
NEEDED = ("Image Index", "Finding Labels", "Patient ID")
NO_FINDING = "No Finding"
LAYOUT = said(
    "expected: ROOT/sample_labels.csv or ROOT/Data_Entry_2017.csv, and images in "
    "ROOT/images, ROOT/sample/images or ROOT/images_001/images and so on; where present "
    "ROOT/BBox_List_2017.csv, train_val_list.txt, test_list.txt"
)


def read(spec: DatasetSpec, root: Path, options: Mapping[str, int | float | str]) -> ReadResult:
    """Read the table, the images and what stands beside them.

    Metadata: `age` (years), `sex`, `view`, `visit` (follow-up number, -1 unknown), `boxes`, `box_labels`.
    """
    check_options(spec, options)
    findings = Findings()
    base = next((b for b in (root, root / "sample", root / "sample" / "sample") if find_file(b, *TABLES)), root)
    table = find_file(base, *TABLES)
    if table is None:
        findings.structural.append(
            said(
                "none of {listed} was found; {layout}; {found}",
                listed=", ".join(TABLES),
                layout=LAYOUT,
                found=describe_folder(root),
            )
        )
        return findings.result(spec, [])
    others = [n for n in TABLES if n != table.name and find_file(base, n)]
    if others:
        findings.notes.append(
            said("labels are taken from {name}; {listed} was left aside", name=table.name, listed=listed(others))
        )
    frame = read_csv(table, findings)
    if frame is None or not has_columns(frame, table.name, NEEDED, findings):
        return findings.result(spec, [])
    files = {path.name: path for path in _images(base)}
    stems = {stem: paths[0] for stem, paths in index_by_stem(files.values()).items() if len(paths) == 1}
    splits = official_splits(base, findings)
    boxes = boxes_by_image(find_file(base, "BBox_List_2017.csv"), findings)
    odd_ages: list[str] = []
    rows = []
    for record in frame.to_dict("records"):
        name = record["Image Index"]
        path = files.get(name) or stems.get(Path(name).stem)
        row = _row(record, path, table.name, splits, odd_ages, findings)
        if row is not None:
            kinds, places = boxes.get(name, ((), ()))
            rows.append({**row, "boxes": places, "box_labels": kinds})
    _note(files, stems, set(frame["Image Index"]), boxes, odd_ages, findings)
    return findings.result(spec, rows)


def _images(base: Path) -> list[Path]:
    """Images of the folders that the set comes in, masks or other folders beside them left alone."""
    folders = [f for n, f in subfolders(base).items() if n.casefold().startswith("images")]
    folders += [f for f in (base / "sample" / "images",) if f.is_dir()]
    found = [path for folder in folders for path in image_files(folder)[0]]
    return found or image_files(base, recursive=False)[0]


def _row(
    record: Mapping[Hashable, str],
    path: Path | None,
    table: str,
    splits: Mapping[str, str] | None,
    odd_ages: list[str],
    findings: Findings,
) -> dict[str, object] | None:
    name = record["Image Index"]
    tokens = [t.strip() for t in record["Finding Labels"].split("|") if t.strip()]
    patient = record["Patient ID"].removesuffix(".0")
    problem = ""
    if path is None:
        problem = said("no such image file is there, though {table} names it", table=table)
    elif not tokens:
        problem = said("no finding is given")
    elif NO_FINDING in tokens and len(tokens) > 1:
        problem = said(
            "{no_finding} stands beside a finding: {label}",
            no_finding=repr(NO_FINDING),
            label=repr(record["Finding Labels"]),
        )
    elif len(set(tokens)) < len(tokens):
        problem = said("a finding stands twice: {label}", label=repr(record["Finding Labels"]))
    elif not patient:
        problem = said("no patient is given")
    elif splits is not None and name not in splits:
        problem = said("it is in neither train_val_list.txt nor test_list.txt")
    if problem:
        findings.refused.append(said_together(": ", [name, problem]))
        return None
    age_text = record.get("Patient Age", "")
    age = years(age_text)
    if age is None:
        odd_ages.append(f"{name} ({age_text!r})")
    visit = record.get("Follow-up #", "").removesuffix(".0")
    return {
        "image_id": Path(name).stem,
        "path": str(path),
        "label": "|".join(tokens),
        "group": patient,
        "split": "" if splits is None else splits[name],
        "age": float("nan") if age is None else age,
        "sex": record.get("Patient Gender", "") or record.get("Patient Sex", ""),
        "view": record.get("View Position", ""),
        "visit": int(visit) if visit.isdecimal() else -1,
    }


def _note(
    files: Mapping[str, Path],
    stems: Mapping[str, Path],
    named: set[str],
    boxes: Mapping[str, object],
    odd_ages: list[str],
    findings: Findings,
) -> None:
    if odd_ages:
        findings.notes.append(
            said("{n} ages make no sense and count as unknown: {listed}", n=len(odd_ages), listed=listed(odd_ages, 5))
        )
    repeated = [n for n, k in Counter(Path(n).stem for n in files).items() if k > 1]
    if repeated:
        findings.notes.append(
            said("{n} image names stand with several suffixes: {listed}", n=len(repeated), listed=listed(repeated, 5))
        )
    stems_named = {Path(n).stem for n in named}
    unnamed = sorted(n for n in files if Path(n).stem not in stems_named and not is_clutter(n))
    if unnamed:
        findings.notes.append(
            said("{n} images are not named in the table: {listed}", n=len(unnamed), listed=listed(unnamed, 5))
        )
    boxless = sorted(set(boxes) - named)
    if boxless:
        findings.notes.append(
            said(
                "{n} images of BBox_List_2017.csv are not in the table: {listed}",
                n=len(boxless),
                listed=listed(boxless, 5),
            )
        )
