"""What every reader gives and the few steps that all of them share: CSV files, image folders, messages.

A reader never stops at the first fault. It leaves a faulty row out, says so in `refused`, and goes on;
what makes the whole folder unusable goes to `structural`. `core.data.load` decides what follows.
"""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from core.errors import SpecInvalid
from core.language import said
from core.limits import MAX_CSV_BYTES
from core.types import DatasetSpec

IMAGE_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".bmp",
    ".tif",
    ".tiff",
    ".webp",
    ".gif",
    ".dcm",
    ".dicom",
    ".nii",
    ".nii.gz",
)
SPLIT_NAMES: Mapping[str, str] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
SHOWN = 12  # names in one message; more hides the sentence


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadResult:
    """What a reader found in a folder.

    `rows` are the usable rows: `image_id`, `path`, `label`, `group`, `split` ("train", "validation", "test"
    or ""), optional metadata, and `content_hash` only where the source is not a file of its own.
    `refused` holds one sentence per row left out, `structural` what makes the whole folder unusable,
    `notes` what a careful reader should know. `spec` may be narrowed (class names read from the source).
    """

    spec: DatasetSpec
    rows: pd.DataFrame
    refused: tuple[str, ...] = ()
    structural: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Findings:
    """Sentences collected while reading."""

    refused: list[str] = field(default_factory=list)
    structural: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def result(self, spec: DatasetSpec, rows: Sequence[Mapping[str, object]]) -> ReadResult:
        """The `ReadResult` of these findings and rows."""
        return ReadResult(
            spec=spec,
            rows=frame_of(rows),
            refused=tuple(self.refused),
            structural=tuple(self.structural),
            notes=tuple(self.notes),
        )


