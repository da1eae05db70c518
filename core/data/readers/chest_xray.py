"""`chest_xray` (Kermany): class folders, with or without train/val/test; patient and cause from the file name.

The same number stands for a bacterial and for a viral "person". The numbers look as if they were given per
cause, but nothing proves it, so both are taken as one patient: fewer and larger groups are the careful error.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
from core.language import said
from core.types import DatasetSpec

LAYOUT = said(
    "expected: ROOT/train/NORMAL, ROOT/train/PNEUMONIA and, where present, the same two "
    "folders under ROOT/test and ROOT/val; or ROOT/NORMAL and ROOT/PNEUMONIA"
)
CLASS_FOLDERS = ("NORMAL", "PNEUMONIA")
KAGGLE_PERSON = re.compile(r"person(\d+)_(bacteria|virus)_", re.IGNORECASE)
KAGGLE_NORMAL = re.compile(r"(NORMAL2-)?IM-(\d+)", re.IGNORECASE)
MENDELEY = re.compile(r"(BACTERIA|VIRUS|NORMAL)-(\d+)-", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Image:
    """One file: `group` across causes or series, `finer` with the cause or series in it."""

    path: Path
    split: str
    label: str
    group: str
    finer: str


def read(spec: DatasetSpec, root: Path, options: Mapping[str, int | float | str]) -> ReadResult:
    """Read the folder as Kaggle or Mendeley give it. Metadata: `cause` ("bacteria", "virus" or "")."""
    check_options(spec, options)
    findings = Findings()
    folders = _class_folders(root, findings)
    images = [image for split, folder in folders for image in _images_of(split, folder, findings)]
    nameless = [image.path.name for image in images if image.group == image.path.stem]
    if nameless:
        findings.notes.append(
            said(
                "{n} file names tell no patient; each counts as one: {listed}",
                n=len(nameless),
                listed=listed(nameless, 5),
            )
        )
    rows = [
        {
            "image_id": image.path.stem,
            "path": str(image.path),
            "label": image.label,
            "group": image.group,
            "split": image.split,
            "cause": image.label if image.label in ("bacteria", "virus") else "",
        }
        for image in _separated(images, findings)
    ]
    return findings.result(spec, rows)


def _class_folders(root: Path, findings: Findings) -> list[tuple[str, Path]]:
    """(official split, folder that holds NORMAL and PNEUMONIA), wherever in the archive they stand."""
    for base in (root, root / "chest_xray", root / "chest_xray" / "chest_xray"):
        splits = [(SPLIT_NAMES[n.casefold()], f) for n, f in subfolders(base).items() if n.casefold() in SPLIT_NAMES]
        if any(_holds_classes(folder) for _, folder in splits):
            return splits
        if _holds_classes(base):
            return [(SPLIT_NAMES.get(base.resolve().name.casefold(), ""), base)]
    findings.structural.append(
        said(
            "no class folder was found; {layout}; {found}",
            layout=LAYOUT,
            found=describe_folder(root),
        )
    )
    return []


def _holds_classes(folder: Path) -> bool:
    return any(name.upper() in CLASS_FOLDERS for name in subfolders(folder))


def _images_of(split: str, folder: Path, findings: Findings) -> list[_Image]:
    found = {name.upper(): path for name, path in subfolders(folder).items()}
    images: list[_Image] = []
    for name in CLASS_FOLDERS:
        files, others = image_files(found[name]) if name in found else ([], [])
        if not files:
            findings.structural.append(said("{folder} holds no image; {layout}", folder=folder / name, layout=LAYOUT))
        if others:
            findings.notes.append(
                said(
                    "{folder}: {n} files are no images: {listed}",
                    folder=folder / name,
                    n=len(others),
                    listed=listed(o.name for o in others),
                )
            )
        images += [image for path in files if (image := _image(path, split, name, findings))]
    for name in sorted(set(found) - set(CLASS_FOLDERS)):
        strange, _ = image_files(found[name])
        if strange:
            findings.refused.append(
                said(
                    "{found}: {n} images in a folder with the unknown label {name}; known: {listed}",
                    found=found[name],
                    n=len(strange),
                    name=repr(found[name].name),
                    listed=", ".join(CLASS_FOLDERS),
                )
            )
    return images


def _image(path: Path, split: str, folder: str, findings: Findings) -> _Image | None:
    label, group, finer = _from_name(path.stem, folder)
    if (label == "NORMAL") != (folder == "NORMAL"):
        findings.refused.append(
            said("{name} stands in {folder}, but its name says {label}", name=path.name, folder=folder, label=label)
        )
        return None
    return _Image(path, split, label, group, finer)


def _from_name(stem: str, folder: str) -> tuple[str, str, str]:
    """Label, group and finer group of a file name."""
    if match := KAGGLE_PERSON.match(stem):
        cause, person = match[2].casefold(), f"person{int(match[1])}"
        return cause, person, f"{person}_{cause}"
    if match := KAGGLE_NORMAL.match(stem):
        group = f"IM-{int(match[2]):04d}"
        return "NORMAL", group, ("NORMAL2-" if match[1] else "") + group
    if match := MENDELEY.match(stem):
        label = "NORMAL" if match[1].upper() == "NORMAL" else match[1].casefold()
        return label, f"patient{int(match[2])}", f"patient{int(match[2])}_{label}"
    cause = next((c for c in ("bacteria", "virus") if c in stem.casefold()), "pneumonia")
    return ("NORMAL" if folder == "NORMAL" else cause), stem, stem


def _separated(images: list[_Image], findings: Findings) -> list[_Image]:
    """Groups that never cross the source's own splits; what cannot be mended goes to `structural`."""
    leaking = _crossing([replace(image, group=image.finer) for image in images])
    if any({"train", "validation"} <= splits for splits in leaking.values()):
        moved = sum(image.split == "validation" for image in images)
        findings.notes.append(
            said("the {moved} images of `val` share patients with `train` and count as training", moved=moved)
        )
        images = [replace(i, split="train") if i.split == "validation" else i for i in images]
        leaking = _crossing([replace(image, group=image.finer) for image in images])
    if leaking:
        findings.structural.append(
            said(
                "{n} patients stand in the official test part and outside it: {listed}; the copy was "
                "mixed up, get it again",
                n=len(leaking),
                listed=listed(sorted(leaking)),
            )
        )
    wide = _crossing(images)
    if wide and not leaking:
        findings.notes.append(
            said(
                "{n} patient numbers stand in several official splits under different causes or series; "
                "there the cause or series is part of the patient's name: {listed}",
                n=len(wide),
                listed=listed(sorted(wide), 5),
            )
        )
    return [replace(i, group=i.finer) if i.group in wide else i for i in images]


def _crossing(images: list[_Image]) -> dict[str, set[str]]:
    splits: dict[str, set[str]] = {}
    for image in images:
        splits.setdefault(image.group, set()).add(image.split)
    return {group: found for group, found in splits.items() if len(found) > 1}
