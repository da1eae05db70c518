"""What stands beside the NIH table: ages in three units, official lists, boxes of eight findings."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

from core.data.readers.common import Findings, find_file, has_columns, listed, read_csv
from core.language import said

Box = tuple[float, float, float, float]
BOX_PX = 1024.0  # side of the distributed images; README of the NIH release
BOX_SLACK_PX = 2.0
BOX_COLUMNS = ("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]")  # the header splits "[x,y,w,h]" at its commas
BOX_FINDINGS: Mapping[str, str] = {"Infiltrate": "Infiltration"}  # one finding is called otherwise in the box list
AGE = re.compile(r"(\d{1,3}(?:\.\d+)?)([YMWD]?)", re.IGNORECASE)
PER_YEAR = {"": 1.0, "Y": 1.0, "M": 12.0, "W": 365.25 / 7, "D": 365.25}
OLDEST = 120.0


def years(text: str) -> float | None:
    """Age in years of "037Y", "011M", "045D" or "5"; NaN for an empty text, None for one that makes no sense."""
    if not text:
        return math.nan
    match = AGE.fullmatch(text)
    if match is None:
        return None
    age = float(match[1]) / PER_YEAR[match[2].upper()]
    return age if age <= OLDEST else None


def official_splits(base: Path, findings: Findings) -> dict[str, str] | None:
    """Image name -> "train" or "test" from the two official lists, or None where they are not."""
    found = {s: find_file(base, n) for n, s in (("train_val_list.txt", "train"), ("test_list.txt", "test"))}
    present = {split: path for split, path in found.items() if path is not None}
    if not present:
        return None
    if len(present) == 1:
        findings.notes.append(
            said("only {listed} is there: no official split is used", listed=listed(p.name for p in present.values()))
        )
        return None
    splits: dict[str, str] = {}
    both = []
    for split, path in present.items():
        for name in path.read_text(encoding="utf-8-sig", errors="replace").split():
            if splits.setdefault(name, split) != split:
                both.append(name)
    if both:
        findings.structural.append(
            said("{n} images stand in both official lists: {listed}", n=len(both), listed=listed(both))
        )
    return splits


def boxes_by_image(path: Path | None, findings: Findings) -> dict[str, tuple[tuple[str, ...], tuple[Box, ...]]]:
    """Image name -> findings and boxes (x, y, width, height), fractions of the image; empty without a list."""
    if path is None:
        return {}
    frame = read_csv(path, findings)
    if frame is None or not has_columns(frame, path.name, BOX_COLUMNS, findings):
        return {}
    boxes: dict[str, tuple[tuple[str, ...], tuple[Box, ...]]] = {}
    for record in frame.to_dict("records"):
        name, finding = record["Image Index"], record["Finding Label"]
        box = _box([record[c] for c in BOX_COLUMNS[2:]])
        if box is None:
            findings.refused.append(
                said(
                    "{name}: its box in {name_2} cannot be read or lies outside the image", name=name, name_2=path.name
                )
            )
            continue
        kinds, places = boxes.get(name, ((), ()))
        boxes[name] = ((*kinds, BOX_FINDINGS.get(finding, finding)), (*places, box))
    return boxes


def _box(texts: list[str]) -> Box | None:
    try:
        x, y, width, height = (float(text) for text in texts)
    except ValueError:
        return None
    outside = max(-x, -y, x + width - BOX_PX, y + height - BOX_PX)
    if not math.isfinite(x + y + width + height) or width <= 0 or height <= 0 or outside > BOX_SLACK_PX:
        return None
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + width, BOX_PX), min(y + height, BOX_PX)
    return left / BOX_PX, top / BOX_PX, (right - left) / BOX_PX, (bottom - top) / BOX_PX
