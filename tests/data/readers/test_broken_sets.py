"""Broken twins of the layouts: every fault is named, nothing is dropped unsaid, nothing ends in a traceback."""

import numpy as np
import openpyxl
import pytest

from core.data.load import load_table
from core.errors import DatasetInvalid


def replace_in(path, old, new, count=1):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def repeat_last_line(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[-1]]) + "\n", encoding="utf-8")


def named_only(value):
    return value if isinstance(value, str) else ""


# fixture, data set, how it is broken, what the message names, images left under "skip"
ROW_FAULTS = [
    ("chest_xray", "chest_xray", lambda r: truncate(r / "train/NORMAL/IM-0115-0001.jpeg"), "IM-0115-0001", 9),
    ("chest_xray", "chest_xray", lambda r: (r / "train/NORMAL/IM-0115-0001.jpeg").write_bytes(b""), "is empty", 9),
    ("chest_xray", "chest_xray", lambda r: (r / "train/NORMAL/IM-0115-0001.jpeg").write_text("<html>"), "HTML", 9),
    ("chest_xray", "chest_xray", lambda r: (r / "train/PNEUMONIA/person1_virus_6.jpeg").rename(
        r / "train/NORMAL/person1_virus_6.jpeg"), "its name says virus", 9),
    ("ham10000", "ham10000", lambda r: (r / "HAM10000_images_part_1/ISIC_0000000.jpg").unlink(), "ISIC_0000000", 5),
    ("ham10000", "ham10000", lambda r: replace_in(r / "HAM10000_metadata.csv", ",bcc,", ",wart,"), "'wart'", 5),
    ("ham10000", "ham10000", lambda r: replace_in(r / "HAM10000_metadata.csv", "L2,", ","), "no lesion", 5),
    ("ham10000", "ham10000", lambda r: repeat_last_line(r / "HAM10000_metadata.csv"), "stands 2 times", 6),
    ("ham10000", "ham10000", lambda r: replace_in(
        r / "HAM10000_metadata.csv", "ISIC_0000000", "ISIC_0000003"), "contradict each other", 4),
    ("siim", "siim-covid19", lambda r: (r / "train/a.jpg").unlink(), "a: no image file", 4),
    ("siim", "siim-covid19", lambda r: replace_in(
        r / "train_image_level.csv", "'width': 1000.0", "'width': wide"), "boxes cannot be read", 4),
    ("siim", "siim-covid19", lambda r: replace_in(r / "train_study_level.csv", "s3_study,1", "s3_study,0"),
     "study s3 has 0 labels", 4),
    ("siim", "siim-covid19", lambda r: replace_in(r / "meta.csv", "a,1000", "zz,1000"), "no size to scale", 4),
    ("siim", "siim-covid19", lambda r: replace_in(r / "patients.csv", "c,s3", "c,s9"), "'s9' in patients.csv", 4),
    ("nih", "nih-chest-xray", lambda r: replace_in(r / "sample_labels.csv", "Emphysema|", "Cough|"), "'Cough'", 4),
    ("nih", "nih-chest-xray", lambda r: replace_in(
        r / "sample_labels.csv", "No Finding", "No Finding|Mass"), "beside a finding", 4),
    ("nih", "nih-chest-xray", lambda r: replace_in(r / "sample_labels.csv", "00030,5", ",5"), "no patient", 4),
    ("nih", "nih-chest-xray", lambda r: (r / "images/00000017_001.png").unlink(), "00000017_001.png", 4),
    ("covid", "covid19-radiography", lambda r: (r / "COVID/images/COVID-1.png").unlink(), "COVID-1", 7),
    ("covid", "covid19-radiography", lambda r: (r / "COVID.metadata.xlsx").write_bytes(b"no zip"), "workbook", 8),
    ("class_folders", "folder", lambda r: (r / "sick/p0-sick.png").rename(r / "p0-sick.png"), "p0-sick.png", 5),
    ("own_csv", "csv", lambda r: replace_in(r / "labels.csv", "images/0.png", "../0.png"), "leads out", 5),
    ("own_csv", "csv", lambda r: replace_in(r / "labels.csv", "images/0.png", "/etc/passwd"), "absolute", 5),
    ("own_csv", "csv", lambda r: replace_in(r / "labels.csv", "images/0.png", "C:\\x.png"), "absolute", 5),
    ("own_csv", "csv", lambda r: replace_in(r / "labels.csv", "images/0.png", "images/none.png"), "none.png", 5),
    ("own_csv", "csv", lambda r: replace_in(r / "labels.csv", "healthy,p0", ",p0"), "no label", 5),
    ("own_csv", "csv", lambda r: replace_in(r / "labels.csv", "p0,train", "p0,later"), "'later'", 5),
    ("own_csv", "csv", lambda r: replace_in(r / "labels.csv", "p0,train", ",train"), "no group", 5),
    ("own_csv", "csv", lambda r: replace_in(r / "labels.csv", "p0,train", "p0,train,more"), "line 2", 5),
]  # fmt: skip


