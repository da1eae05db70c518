"""Beside the map stands what the card has measured of it, or that nothing was measured."""

import shutil

import numpy as np
import pytest

from core.data.images import encode_jpeg
from core.store.models import save_localisation
from core.types import Estimate, LocalisationRecord

JPEG = encode_jpeg(np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8))


@pytest.fixture
def measured(models, tmp_path, monkeypatch):
    """The model of real images with a measurement, the others without."""
    shutil.copytree(models, tmp_path / "models")
    hit = Estimate(
        metric="pointing_hit", value=0.61, low=0.58, high=0.64, level=0.95, n_images=1024, n_groups=800,
        method="bootstrap over patients, 1000 resamples", split="all",
    )  # fmt: skip
    record = LocalisationRecord(
        dataset="siim-covid19", split="all", truth="boxes", class_rule="Pneumonia", method="Grad-CAM", n_images=1024,
        n_groups=800, n_empty=0, n_unmarked=0, n_eligible=1024, n_seen=0, estimates=(hit,),
        chance={"pointing_hit": 0.23}, created_utc="now",
    )  # fmt: skip
    save_localisation("real", record, tmp_path / "models")
    monkeypatch.setenv("MEDLENS_MODELS", str(tmp_path / "models"))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("real", "lay inside a box in 61 % (58–64 %); a random point would in 23 %."),
        ("three", "has not been measured against experts' marks"),
    ],
)
def test_beside_the_map_stands_how_often_it_points_right_or_that_nobody_measured(
    stores, measured, open_page, fake_network, model, words
):
    app = open_page("predict", model=model)
    app.file_uploader[0].upload("scan.jpg", JPEG)
    app.run()
    assert not app.exception
    assert any(words in caption.value.replace("\\", "") for caption in app.caption)
    details = next(table.value for table in app.table if "Where it looks" in table.value.to_string())
    assert words.split(";")[0] in details.to_string(max_colwidth=None).replace("\\", "")
