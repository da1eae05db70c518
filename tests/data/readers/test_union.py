"""`union`: labels meet, the hidden test part is the target's own, and the others only teach."""

import shutil

import pytest

from core.data.labelling import apply_scheme
from core.data.load import load_table
from core.data.splits import assign_splits, audit_overlap
from core.errors import DatasetInvalid, SpecInvalid, UnknownKey
from core.registry.datasets import DATASETS
from core.registry.labels import LABEL_SCHEMES, NO_OPACITY, OPACITY, SIIM_STUDY_LABELS
from core.registry.unions import MEETING, meeting_labels, source_of


@pytest.fixture
def both(tmp_path, write_image, write_csv):
    """ROOT with 80 images of 40 SIIM patients in four appearances, and 64 images of 32 children."""
    root = tmp_path / "both"
    siim = root / "siim-covid19"
    studies, images, patients = [("id", *SIIM_STUDY_LABELS)], [("id", "boxes", "label", "StudyInstanceUID")], []
    for patient in range(40):
        studies.append((f"s{patient}_study", *(int(patient % 4 == c) for c in range(4))))
        for view in "ab":
            name = f"i{patient:02d}{view}"
            images.append((f"{name}_image", "", "none 1 0 0 1 1", f"s{patient}"))
            patients.append((name, f"s{patient}", f"p{patient}"))
            write_image(siim / "train" / f"{name}.png", seed=len(patients), size=16)
    write_csv(siim / "train_study_level.csv", studies)
    write_csv(siim / "train_image_level.csv", images)
    write_csv(siim / "meta.csv", [("image_id", "dim0", "dim1"), *((name, 100, 100) for name, _, _ in patients)])
    write_csv(siim / "patients.csv", [("image_id", "StudyInstanceUID", "patientid"), *patients])
    for child in range(16):
        for view in (1, 2):
            name = f"person{child}_{('virus', 'bacteria')[child % 2]}_{view}.png"
            write_image(root / "chest_xray/train/PNEUMONIA" / name, 500 + 2 * child + view, 16)
            write_image(root / f"chest_xray/train/NORMAL/IM-{child:04d}-{view:04d}.png", 600 + 2 * child + view, 16)
    return root


def parts(table, source):
    own = table.rows[table.rows["source"] == source]
    return {name: set(own.loc[own["split"] == name, "image_id"]) for name in ("train", "validation", "test")}


def test_the_parts_of_the_target_are_those_of_a_run_on_it_alone(both):
    alone = load_table("siim-covid19", both / "siim-covid19")
    for seed in (0, 5):
        table = load_table("union", both, options={"split_seed": seed})
        drawn = assign_splits(apply_scheme(alone, LABEL_SCHEMES["siim_four"]), "group", seed)
        for name, found in parts(table, "siim-covid19").items():
            assert found == {f"siim-covid19/{i}" for i in drawn.rows["image_id"].iloc[drawn.indices(name)]}


def test_the_others_teach_and_are_never_in_the_test_part(both):
    table = load_table("union", both)
    outside = parts(table, "chest_xray")
    assert not outside["test"]
    assert (len(outside["train"]), len(outside["validation"])) == (48, 16)
    labelled = assign_splits(apply_scheme(table, LABEL_SCHEMES["opacity"]), "official", 0)
    assert set(labelled.rows["source"].iloc[labelled.indices("test")]) == {"siim-covid19"}
    audit = audit_overlap(labelled)
    assert (audit.groups_in_several_splits, audit.images_in_several_splits) == (0, 0)


def test_labels_meet_and_names_say_where_a_row_is_from(both):
    rows = load_table("union", both).rows
    met = dict(rows.groupby(["source", "source_label"])["label"].unique())
    assert met["siim-covid19", "Negative for Pneumonia"] == ["none"]
    assert met["siim-covid19", "Atypical Appearance"] == met["chest_xray", "virus"] == ["opacity"]
    assert met["chest_xray", "NORMAL"] == ["none"]
    assert (rows["image_id"].map(source_of) == rows["source"]).all()
    assert (rows["group"].map(source_of) == rows["source"]).all()
    assert source_of("siim-covid19/a/b") == "siim-covid19"


