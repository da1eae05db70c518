"""Quality of pictures: planted copies, blank and damaged files are found, each by its name."""

import shutil
import struct
import zlib

import cv2
import numpy as np
import pytest

from core.data.load import load_table
from core.data.quality import check_images, without_bad_images
from core.data.report import check_dataset
from core.errors import DatasetInvalid


def test_a_sound_set_has_nothing_wrong(class_folders):
    report = check_images(load_table("folder", class_folders))
    assert report.problems == report.warnings == ()
    assert report.n_images == 6
    assert report.widths_px == report.heights_px == (24, 24, 24)


def test_copies_are_found_by_pixels_not_by_bytes(class_folders):
    source = class_folders / "sick" / "p0-sick.png"
    pixels = cv2.imread(str(source))
    (class_folders / "sick" / "copy.bmp").write_bytes(cv2.imencode(".bmp", pixels)[1].tobytes())
    shutil.copy(source, class_folders / "healthy" / "twin.png")
    report = check_images(load_table("folder", class_folders))
    (copies,) = report.duplicates
    assert set(copies) == {"sick/p0-sick.png", "sick/copy.bmp", "healthy/twin.png"}
    assert report.across_groups == report.label_conflicts == (copies,)
    assert report.problems == ()
    assert any("2 images are copies" in warning for warning in report.warnings)


def test_copies_within_one_patient_are_no_conflict(class_folders):
    shutil.copy(class_folders / "sick" / "p0-sick.png", class_folders / "sick" / "p0-again.png")
    report = check_images(load_table("folder", class_folders, options={"group_regex": r"(p\d)"}))
    assert len(report.duplicates) == 1
    assert report.across_groups == report.label_conflicts == ()


@pytest.mark.parametrize("tone", [0, 128, 255])
def test_a_flat_image_is_blank(class_folders, tone):
    flat = np.full((32, 40, 3), tone, np.uint8)
    (class_folders / "sick" / "flat.jpg").write_bytes(cv2.imencode(".jpg", flat)[1].tobytes())
    report = check_images(load_table("folder", class_folders))
    assert report.blank == ("sick/flat.jpg",)
    assert report.widths_px == (24, 24, 40)
    assert "sick/flat.jpg" in report.problems[0]


def test_an_image_that_breaks_only_while_decoding_is_found(class_folders, write_image):
    path = write_image(class_folders / "sick" / "broken.png", 5, 64)
    data = bytearray(path.read_bytes())
    # the checksums are made right again, so that only decoding can tell
    start = data.find(b"IDAT") + 4
    (length,) = struct.unpack_from(">I", data, start - 8)
    data[start + 10 : start + length] = bytes(length - 10)
    struct.pack_into(">I", data, start + length, zlib.crc32(bytes(data[start - 4 : start + length])))
    path.write_bytes(bytes(data))
    table = load_table("folder", class_folders)
    assert len(table) == 7
    report = check_images(table)
    ((where, reason),) = report.unreadable
    assert where.endswith("broken.png")
    assert reason
    mended = without_bad_images(table, report)
    assert len(mended) == 6
    assert "broken.png" in mended.refused[0]
    assert mended.fingerprint != table.fingerprint


def test_progress_counts_every_image_once(class_folders):
    steps = []
    check_images(load_table("folder", class_folders), progress=lambda done, total: steps.append((done, total)))
    assert steps == [(i, 6) for i in range(1, 7)]


def test_no_image_left_is_an_error(class_folders):
    table = load_table("folder", class_folders)
    for path in class_folders.rglob("*.png"):
        path.write_bytes(b"gone")
    with pytest.raises(DatasetInvalid, match="no usable image"):
        without_bad_images(table, check_images(table))


def test_the_report_counts_and_compares(ham10000):
    # three lesions per class are too few for a split in three parts: said as a problem, the counts stand all the same
    found = check_dataset("ham10000", ham10000, scheme="ham_malignant")
    assert found.labels == {"bcc": 2, "mel": 2, "nv": 2}
    assert found.expected["nv"] == 6705
    assert found.n_groups == 4
    assert found.split_kind == "group"
    assert [c.split for c in found.splits]
    assert found.audit is not None
    assert found.audit.groups_in_several_splits == 0


def test_a_class_with_one_image_is_a_problem_of_the_report(class_folders, write_image):
    write_image(class_folders / "rare" / "one.png", 77)
    found = check_dataset("folder", class_folders)
    assert found.splits == ()
    assert any("'rare' has 1 image" in problem for problem in found.problems)
