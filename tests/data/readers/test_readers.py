"""Every reader on a small real layout: labels, groups, splits and metadata, and the leniency that is promised."""

import math
import shutil

import numpy as np
import pytest

from core.data.load import load_table
from core.data.readers.nih_details import years
from core.data.readers.siim_covid19 import scaled_boxes
from core.data.sources import read_image
from core.errors import DatasetInvalid, UnknownKey


def by_id(table, column):
    return dict(zip(table.rows["image_id"], table.rows[column], strict=True))


def test_kermany_takes_cause_and_patient_from_the_file_name(chest_xray):
    table = load_table("chest_xray", chest_xray)
    labels, groups = by_id(table, "label"), by_id(table, "group")
    assert labels["person1_bacteria_1"] == "bacteria"
    assert labels["person447_virus_921_1"] == "virus"
    assert labels["IM-0115-0001"] == "NORMAL"
    # one number under two causes or two series is taken as one patient
    assert groups["person1_bacteria_1"] == groups["person1_virus_6"] == "person1"
    assert groups["IM-0115-0001"] == groups["NORMAL2-IM-0115-0001"] == "IM-0115"
    assert set(table.rows["split"]) == {"train"}
    assert by_id(table, "cause")["IM-0115-0001"] == ""


@pytest.mark.parametrize("where", ["chest_xray/chest_xray", "chest_xray", "."])
def test_kermany_is_found_in_the_folders_that_archives_make(chest_xray, tmp_path, where):
    target = tmp_path / "unpacked" / where
    target.mkdir(parents=True, exist_ok=True)
    shutil.copytree(chest_xray / "train", target / "train")
    shutil.copytree(chest_xray / "train", tmp_path / "unpacked" / "__MACOSX" / "train")
    assert len(load_table("chest_xray", tmp_path / "unpacked")) == 10


def test_kermany_may_be_given_as_its_train_folder(chest_xray):
    table = load_table("chest_xray", chest_xray / "train")
    assert len(table) == 10
    assert set(table.rows["split"]) == {"train"}


def test_kermany_reads_mendeley_names_and_capital_suffixes(tmp_path, write_image):
    for i, name in enumerate(("BACTERIA-1008087-0001", "BACTERIA-1008087-0002", "VIRUS-22-0001", "VIRUS-23-0001")):
        write_image(tmp_path / "train" / "PNEUMONIA" / f"{name}.JPEG", i)
    for i in range(2):
        write_image(tmp_path / "train" / "NORMAL" / f"NORMAL-{1003233 + i}-0001.jpeg", 9 + i)
    table = load_table("chest_xray", tmp_path)
    assert by_id(table, "group")["BACTERIA-1008087-0002"] == "patient1008087"
    assert by_id(table, "label")["VIRUS-22-0001"] == "virus"


def test_kermany_file_without_cause_is_pneumonia_of_its_own_group(chest_xray, write_image):
    write_image(chest_xray / "train" / "PNEUMONIA" / "scan77.jpeg", 77)
    table = load_table("chest_xray", chest_xray)
    assert by_id(table, "label")["scan77"] == "pneumonia"
    assert by_id(table, "group")["scan77"] == "scan77"
    assert any("tell no patient" in note for note in table.notes)


def test_kermany_same_number_in_two_official_splits_takes_the_cause_into_its_name(chest_xray, write_image):
    # person1 is bacterial and viral in train, viral number 2 is in test while bacterial number 2 is in train
    write_image(chest_xray / "test" / "PNEUMONIA" / "person2_virus_7.jpeg", 70)
    write_image(chest_xray / "test" / "NORMAL" / "IM-0381-0001.jpeg", 71)
    table = load_table("chest_xray", chest_xray)
    groups = by_id(table, "group")
    assert groups["person2_bacteria_3"] == "person2_bacteria"
    assert groups["person2_virus_7"] == "person2_virus"
    assert groups["NORMAL2-IM-0381-0001"] == "NORMAL2-IM-0381"
    assert groups["IM-0381-0001"] == "IM-0381"
    assert groups["person1_virus_6"] == "person1"  # it crosses nothing
    assert any(note.startswith("2 patient numbers") for note in table.notes)


def test_kermany_validation_that_shares_a_patient_with_train_counts_as_train(chest_xray, write_image):
    write_image(chest_xray / "val" / "PNEUMONIA" / "person1_bacteria_99.jpeg", 70)
    write_image(chest_xray / "val" / "NORMAL" / "NORMAL2-IM-1427-0001.jpeg", 71)
    table = load_table("chest_xray", chest_xray)
    assert set(table.rows["split"]) == {"train"}
    assert any("`val`" in note for note in table.notes)


