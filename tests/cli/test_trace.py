"""`models trace`: a drawn picture through a small network, stored beside it; what cannot be traced is refused."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.__main__ import app
from core.store.traces import load_trace

MODELS = Path(__file__).resolve().parents[2] / "models"
runner = CliRunner()


@pytest.fixture
def models(tmp_path, monkeypatch):
    shutil.copytree(MODELS / "phantom-nodule", tmp_path / "phantom-nodule")
    monkeypatch.setenv("MEDLENS_MODELS", str(tmp_path))
    return tmp_path


def test_another_phantom_takes_the_place_of_the_shipped_one(models):
    done = runner.invoke(app, ["models", "trace", "phantom-nodule", "--phantom", "phantom://2026/14/0", "--json"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    trace = load_trace("phantom-nodule", models)
    assert trace.phantom == answer["phantom"] == "phantom://2026/14/0?size_px=224"
    assert answer["probabilities"]["Nodule"] == pytest.approx(trace.probabilities[1])


@pytest.mark.parametrize(
    ("arguments", "word"), [(["nobody"], "nobody"), (["phantom-nodule", "--phantom", "phantom://x"], "whole numbers")]
)
def test_what_is_not_there_is_refused_with_a_sentence(models, arguments, word):
    done = runner.invoke(app, ["models", "trace", *arguments])
    assert done.exit_code == 1  # refused in words; a fault has another code
    assert word in done.stderr
    assert "Traceback" not in done.output
