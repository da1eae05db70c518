"""`score` with a model that has a gate: one more column, the same after a kill, and read back."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core.data.images import encode_png
from core.errors import PredictionsInvalid
from core.nn.serving import Predictor
from core.serve.scoring import score_images
from core.store.models import load_card
from core.store.scores import load_scores

NAME = "phantom-nodule"


@pytest.fixture
def pictures(tmp_path):
    from core.data.phantom import draw_phantom

    folder = tmp_path / "pictures"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    for number in range(3):
        (folder / f"{number}.png").write_bytes(encode_png(draw_phantom(7, number, 0).pixels))
    (folder / "noise.png").write_bytes(encode_png(noise))
    return folder


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_every_row_says_how_far_the_picture_lies_from_the_training_images(pictures, tmp_path, kind):
    out = tmp_path / f"scores.{kind}"
    score_images(pictures, NAME, out, predictor=Predictor.load(NAME))
    table = load_scores(out)
    assert table.meta.gate == load_card(NAME).ood.threshold
    flagged = dict(zip(table.image_ids, table.unlike > table.meta.gate, strict=True))
    assert flagged == {"0.png": False, "1.png": False, "2.png": False, "noise.png": True}
    if kind == "csv":
        assert out.read_text("utf-8").splitlines()[0].endswith("width_px,height_px,unlike")
        document = json.loads((tmp_path / "scores.csv.meta.json").read_text("utf-8"))
        assert document["gate"] == table.meta.gate
    with pytest.raises(PredictionsInvalid, match="does not fit the sidecar"):
        replace(table, unlike=None)
    with pytest.raises(PredictionsInvalid, match="does not fit the sidecar"):
        replace(table, meta=replace(table.meta, gate=None))


def test_going_on_after_a_kill_gives_the_same_file(pictures, tmp_path):
    predictor, whole, cut = Predictor.load(NAME), tmp_path / "whole.csv", tmp_path / "cut.csv"
    score_images(pictures, NAME, whole, batch_size=1, predictor=predictor)

    def stop(stage, done, _total):
        if stage == "scoring" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_images(pictures, NAME, cut, batch_size=1, predictor=predictor, report=stop)
    assert score_images(pictures, NAME, cut, batch_size=1, predictor=predictor).n_before == 2
    assert cut.read_bytes() == whole.read_bytes()
