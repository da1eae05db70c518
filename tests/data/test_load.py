"""`load_table`: policies, the fingerprint, and ids that stand twice."""

import pytest

from core.data.load import load_table, table_fingerprint
from core.errors import DatasetInvalid, UnknownKey


def test_the_fingerprint_ignores_row_order_and_place(own_csv, tmp_path):
    first = load_table("csv", own_csv)
    own_csv.rename(tmp_path / "elsewhere")
    second = load_table("csv", tmp_path / "elsewhere")
    assert first.fingerprint == second.fingerprint
    assert table_fingerprint(first.rows.iloc[::-1]) == first.fingerprint
    assert len(first.fingerprint) == 32


@pytest.mark.parametrize("column", ["image_id", "label", "group", "split", "content_hash"])
def test_the_fingerprint_changes_with_every_column(own_csv, column):
    rows = load_table("csv", own_csv).rows
    changed = rows.copy()
    changed.loc[2, column] = "other"
    assert table_fingerprint(changed) != table_fingerprint(rows)


def test_one_changed_byte_of_one_image_changes_the_fingerprint(own_csv, write_image):
    before = load_table("csv", own_csv).fingerprint
    write_image(own_csv / "images" / "3.png", 1234)
    assert load_table("csv", own_csv).fingerprint != before


def test_skip_lists_exactly_what_it_leaves_out(own_csv):
    (own_csv / "images" / "3.png").write_bytes(b"nothing")
    table = load_table("csv", own_csv, policy="skip")
    assert "images/3.png" not in set(table.rows["image_id"])
    assert len(table.refused) == 1
    assert table.refused[0].startswith("images/3.png: ")
    assert table.rows.index.tolist() == list(range(5))


def test_nothing_usable_stops_even_under_skip(own_csv):
    for path in (own_csv / "images").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DatasetInvalid, match="no usable image"):
        load_table("csv", own_csv, policy="skip")


def test_an_unknown_set_lists_the_known_ones():
    with pytest.raises(UnknownKey, match="chest_xray"):
        load_table("chest-xray")


def test_without_root_the_data_folder_is_used(monkeypatch, tmp_path, own_csv):
    monkeypatch.setenv("MEDLENS_DATA", str(tmp_path / "data"))
    with pytest.raises(DatasetInvalid, match="MEDLENS_DATA"):
        load_table("csv")
    (tmp_path / "data").mkdir()
    own_csv.rename(tmp_path / "data" / "csv")
    assert len(load_table("csv")) == 6


def test_a_group_in_two_official_splits_is_refused(own_csv):
    path = own_csv / "labels.csv"
    path.write_text(path.read_text().replace("p5,test", "p0,test"))
    with pytest.raises(DatasetInvalid, match="'p0' stands in more than one"):
        load_table("csv", own_csv)


def test_the_same_row_twice_counts_once_under_skip_and_is_listed(own_csv):
    path = own_csv / "labels.csv"
    path.write_text(path.read_text() + "images/0.png,healthy,p0,train\n")
    with pytest.raises(DatasetInvalid, match="stands 2 times"):
        load_table("csv", own_csv)
    assert len(load_table("csv", own_csv, policy="skip")) == 6
