"""The gate of a run, of its exported model, and of a model that gets one later."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from core.errors import ModelDamaged, SpecInvalid
from core.store.models import load_card, model_folder, save_gate, save_model
from core.store.runs import load_artifact, load_predictions

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def network(study):
    from core.training.exporting import export_run

    export_run(study[1].run_id, "gated")
    return study[1]


def share(card, split):
    return next(e for e in card.ood.estimates if e.split == split)


def test_a_run_stores_its_gate_and_the_export_puts_it_beside_the_model(network):
    from core.nn.ood import Gate, scores_of

    card = load_card("gated")
    stored = load_artifact(network.run_id, "ood.npz")
    assert (model_folder("gated") / "ood.npz").read_bytes() == stored
    gate, scores = Gate.from_bytes(stored), scores_of(load_artifact(network.run_id, "ood_scores.npz"))
    assert set(gate.parts) == {"features", "appearance"}
    assert card.ood.threshold == gate.threshold
    for split in ("validation", "test"):
        assert len(scores[split]) == len(load_predictions(network.run_id, split))
        assert share(card, split).value == pytest.approx(gate.is_unlike(scores[split]).mean())
    assert share(card, "test").low is not None
    assert card.referral.band.chosen_on == "validation"


def test_the_model_scores_its_test_images_as_the_run_did(network):
    from core.data.sources import read_image
    from core.nn.ood import scores_of
    from core.nn.serving import Predictor
    from core.training.prepared import prepare_data

    predictor = Predictor.load("gated")
    paths, _, _ = prepare_data(network.spec, None).part("test")
    found = [predictor.predict(read_image(p), False).ood.score for p in paths[:6]]
    stored = scores_of(load_artifact(network.run_id, "ood_scores.npz"))["test"][:6]
    np.testing.assert_allclose(found, stored, atol=1e-3)


def test_noise_and_colour_are_flagged(network):
    from core.nn.serving import Predictor

    predictor = Predictor.load("gated")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    red = np.full((64, 64, 3), (200, 30, 30), np.uint8)
    for picture in (noise, red, np.zeros_like(red)):
        answer = predictor.predict(picture, False).ood
        assert answer.flagged
        assert answer.percentile == 1.0


@pytest.mark.slow
def test_a_frozen_run_has_a_gate_of_its_features_alone(network, frozen):
    from core.nn.ood import Gate
    from core.training.runner import run

    record = run(frozen(network, "mlp"))
    assert set(Gate.from_bytes(load_artifact(record.run_id, "ood.npz")).parts) == {"features"}
    assert "ood.npz" not in run(frozen(network, "logistic_regression")).artifacts


def without_gate(name):
    card, folder = load_card("gated"), model_folder("gated")
    sums = {file: value for file, value in card.other_sha256.items() if file != "ood.npz"}
    bare = replace(card, name=name, ood=None, referral=None, other_sha256=sums)
    save_model(bare, {file: folder / file for file in ("model.keras", *sums)}, replace=True)
    return bare


def test_a_model_gets_its_gate_later_by_the_command_line(network):
    from core.__main__ import app
    from core.nn.serving import Predictor

    without_gate("later")
    assert Predictor.load("later").predict(np.zeros((64, 64, 3), np.uint8), False).ood is None
    looked = CliRunner().invoke(app, ["models", "gate", "later"])
    assert looked.exit_code == 0, looked.output
    assert "98th percentile of validation" in " ".join(looked.output.split())
    assert load_card("later").ood is None
    done = CliRunner().invoke(app, ["models", "gate", "later", "--write", "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    first, card = load_card("gated"), load_card("later")
    assert (document["written"], document["ood"]["threshold"]) == (True, card.ood.threshold)
    assert card.ood.threshold == pytest.approx(first.ood.threshold, abs=1e-3)
    assert card.referral == first.referral
    assert Predictor.load("later").predict(np.zeros((64, 64, 3), np.uint8), False).ood.flagged


def test_a_changed_gate_is_not_served(network):
    from core.nn.serving import Predictor

    card, folder = load_card("gated"), model_folder("gated")
    files = {file: folder / file for file in ("model.keras", *card.other_sha256)}
    save_model(replace(card, name="tampered-gate"), files)
    path = model_folder("tampered-gate") / "ood.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelDamaged, match="sha256"):
        Predictor.load("tampered-gate")


def test_a_gate_that_the_card_does_not_name_is_not_written(network):
    bare = without_gate("unnamed")
    for card in (bare, replace(bare, ood=load_card("gated").ood, other_sha256={"ood.npz": "0" * 64})):
        with pytest.raises(ModelDamaged, match="does not name"):
            save_gate(card, b"gate")
    assert not (model_folder("unnamed") / "ood.npz").exists()


def test_a_model_from_outside_gets_none(network):
    from core.training.gating import gate_model

    card = without_gate("foreign")
    folder = model_folder("foreign")
    save_model(replace(card, run_id=""), {f: folder / f for f in ("model.keras", *card.other_sha256)}, replace=True)
    with pytest.raises(SpecInvalid, match="comes from outside"):
        gate_model("foreign", None)
