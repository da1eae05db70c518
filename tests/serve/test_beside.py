"""One picture put to a shipped network and its heads: probabilities, maps, and whether anything stands behind them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.data.phantom import draw_phantom
from core.serve.beside import beside_answer, beside_maps, has_siblings
from core.store.models import load_card

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture(autouse=True)
def shipped(monkeypatch):
    monkeypatch.setenv("MEDLENS_MODELS", str(MODELS))


def test_a_picture_gets_probabilities_and_maps_of_all_five_and_another_kind_of_picture_is_told():
    pixels = draw_phantom(1234, 3, 0).pixels
    assert has_siblings(load_card("phantom-nodule"))
    answer = beside_answer("phantom-nodule", pixels)
    assert answer.probabilities.shape == (5, 2)
    np.testing.assert_allclose(answer.probabilities.sum(axis=1), 1)
    assert not answer.unlike
    assert beside_answer("phantom-nodule", np.full((200, 200, 3), 90, np.uint8)).unlike
    maps = beside_maps("phantom-nodule", pixels)
    assert maps.drops.shape == (5, 2, 112, 112)
    assert [heat.class_name for heat in maps.gradcam] == ["No nodule", "Nodule"]
    np.testing.assert_allclose(maps.drops[:, 0], -maps.drops[:, 1], atol=1e-6)


def test_a_network_without_heads_has_no_answer_of_theirs(tmp_path, monkeypatch):
    without = shutil.ignore_patterns("sibling*")
    shutil.copytree(MODELS / "phantom-nodule", tmp_path / "no-heads", ignore=without)
    card = tmp_path / "no-heads" / "card.json"
    card.write_text(card.read_text("utf-8").replace('"name": "phantom-nodule"', '"name": "no-heads"'), encoding="utf-8")
    monkeypatch.setenv("MEDLENS_MODELS", str(tmp_path))
    assert not has_siblings(load_card("no-heads"))
    assert beside_answer("no-heads", np.full((64, 64, 3), 90, np.uint8)) is None
    assert beside_maps("no-heads", np.full((64, 64, 3), 90, np.uint8)) is None
