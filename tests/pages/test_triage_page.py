"""The Triage page: what a batch becomes, what it says of bad files, what leaves as CSV, and the simulated room."""

import csv
import io
import zipfile
from datetime import UTC, datetime

import numpy as np
import pytest

from core import limits
from core.data.images import encode_png
from core.evaluation.triage import Arrival, card_questions, order_batch
from core.store.models import list_models
from pages.ui import batch, triage_list


def png(level):
    return encode_png(np.full((64, 64, 3), level, dtype=np.uint8))


DARK, GREY, BRIGHT = ("dark.png", png(20)), ("grey.png", png(128)), ("bright.png", png(250))


def zipped(*files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files:
            archive.writestr(name, data)
    return packed.getvalue()


@pytest.fixture
def brightness(monkeypatch):
    """A network whose last class is as probable as the picture is bright; returns (model, pictures) of its calls."""
    from pages.ui import cache, door

    asked = []

    def scores(name, prepared):
        asked.append((name, len(prepared)))
        last = prepared.mean(axis=(1, 2, 3)) / 255
        rest = len(next(c for c in cache.model_listing().cards if c.name == name).class_names) - 1
        unlike = (prepared.std(axis=(1, 2, 3)) > 20).tolist()  # those that are not of one grey
        return np.column_stack([np.tile(((1 - last) / rest)[:, None], rest), last]), unlike

    monkeypatch.setattr(door, "scores", scores)
    return asked


def drop(app, *files):
    for name, data in files:
        app.file_uploader[0].upload(name, data)
    return app.run()


def listed(app):
    return next(d.value for d in app.dataframe if "Read" in d.value)


def rows(app):
    frame = listed(app)
    return list(zip(frame["File"], frame["Moved"], frame["Score"].round(2), frame["Side"], strict=True))


def said(elements):
    """All words of captions, errors or Markdown, without the marks that keep them plain."""
    return " ".join(element.value for element in elements).replace("\\", "")


def test_a_batch_is_read_by_score_and_each_row_says_how_far_it_moved(stores, open_page, brightness):
    app = drop(open_page("triage", model="real"), DARK, BRIGHT, GREY)
    assert not app.exception and not app.error
    assert [row[:3] for row in rows(app)] == [
        ("bright.png", "▲ 1", 0.98), ("grey.png", "▲ 1", 0.5), ("dark.png", "▼ 2", 0.08),
    ]  # fmt: skip
    assert listed(app)["Picture"].str.startswith("data:image/jpeg;base64,").all()
    assert "specificity" in listed(app)["At this cut"].iloc[0] and "sensitivity" in listed(app)["At this cut"].iloc[2]
    assert any("not a diagnosis" in warning.value for warning in app.warning)
    assert "every picture is still read" in said(app.caption)
    assert "Near the cut: scores from" in said(app.caption)  # from the stored scores of the model's run


def test_a_bad_file_is_named_and_stops_no_other(stores, open_page, brightness):
    strange = "<b>notes</b> [x](http://y).txt"
    app = drop(open_page("triage", model="real"), (strange, b"hello"), DARK, BRIGHT)
    assert [row[0] for row in rows(app)] == ["bright.png", "dark.png"]
    (refusal,) = [m.value for m in app.markdown if "notes" in m.value]
    assert "\\<b\\>notes" in refusal and "\\[x\\]\\(" in refusal
    assert any("1 file has no score and no place" in m.value for m in app.markdown)
    assert not app.exception


def test_a_picture_unlike_the_training_images_is_flagged_keeps_its_place_and_is_said(stores, open_page, brightness):
    cat = encode_png(np.tile(np.repeat(np.arange(0, 256, 4, dtype=np.uint8), 64).reshape(64, 64, 1), 3))
    app = drop(open_page("triage", model="real"), DARK, ("cat_1.png", cat), BRIGHT)
    assert listed(app)["File"].tolist() == ["bright.png", "cat_1.png", "dark.png"]
    assert listed(app)["Flag"].tolist() == ["", "unlike its training images", ""]
    assert "1 picture does not look like the chest radiographs that this network has seen: cat_1.png." in said(
        app.warning
    ).replace("**", "")
    assert "no gate" in said(app.caption)  # of the card: these have none


def test_a_zip_is_taken_in_entry_by_entry_and_a_damaged_one_is_refused(stores, open_page, brightness):
    packed = zipped(("in/bright.png", BRIGHT[1]), ("in/notes.txt", b"hello"))
    app = drop(open_page("triage", model="real"), DARK, ("scans.zip", packed), ("torn.zip", packed[:-9]))
    assert [row[0] for row in rows(app)] == ["scans.zip/in/bright.png", "dark.png"]
    assert "torn.zip: it is no ZIP" in said(app.error)
    assert "notes.txt" in said(app.markdown)


def test_pictures_are_scored_once_and_forgotten_when_they_are_taken_away_or_cleared(stores, open_page, brightness):
    app = drop(open_page("triage", model="real"), DARK, BRIGHT)
    app.run()
    assert sum(n for _, n in brightness) == 2
    assert len(app.session_state["triage"]) == 2
    app.button(key="triage-clear").click().run()
    assert "triage" not in app.session_state
    assert not any("Read" in d.value for d in app.dataframe)
    app.file_uploader[0].upload(*GREY)
    app.run()
    assert [row[0] for row in rows(app)] == ["grey.png"]


def test_phantoms_fill_the_list_and_a_model_of_real_images_is_called_wrong_for_them(
    stores, open_page, brightness, monkeypatch
):
    monkeypatch.setattr(batch, "PHANTOM_PX", 64)  # the same phantoms, smaller and fewer
    monkeypatch.setattr(batch, "PHANTOMS", 12)
    app = open_page("triage", model="drawn")
    app.button(key="triage-fill").click().run()
    assert len(rows(app)) == 12
    assert not app.error
    app.selectbox(key="model-select").select("real").run()
    assert any("its answer means nothing here" in e.value for e in app.error)


@pytest.mark.slow
def test_a_model_of_several_answers_asks_what_is_urgent(stores, open_page, brightness):
    app = drop(open_page("triage", model="three"), DARK, BRIGHT)
    assert not any("Read" in d.value for d in app.dataframe)
    assert any("say on the left which of them is urgent" in c.value for c in app.caption)
    app.selectbox(key="triage-question-three").select("anything but Normal").run()
    assert [row[0] for row in rows(app)] == ["bright.png", "dark.png"]
    assert "No cut: the most probable answer counts" in said(app.caption)


@pytest.fixture
def three_uploads():
    class Upload:
        def __init__(self, name, data):
            self.name, self.file_id, self.size, self._data = name, name, len(data), data

        def getvalue(self):
            return self._data

    return [Upload(*DARK), Upload("z.zip", zipped(GREY, BRIGHT)), Upload("last.png", BRIGHT[1])]


def test_more_than_a_list_holds_is_cut_off_and_said(three_uploads, monkeypatch):
    monkeypatch.setattr(limits, "MAX_LIST_FILES", 2)
    files, problems = batch.gather(three_uploads, phantoms=False)
    assert [f.name for f in files] == ["dark.png", "z.zip/bright.png"]
    assert problems == ["4 pictures at once; the first 2 are on the list."]
    monkeypatch.setattr(limits, "MAX_LIST_BYTES", three_uploads[0].size)
    files, (problem,) = batch.gather(three_uploads, phantoms=False)
    assert [f.name for f in files] == ["dark.png"] and "z.zip and what came after it are left out" in problem


def test_the_csv_has_every_picture_and_no_cell_that_a_spreadsheet_would_run(models):
    card = next(c for c in list_models(models).cards if c.name == "real")
    (question,) = card_questions(card)
    arrivals = [
        Arrival(name="=1+1.png", reason="=1+1.png: it is no image"),
        Arrival(name="@b, c.png", probabilities=(0.9, 0.1)),
        Arrival(name="d.png", probabilities=(0.01, 0.99)),
    ]
    places = order_batch(arrivals, card, question, band=(0.05, 0.2))
    text = triage_list.list_csv(places, card, question, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    found = list(csv.DictReader(io.StringIO(text)))
    assert [(r["place"], r["arrived"], r["moved"], r["file"], r["flags"]) for r in found] == [
        ("1", "3", "1", "d.png", ""), ("2", "2", "-1", "'@b, c.png", "near the cut"),
        ("", "1", "", "'=1+1.png", "not read"),
    ]  # fmt: skip
    assert found[0]["score"] == "0.99" and found[0]["created_utc"] == "2026-01-02T03:04:05+00:00"
    assert float(found[0]["cut"]) == question.cut and found[0]["run_id"] == card.run_id
    assert 0 <= float(found[0]["sensitivity_low"]) <= float(found[0]["sensitivity"])
    assert found[2]["reason"] == "'=1+1.png: it is no image" and found[2]["score"] == ""
    assert "not a diagnosis" in found[1]["notice"]


@pytest.fixture
def short_days(monkeypatch):
    """Fewer and shorter days, so that a test is fast."""
    from core.evaluation import reading_room

    drawn = reading_room.simulate
    monkeypatch.setattr(reading_room, "simulate", lambda *a, **k: drawn(*a, **{**k, "seeds": (1, 2), "n_images": 400}))


def saving(app):
    app.session_state["triage-tab"] = ":material/hourglass_bottom: What it would save"
    return app.run()


def test_what_it_would_save_says_both_sides_and_what_it_does_not_say(stores, open_page, short_days):
    app = saving(open_page("triage"))
    assert not app.exception and not app.error
    (words,) = [m.value for m in app.markdown if "Of the ill, half are read within" in m.value]
    assert "The healthy wait" in words
    assert any("missed finding" in m.value for m in app.markdown)
    assert any("do not order anybody" in m.value for m in app.markdown)
    assert len(app.get("plotly_chart")) == 1
    assert "Ill: labelled" in said(app.caption)
    table = next(d.value for d in app.dataframe if "Order" in d.value)
    assert set(table["Order"]) == {"as they came", "by score", "perfect order"}


@pytest.mark.slow
def test_more_work_than_readers_is_refused_in_one_sentence(stores, open_page, short_days):
    app = saving(open_page("triage"))
    app.slider(key="room-rate").set_value(60).run()
    assert "60 pictures an hour ask for 300 minutes" in said(app.error)
    assert not app.get("plotly_chart") and not app.exception


def test_of_a_run_with_several_answers_the_sum_of_its_labels_comes_first(stores, open_page, short_days):
    app = saving(open_page("triage", run=stores["cause"].run_id))
    assert not app.exception
    asked = app.selectbox(key=f"room-question-{stores['cause'].run_id}")
    assert asked.value == asked.options[0] == "Pneumonia"
    assert "Ill: labelled Pneumonia" in said(app.caption)
    asked.select("anything but Normal").run()
    assert "Ill: labelled anything but Normal" in said(app.caption)
