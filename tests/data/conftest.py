"""Small real layouts of every data set, written into a test's own folder."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import pandas as pd
import pytest

from core.data.load import table_fingerprint
from core.registry.labels import NIH_FINDINGS, SIIM_STUDY_LABELS
from core.types import DatasetSpec, DatasetTable, LabelledSet, LabelScheme

MENDED_SUFFIX = {".jpeg": ".jpg"}


def _write_image(path: Path, seed: int = 0, size: int = 24) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    suffix = path.suffix.lower()
    path.write_bytes(cv2.imencode(MENDED_SUFFIX.get(suffix, suffix), pixels)[1].tobytes())
    return path


def _write_csv(path: Path, rows: Sequence[Sequence[object]], separator: str = ",", start: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(start)
        csv.writer(stream, delimiter=separator).writerows(rows)
    return path


@pytest.fixture
def write_image() -> Callable[..., Path]:
    """write_image(path, seed=0, size=24): noise that differs with the seed, encoded by the suffix."""
    return _write_image


@pytest.fixture
def write_csv() -> Callable[..., Path]:
    """write_csv(path, rows, separator=",", start=""): the first row is the header."""
    return _write_csv


@pytest.fixture
def chest_xray(tmp_path: Path) -> Path:
    """Training part alone, as in Kaggle's archive: 3 normal, 4 bacterial, 3 viral images."""
    root = tmp_path / "chest_xray"
    normal = ("IM-0115-0001", "NORMAL2-IM-0115-0001", "NORMAL2-IM-0381-0001")
    sick = ("person1_bacteria_1", "person1_bacteria_2", "person2_bacteria_3", "person9_bacteria_40",
            "person1_virus_6", "person447_virus_921_1", "person8_virus_11")  # fmt: skip
    for i, name in enumerate(normal):
        _write_image(root / "train" / "NORMAL" / f"{name}.jpeg", i)
    for i, name in enumerate(sick):
        _write_image(root / "train" / "PNEUMONIA" / f"{name}.jpeg", 10 + i)
    return root


@pytest.fixture
def ham10000(tmp_path: Path) -> Path:
    """Six images of four lesions in two part folders, five masks."""
    root = tmp_path / "ham"
    rows: list[Sequence[object]] = [("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")]
    facts = (("L1", "nv", "45.0", "male", "back"), ("L1", "nv", "45.0", "male", "back"),
             ("L2", "mel", "", "unknown", "unknown"), ("L3", "mel", "60.0", "female", "face"),
             ("L4", "bcc", "70.0", "female", "ear"), ("L4", "bcc", "70.0", "female", "ear"))  # fmt: skip
    for i, (lesion, dx, age, sex, site) in enumerate(facts):
        image_id = f"ISIC_{i:07d}"
        rows.append((lesion, image_id, dx, "histo", age, sex, site))
        _write_image(root / f"HAM10000_images_part_{1 + i % 2}" / f"{image_id}.jpg", i)
        if i < 5:
            _write_image(root / "HAM10000_segmentations_lesion_tschandl" / f"{image_id}_segmentation.png", i)
    _write_csv(root / "HAM10000_metadata.csv", rows)
    return root


@pytest.fixture
def siim(tmp_path: Path) -> Path:
    """Five images of four studies of three patients; original size 1000 rows x 2000 columns."""
    root = tmp_path / "siim"
    studies = (("s1", 1), ("s2", 0), ("s3", 0), ("s4", 1))
    images = (("a", "s1", ""), ("b", "s2", "none"), ("c", "s3", ""), ("d", "s4", ""), ("e", "s4", ""))
    box = "[{'x': 500.0, 'y': 100.0, 'width': 1000.0, 'height': 250.0}]"
    header = ("id", *SIIM_STUDY_LABELS)
    _write_csv(
        root / "train_study_level.csv",
        [header, *((f"{s}_study", *(int(i == c) for i in range(4))) for s, c in studies)],
    )
    _write_csv(
        root / "train_image_level.csv",
        [
            ("id", "boxes", "label", "StudyInstanceUID"),
            *(
                (f"{i}_image", "" if n else box, "none 1 0 0 1 1" if n else "opacity 1 5 1 15 3", s)
                for i, s, n in images
            ),
        ],
    )
    _write_csv(
        root / "meta.csv", [("image_id", "dim0", "dim1", "split"), *((i, 1000, 2000, "train") for i, _, _ in images)]
    )
    patients = {"s1": "p1", "s2": "p1", "s3": "p2", "s4": "p3"}
    _write_csv(
        root / "patients.csv",
        [("image_id", "StudyInstanceUID", "patientid"), *((i, s, patients[s]) for i, s, _ in images)],
    )
    for number, (image_id, _, _) in enumerate(images):
        _write_image(root / "train" / f"{image_id}.jpg", number)
    return root