@pytest.mark.parametrize(("fixture", "key", "damage", "named", "left"), ROW_FAULTS, ids=named_only)
def test_a_faulty_image_is_named_and_the_rest_goes_on_under_skip(request, fixture, key, damage, named, left):
    root = request.getfixturevalue(fixture)
    damage(root)
    with pytest.raises(DatasetInvalid) as caught:
        load_table(key, root)
    assert any(named in problem for problem in caught.value.problems), caught.value.problems
    table = load_table(key, root, policy="skip")
    assert len(table) == left
    assert any(named in sentence for sentence in table.refused)


STRUCTURAL = [
    ("chest_xray", "chest_xray", lambda r: (r / "train/NORMAL").rename(r / "train/OTHER"), "expected: ROOT/train"),
    ("ham10000", "ham10000", lambda r: (r / "HAM10000_metadata.csv").unlink(), "HAM10000_metadata.csv not found"),
    ("ham10000", "ham10000", lambda r: replace_in(r / "HAM10000_metadata.csv", "lesion_id", "lesion"), "'lesion_id'"),
    ("siim", "siim-covid19", lambda r: (r / "train_study_level.csv").unlink(), "train_study_level.csv not found"),
    ("siim", "siim-covid19", lambda r: replace_in(r / "meta.csv", "dim0", "rows"), "'dim0'"),
    ("siim", "siim-covid19", lambda r: (r / "meta.csv").write_bytes(b"\x89PNG\x00\xff"), "no text file"),
    ("siim", "siim-covid19", lambda r: replace_in(r / "patients.csv", "d,s4,p3", "d,s4,p1"), "more than one patient"),
    ("nih", "nih-chest-xray", lambda r: (r / "sample_labels.csv").unlink(), "expected: ROOT/sample_labels.csv"),
    ("nih", "nih-chest-xray", lambda r: (r / "sample_labels.csv").write_text(""), "is empty"),
    ("nih", "nih-chest-xray", lambda r: replace_in(
        r / "sample_labels.csv", "Patient ID", "Finding Labels"), "more than once"),
    ("covid", "covid19-radiography", lambda r: (r / "COVID").rename(r / "Covid patients"), "COVID is missing"),
    ("class_folders", "folder", lambda r: (r / "empty").mkdir(), "holds no image"),
    ("own_csv", "csv", lambda r: (r / "second.csv").write_text("path,label\n"), "2 CSV files"),
    ("own_csv", "csv", lambda r: replace_in(r / "labels.csv", "label", "colour"), "label (class, target, diagnosis)"),
    ("own_csv", "csv", lambda r: replace_in(r / "labels.csv", "healthy", "Healthy"), "differ only in spelling"),
    ("own_csv", "csv", lambda r: replace_in(r / "labels.csv", "healthy", "sick", 9), "only the label sick"),
]  # fmt: skip


@pytest.mark.parametrize(("fixture", "key", "damage", "named"), STRUCTURAL, ids=named_only)
def test_an_unusable_folder_stops_under_either_policy(request, fixture, key, damage, named):
    root = request.getfixturevalue(fixture)
    damage(root)
    for policy in ("stop", "skip"):
        with pytest.raises(DatasetInvalid) as caught:
            load_table(key, root, policy=policy)
        assert any(named in problem for problem in caught.value.problems), caught.value.problems