def test_kermany_patient_in_train_and_test_is_refused(chest_xray, write_image):
    write_image(chest_xray / "test" / "PNEUMONIA" / "person1_bacteria_99.jpeg", 70)
    write_image(chest_xray / "test" / "NORMAL" / "IM-0001-0001.jpeg", 71)
    with pytest.raises(DatasetInvalid, match="person1_bacteria"):
        load_table("chest_xray", chest_xray, policy="skip")


def test_ham_groups_by_lesion_and_keeps_the_answer_out(ham10000):
    table = load_table("ham10000", ham10000)
    assert by_id(table, "group")["ISIC_0000000"] == by_id(table, "group")["ISIC_0000001"] == "L1"
    assert "dx_type" not in table.rows.columns
    assert by_id(table, "age")["ISIC_0000003"] == 60.0
    assert math.isnan(by_id(table, "age")["ISIC_0000002"])
    assert by_id(table, "sex")["ISIC_0000002"] == ""
    assert by_id(table, "mask_path")["ISIC_0000000"].endswith("ISIC_0000000_segmentation.png")
    assert by_id(table, "mask_path")["ISIC_0000005"] == ""
    assert any("1 images have no mask" in note for note in table.notes)


def test_ham_images_may_lie_in_one_folder(ham10000):
    (ham10000 / "HAM10000_images_part_1").rename(ham10000 / "images")
    for path in (ham10000 / "HAM10000_images_part_2").iterdir():
        path.rename(ham10000 / "images" / path.name)
    assert len(load_table("ham10000", ham10000)) == 6


def test_siim_label_is_the_study_and_boxes_are_fractions(siim):
    table = load_table("siim-covid19", siim)
    assert by_id(table, "label")["a"] == "Typical Appearance"
    assert by_id(table, "label")["b"] == "Negative for Pneumonia"
    # 500/2000, 100/1000, 1000/2000, 250/1000: columns scale x, rows scale y
    assert by_id(table, "boxes")["a"] == ((0.25, 0.1, 0.5, 0.25),)
    assert by_id(table, "boxes")["b"] == ()
    assert by_id(table, "image_label") == {"a": "opacity", "b": "none", "c": "opacity", "d": "opacity", "e": "opacity"}
    assert by_id(table, "group") == {"a": "p1", "b": "p1", "c": "p2", "d": "p3", "e": "p3"}


def test_siim_without_patients_groups_by_study_and_says_so(siim):
    (siim / "patients.csv").unlink()
    table = load_table("siim-covid19", siim)
    assert by_id(table, "group")["a"] == "s1"
    assert any("patients.csv" in note for note in table.notes)


def test_siim_image_that_no_csv_names_is_a_note(siim, write_image):
    write_image(siim / "train" / "stray.jpg", 50)
    table = load_table("siim-covid19", siim)
    assert len(table) == 5
    assert any("stray" in note for note in table.notes)


def test_box_that_ends_a_little_outside_is_clipped():
    # 1996 + 8 ends 4 px beyond 2000 columns: within the slack of 8 px
    (box,) = scaled_boxes("[{'x': 1996, 'y': 0, 'width': 8, 'height': 10}]", (1000, 2000))
    assert box == pytest.approx((0.998, 0.0, 0.002, 0.01))


@pytest.mark.parametrize(
    "text",
    ["[{'x': 1}]", "not a list", "[{'x': 0, 'y': 0, 'width': 'wide', 'height': 1}]", "__import__('os')",
     "[{'x': 0, 'y': 0, 'width': 0, 'height': 1}]", "[{'x': 1900, 'y': 0, 'width': 200, 'height': 1}]", "5"],
)  # fmt: skip
def test_boxes_that_are_none_are_named(text):
    with pytest.raises(ValueError, match="box"):
        scaled_boxes(text, (1000, 2000))


def test_nih_reads_several_findings_ages_and_visits(nih):
    table = load_table("nih-chest-xray", nih)
    assert by_id(table, "label")["00000013_005"] == "Emphysema|Infiltration"
    assert by_id(table, "group")["00000013_005"] == by_id(table, "group")["00000013_026"]
    assert by_id(table, "age")["00000017_001"] == pytest.approx(11 / 12)
    assert by_id(table, "visit")["00000013_026"] == 26
    assert by_id(table, "view")["00000013_026"] == "AP"