@pytest.fixture
def nih(tmp_path: Path) -> Path:
    """Kaggle's sample: five images of three patients."""
    root = tmp_path / "nih"
    header = (
        "Image Index",
        "Finding Labels",
        "Follow-up #",
        "Patient ID",
        "Patient Age",
        "Patient Gender",
        "View Position",
    )
    rows = (("00000013_005.png", "Emphysema|Infiltration", "005", "00013", "060Y", "M", "AP"),
            ("00000013_026.png", "No Finding", "026", "00013", "057Y", "M", "AP"),
            ("00000017_001.png", "No Finding", "001", "00017", "011M", "F", "PA"),
            ("00000030_001.png", "Infiltration", "001", "00030", "5", "M", "PA"),
            ("00000030_002.png", "Emphysema", "002", "00030", "", "M", "PA"))  # fmt: skip
    _write_csv(root / "sample_labels.csv", [header, *rows])
    for i, row in enumerate(rows):
        _write_image(root / "images" / row[0], i)
    return root


@pytest.fixture
def covid(tmp_path: Path) -> Path:
    """Two images per class; the workbook of Normal spells its names in capitals, as the real one does."""
    root = tmp_path / "COVID-19_Radiography_Dataset"
    for label in ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"):
        book = openpyxl.Workbook()
        assert book.active is not None
        book.active.append(["FILE NAME", "FORMAT", "SIZE", "URL"])
        for i in (1, 2):
            _write_image(root / label / "images" / f"{label}-{i}.png", hash_of(label) + i)
            _write_image(root / label / "masks" / f"{label}-{i}.png", i)
            name = label.upper() if label == "Normal" else label
            book.active.append([f"{name}-{i}", "PNG", "256*256", f"https://example.org/{i}"])
        book.save(root / f"{label}.metadata.xlsx")
    return root


def hash_of(text: str) -> int:
    """A seed that is the same in every process."""
    return sum(text.encode()) * 10


@pytest.fixture
def breastmnist(tmp_path: Path) -> Path:
    """`breastmnist.npz` with 6 + 4 + 4 grey images of 28 px."""
    return _write_npz(tmp_path / "breastmnist.npz")


def _write_npz(path: Path, **changed: np.ndarray | None) -> Path:
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for part, n in (("train", 6), ("val", 4), ("test", 4)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        arrays[f"{part}_labels"] = (np.arange(n) % 2).astype(np.uint8)[:, None]
    arrays |= {k: v for k, v in changed.items() if v is not None}
    for name in (k for k, v in changed.items() if v is None):
        del arrays[name]
    np.savez_compressed(path, **arrays)
    return path


@pytest.fixture
def write_npz() -> Callable[..., Path]:
    """write_npz(path, train_labels=array, val_images=None): the archive with parts changed or left out."""
    return _write_npz


@pytest.fixture
def class_folders(tmp_path: Path) -> Path:
    """Two classes of three images, patients in the names."""
    root = tmp_path / "own"
    for label in ("healthy", "sick"):
        for i in range(3):
            _write_image(root / label / f"p{i}-{label}.png", hash_of(label) + i)
    return root


@pytest.fixture
def own_csv(tmp_path: Path) -> Path:
    """A folder with `labels.csv` and its images: 6 rows, group and split."""
    root = tmp_path / "table"
    rows: list[Sequence[object]] = [("path", "label", "group", "split")]
    for i, split in enumerate(("train", "train", "train", "train", "test", "test")):
        _write_image(root / "images" / f"{i}.png", i)
        rows.append((f"images/{i}.png", ("healthy", "sick")[i % 2], f"p{i}", split))
    _write_csv(root / "labels.csv", rows)
    return root


@pytest.fixture
def make_labelled() -> Callable[..., LabelledSet]:
    """make_labelled(classes, groups, hashes=None, splits=None): a labelled set without files.

    `classes` holds class indices, or tuples of them for multilabel; image ids are i000000, i000001 ...
    """

    def build(
        classes: Sequence[int | tuple[int, ...]],
        groups: Sequence[str],
        hashes: Sequence[str] | None = None,
        splits: Sequence[str] | None = None,
    ) -> LabelledSet:
        multilabel = isinstance(classes[0], tuple)
        width = 1 + max(max(c, default=0) if isinstance(c, tuple) else c for c in classes)
        names = NIH_FINDINGS[:width]
        n = len(classes)
        rows = pd.DataFrame(
            {
                "image_id": [f"i{i:06d}" for i in range(n)],
                "path": [f"{i}.png" for i in range(n)],
                "label": ["any"] * n,
                "group": list(groups),
                "split": list(splits) if splits else [""] * n,
                "content_hash": list(hashes) if hashes else [f"h{i}" for i in range(n)],
            }
        )
        spec = DatasetSpec(
            key="made", title="Made up", modality="none", class_names=("any",), label_schemes=(), group_field="patient",
            reader="folder", source_url="", licence="", citation="",
        )  # fmt: skip
        scheme = LabelScheme(
            key="made", title="made", task="multilabel" if multilabel else "multiclass", class_names=names,
            mapping={}, source="",
        )  # fmt: skip
        if multilabel:
            y_true = np.array([[int(i in c) for i in range(width)] for c in classes], dtype=np.int64)  # type: ignore[operator]
        else:
            y_true = np.array(classes, dtype=np.int64)
        table = DatasetTable(spec=spec, rows=rows, fingerprint=table_fingerprint(rows))
        return LabelledSet(table=table, scheme=scheme, rows=rows, y_true=y_true, splits=np.full(n, "", dtype=object))

    return build
