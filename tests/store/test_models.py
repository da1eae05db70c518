"""Shipped models: the card vouches for the file, and a bad folder spoils no other."""

import json
from dataclasses import replace

import pytest

from core.errors import ModelDamaged, ModelError
from core.store.models import list_models, load_card, model_path, save_localisation, save_model, verify_model
from core.types import Estimate, LocalisationRecord

CONTENT = b"network"


@pytest.fixture
def shipped(tmp_path, make_card):
    card = make_card()
    save_model(card, {"model.keras": CONTENT}, tmp_path)
    return card


def test_a_model_comes_back_as_it_was_saved(tmp_path, shipped):
    assert load_card("chest-model", tmp_path) == verify_model("chest-model", tmp_path) == shipped
    assert model_path("chest-model", tmp_path).read_bytes() == CONTENT
    assert list_models(tmp_path).cards == (shipped,)


def test_a_network_can_be_copied_from_a_file_with_others_beside_it(tmp_path, make_card):
    (tmp_path / "built.keras").write_bytes(CONTENT)
    folder = save_model(
        make_card("from-file"), {"model.keras": tmp_path / "built.keras", "notes.txt": b"n"}, tmp_path / "models"
    )
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "model.keras", "notes.txt"]
    assert verify_model("from-file", tmp_path / "models").name == "from-file"


def test_a_name_that_is_taken_is_replaced_only_on_purpose(tmp_path, shipped, make_card):
    other = make_card(content=b"another")
    with pytest.raises(ModelError, match="exists"):
        save_model(other, {"model.keras": b"another"}, tmp_path)
    assert verify_model("chest-model", tmp_path) == shipped
    save_model(other, {"model.keras": b"another"}, tmp_path, replace=True)
    assert verify_model("chest-model", tmp_path) == other


def test_a_card_must_fit_the_file(tmp_path, make_card):
    card = make_card()
    for files, match in (
        ({"model.keras": b"longer network"}, "sha256 or size"),
        ({"model.keras": b"netwerk"}, "sha256 or size"),
        ({}, r"no model\.keras"),
        ({"model.keras": CONTENT, "card.json": b"{}"}, "from the card itself"),
        ({"model.keras": CONTENT, "../x": b""}, "no file name"),
    ):
        with pytest.raises(ModelDamaged, match=match):
            save_model(card, files, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_listing_looks_at_the_size_and_the_check_at_every_byte(tmp_path, shipped):
    path = model_path("chest-model", tmp_path)
    path.write_bytes(b"netwerk")  # the same length
    assert list_models(tmp_path).cards == (shipped,)
    with pytest.raises(ModelDamaged, match="not the one that was exported"):
        verify_model("chest-model", tmp_path)
    path.write_bytes(b"net")
    assert "3 bytes" in list_models(tmp_path).damaged[0].reason


@pytest.mark.parametrize("name", ["card.json", "model.keras"])
@pytest.mark.parametrize("harm", ["truncate", "delete", "noise", "folder"])
def test_harm_to_any_file_is_listed_and_spoils_no_other_model(tmp_path, shipped, make_card, name, harm):
    save_model(make_card("other"), {"model.keras": CONTENT}, tmp_path)
    path = tmp_path / "chest-model" / name
    data = path.read_bytes()
    path.unlink()
    if harm == "truncate":
        path.write_bytes(data[: len(data) // 2])
    elif harm == "noise":
        path.write_bytes(b"\x00\xff" * 50)
    elif harm == "folder":
        path.mkdir()
    listing = list_models(tmp_path)
    assert [card.name for card in listing.cards] == ["other"]
    assert [damaged.name for damaged in listing.damaged] == ["chest-model"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"schema_version": 9}, "newer MedLens"), ({"name": "x"}, "the card says 'x'"), ({"mood": 1}, "unknown field")],
)
def test_a_card_that_is_not_ours_is_listed_with_the_reason(tmp_path, shipped, changes, reason):
    path = tmp_path / "chest-model" / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")
    assert reason in list_models(tmp_path).damaged[0].reason


def test_foreign_things_are_passed_over_or_named(tmp_path, shipped):
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "Bad Name").mkdir()
    assert [d.name for d in list_models(tmp_path).damaged] == ["Bad Name"]
    assert list_models(tmp_path / "none").cards == ()


@pytest.mark.parametrize("name", ["../x", "a/b", "", "/etc", "X"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path, make_card, name):
    for call in (load_card, model_path, verify_model):
        with pytest.raises(ModelError, match="is no model name"):
            call(name, tmp_path)
    with pytest.raises(ModelError):
        save_model(replace(make_card(), name=name), {"model.keras": CONTENT}, tmp_path)


def test_a_missing_model_says_how_to_make_it(tmp_path):
    with pytest.raises(ModelDamaged, match="python -m core export RUN_ID absent"):
        model_path("absent", tmp_path)
    with pytest.raises(ModelDamaged, match=r"card\.json is missing"):
        load_card("absent", tmp_path)


def test_the_default_folder_is_the_models_folder(tmp_path, make_card, monkeypatch):
    monkeypatch.setenv("MEDLENS_MODELS", str(tmp_path))
    save_model(make_card(), {"model.keras": CONTENT})
    assert [card.name for card in list_models().cards] == ["chest-model"]


def measured(dataset="siim-covid19", split="all", hit=0.61):
    estimate = Estimate(
        metric="pointing_hit", value=hit, low=hit - 0.03, high=hit + 0.03, level=0.95, n_images=1024, n_groups=900,
        method="bootstrap over patients, 1000 resamples", split=split,
    )  # fmt: skip
    return LocalisationRecord(
        dataset=dataset, split=split, truth="boxes", class_rule="Pneumonia", method="Grad-CAM", n_images=1024,
        n_groups=900, n_empty=3, n_unmarked=0, n_eligible=3869, n_seen=0, estimates=(estimate,),
        chance={"pointing_hit": 0.23}, created_utc="2026-01-02T03:04:05+00:00",
    )  # fmt: skip


def test_a_measurement_of_heat_maps_is_put_on_the_card_and_changes_nothing_else(tmp_path, shipped):
    card = save_localisation("chest-model", measured(), tmp_path)
    assert load_card("chest-model", tmp_path) == card == replace(shipped, localisation=(measured(),))
    assert verify_model("chest-model", tmp_path) == card
    assert sorted(p.name for p in (tmp_path / "chest-model").iterdir()) == ["card.json", "model.keras"]


def test_a_second_measurement_replaces_that_of_the_same_data_and_split_only(tmp_path, shipped):
    for record in (measured(), measured(split="test"), measured("nih-chest-xray"), measured(hit=0.7)):
        save_localisation("chest-model", record, tmp_path)
    kept = load_card("chest-model", tmp_path).localisation
    assert kept == (measured("nih-chest-xray"), measured(hit=0.7), measured(split="test"))


def test_a_card_from_before_there_were_measurements_is_read(tmp_path, shipped):
    path = tmp_path / "chest-model" / "card.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    assert fields.pop("localisation") == []
    path.write_text(json.dumps(fields), encoding="utf-8")
    assert load_card("chest-model", tmp_path) == shipped


def test_a_model_that_is_not_there_gets_no_folder_by_being_measured(tmp_path):
    with pytest.raises(ModelDamaged):
        save_localisation("absent", measured(), tmp_path)
    assert list(tmp_path.iterdir()) == []
