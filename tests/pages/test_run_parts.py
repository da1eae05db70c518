"""The deeper parts of the Run page: each opens from its link, and says what the evaluation says."""

import json

import pandas as pd
import pytest

from core.data.phantom_path import phantom_path
from core.errors import ModelError
from core.evaluation.cut_table import cut_table, per_people
from core.evaluation.failures import worst_errors
from core.evaluation.thresholds import choose_threshold
from core.store.notes import load_notes
from core.store.runs import load_predictions
from pages.ui import at_hand, door


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    """Notes go to a folder of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def said(app):
    return " ".join(m.value for m in [*app.markdown, *app.caption]).replace("\\", "")


def test_a_rule_moves_the_slider_to_the_cut_that_it_chose_on_validation(stores, open_at, results):
    record = stores["forest"]
    app = open_at("run", run=record.run_id)
    validation = load_predictions(record.run_id, "validation", results[0])
    rules = next(s for s in app.selectbox if s.label == "or chosen on validation by a rule")
    rules.select("sensitivity:0.95").run()
    cut = choose_threshold(validation, "sensitivity:0.95").values["Pneumonia"]
    assert app.slider[0].value == round(cut, 3)
    test = load_predictions(record.run_id, "test", results[0])
    found = int(((test.y_prob[:, 1] >= cut) & (test.y_true == 1)).sum())
    assert f"finds **{found}** of" in said(app)


def test_the_people_follow_the_prevalence_and_the_cut(stores, open_at, results):
    record = stores["mlp"]
    app = open_at("run", run=record.run_id)
    table = cut_table(load_predictions(record.run_id, "test", results[0]), "Pneumonia", n_bootstrap=0)
    prevalence = app.select_slider[0]
    assert prevalence.value == 0.02
    prevalence.set_value(0.2).run()
    app.slider[0].set_value(0.4).run()
    told = per_people(table, 0.4, 0.2)
    assert f"Of 1,000 people, **200** of them with Pneumonia: it finds **{round(told.found[0])} (" in said(app)
    assert f"alarms **{round(told.alarms[0])} (" in said(app)


def test_every_part_opens_from_its_link_and_alone(stores, open_at):
    app = open_at("run", run=stores["cause"].run_id, part="doubt")
    for part in ("doubt", "decisions", "worth", "ranking"):
        app.query_params["part"] = part
        app.run()
        assert not app.exception and not app.error
        assert app.query_params.get("part", ["ranking"]) in (part, [part])  # the first part needs no link


def test_calibration_stands_before_and_after_the_temperature(stores, open_at):
    app = open_at("run", run=stores["forest"].run_id, part="calibration")
    table = next(d.value for d in app.dataframe if "As stored" in d.value)
    evaluation = stores["forest"].evaluations[1]
    assert table["Measure"].tolist() == [
        "Brier score", "Calibration error", "Slope", "Intercept beside it", "Intercept at slope 1",
    ]  # fmt: skip
    assert table["As stored"].iloc[1] == f"{evaluation.calibration.error:.3f}"
    assert table["After temperature"].iloc[1] == f"{evaluation.calibration.error_after:.3f}"
    assert " to " in table["As stored"].iloc[2]


def test_the_worst_errors_are_listed_and_a_note_on_one_is_kept_outside_the_run(stores, open_at, results):
    record = stores["forest"]
    before = sorted(p.name for p in (results[0] / record.run_id).iterdir())
    app = open_at("run", run=record.run_id, part="errors")
    wanted = worst_errors(
        load_predictions(record.run_id, "test", results[0]), record.evaluations[1].threshold, "Pneumonia", "missed", 24
    )
    shown = next(d.value for d in app.dataframe if "image_id" in d.value)
    assert shown["image_id"].tolist() == wanted["image_id"].tolist()
    app.text_area[0].set_value("rotated, poor inspiration")
    next(b for b in app.button if b.label == "Keep").click().run()
    note = load_notes(record.run_id).notes[0]
    assert (note.image_id, note.text) == (wanted["image_id"].iloc[0], "rotated, poor inspiration")
    again = next(d.value for d in app.dataframe if "image_id" in d.value)
    assert again["note"].iloc[0] == "rotated, poor inspiration"
    assert sorted(p.name for p in (results[0] / record.run_id).iterdir()) == before


@pytest.fixture
def pictures_at_hand(monkeypatch):
    """Every test image of any run is a phantom of its own."""
    ids = [f"test-{i:03d}" for i in range(160)]
    rows = pd.DataFrame({"path": [phantom_path(7, i, 0, 64) for i in range(160)]}, index=ids)
    monkeypatch.setattr(at_hand, "is_at_hand", lambda record: True)
    monkeypatch.setattr(at_hand, "rows_of", lambda record: rows)


def alts(app):
    return [picture.alt for image in app.image for picture in image.proto.imgs]


@pytest.mark.slow
def test_a_map_of_an_error_is_made_when_asked_for_by_the_model_of_the_run(
    stores, open_at, fake_network, pictures_at_hand, results, monkeypatch
):
    record = stores["phantom"]
    app = open_at("run", run=record.run_id, part="errors")
    wanted = worst_errors(
        load_predictions(record.run_id, "test", results[0]), record.evaluations[1].threshold, "Nodule", "missed", 24
    )["image_id"].tolist()[:12]
    assert len(wanted) > 2
    next(toggle for toggle in app.toggle if toggle.label == "Show the pictures").set_value(True).run()
    assert 'Grad-CAM for Nodule by the model "Model drawn"' in said(app)
    buttons = [b for b in app.button if b.label == "Where it looked"]
    assert len(buttons) == len(wanted) and fake_network.calls == []
    with monkeypatch.context() as broken:
        broken.setattr(door, "predict", refused)
        buttons[1].click().run()
    assert [e.value.replace("\\", "") for e in app.error] == ["No network today."]
    buttons = [b for b in app.button if b.label == "Where it looked"]
    assert len(buttons) == len(wanted)
    buttons[1].click().run()
    # the fake map is warm in rows and columns 8 to 24 of 64: 16 x 16 of 64 x 64 is 6 %
    (alt,) = [alt for alt in alts(app) if alt.startswith("Heat map")]
    assert alt.startswith(f"Heat map for Nodule on image {wanted[1]}: strongest in the upper left")
    assert alt.endswith("6 % of it")
    assert len([b for b in app.button if b.label == "Where it looked"]) == len(wanted) - 1
    app.run()
    assert fake_network.calls == [wanted[1]] and fake_network.shapes == [(64, 64, 3)]
    assert not app.exception and not app.error


def refused(name, pixels, image_id, **more):
    raise ModelError("No network today.")


def test_where_no_model_was_made_from_the_run_one_line_says_so_in_place_of_maps(stores, open_at, pictures_at_hand):
    app = open_at("run", run=stores["forest"].run_id, part="errors")
    next(toggle for toggle in app.toggle if toggle.label == "Show the pictures").set_value(True).run()
    assert "none of the models on this machine was made from this run" in said(app)
    assert len(alts(app)) > 2
    assert not [b for b in app.button if b.label == "Where it looked"]


@pytest.mark.slow
def test_a_cell_of_the_matrix_lists_as_many_images_as_it_counts(stores, open_at):
    record = stores["cause"]
    app = open_at("run", run=record.run_id, part="errors")
    next(g for g in app.get("segmented_control") if g.label == "Look at").set_value("cell").run()
    names, counts = record.class_names, record.evaluations[1].confusion
    for truth, call in ((0, 1), (2, 2)):
        next(s for s in app.selectbox if s.label == "Truth").select(names[truth])
        next(s for s in app.selectbox if s.label == "Decision").select(names[call]).run()
        shown = next(d.value for d in app.dataframe if "image_id" in d.value)
        assert len(shown) == counts[truth][call]


def test_subgroups_that_are_not_at_hand_say_why(stores, open_at):
    words = said(open_at("run", run=stores["mlp"].run_id, part="subgroups"))
    assert "Sex: not available. The table of Chest X-ray pneumonia (Kermany) is not on this machine" in words


def test_subgroups_of_a_drawn_data_set_are_parted_by_what_its_table_says(stores, open_at, monkeypatch):
    import numpy as np

    from pages.ui import running_cache

    ids = [f"test-{i:03d}" for i in range(160)]
    rows = pd.DataFrame(
        {"sex": np.where(np.arange(160) % 3, "F", "M"), "age": 50.0, "content_hash": "x"}, index=ids
    )  # fmt: skip
    monkeypatch.setattr(running_cache, "rows_of", lambda record: rows)
    app = open_at("run", run=stores["phantom"].run_id, part="subgroups")
    assert not app.exception
    words = said(app)
    assert "AUC is 0." in words and "higher for" in words
    assert "Age: not available. All test images are alike in it." in words
    assert "View: not available." in words
    frame = next(d.value for d in app.dataframe if "part" in d.value)
    assert set(frame["part"]) == {"F", "M"} and frame.groupby("part")["images"].first().sum() == 160


def test_the_report_numbers_25_items_and_what_is_missing_says_so(stores, open_at):
    app = open_at("run", run=stores["mlp"].run_id, part="report")
    words = said(app)
    assert all(f"**{n}. " in words for n in range(1, 26))
    assert "*not stated*" in words  # nobody has said who labelled
    next(s for s in app.selectbox if s.label == "Item").select(8).run()
    app.text_area[0].set_value("two radiologists")
    next(b for b in app.button if b.label == "Keep").click().run()
    assert "two radiologists" in said(app)
    assert load_notes(stores["mlp"].run_id).statements == {"8": "two radiologists"}


def test_numbers_of_a_part_lead_back_to_the_run(stores, open_at):
    record = stores["mlp"]
    app = open_at("run", run=record.run_id, part="worth")
    frame = next(d.value for d in app.dataframe if "net_benefit" in d.value)
    assert set(frame["run_id"]) == {record.run_id} and set(frame["split"]) == {"test"}
    assert json.dumps(frame.columns.tolist()).count("threshold") == 1