def test_an_own_test_part_is_left_alone_and_counted(both):
    table = load_table("union", both)
    test = both / "chest_xray" / "test"
    shutil.copytree(both / "chest_xray" / "train", test)
    for number, file in enumerate(sorted(test.rglob("*.png"))):
        file.rename(file.with_name(f"{file.stem.replace('person', 'person9').replace('IM-', 'IM-9')}-{number}.png"))
    more = load_table("union", both)
    assert more.fingerprint == table.fingerprint
    assert "chest_xray: the 64 images of its own test part were left alone" in more.notes


def test_an_image_that_the_target_tests_on_teaches_nobody(both):
    """Content tells: the same picture in another data set gives way, and is counted."""
    table = load_table("union", both)
    tested = table.rows[table.rows["split"] == "test"].iloc[0]
    shutil.copy(tested["path"], both / "chest_xray/train/NORMAL/IM-0000-0001.png")
    labelled = assign_splits(apply_scheme(load_table("union", both), LABEL_SCHEMES["opacity"]), "official", 0)
    assert audit_overlap(labelled).images_in_several_splits == 0
    assert "chest_xray/IM-0000-0001" not in set(labelled.rows["image_id"])
    assert sum(labelled.dropped.values()) == 1


def test_findings_that_are_no_opacity_are_left_out_and_counted(both, nih):
    shutil.copytree(nih, both / "nih-chest-xray")
    table = load_table("union", both, options={"outside": "nih-chest-xray, chest_xray"})
    own = table.rows[table.rows["source"] == "nih-chest-xray"]
    assert dict(zip(own["source_label"], own["label"], strict=True)) == {
        "Emphysema|Infiltration": "opacity", "No Finding": "none", "Infiltration": "opacity",
    }  # fmt: skip
    note = next(text for text in table.notes if "left out" in text)
    assert note.startswith("nih-chest-xray: 1 of 5 images were left out") and "Emphysema (1)" in note
    # one source beside another changes nothing for it
    assert parts(table, "chest_xray") == parts(load_table("union", both), "chest_xray")


def test_everything_wrong_is_named_with_its_data_set(both):
    (both / "siim-covid19" / "train" / "i00a.png").write_bytes(b"no picture")
    with pytest.raises(DatasetInvalid, match="siim-covid19: i00a: "):
        load_table("union", both)
    assert len(load_table("union", both, policy="skip")) == 80 + 64 - 1
    shutil.rmtree(both / "chest_xray")
    with pytest.raises(DatasetInvalid, match=r"chest_xray: .* does not exist"):
        load_table("union", both)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"outside": ""}, SpecInvalid, "one or more others"),
        ({"outside": "siim-covid19"}, SpecInvalid, "one or more others"),
        ({"outside": "chest_xray,chest_xray"}, SpecInvalid, "one or more others"),
        ({"outside": "ham10000"}, UnknownKey, "ham10000"),
        ({"target": "folder"}, UnknownKey, "folder"),
        ({"split_seed": -1}, SpecInvalid, "split_seed"),
        ({"spilt_seed": 1}, SpecInvalid, "unknown option 'spilt_seed'"),
    ],
)
def test_options_that_make_no_union_are_refused(both, options, error, words):
    with pytest.raises(error, match=words):
        load_table("union", both, options=options)


def test_without_a_root_the_whole_data_folder_is_the_place(both, monkeypatch):
    monkeypatch.setenv("MEDLENS_DATA", str(both))
    assert load_table("union").fingerprint == load_table("union", both).fingerprint


@pytest.mark.parametrize("key", MEETING)
def test_every_label_of_a_set_in_a_union_has_a_place(key):
    meeting = meeting_labels(key)
    assert set(meeting.mapping) == set(DATASETS[key].class_names)
    assert set(meeting.mapping.values()) >= {OPACITY, NO_OPACITY}
    assert meeting.split_scheme in DATASETS[key].label_schemes
    # the scheme keeps every row, so that each has a part
    assert None not in LABEL_SCHEMES[meeting.split_scheme].mapping.values()


def test_an_opacity_outweighs_what_stands_beside_it():
    label = meeting_labels("nih-chest-xray").meeting_label
    assert [label(raw) for raw in ("Cardiomegaly|Pneumonia", "Mass", "Effusion|Mass", "No Finding")] == [
        "opacity", None, None, "none",
    ]  # fmt: skip
