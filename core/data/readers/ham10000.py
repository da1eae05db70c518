"""`ham10000`: one row per image from the metadata file, images in one or two folders, lesion masks where present.

`dx_type` tells how the diagnosis was made, and so gives it away: it is not even loaded.
"""

from collections.abc import Mapping
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
    listed,
    read_csv,
    subfolders,
)
from core.language import said
from core.types import DatasetSpec

METADATA = "HAM10000_metadata.csv"
LAYOUT = said(
    "expected: ROOT/{metadata}, images in ROOT/HAM10000_images_part_1 and "
    "ROOT/HAM10000_images_part_2 (or in ROOT/images) and, where present, masks in "
    "ROOT/HAM10000_segmentations_lesion_tschandl",
    metadata=METADATA,
)
MASK_ENDING = "_segmentation"
UNKNOWN = ("", "unknown", "nan", "na", "none")


def read(spec: DatasetSpec, root: Path, options: Mapping[str, int | float | str]) -> ReadResult:
    """Read the metadata and find its images. Metadata: `age` (years), `sex`, `site`, `mask_path`."""
    check_options(spec, options)
    findings = Findings()
    # Harvard Dataverse hands the same table out without a suffix, or as tab-separated text
    metadata = find_file(root, METADATA, "HAM10000_metadata", "HAM10000_metadata.tab")
    if metadata is None:
        findings.structural.append(
            said(
                "{metadata} not found; {layout}; {found}",
                metadata=METADATA,
                layout=LAYOUT,
                found=describe_folder(root),
            )
        )
        return findings.result(spec, [])
    frame = read_csv(metadata, findings)
    needed = ("lesion_id", "image_id", "dx", "age", "sex", "localization")
    if frame is None or not has_columns(frame, metadata.name, needed, findings):
        return findings.result(spec, [])
    images, masks = _files(root, findings)
    rows = []
    odd_ages: list[str] = []
    for record in frame.to_dict("records"):
        image_id, lesion = record["image_id"], record["lesion_id"]
        if image_id not in images:
            findings.refused.append(
                said(
                    "{image_id}: no image file of that name is there, though {name} names it",
                    image_id=image_id,
                    name=metadata.name,
                )
            )
        elif not lesion:
            findings.refused.append(
                said("{image_id}: {name} names no lesion for it", image_id=image_id, name=metadata.name)
            )
        else:
            rows.append(
                {
                    "image_id": image_id,
                    "path": str(images[image_id]),
                    "label": record["dx"],
                    "group": lesion,
                    "split": "",
                    "age": _age(record["age"], image_id, odd_ages),
                    "sex": _known(record["sex"]),
                    "site": _known(record["localization"]),
                    "mask_path": str(masks.get(image_id, "")),
                }
            )
    _note(rows, images, masks, odd_ages, set(frame["image_id"]), findings)
    return findings.result(spec, rows)


def _files(root: Path, findings: Findings) -> tuple[dict[str, Path], dict[str, Path]]:
    """Image and mask files by image id; the Kaggle archive holds both part folders twice."""
    images: list[Path] = []
    masks: list[Path] = []
    for name, folder in subfolders(root).items():
        lowered = name.casefold()
        if lowered.startswith("ham10000_images_part") or lowered == "images":
            images += image_files(folder)[0]
        elif "segmentation" in lowered or lowered == "masks":
            masks += image_files(folder)[0]
    if not images:
        images = image_files(root, recursive=False)[0]
    if not images:
        findings.structural.append(
            said("no image was found; {layout}; {found}", layout=LAYOUT, found=describe_folder(root))
        )
    by_id = index_by_stem(images)
    twice = sorted(i for i, paths in by_id.items() if len(paths) > 1)
    if twice:
        findings.notes.append(
            said(
                "{n} images stand in several folders, the first counts ({name}): {listed}",
                n=len(twice),
                name=by_id[twice[0]][0].parent.name,
                listed=listed(twice, 5),
            )
        )
    return (
        {i: paths[0] for i, paths in by_id.items()},
        {i.removesuffix(MASK_ENDING): paths[0] for i, paths in index_by_stem(masks).items()},
    )


def _age(text: str, image_id: str, odd: list[str]) -> float:
    if text.casefold() in UNKNOWN:
        return float("nan")
    try:
        age = float(text)
    except ValueError:
        age = -1.0
    if 0 <= age <= 120:
        return age
    odd.append(f"{image_id} ({text!r})")
    return float("nan")


def _known(text: str) -> str:
    return "" if text.casefold() in UNKNOWN else text


def _note(
    rows: list[dict[str, object]],
    images: Mapping[str, Path],
    masks: Mapping[str, Path],
    odd_ages: list[str],
    named: set[str],
    findings: Findings,
) -> None:
    if odd_ages:
        findings.notes.append(
            said("{n} ages make no sense and count as unknown: {listed}", n=len(odd_ages), listed=listed(odd_ages, 5))
        )
    unnamed = sorted(set(images) - named)
    if unnamed:
        findings.notes.append(
            said(
                "{n} images are not named in {metadata}: {listed}",
                n=len(unnamed),
                metadata=METADATA,
                listed=listed(unnamed, 5),
            )
        )
    without = [str(row["image_id"]) for row in rows if not row["mask_path"]]
    if masks and without:
        findings.notes.append(said("{n} images have no mask: {listed}", n=len(without), listed=listed(without, 5)))
