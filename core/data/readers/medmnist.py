"""`medmnist`: one `.npz` archive with images and labels of the three official parts.

Archives are read without pickle. An image's address is `archive.npz#train/3`.
"""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.data.readers.common import Findings, ReadResult, check_options, describe_folder, listed
from core.data.sources import content_hash
from core.errors import ImageRefused, SpecInvalid, UnknownKey
from core.language import message_of, said, said_together
from core.registry.medmnist import MEDMNIST, MedMnistSet, medmnist_set, set_of_file
from core.types import DatasetSpec

PARTS = {"train": "train", "val": "validation", "test": "test"}
LAYOUT = said(
    "expected: ROOT is <name>.npz, or a folder with <name>.npz, which holds train_images, train_labels and so on"
)
ARCHIVE_ERRORS = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)


def read(spec: DatasetSpec, root: Path, options: Mapping[str, int | float | str]) -> ReadResult:
    """Read one archive; the result's spec has the title, labels and licence of that set.

    Options: `name`, such as "breastmnist" or "breastmnist_64", where the folder holds several archives.
    """
    check_options(spec, options, ("name",))
    findings = Findings()
    archive = _archive(root, str(options.get("name", "")), findings)
    if archive is None:
        return findings.result(spec, [])
    known = medmnist_set(set_of_file(archive.stem)[0])
    own = replace(
        spec,
        title=known.title,
        modality=known.modality,
        class_names=known.class_names,
        label_schemes=known.label_schemes,
        licence=known.licence,
        caveats=(*spec.caveats, *known.caveats),
    )
    rows = []
    for part, split in PARTS.items():
        rows += _rows_of(part, split, archive, known, findings)
    return findings.result(own, rows if not findings.structural else [])


def _archive(root: Path, name: str, findings: Findings) -> Path | None:
    """The archive that is meant: the file itself, the named one, or the only one of a known set."""
    if name:
        set_of_file(name)  # raises UnknownKey with the known names
    if root.is_file():
        if name and root.stem != name:
            raise SpecInvalid(
                said(
                    "medmnist: the option name is {name}, but the file is {name_2}.", name=repr(name), name_2=root.name
                )
            )
        set_of_file(root.stem)
        return root
    found = [p for p in sorted(root.iterdir()) if p.suffix == ".npz" and _is_known(p.stem)]
    chosen = [p for p in found if not name or p.stem == name]
    if len(chosen) == 1:
        return chosen[0]
    if found and not name:
        findings.structural.append(
            said(
                "{root} holds {n} archives; choose one with name={stem}: {listed}",
                root=root, n=len(found), stem=found[0].stem, listed=listed([p.stem for p in found]),
            )
        )  # fmt: skip
    else:
        missing = said("{name}.npz was not found", name=name) if name else said("no MedMNIST archive was found")
        findings.structural.append(
            said(
                "{missing}; {layout}; known names: {known}; {folder}",
                missing=missing, layout=LAYOUT, known=listed(MEDMNIST), folder=describe_folder(root),
            )
        )  # fmt: skip
    return None


def _is_known(stem: str) -> bool:
    try:
        set_of_file(stem)
    except UnknownKey:
        return False
    return True


def _rows_of(part: str, split: str, archive: Path, known: MedMnistSet, findings: Findings) -> list[dict[str, object]]:
    try:
        with np.load(archive, allow_pickle=False) as arrays:
            missing = [n for n in (f"{part}_images", f"{part}_labels") if n not in arrays.files]
            if missing:
                findings.structural.append(
                    said(
                        "{name} lacks {listed}; it has {listed_2}",
                        name=archive.name,
                        listed=listed(missing),
                        listed_2=listed(arrays.files),
                    )
                )
                return []
            labels = np.asarray(arrays[f"{part}_labels"])
        # the first row makes the whole array come in, so that damage anywhere in it shows here
        shape = _image_shape(archive, part)
        content_hash(f"{archive}#{part}/0")
    except ARCHIVE_ERRORS as error:
        findings.structural.append(
            said("{name} is damaged, or no NumPy archive of plain numbers: {reason}", name=archive.name, reason=error)
        )
        return []
    except ImageRefused as error:
        findings.structural.append(message_of(error))
        return []
    problem = _shape_problem(shape, labels, known)
    if problem:
        findings.structural.append(said_together(": ", [f"{archive.name}, {part}", problem]))
        return []
    expected = known.images[list(PARTS).index(part)]
    if len(labels) != expected:
        findings.notes.append(
            said("{part} has {n} images; the published set has {expected}", part=part, n=len(labels), expected=expected)
        )
    return [row for i in range(len(labels)) if (row := _row(part, split, i, archive, labels[i], known, findings))]


def _image_shape(archive: Path, part: str) -> tuple[int, ...]:
    """Shape of the image array, from the archive member's header alone."""
    with zipfile.ZipFile(archive) as entries, entries.open(f"{part}_images.npy") as stream:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read_header(stream)
    if kind != np.uint8:
        raise ValueError(said("{part}_images has the type {kind}, expected uint8", part=part, kind=kind))
    return tuple(shape)


def _shape_problem(shape: tuple[int, ...], labels: np.ndarray, known: MedMnistSet) -> str:
    width = len(known.labels) if known.task == "multilabel" else 1
    if len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3)):
        if labels.dtype.kind not in "iub" or labels.reshape(len(labels), -1).shape[1] != width:
            return said(
                "labels have shape {shape} and type {dtype}, expected ({shape_2}, {width}) integers",
                shape=labels.shape,
                dtype=labels.dtype,
                shape_2=shape[0],
                width=width,
            )
        return "" if shape[0] == len(labels) else said("{shape} images, but {n} labels", shape=shape[0], n=len(labels))
    return said(
        "images have shape {shape}, expected (n, height, width) or (n, height, width, 3): a 3-D set?", shape=shape
    )


def _row(
    part: str, split: str, index: int, archive: Path, label: np.ndarray, known: MedMnistSet, findings: Findings
) -> dict[str, object] | None:
    image_id = f"{part}-{index}"
    numbers = [int(n) for n in np.atleast_1d(label)]
    if known.task == "multilabel":
        valid = set(numbers) <= {0, 1}
        token = "|".join(name for name, n in zip(known.labels, numbers, strict=True) if n) or "No Finding"
    else:
        valid = 0 <= numbers[0] < len(known.labels)
        token = known.labels[numbers[0]] if valid else ""
    if not valid:
        findings.refused.append(
            said(
                "{image_id}: unknown label {numbers}; {key} has {n} labels",
                image_id=image_id,
                numbers=numbers,
                key=known.key,
                n=len(known.labels),
            )
        )
        return None
    return {
        "image_id": image_id,
        "path": f"{archive}#{part}/{index}",
        "label": token,
        "group": image_id,
        "split": split,
    }
