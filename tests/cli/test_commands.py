"""The command line as a person or a script meets it: help, exit codes, one JSON document, nothing half told."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from core.__main__ import app
from core.data.phantom import draw_phantom

ROOT = Path(__file__).resolve().parents[2]
runner = CliRunner()
SMALL_PLAN = """
[defaults]
dataset = "phantom"
label_scheme = "phantom_nodule"
architecture = "compact_cnn"
dataset_options = { patients = 60, seed = 5, size_px = 64 }
preprocess = { size_px = 32 }

[[runs]]
name = "cnn"
head = "linear"
strategy = "scratch"
weights = "none"
epochs = 1

[[runs]]
head = ["mlp", "dummy"]
weights = "run:cnn"
epochs = 1
"""


def call(*arguments):
    return runner.invoke(app, [str(a) for a in arguments])


@pytest.fixture
def phantoms(tmp_path):
    files = []
    for number in range(3):
        file = tmp_path / f"phantom {number}.png"
        Image.fromarray(draw_phantom(9, number, 0).pixels).save(file)
        files.append(file)
    return files


@pytest.mark.parametrize(
    "command", [[], ["data"], ["data", "check"], ["benchmark"], ["export"], ["predict"], ["evaluate"]], ids=" ".join
)
def test_every_command_explains_itself(command):
    result = call(*command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["benchmark", "nothing"], "No plan 'nothing'"),
        (["export", "nothing", "name"], "nothing"),
        (["predict", "x.png", "--model", "nothing"], "nothing"),
        (["evaluate", "nothing", "phantom"], "nothing"),
        (["evaluate", "phantom-nodule", "phantom", "--split", "half"], "expected test or all"),
        (["evaluate", "phantom-nodule", "nothing"], "Unknown data set"),
    ],
    ids=lambda a: " ".join(a) if isinstance(a, list) else "",
)
def test_a_mistake_is_one_message_and_exit_code_1(arguments, words):
    result = call(*arguments)
    assert result.exit_code == 1
    assert words in result.output
    assert "Traceback" not in result.output


def test_a_dry_run_lists_the_plan_and_trains_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLENS_RESULTS", str(tmp_path))
    result = call("benchmark", "chest_xray", "--dry-run", "--json")
    assert result.exit_code == 0
    assert [row["stored"] for row in json.loads(result.stdout)] == [False] * 30
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.keras
def test_a_plan_is_trained_once_and_then_skipped(tmp_path, monkeypatch):
    for variable in ("RESULTS", "CACHE", "MODELS"):
        monkeypatch.setenv(f"MEDLENS_{variable}", str(tmp_path / variable.lower()))
    plan = tmp_path / "small.toml"
    plan.write_text(SMALL_PLAN, encoding="utf-8")
    first = call("benchmark", plan, "--json")
    assert first.exit_code == 0, first.output
    done = json.loads(first.stdout)["done"]
    assert len(done) == 3
    times = {r: (tmp_path / "results" / r / "run.json").stat().st_mtime_ns for r in done}
    assert (tmp_path / "results" / "leaderboard.csv").read_text(encoding="utf-8").count("\n") == 4
    second = call("benchmark", plan)
    assert second.exit_code == 0
    assert second.output.count("stored already") == 3
    assert times == {r: (tmp_path / "results" / r / "run.json").stat().st_mtime_ns for r in done}
    exported = call("export", next(r for r in done if "mlp" in r), "small", "--json")
    assert exported.exit_code == 0, exported.output
    assert json.loads(exported.stdout)["name"] == "small"


@pytest.mark.keras
def test_predict_answers_good_files_names_the_bad_one_and_leaves_with_1(phantoms, tmp_path):
    bad = tmp_path / "notes.png"
    bad.write_text("these are notes, not a picture", encoding="utf-8")
    result = call("predict", *phantoms[:2], bad, phantoms[2], "--model", "phantom-nodule", "--json",
                  "--explain", tmp_path / "overlays", "--method", "layercam")  # fmt: skip
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert [Path(p["file"]).name for p in document["predictions"]] == [f.name for f in phantoms]
    assert list(document["refused"]) == [str(bad)]
    assert "not a diagnosis" in document["notice"]
    for prediction in document["predictions"]:
        assert sum(prediction["probabilities"].values()) == pytest.approx(1)
        assert prediction["explanation"] == {"method": "Layer-CAM", "layer": "block4_out"}
        with Image.open(prediction["overlay"]) as overlay:
            assert overlay.mode == "RGB"


@pytest.mark.keras
def test_evaluate_prints_estimates_with_intervals():
    result = call("evaluate", "phantom-nodule", "phantom", "--option", "patients=80", "--option", "seed=99",
                  "--split", "all", "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    auc = next(e for e in document["estimates"] if e["metric"] == "auc" and e["class_name"] is None)
    assert auc["low"] <= auc["value"] <= auc["high"]
    assert auc["n_groups"] < auc["n_images"]
    assert document["n_seen_in_training"] == 0


@pytest.mark.keras
def test_a_script_gets_pure_json_on_standard_output_and_the_rest_elsewhere(phantoms):
    answer = subprocess.run(
        [sys.executable, "-m", "core", "predict", str(phantoms[0]), "--model", "phantom-nodule", "--json"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["model"] == "phantom-nodule"
    assert "oneDNN" not in answer.stderr
