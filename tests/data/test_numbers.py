"""Numbers beside pictures: read by the card's names, or every problem named with its row."""

from pathlib import Path

import pytest

from core.data.numbers import number_table, numbers_beside, read_numbers
from core.errors import DatasetInvalid, ImageRefused, SpecInvalid
from core.types import TabularInput

INPUTS = (TabularInput(name="age", low=0, high=110), TabularInput(name="sex"))
FILES = [Path("day one/a.png"), Path("b.png")]


def written(tmp_path, text, encoding="utf-8"):
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    return tmp_path / "t.csv"


@pytest.mark.parametrize(
    "text",
    [
        "file,age,sex\na.png,61,0\nb.png,7.5,1\n",
        "\ufefffile;sex;age\r\nday one/a.png; 0 ;61\r\n\r\nother.png;x;x\r\nb.png;1;7.5\r\n",
        '"file","age","sex"\n"b.png","7.5","1"\n"day one/a.png","61","0"',
    ],
    ids=["plain", "semicolons, a mark in front, another order, rows of others", "quoted"],
)
def test_the_numbers_of_each_picture_come_in_the_order_of_the_card(text, tmp_path):
    found = read_numbers(written(tmp_path, text), INPUTS, FILES)
    assert found == {FILES[0]: (61.0, 0.0), FILES[1]: (7.5, 1.0)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,age\na.png,3\n", "the column 'sex' is missing"),
        ("file,age,sex,name\n", "the column 'name' is none of the network's"),
        ("file,age,sex,age\n", "the column 'age' stands there twice"),
        ("a.png,3,1\n", "the column 'file' is missing"),
        ("", "the head is missing"),
        ("file,age,sex\na.png,3\n", "row 2 has 2 values, expected are 3"),
        ("file,age,sex\na.png,3,1\n", "b.png has no row"),
        ("file,age,sex\na.png,3,1\nb.png,3,1\na.png,4,1\n", "a.png stands in rows 2, 4"),
        ("file,age,sex\na.png,3,1\nb.png,old,1\n", "row 3: age is 'old', which is no number"),
        ("file;age;sex\na.png;3,5;1\nb.png;4;1\n", "row 2: age is '3,5', which is no number"),
        ("file,age,sex\na.png,3,nan\nb.png,4,\n", "row 2: sex is 'nan'"),
        ("file,age,sex\na.png,3,inf\nb.png,4,\n", "row 3: sex is ''"),
        ("file,age,sex\na.png,-1,0\nb.png,111,0\n", "row 3: age is 111, expected are 0 to 110"),
        ('file,age,sex\n"a.png,3,1\n', "is no CSV file"),
    ],
)
def test_every_problem_is_named_with_its_row(text, words, tmp_path):
    with pytest.raises(DatasetInvalid) as refused:
        read_numbers(written(tmp_path, text), INPUTS, FILES)
    assert words in refused.value.full_text()


def test_two_pictures_of_one_name_need_their_folders_in_the_table(tmp_path):
    files = [Path("one/a.png"), Path("two/a.png")]
    table = written(tmp_path, "file,age,sex\na.png,3,1\n")
    with pytest.raises(DatasetInvalid, match="2 problems"):
        read_numbers(table, INPUTS, files)
    table = written(tmp_path, "file,age,sex\none/a.png,3,1\ntwo/a.png,4,0\n")
    assert read_numbers(table, INPUTS, files)[files[1]] == (4.0, 0.0)


def test_a_table_of_many_pictures_is_asked_by_path_or_by_a_name_that_only_one_has(tmp_path):
    found = number_table(written(tmp_path, "file,age,sex\none/a.png,3,1\nb.png,4,0\n"), INPUTS)
    assert found.of("one/a.png", alone=False) == (3.0, 1.0)
    assert found.of("deep/b.png", alone=True) == (4.0, 0.0)
    for image_id, alone in (("deep/b.png", False), ("two/a.png", True), ("c.png", True)):
        with pytest.raises(ImageRefused, match=f"{image_id} has no row in t.csv"):
            found.of(image_id, alone=alone)


def test_every_row_of_a_table_of_many_is_checked(tmp_path):
    with pytest.raises(DatasetInvalid) as refused:
        number_table(written(tmp_path, "file,age,sex\na.png,3,1\nb.png,old,1\na.png,4,1\n"), INPUTS)
    assert "a.png stands in rows 2, 4" in refused.value.full_text()
    assert "row 3: age is 'old'" in refused.value.full_text()


def test_what_is_no_text_or_no_file_is_refused(tmp_path):
    with pytest.raises(DatasetInvalid, match="no text in UTF-8"):
        read_numbers(written(tmp_path, "file,größe\n", "latin-1"), INPUTS, FILES)
    with pytest.raises(DatasetInvalid, match="cannot be read"):
        read_numbers(tmp_path / "none.csv", INPUTS, FILES)


def test_a_table_is_asked_for_where_the_network_takes_numbers_and_refused_where_it_takes_none(tmp_path):
    from types import SimpleNamespace

    with pytest.raises(SpecInvalid, match=r"two also takes age, sex .* --table FILE.csv with file, age, sex"):
        numbers_beside(SimpleNamespace(name="two", tabular_inputs=INPUTS), None, FILES)
    alone = SimpleNamespace(name="one", tabular_inputs=())
    with pytest.raises(SpecInvalid, match="one takes a picture alone"):
        numbers_beside(alone, tmp_path / "t.csv", FILES)
    assert numbers_beside(alone, None, FILES) == {}
