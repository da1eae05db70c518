"""`covid19-radiography`: four class folders, each with `images/`, `masks/` and a metadata workbook.

The workbook tells from which collection an image came (`site`): the classes come from different ones.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from core.data.readers.common import (
    Findings,
    ReadResult,
    check_options,
    describe_folder,
    find_file,
    image_files,
    listed,
    subfolders,
)
from core.language import said
from core.limits import MAX_CSV_BYTES
from core.types import DatasetSpec

LAYOUT = said(
    "expected: ROOT/COVID, ROOT/Lung_Opacity, ROOT/Normal and ROOT/Viral Pneumonia, each "
    "with images/ and, where present, masks/; and beside them <class>.metadata.xlsx"
)
NESTED = ("COVID-19_Radiography_Dataset", "COVID-19 Radiography Database")  # names inside Kaggle's archives


def read(spec: DatasetSpec, root: Path, options: Mapping[str, int | float | str]) -> ReadResult:
    """Read the class folders and the workbooks. Metadata: `site` (address of the source), `mask_path`."""
    check_options(spec, options)
    findings = Findings()
    by_name = {name.casefold(): name for name in spec.class_names}
    base = next(
        (b for b in (root, *(root / n for n in NESTED)) if any(n.casefold() in by_name for n in subfolders(b))), None
    )
    if base is None:
        findings.structural.append(
            said(
                "no class folder was found; {layout}; {found}",
                layout=LAYOUT,
                found=describe_folder(root),
            )
        )
        return findings.result(spec, [])
    present = {by_name[n.casefold()]: f for n, f in subfolders(base).items() if n.casefold() in by_name}
    rows = []
    for label in spec.class_names:
        if label not in present:
            findings.structural.append(
                said("the class folder {base} is missing; {layout}", base=base / label, layout=LAYOUT)
            )
        else:
            rows += _rows_of(label, present[label], base, findings)
    for name, folder in subfolders(base).items():
        strange = image_files(folder)[0] if name.casefold() not in by_name else []
        if strange:
            findings.refused.append(
                said(
                    "{folder}: {n} images in a folder with the unknown label {name}; known: {listed}",
                    folder=folder,
                    n=len(strange),
                    name=repr(name),
                    listed=", ".join(spec.class_names),
                )
            )
    return findings.result(spec, rows)


def _rows_of(label: str, folder: Path, base: Path, findings: Findings) -> list[dict[str, object]]:
    inner = {n.casefold(): f for n, f in subfolders(folder).items()}
    # before 2021 the images stood in the class folder itself
    files, others = image_files(inner["images"]) if "images" in inner else image_files(folder, recursive=False)
    masks = {p.stem: str(p) for p in image_files(inner["masks"])[0]} if "masks" in inner else {}
    if not files:
        findings.structural.append(said("{folder} holds no image; {layout}", folder=folder, layout=LAYOUT))
    strange = [p.name for p in others if not p.name.casefold().endswith(".xlsx")]
    if strange:
        findings.notes.append(
            said(
                "{folder}: {n} files are no images: {listed}", folder=folder, n=len(strange), listed=listed(strange, 5)
            )
        )
    sites = _sites(label, folder, base, findings)
    known = {p.stem.casefold() for p in files}
    for name in sites if files else ():
        if name.casefold() not in known:
            findings.refused.append(
                said("{name}: no image file of that name is there, though the metadata names it", name=name)
            )
    by_stem = {name.casefold(): site for name, site in sites.items()}
    return [
        {
            "image_id": path.stem,
            "path": str(path),
            "label": label,
            "group": path.stem,
            "split": "",
            "site": by_stem.get(path.stem.casefold(), ""),
            "mask_path": masks.get(path.stem, ""),
        }
        for path in files
    ]


def _sites(label: str, folder: Path, base: Path, findings: Findings) -> dict[str, str]:
    """File name without suffix -> address of its source, from `<class>.metadata.xlsx`."""
    names = (f"{label}.metadata.xlsx", f"{folder.name}.metadata.xlsx")
    path = find_file(base, *names) or find_file(folder, *names)
    if path is None:
        findings.notes.append(
            said("{label}.metadata.xlsx is not there: the source of these images is unknown", label=label)
        )
        return {}
    try:
        records = _sheet(path)
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, zipfile.BadZipFile) as error:
        # SyntaxError: malformed XML is reported as ParseError, a kind of it
        findings.refused.append(said("{name} is no readable workbook: {reason}", name=path.name, reason=error))
        return {}
    header = [text.upper() for text in records[0]] if records else []
    if "FILE NAME" not in header or "URL" not in header:
        findings.refused.append(
            said(
                "{name} lacks the columns FILE NAME and URL; it has {listed}",
                name=path.name,
                listed=listed(header) or said("none"),
            )
        )
        return {}
    name, url = header.index("FILE NAME"), header.index("URL")
    return {row[name].removesuffix(".png"): row[url] for row in records[1:] if row[name]}


def _sheet(path: Path) -> list[list[str]]:
    """The cells of a workbook's first sheet as stripped strings."""
    import openpyxl  # only this set needs it

    if path.stat().st_size > MAX_CSV_BYTES:
        raise ValueError(said("it has more than {max_csv_bytes} MB", max_csv_bytes=MAX_CSV_BYTES // 1024**2))
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        sheet = book.worksheets[0]
        return [["" if v is None else str(v).strip() for v in row] for row in sheet.iter_rows(values_only=True)]
    finally:
        book.close()
