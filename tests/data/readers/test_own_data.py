"""Readers of people's own data, a folder per class or a CSV: classes, patients, splits, and the promised leniency."""

import pytest

from core.data.load import load_table
from core.errors import SpecInvalid


def by_id(table, column):
    return dict(zip(table.rows["image_id"], table.rows[column], strict=True))


def test_folder_classes_are_sorted_and_images_are_their_own_groups(class_folders):
    table = load_table("folder", class_folders)
    assert table.spec.class_names == ("healthy", "sick")
    assert by_id(table, "group")["sick/p1-sick.png"] == "sick/p1-sick.png"
    assert any("'sick' counts as the positive class" in note for note in table.notes)


def test_folder_takes_the_patient_from_the_name_by_group_regex(class_folders):
    table = load_table("folder", class_folders, options={"group_regex": r"^(p\d+)-"})
    assert by_id(table, "group")["sick/p1-sick.png"] == by_id(table, "group")["healthy/p1-healthy.png"] == "p1"


def test_folder_option_classes_fixes_the_order(class_folders):
    table = load_table("folder", class_folders, options={"classes": "sick, healthy"})
    assert table.spec.class_names == ("sick", "healthy")


@pytest.mark.parametrize("name", ["val", "validation", "VALID"])
def test_folder_with_parts_has_official_splits(tmp_path, write_image, name):
    for seed, (part, label) in enumerate((p, c) for p in ("train", name, "test") for c in ("a", "b")):
        write_image(tmp_path / "own" / part / label / "deep" / f"{part}{label}.PNG", seed)
    table = load_table("folder", tmp_path / "own")
    assert table.rows["split"].value_counts().to_dict() == {"train": 2, "validation": 2, "test": 2}


@pytest.mark.parametrize("expression", ["(", "p"])
def test_folder_refuses_an_expression_without_a_group(class_folders, expression):
    with pytest.raises(SpecInvalid, match="group_regex"):
        load_table("folder", class_folders, options={"group_regex": expression})


def test_csv_reads_groups_splits_and_other_columns(own_csv):
    table = load_table("csv", own_csv)
    assert by_id(table, "split")["images/4.png"] == "test"
    assert by_id(table, "group")["images/0.png"] == "p0"


@pytest.mark.parametrize(("separator", "start"), [(",", ""), (";", ""), ("\t", ""), (",", "\ufeff"), (";", "\ufeff")])
def test_csv_takes_other_separators_marks_and_aliases(tmp_path, write_image, write_csv, separator, start):
    rows = [("Filename", "Diagnosis", "Patient_ID", "empty", ""), ("", "", "", "", "")]
    for i in range(4):
        write_image(tmp_path / f"{i}.png", i)
        rows.append((f" {i}.png", "ab"[i % 2], f"p{i}", "", ""))
    write_csv(tmp_path / "t.csv", rows, separator, start)
    table = load_table("csv", tmp_path / "t.csv")
    assert by_id(table, "label") == {"0.png": "a", "1.png": "b", "2.png": "a", "3.png": "b"}
    assert by_id(table, "group")["3.png"] == "p3"


def test_csv_of_a_spreadsheet_in_utf_16_is_read(own_csv):
    text = (own_csv / "labels.csv").read_text(encoding="utf-8").replace(",", "\t")
    (own_csv / "labels.csv").write_text(text, encoding="utf-16")
    assert len(load_table("csv", own_csv)) == 6


@pytest.mark.parametrize("key", ["chest_xray", "ham10000", "folder", "csv", "medmnist"])
def test_an_unknown_option_is_named(key, tmp_path):
    with pytest.raises(SpecInvalid, match="colour"):
        load_table(key, tmp_path, options={"colour": 1})
