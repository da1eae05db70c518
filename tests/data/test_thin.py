"""Row thinning: the share that stays, who stays, what is said of it, and what is refused."""

import pytest

from core.data.load import load_table
from core.data.thin import Thinning, taken_out, thinned
from core.errors import SpecInvalid


@pytest.fixture
def many(class_folders, write_image):
    """40 healthy images and 3 that are not."""
    for i in range(3, 40):
        write_image(class_folders / "healthy" / f"p{i}-healthy.png", 1000 + i)
    return class_folders


def ids(table):
    return set(table.rows["image_id"])


def test_the_share_of_one_label_stays_and_the_rest_is_counted(many):
    table = load_table("folder", many, options={"keep": "healthy=0.4"})
    assert table.rows["label"].value_counts().to_dict() == {"healthy": 16, "sick": 3}
    assert table.notes[-1] == "24 of 40 images with the label 'healthy' were left out by keep = 0.4 (keep_seed 0)"
    assert table.rows.index.tolist() == list(range(19))


def test_who_stays_hangs_on_the_seed_and_the_ids_and_not_on_the_order(many):
    whole = load_table("folder", many)
    draw = Thinning({"healthy": 0.5}, seed=3)
    forwards, _ = thinned(whole.rows, draw, whole.spec)
    backwards, _ = thinned(whole.rows.iloc[::-1], draw, whole.spec)
    assert set(forwards["image_id"]) == set(backwards["image_id"])
    options = {"keep": "healthy=0.5", "keep_seed": 3}
    assert ids(load_table("folder", many, options=options)) == set(forwards["image_id"])
    other = load_table("folder", many, options={**options, "keep_seed": 4})
    assert len(ids(other)) == len(forwards) and ids(other) != set(forwards["image_id"])


def test_a_larger_share_keeps_all_that_a_smaller_one_keeps_and_the_fingerprint_follows(many):
    tables = [load_table("folder", many, options={"keep": f"healthy={share}"}) for share in (0.1, 0.5, 1)]
    assert ids(tables[0]) < ids(tables[1]) < ids(tables[2])
    assert len({table.fingerprint for table in tables}) == 3
    assert tables[2].fingerprint == load_table("folder", many).fingerprint


def test_several_labels_are_thinned_each_for_itself_and_one_image_always_stays(many):
    table = load_table("folder", many, options={"keep": "healthy=0.5, sick=0.01"})
    assert table.rows["label"].value_counts().to_dict() == {"healthy": 20, "sick": 1}


def test_a_label_is_the_whole_text_so_that_images_with_more_findings_stay(nih):
    table = load_table("nih-chest-xray", nih, options={"keep": "Emphysema=0.5,No Finding=0.5"})
    # Emphysema|Infiltration is not touched, of one Emphysema one stays, of two without finding one
    assert sorted(table.rows["label"]) == ["Emphysema", "Emphysema|Infiltration", "Infiltration", "No Finding"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"keep": "healthy"}, "expected LABEL=SHARE"),
        ({"keep": "healthy=half"}, "expected LABEL=SHARE"),
        ({"keep": "healthy=0"}, "above 0 and up to 1"),
        ({"keep": "healthy=1.5"}, "above 0 and up to 1"),
        ({"keep": "healthy=nan"}, "above 0 and up to 1"),
        ({"keep": "healthy=0.5,"}, "expected LABEL=SHARE"),
        ({"keep": "=0.5"}, "expected LABEL=SHARE"),
        ({"keep": 0.5}, "expected LABEL=SHARE"),
        ({"keep": "healthy=0.5,healthy=0.4"}, "stands twice"),
        ({"keep": "ill=0.5"}, "has no label 'ill'; it has healthy, sick"),
        ({"keep": "healthy=0.5", "keep_seed": -1}, "keep_seed = -1"),
        ({"keep": "healthy=0.5", "keep_seed": 0.5}, "keep_seed = 0.5"),
        ({"keep_seed": 1}, "without keep"),
    ],
)
def test_what_cannot_be_understood_is_refused(class_folders, options, words):
    with pytest.raises(SpecInvalid, match=words):
        load_table("folder", class_folders, options=options)


def test_the_reader_is_told_its_own_options_alone():
    rest, thinning = taken_out({"patients": 12, "keep": "nodule=0.25", "keep_seed": 7})
    assert rest == {"patients": 12}
    assert thinning == Thinning({"nodule": 0.25}, 7)
    assert taken_out(rest) == (rest, None)
