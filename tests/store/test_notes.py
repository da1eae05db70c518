"""A reader's notes: kept outside the run, replaced, removed, and refused where they are too much."""

import pytest

from core.errors import RunDamaged, StoreError
from core.store.notes import MOST_LETTERS, load_notes, notes_file, write_note, write_statement

RUN = "phantom-phantom-nodule-compact-cnn-mlp-frozen-70cff08c"


def test_a_note_is_kept_replaced_and_removed(tmp_path):
    assert load_notes(RUN, tmp_path).notes == ()
    write_note(RUN, "i1", " subtle ", ["label", "label", " "], tmp_path)
    write_note(RUN, "i2", "other", folder=tmp_path)
    told = load_notes(RUN, tmp_path)
    assert (told.of("i1").text, told.of("i1").tags) == ("subtle", ("label",))
    assert told.of("i1").updated_utc.endswith("+00:00")
    write_note(RUN, "i1", "clear", folder=tmp_path)
    assert [n.text for n in load_notes(RUN, tmp_path).notes] == ["other", "clear"]
    write_note(RUN, "i1", "  ", folder=tmp_path)
    assert [n.image_id for n in load_notes(RUN, tmp_path).notes] == ["i2"]
    assert [p.name for p in tmp_path.iterdir()] == [f"{RUN}.json"]


def test_a_statement_stands_beside_the_notes_and_an_empty_one_goes(tmp_path):
    write_note(RUN, "i1", "note", folder=tmp_path)
    write_statement(RUN, "8", "two radiologists", tmp_path)
    assert load_notes(RUN, tmp_path).statements == {"8": "two radiologists"}
    assert write_statement(RUN, "8", "", tmp_path).statements == {}
    assert load_notes(RUN, tmp_path).of("i1").text == "note"


def test_what_is_too_much_or_no_run_is_refused_and_nothing_changes(tmp_path):
    with pytest.raises(StoreError, match="Shorten it"):
        write_note(RUN, "i1", "x" * (MOST_LETTERS + 1), folder=tmp_path)
    with pytest.raises(StoreError, match="Shorten it"):
        write_statement(RUN, "8", "x" * (MOST_LETTERS + 1), tmp_path)
    with pytest.raises(StoreError):
        notes_file("../../etc/passwd", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_note_is_named_and_left_alone(tmp_path):
    notes_file(RUN, tmp_path).write_text("{", encoding="utf-8")
    with pytest.raises(RunDamaged, match="Mend or remove"):
        write_note(RUN, "i1", "x", folder=tmp_path)
    assert notes_file(RUN, tmp_path).read_text(encoding="utf-8") == "{"
