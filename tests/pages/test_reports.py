"""Reports from the pages: what a prediction and the gallery hand over, and which buttons ask for it."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from types import SimpleNamespace

import numpy as np
import pytest

from core.data.images import encode_png
from core.store.models import list_models
from core.types import Heatmap
from pages.ui import gallery, reports

CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Result:
    """What a predictor gives back: the last class at 0.9, its map warm in the upper left."""

    def __init__(self, card, flagged=False):
        rest = len(card.class_names) - 1
        self.ood = SimpleNamespace(flagged=True) if flagged else None
        self.probabilities = np.array([0.1 / rest] * rest + [0.9])
        values = np.zeros((64, 64))
        values[:16, :16] = 1.0
        self.heatmaps = tuple(
            Heatmap(
                image_id="x", class_name=c, method="Grad-CAM", layer="out", grid=(4, 4), values=values, is_empty=False
            )
            for c in card.class_names
        )  # fmt: skip


@pytest.fixture(scope="module")
def card(models):
    return next(c for c in list_models(models).cards if c.name == "real")


@pytest.fixture(scope="module")
def item(card):
    return gallery.gallery_item(
        card, np.full((80, 80, 3), 90, np.uint8), Result(card), name="scan <1>.png", class_name=None, strength=0.5,
        taken=CREATED, note="Filmed.", file_sha256="cd" * 32,
    )  # fmt: skip


def test_a_report_names_the_model_the_run_the_file_and_what_the_model_is_not_for(item):
    text = unescape(reports.written(reports.report_of([item], CREATED), "html").decode())
    for words in (
        "MedLens report on scan <1>.png", "gives Pneumonia 90", "Probabilities: Normal 10", "sha256 " + "cd" * 32,
        f"sha256 {item.model_sha256}", item.run_id, "Not for people.", "This is not a diagnosis", "Filmed.",
        "AUC", "no way to know whether a picture is of the kind", "2026-01-02 03:04:05 UTC", "upper left",
    ):  # fmt: skip
        assert words in text, words
    assert "**" not in text


def test_of_a_picture_unlike_the_training_images_that_is_said_before_any_class(card):
    found = gallery.gallery_item(
        card, np.full((80, 80, 3), 90, np.uint8), Result(card, flagged=True), name="cat.png", class_name=None,
        strength=0.5, taken=CREATED,
    )  # fmt: skip
    (picture,) = reports.report_of([found], CREATED).pictures
    assert picture.said[0].startswith("This does not look like the chest radiographs that this network has seen.")
    assert picture.said[0].index("all the same") < picture.said[0].index("Pneumonia")


def test_a_gallery_becomes_one_report_the_oldest_first_with_each_models_limits_once(item):
    older = replace(item, name="first.png", model_title="Another", limits=("Another limit.",))
    report = reports.report_of([item, item, older], CREATED)
    assert [p.name for p in report.pictures] == ["first.png", "scan <1>.png", "scan <1>.png"]
    assert report.limits == {"Another": ("Another limit.",), item.model_title: item.limits}
    assert reports.written(report, "pdf").startswith(b"%PDF-")


def test_the_versions_are_those_of_what_is_installed():
    found = reports.versions()
    assert found["NumPy"] == np.__version__
    assert {"MedLens", "Python", "ONNX Runtime", "OpenCV"} <= set(found)


def test_a_prediction_offers_its_report_in_both_forms_and_of_the_file_as_uploaded(
    stores, open_page, fake_network, monkeypatch
):
    from pages.ui import prediction

    offered = []
    monkeypatch.setattr(prediction, "report_buttons", lambda items, stem, key: offered.extend(items()))
    data = encode_png(np.full((64, 64, 3), 50, np.uint8))
    app = open_page("predict", model="real")
    app.file_uploader[0].upload("a.png", data)
    app.run()
    (found,) = offered
    assert (found.name, found.file_sha256) == ("a.png", hashlib.sha256(data).hexdigest())


@pytest.mark.slow
def test_the_buttons_stand_under_a_prediction_and_over_the_gallery(stores, open_page, fake_network, item):
    app = open_page("predict", model="real")
    app.file_uploader[0].upload("a.png", encode_png(np.full((64, 64, 3), 50, np.uint8)))
    app.run()
    assert {b.proto.label for b in app.get("download_button")} >= {"Report (HTML)", "Report (PDF)"}
    app = open_page("live", model="real")
    app.session_state["gallery"] = (item,)
    app.run()
    assert {b.proto.label for b in app.get("download_button")} >= {"Report (HTML)", "Report (PDF)"}
    assert not app.exception
