"""Predict and Run where a network is not to be taken at its word."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.data.images import encode_jpeg
from core.nn.ood import OodAnswer
from core.store.codec import to_json
from core.store.models import load_card
from core.types import Referral, ReferralRecord

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture(scope="module")
def jpeg():
    return encode_jpeg(np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8))


def uploaded(app, content):
    app.file_uploader[0].upload("scan.jpg", content)
    return app.run()


def texts(app):
    return [m.value.replace("\u00a0", " ").replace("\\", "") for m in app.markdown]


def test_a_flagged_picture_gets_no_label_but_a_grey_answer_behind_a_disclosure(
    stores, open_page, fake_network, jpeg
):  # fmt: skip
    fake_network.ood = OodAnswer(score=2.0, percentile=1.0, threshold=1.0, flagged=True)
    app = uploaded(open_page("predict", model="real"), jpeg)
    assert not app.exception
    heading = [text for text in texts(app) if text.startswith("### ")]
    assert heading == ["### This does not look like the chest radiographs that this network has seen."]
    (behind,) = [e for e in app.expander if e.label == "What the network answers all the same"]
    assert not behind.proto.expanded
    assert any(m.value.startswith(":gray[The network gives Pneumonia") for m in behind.markdown)
    assert any("every one of the validation images" in c.value for c in app.caption)
    assert sum("This is not a diagnosis" in warning.value for warning in app.warning) == 1


def test_a_picture_that_passes_the_gate_is_answered_as_ever(stores, open_page, fake_network, jpeg):
    fake_network.ood = OodAnswer(score=0.2, percentile=0.7, threshold=1.0, flagged=False)
    app = uploaded(open_page("predict", model="real"), jpeg)
    assert any(text.startswith("### The network gives **Pneumonia 90 %**") for text in texts(app))
    assert not [e for e in app.expander if e.label == "What the network answers all the same"]


@pytest.mark.parametrize(("score", "close"), [(0.55, True), (0.9, False)])
def test_a_score_in_the_band_is_too_close_to_call(stores, open_page, fake_network, jpeg, monkeypatch, score, close):
    from pages.ui import cache

    band = Referral(low=0.5, high=0.6, rule="coverage:0.9", chosen_on="validation")
    listing = cache.model_listing()
    cards = tuple(replace(c, referral=ReferralRecord(band=band, estimates=())) for c in listing.cards)
    monkeypatch.setattr(cache, "model_listing", lambda: replace(listing, cards=cards))
    fake_network.positive = score
    app = uploaded(open_page("predict", model="real"), jpeg)
    assert any("Too close to call: a person should read this one" in text for text in texts(app)) is close


def test_the_run_page_draws_risk_against_coverage(stores, open_page):
    app = open_page("run", run=stores["mlp"].run_id, part="doubt")
    assert not app.exception
    assert any("go to a person (so that 90 % are answered" in text for text in texts(app))
    assert any("AURC" in c.value for c in app.caption)


def test_a_model_that_no_longer_gives_its_golden_outputs_is_marked_broken_with_the_difference(
    stores, open_page, jpeg, tmp_path, monkeypatch
):  # fmt: skip
    shutil.copytree(MODELS / "phantom-nodule", tmp_path / "phantom-nodule")
    card = load_card("phantom-nodule", tmp_path)
    outputs = tuple((a - 0.02, b + 0.02) for a, b in card.golden_outputs)
    (tmp_path / "phantom-nodule" / "card.json").write_text(to_json(replace(card, golden_outputs=outputs)), "utf-8")
    monkeypatch.setenv("MEDLENS_MODELS", str(tmp_path))
    app = uploaded(open_page("predict", model="phantom-nodule"), jpeg)
    assert not app.exception
    (broken,) = [error.value for error in app.error]
    assert "answers its golden images differently from its card" in broken
    assert "by 0.02" in broken.replace("\\", "")
    assert not [text for text in texts(app) if text.startswith("### ")]
