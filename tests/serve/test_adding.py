"""Visitors may add networks where the server is theirs alone or asks for a token, and only while there is room."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from core import limits
from core.errors import ModelRefused, SpecInvalid
from core.serve import adding
from core.serve.adding import Room, room, room_for, who_may_add
from core.store.models import list_models, save_model

MODELS = Path(__file__).resolve().parents[2] / "models"
HERE, OFF, SHARED = "everyone here", "switched off", "shared without token"
TOKEN = "0123456789abcdef"


@pytest.mark.parametrize(
    ("address", "hosts", "switch", "token", "expected"),
    [
        ("127.0.0.1", ["localhost", "127.0.0.1"], "", "", HERE),
        ("::1", [], "", "", HERE),
        ("127.0.0.1", ["localhost", "medlens.example.org"], "", "", SHARED),  # behind a proxy
        ("127.0.0.1", ["*"], "", "", SHARED),
        ("0.0.0.0", [], "", "", SHARED),
        ("", [], "", "", SHARED),
        ("0.0.0.0", ["*"], "", TOKEN, HERE),
        ("0.0.0.0", [], "on", "", HERE),
        ("127.0.0.1", [], "off", "", OFF),
        ("0.0.0.0", [], "OFF", TOKEN, OFF),
    ],
)
def test_who_may_add_networks(address, hosts, switch, token, expected, monkeypatch):
    monkeypatch.setenv("MEDLENS_MODELS_ADD", switch)
    monkeypatch.setenv("MEDLENS_TOKEN", token)
    assert who_may_add(address, hosts) == expected


def test_a_switch_that_is_neither_on_nor_off_is_named(monkeypatch):
    monkeypatch.setenv("MEDLENS_MODELS_ADD", "maybe")
    with pytest.raises(SpecInvalid, match="MEDLENS_MODELS_ADD is 'maybe'; expected is on or off"):
        who_may_add("127.0.0.1", [])


def test_only_networks_that_were_brought_along_are_counted(monkeypatch, tmp_path):
    card = next(card for card in list_models(MODELS).cards if card.name == "phantom-nodule")
    content = (MODELS / card.name / "model.keras").read_bytes()
    for name, source in (("mine", "ab12"), ("trained", "")):
        one = replace(card, name=name, source_file=source, other_sha256={}, ood=None)
        save_model(one, {"model.keras": content}, tmp_path)
    monkeypatch.setenv("MEDLENS_MODELS", str(tmp_path))
    assert room() == Room(1, sum(path.stat().st_size for path in (tmp_path / "mine").iterdir()))


@pytest.mark.parametrize(
    ("found", "size", "words"),
    [
        (Room(limits.MAX_ADDED_MODELS, 0), 1, "20 networks were added to this server already, and 20 may be"),
        (Room(1, limits.MAX_ADDED_BYTES - 300), 101, "4.0 GB are set aside for them"),
    ],
)
def test_a_server_that_is_full_refuses_an_upload_before_it_is_written_down(found, size, words, monkeypatch):
    from core.serve.networks import add_upload

    monkeypatch.setattr(adding, "room", lambda: found)
    with pytest.raises(ModelRefused, match=words):
        add_upload(io.BytesIO(b"x" * size), {"name": "n"}, lambda _: None)


def test_what_fits_to_the_last_byte_may_be_added(monkeypatch):
    monkeypatch.setattr(adding, "room", lambda: Room(limits.MAX_ADDED_MODELS - 1, limits.MAX_ADDED_BYTES - 300))
    with room_for(100):
        assert adding._one_at_a_time.locked()
    assert not adding._one_at_a_time.locked()