@pytest.mark.parametrize(
    ("text", "age"),
    [("037Y", 37), ("011M", 11 / 12), ("5", 5), ("366D", 366 / 365.25), ("414Y", None), ("old", None), ("-3", None)],
)
def test_ages_are_read_in_years(text, age):
    assert years(text) == (None if age is None else pytest.approx(age))


def test_an_absent_age_is_not_a_number():
    assert math.isnan(years(""))


def test_nih_full_set_has_boxes_and_official_lists(nih, write_csv):
    (nih / "sample_labels.csv").rename(nih / "Data_Entry_2017.csv")
    (nih / "images").rename(nih / "images_001")
    (nih / "images_001" / "images").mkdir()
    for path in list((nih / "images_001").glob("*.png")):
        path.rename(nih / "images_001" / "images" / path.name)
    write_csv(
        nih / "BBox_List_2017.csv",
        [("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]", "", ""),
         ("00000030_001.png", "Infiltrate", 256, 512, 128, 256, "", "")],
    )  # fmt: skip
    (nih / "train_val_list.txt").write_text("00000013_005.png\n00000013_026.png\n00000017_001.png\n")
    (nih / "test_list.txt").write_text("00000030_001.png\n00000030_002.png")
    table = load_table("nih-chest-xray", nih)
    assert by_id(table, "boxes")["00000030_001"] == ((0.25, 0.5, 0.125, 0.25),)
    assert by_id(table, "box_labels")["00000030_001"] == ("Infiltration",)
    assert by_id(table, "split")["00000030_002"] == "test"
    assert by_id(table, "split")["00000013_005"] == "train"


def test_covid_reads_masks_and_sites_whatever_the_case_of_the_names(covid):
    table = load_table("covid19-radiography", covid.parent)  # the folder above, as the archive makes it
    assert by_id(table, "site")["Normal-2"] == "https://example.org/2"
    assert by_id(table, "mask_path")["COVID-1"].endswith("COVID-1.png")
    assert table.rows["label"].value_counts().to_dict() == dict.fromkeys(table.spec.class_names, 2)


def test_covid_without_workbook_has_a_note(covid):
    (covid / "COVID.metadata.xlsx").unlink()
    table = load_table("covid19-radiography", covid)
    assert by_id(table, "site")["COVID-1"] == ""
    assert any("COVID.metadata.xlsx" in note for note in table.notes)


def test_medmnist_has_official_parts_and_the_positive_class_last(breastmnist):
    table = load_table("medmnist", breastmnist)
    assert table.spec.class_names == ("normal, benign", "malignant")
    assert table.spec.title == "BreastMNIST"
    # the number 0 stands for malignant in this set
    assert by_id(table, "label")["train-0"] == "malignant"
    assert table.rows["split"].value_counts().to_dict() == {"train": 6, "validation": 4, "test": 4}
    with np.load(breastmnist) as arrays:
        expected = arrays["val_images"][3]
    path = by_id(table, "path")["val-3"]
    assert path == f"{breastmnist}#val/3"
    assert (read_image(path)[..., 1] == expected).all()


def test_medmnist_chest_joins_findings_and_fits_the_nih_schemes(tmp_path, write_npz):
    labels = {f"{part}_labels": np.zeros((n, 14), np.uint8) for part, n in (("train", 6), ("val", 4), ("test", 4))}
    labels["train_labels"][0, [0, 12]] = 1
    table = load_table("medmnist", write_npz(tmp_path / "chestmnist.npz", **labels))
    assert by_id(table, "label")["train-0"] == "Atelectasis|Pleural_Thickening"
    assert by_id(table, "label")["train-1"] == "No Finding"
    assert "nih_findings" in table.spec.label_schemes


def test_medmnist_folder_with_two_sets_asks_for_the_name(breastmnist, write_npz):
    write_npz(breastmnist.parent / "pneumoniamnist_64.npz")
    with pytest.raises(DatasetInvalid, match="name=breastmnist"):
        load_table("medmnist", breastmnist.parent)
    table = load_table("medmnist", breastmnist.parent, options={"name": "pneumoniamnist_64"})
    assert table.spec.title == "PneumoniaMNIST"


def test_medmnist_unknown_name_lists_the_known_ones(breastmnist):
    with pytest.raises(UnknownKey, match="pathmnist"):
        load_table("medmnist", breastmnist.parent, options={"name": "catmnist"})