def frame_of(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Rows as a frame that has the five core columns even when there are none."""
    if rows:
        return pd.DataFrame(list(rows))
    return pd.DataFrame(columns=["image_id", "path", "label", "group", "split"])


def check_options(spec: DatasetSpec, options: Mapping[str, int | float | str], known: Iterable[str] = ()) -> None:
    """Raises SpecInvalid when an option is not one of `known`."""
    allowed = tuple(known)
    unknown = sorted(set(options) - set(allowed))
    if unknown:
        has = said("it knows {listed}", listed=", ".join(allowed)) if allowed else said("it takes none")
        raise SpecInvalid(
            said("{key}: unknown option {listed}; {has}.", key=spec.key, listed=", ".join(map(repr, unknown)), has=has)
        )


def listed(names: Iterable[str], shown: int = SHOWN) -> str:
    """Names in one line: the first few, then how many more."""
    every = list(names)
    some = ", ".join(every[:shown])
    return said("{names} and {n} more", names=some, n=len(every) - shown) if len(every) > shown else some


def describe_folder(root: Path) -> str:
    """What stands in `root`, for the message that says a layout was not found."""
    if not root.exists():
        return said("{root} does not exist", root=root)
    if root.is_file():
        return said("{root} is a file, not a folder", root=root)
    try:
        names = sorted(p.name + ("/" if p.is_dir() else "") for p in root.iterdir() if not is_clutter(p.name))
    except OSError as error:
        return said("{root} cannot be opened ({reason})", root=root, reason=error.strerror or error)
    return (
        said("{root} holds {listed}", root=root, listed=listed(names)) if names else said("{root} is empty", root=root)
    )


def is_clutter(name: str) -> bool:
    """Files that unpacking and file managers leave behind: `._*`, `.DS_Store`, `__MACOSX`, `Thumbs.db`."""
    return name.startswith(".") or name.casefold() in ("__macosx", "thumbs.db", "desktop.ini")


def subfolders(folder: Path) -> dict[str, Path]:
    """Direct subfolders by name, clutter left out; empty when `folder` is none."""
    if not folder.is_dir():
        return {}
    return {p.name: p for p in sorted(folder.iterdir()) if p.is_dir() and not is_clutter(p.name)}


def image_files(folder: Path, *, recursive: bool = True) -> tuple[list[Path], list[Path]]:
    """Image files under `folder`, sorted, and the files that are no image by their suffix."""
    images: list[Path] = []
    others: list[Path] = []
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not is_clutter(f)) if recursive else []
        for name in sorted(files):
            if not is_clutter(name):
                path = Path(base, name)
                (images if name.casefold().endswith(IMAGE_SUFFIXES) else others).append(path)
    return images, others


def index_by_stem(files: Iterable[Path]) -> dict[str, list[Path]]:
    """Files by name without suffix; several files of one stem stay side by side, in the order given."""
    index: dict[str, list[Path]] = {}
    for path in files:
        index.setdefault(path.stem, []).append(path)
    return index


def find_file(root: Path, *names: str) -> Path | None:
    """The first of `names` in `root`, upper and lower case alike, or None."""
    if not root.is_dir():
        return None
    present = {p.name.casefold(): p for p in sorted(root.iterdir(), reverse=True) if p.is_file()}
    return next((present[n.casefold()] for n in names if n.casefold() in present), None)


def read_csv(path: Path, findings: Findings) -> pd.DataFrame | None:
    """A CSV as strings, or None with the reason in `findings.structural`.

    Taken as they come: a byte-order mark, UTF-16 with its mark, semicolons or tabs in place of commas, blanks
    around values, empty lines and empty columns. A line with too many values is refused by its number.
    """
    try:
        if path.stat().st_size > MAX_CSV_BYTES:
            findings.structural.append(
                said(
                    "{name} has more than {max_csv_bytes} MB: no such table here",
                    name=path.name,
                    max_csv_bytes=MAX_CSV_BYTES // 1024**2,
                )
            )
            return None
        text = _decoded(path, findings)
        return None if text is None else _parsed(path.name, text, findings)
    except OSError as error:
        findings.structural.append(said("{path} cannot be read: {reason}", path=path, reason=error.strerror or error))
    except csv.Error as error:
        findings.structural.append(said("{name} is no CSV file: {reason}", name=path.name, reason=error))
    return None


def _decoded(path: Path, findings: Findings) -> str | None:
    raw = path.read_bytes()
    try:
        return raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        if b"\x00" in raw:
            findings.structural.append(said("{name} is no text file; a CSV was expected", name=path.name))
            return None
        findings.notes.append(said("{name} is not UTF-8; it was read as Windows-1252", name=path.name))
        return raw.decode("cp1252", errors="replace")


def _parsed(name: str, text: str, findings: Findings) -> pd.DataFrame | None:
    header_line = next((line for line in text.splitlines() if line.strip()), "")
    if not header_line:
        findings.structural.append(said("{name} is empty; a header line and rows were expected", name=name))
        return None
    separator = max(",;\t", key=lambda s: (header_line.count(s), s == ","))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    records = [(reader.line_num, [v.strip() for v in row]) for row in reader]
    records = [(line, row) for line, row in records if any(row)]
    header = records[0][1]
    repeated = sorted({h for h in header if h and header.count(h) > 1})
    if repeated:
        findings.structural.append(
            said("{name} names the column {listed} more than once", name=name, listed=listed(repeated))
        )
        return None
    rows = []
    for line, row in records[1:]:
        if any(row[len(header) :]):
            findings.refused.append(
                said(
                    "{name}, line {line}: {n} values under {n_2} columns",
                    name=name,
                    line=line,
                    n=len(row),
                    n_2=len(header),
                )
            )
        else:
            rows.append((row + [""] * len(header))[: len(header)])
    named = [i for i, h in enumerate(header) if h]
    return pd.DataFrame([[row[i] for i in named] for row in rows], columns=[header[i] for i in named], dtype=object)


def has_columns(frame: pd.DataFrame, name: str, required: Iterable[str], findings: Findings) -> bool:
    """Whether `frame` has the columns; says which are missing when it does not."""
    missing = [c for c in required if c not in frame.columns]
    if missing:
        findings.structural.append(
            said(
                "{name} lacks the column {listed}; it has {listed_2}",
                name=name,
                listed=listed(map(repr, missing)),
                listed_2=listed(map(str, frame.columns)),
            )
        )
    return not missing
