"""What is wrong with the pictures themselves: every image decoded once, before anything is trained.

Two images are the same when their decoded pixels are, whatever their files look like.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.data.load import table_fingerprint
from core.data.readers.common import listed
from core.data.sources import read_image
from core.errors import DatasetInvalid, ImageRefused
from core.language import message_of, said, said_together
from core.types import DatasetTable

Progress = Callable[[int, int], None]  # (images done, images in all)
BLANK_RANGE = 2  # grey levels between darkest and brightest that JPEG rounding alone makes of one flat tone
MIN_PER_CLASS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """What decoding every image showed; images by their id where nothing else is said.

    `unreadable`: (path, reason). `blank`: images of one flat tone. `duplicates`: groups of ids with
    identical pixels; `across_groups` those of them that belong to several patients, `label_conflicts` those
    with several labels. `rare_labels`: raw labels with a single image. Widths and heights in pixels, as
    (smallest, median, largest); (0, 0, 0) where nothing could be read.
    """

    n_images: int
    unreadable: tuple[tuple[str, str], ...]
    blank: tuple[str, ...]
    duplicates: tuple[tuple[str, ...], ...]
    across_groups: tuple[tuple[str, ...], ...]
    label_conflicts: tuple[tuple[str, ...], ...]
    rare_labels: tuple[str, ...]
    widths_px: tuple[int, int, int]
    heights_px: tuple[int, int, int]

    @property
    def problems(self) -> tuple[str, ...]:
        """What must not be trained on, one sentence each."""
        return (
            *(reason if path in reason else said_together(": ", [path, reason]) for path, reason in self.unreadable),
            *(said("{image_id}: the image is blank, one flat tone", image_id=image_id) for image_id in self.blank),
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a careful reader should know; splits keep identical images together."""
        copies = sum(len(ids) - 1 for ids in self.duplicates)
        found = []
        if copies:
            found.append(
                said(
                    "{copies} images are copies of another one ({n} sets of identical pixels)",
                    copies=copies,
                    n=len(self.duplicates),
                )
            )
        found += [
            said("identical pixels in several groups: {listed}", listed=listed(ids)) for ids in self.across_groups
        ]
        found += [
            said("identical pixels under different labels: {listed}", listed=listed(ids))
            for ids in self.label_conflicts
        ]
        found += [said("label {label} has a single image", label=repr(label)) for label in self.rare_labels]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One decoded image: hash of its pixels, size in px, whether it is blank; or the reason why not."""

    digest: str = ""
    width: int = 0
    height: int = 0
    blank: bool = False
    reason: str = ""


def check_images(table: DatasetTable, progress: Progress | None = None) -> QualityReport:
    """Decode every image of `table`.

    Args:
        progress: called after each image with (done, in all), from the calling thread.
    Returns: the report; it never raises for a bad image.
    """
    paths = table.rows["path"].astype(str).tolist()
    seen: list[_Seen] = []
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for result in pool.map(_look_at, paths):
            seen.append(result)
            if progress is not None:
                progress(len(seen), len(paths))
    ids = table.rows["image_id"].astype(str).tolist()
    frame = pd.DataFrame(
        {
            "image_id": ids,
            "group": table.rows["group"].astype(str).tolist(),
            "label": table.rows["label"].astype(str).tolist(),
            "digest": [s.digest for s in seen],
        }
    )
    same = frame[(frame["digest"] != "") & frame["digest"].duplicated(keep=False)]
    sets = [part for _, part in same.groupby("digest", sort=False)]
    counts = Counter(token for label in frame["label"] for token in label.split("|"))
    return QualityReport(
        n_images=len(ids),
        unreadable=tuple((p, s.reason) for p, s in zip(paths, seen, strict=True) if s.reason),
        blank=tuple(i for i, s in zip(ids, seen, strict=True) if s.blank),
        duplicates=tuple(tuple(part["image_id"]) for part in sets),
        across_groups=tuple(tuple(part["image_id"]) for part in sets if len(set(part["group"])) > 1),
        label_conflicts=tuple(tuple(part["image_id"]) for part in sets if len(set(part["label"])) > 1),
        rare_labels=tuple(sorted(label for label, count in counts.items() if count < MIN_PER_CLASS)),
        widths_px=_summary([s.width for s in seen if s.width]),
        heights_px=_summary([s.height for s in seen if s.height]),
    )


def without_bad_images(table: DatasetTable, report: QualityReport) -> DatasetTable:
    """The table without unreadable and blank images, each listed in `refused`.

    Raises: DatasetInvalid when no image is left.
    """
    unreadable = [path for path, _ in report.unreadable]
    bad = table.rows["path"].isin(unreadable) | table.rows["image_id"].isin(report.blank)
    if not bad.any():
        return table
    rows = table.rows[~bad].reset_index(drop=True)
    if rows.empty:
        raise DatasetInvalid(said("{title}: no usable image is left.", title=said(table.spec.title)), report.problems)
    refused = (*table.refused, *report.problems)
    return replace(table, rows=rows, fingerprint=table_fingerprint(rows), refused=refused)


def _look_at(path: str) -> _Seen:
    try:
        pixels = read_image(path)
    except ImageRefused as error:
        return _Seen(reason=message_of(error))
    except OSError as error:
        return _Seen(reason=said("{path} cannot be read: {reason}", path=path, reason=error.strerror or error))
    digest = hashlib.blake2b(str(pixels.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).data)
    flat = int(pixels.max()) - int(pixels.min()) <= BLANK_RANGE
    return _Seen(digest=digest.hexdigest(), width=pixels.shape[1], height=pixels.shape[0], blank=flat)


def _summary(values: list[int]) -> tuple[int, int, int]:
    return (min(values), int(np.median(values)), max(values)) if values else (0, 0, 0)