KEYS = ["chest_xray", "ham10000", "siim-covid19", "nih-chest-xray", "covid19-radiography", "medmnist", "folder", "csv"]


@pytest.mark.parametrize("key", KEYS)
def test_an_empty_folder_says_what_was_expected_and_what_is_there(key, tmp_path):
    with pytest.raises(DatasetInvalid) as caught:
        load_table(key, tmp_path)
    assert "expected: " in caught.value.full_text()
    assert "is empty" in caught.value.full_text()


@pytest.mark.parametrize("key", KEYS)
def test_a_folder_that_is_not_there_says_how_to_get_the_set(key, tmp_path):
    with pytest.raises(DatasetInvalid, match="does not exist"):
        load_table(key, tmp_path / "nowhere")


@pytest.mark.parametrize("key", [k for k in KEYS if k not in ("medmnist", "csv")])
def test_a_file_in_place_of_a_folder_is_said_to_be_one(key, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetInvalid, match="is a file, not a folder"):
        load_table(key, tmp_path / "file")


def test_all_problems_come_in_one_error(ham10000):
    (ham10000 / "HAM10000_images_part_1/ISIC_0000000.jpg").unlink()
    truncate(ham10000 / "HAM10000_images_part_2/ISIC_0000001.jpg")
    replace_in(ham10000 / "HAM10000_metadata.csv", ",bcc,", ",wart,")
    with pytest.raises(DatasetInvalid) as caught:
        load_table("ham10000", ham10000)
    text = caught.value.full_text()
    assert len(caught.value.problems) == 3
    assert all(word in text for word in ("ISIC_0000000", "ISIC_0000001", "wart"))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"val_images": None}, "lacks val_images"),
        ({"test_labels": np.zeros((9, 1), np.uint8)}, "4 images, but 9 labels"),
        ({"train_images": np.zeros((6, 28, 28, 28), np.uint8)}, "a 3-D set?"),
        ({"train_images": np.zeros((6, 28, 28), np.float32)}, "expected uint8"),
        ({"train_labels": np.array([{}] * 6, dtype=object)}, "plain numbers"),
    ],
)
def test_a_medmnist_archive_that_is_none_is_named(tmp_path, write_npz, changed, named):
    with pytest.raises(DatasetInvalid) as caught:
        load_table("medmnist", write_npz(tmp_path / "breastmnist.npz", **changed))
    assert any(named in problem for problem in caught.value.problems), caught.value.problems


def test_a_medmnist_label_that_stands_for_nothing_is_refused(tmp_path, write_npz):
    labels = np.array([[0], [1], [7], [1], [0], [1]], np.uint8)
    table = load_table("medmnist", write_npz(tmp_path / "breastmnist.npz", train_labels=labels), policy="skip")
    assert len(table) == 13
    assert "train-2" in table.refused[0]


@pytest.mark.parametrize("where", [0.3, 0.6, 0.98])
def test_a_damaged_medmnist_archive_is_no_traceback(breastmnist, where):
    data = bytearray(breastmnist.read_bytes())
    start = int(len(data) * where)
    data[start : start + 40] = bytes(40)
    breastmnist.write_bytes(bytes(data))
    with pytest.raises(DatasetInvalid):
        load_table("medmnist", breastmnist)


def test_a_workbook_without_its_columns_is_named(covid):
    book = openpyxl.Workbook()
    book.active.append(["A", "B"])
    book.save(covid / "COVID.metadata.xlsx")
    with pytest.raises(DatasetInvalid, match="lacks the columns FILE NAME and URL"):
        load_table("covid19-radiography", covid)


def test_a_class_folder_outside_the_option_is_an_unknown_label(class_folders, write_image):
    write_image(class_folders / "other" / "x.png", 99)
    with pytest.raises(DatasetInvalid, match="unknown label 'other'"):
        load_table("folder", class_folders, options={"classes": "healthy,sick"})
