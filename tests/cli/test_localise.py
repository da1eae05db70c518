"""`models localise` on phantoms, whose boxes are known: the whole way from the command to the card."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.__main__ import app
from core.store.models import load_card

MODELS = Path(__file__).resolve().parents[2] / "models"
UNSEEN = ("--option", "patients=120", "--option", "seed=99", "--split", "all")
FEW = ("--option", "patients=60", "--option", "seed=99", "--split", "all")
runner = CliRunner()


@pytest.fixture
def models(tmp_path, monkeypatch):
    shutil.copytree(MODELS / "phantom-nodule", tmp_path / "phantom-nodule")
    monkeypatch.setenv("MEDLENS_MODELS", str(tmp_path))
    return tmp_path


def call(*arguments):
    return runner.invoke(app, ["models", "localise", *map(str, arguments)])


def estimate(document, metric):
    return next(e for e in document["estimates"] if e["metric"] == metric and e["class_name"] is None)


def test_the_maps_of_the_phantom_model_point_at_planted_nodules_and_the_card_says_so(models):
    before = load_card("phantom-nodule")
    result = call("phantom-nodule", "phantom", *UNSEEN, "--json", "--write")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    hit, swapped = estimate(document, "pointing_hit"), estimate(document, "pointing_swapped")
    assert document["truth"] == "boxes"
    assert document["chance"]["pointing_hit"] < 0.05  # of nodules alone: opacities are planted too, and are far larger
    assert hit["value"] > 0.6
    assert hit["low"] > 4 * max(swapped["value"], document["chance"]["pointing_hit"])
    assert estimate(document, "pointing_near")["value"] >= hit["value"]
    assert estimate(document, "energy_ratio")["low"] > 2
    assert document["n_seen"] == 0
    after = load_card("phantom-nodule")
    (record,) = after.localisation
    assert (record.dataset, record.split, record.n_images) == ("phantom", "all", document["n_images"])
    assert after.sha256 == before.sha256
    assert before.localisation == ()


def test_a_limit_draws_images_by_its_seed_and_the_card_stays_as_it_was(models):
    drawn = [json.loads(call("phantom-nodule", "phantom", *FEW, "--json", "--limit", 4, "--seed", s).stdout)
             for s in (1, 1, 2)]  # fmt: skip
    assert [d["n_images"] for d in drawn] == [4, 4, 4]
    assert drawn[0]["n_eligible"] > 4
    assert drawn[0]["estimates"] == drawn[1]["estimates"] != drawn[2]["estimates"]
    assert load_card("phantom-nodule").localisation == ()


def test_the_words_tell_value_interval_chance_and_how_few_images_there_were(models):
    result = call("phantom-nodule", "phantom", *FEW, "--limit", 5)
    assert result.exit_code == 0, result.output
    assert "against boxes: 5 images" in result.output
    assert "maps of Nodule, on images that show it" in result.output
    assert "by chance 0.0" in result.output
    assert "Only 5 images" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing", "phantom"], "nothing"),
        (["phantom-nodule", "nothing"], "Unknown data set"),
        (["phantom-nodule", "phantom", "--split", "half"], "expected test or all"),
        (["phantom-nodule", "phantom", "--class", "Mass"], "has no class 'Mass'; expected No nodule, Nodule"),
    ],
    ids=lambda a: " ".join(a) if isinstance(a, list) else "",
)
def test_a_mistake_is_one_message_and_exit_code_1(models, arguments, words):
    result = call(*arguments, *(() if "--split" in arguments else FEW))
    assert result.exit_code == 1
    assert words in result.output
