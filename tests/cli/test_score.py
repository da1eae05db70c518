"""`score` and `evaluate --scores` as a person or a script meets them: exit codes, one JSON document, the way on."""

import json
import shlex

import pytest
from typer.testing import CliRunner

from core.__main__ import app
from core.data.images import encode_png
from core.data.load import load_table
from core.data.sources import read_image
from core.nn.serving import Predictor
from core.store.score_writer import ScoreWriter
from core.store.scores import load_scores

runner = CliRunner()
OPTIONS = {"patients": 12, "seed": 99, "size_px": 64}


def call(*arguments):
    return runner.invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    """The phantoms of a small labelled set as files that are named by their ids."""
    folder = tmp_path_factory.mktemp("phantoms")
    for image_id, path in load_table("phantom", options=OPTIONS).rows[["image_id", "path"]].itertuples(index=False):
        (folder / f"{image_id}.png").write_bytes(encode_png(read_image(path)))
    return folder


def evaluate(*more):
    options = [part for name, value in OPTIONS.items() for part in ("--option", f"{name}={value}")]
    return call("evaluate", "phantom-nodule", "phantom", "--split", "all", "--json", *options, *more)


def test_it_explains_itself():
    result = call("score", "--help")
    assert result.exit_code == 0
    assert all(option in result.output for option in ("--model", "--out", "--restart", "--limit", "--json"))


def test_a_folder_becomes_a_file_and_a_second_call_refuses_to_touch_it(phantoms, tmp_path):
    out = tmp_path / "s.csv"
    result = call("score", phantoms, "--model", "phantom-nodule", "--out", out, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["n_scored"] == document["n_files"] == len(load_scores(out)) > 12
    assert document["n_refused"] == document["n_before"] == 0
    assert "not a diagnosis" in document["notice"]
    again = call("score", phantoms, "--model", "phantom-nodule", "--out", out)
    assert again.exit_code == 1
    assert "is finished" in again.output and "--restart" in again.output
    assert call("score", phantoms, "--model", "phantom-nodule", "--out", out, "--restart").exit_code == 0


def test_refused_files_are_counted_and_the_exit_code_is_1(phantoms, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for file in sorted(phantoms.iterdir())[:3]:
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "notes.png").write_text("these are notes", encoding="utf-8")
    result = call("score", folder, "--model", "phantom-nodule", "--out", tmp_path / "s.parquet")
    assert result.exit_code == 1
    assert "3 of 4 files scored by phantom-nodule" in result.stdout
    assert "1 refused: see" in result.stderr and "s.parquet.refused.csv" in result.stderr


def test_ctrl_c_leaves_a_work_that_the_shown_command_finishes(phantoms, tmp_path, monkeypatch):
    out = tmp_path / "the scores.csv"
    real, calls = ScoreWriter.append, []

    def interrupted(self, rows, refused):
        calls.append(len(rows))
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(self, rows, refused)

    with monkeypatch.context() as patch:
        patch.setattr(ScoreWriter, "append", interrupted)
        stopped = call("score", phantoms, "--model", "phantom-nodule", "--out", out, "--batch-size", "2", "--restart")
    assert stopped.exit_code == 130
    assert not out.exists()
    shown = shlex.split(stopped.stderr.splitlines()[-1])
    assert shown[:4] == ["python", "-m", "core", "score"]
    assert "--restart" not in shown
    finished = call(*shown[3:], "--json")
    assert finished.exit_code == 0, finished.output
    assert json.loads(finished.stdout)["n_before"] == 4
    assert len(load_scores(out)) == len(list(phantoms.iterdir()))


def test_stored_scores_give_the_numbers_of_the_network_without_loading_it(phantoms, tmp_path, monkeypatch):
    out = tmp_path / "s.csv"
    assert call("score", phantoms, "--model", "phantom-nodule", "--out", out).exit_code == 0
    direct = evaluate()
    assert direct.exit_code == 0, direct.output

    def never(*_):
        raise AssertionError("the network was loaded")

    monkeypatch.setattr(Predictor, "load", never)
    stored = evaluate("--scores", out)
    assert stored.exit_code == 0, stored.output
    numbers, others = (
        {(e["metric"], e["class_name"], e["method"]): e["value"] for e in json.loads(result.stdout)["estimates"]}
        for result in (direct, stored)
    )
    assert numbers == pytest.approx(others, abs=1e-6)


@pytest.mark.parametrize(
    ("keep", "arguments", "words"),
    [
        (3, (), "images have no score in s.csv: "),
        (None, ("--option", "seed=98"), "images have no score"),
    ],
    ids=["not all scored", "other images"],
)
def test_scores_of_other_images_are_refused(keep, arguments, words, phantoms, tmp_path):
    out = tmp_path / "s.csv"
    limit = () if keep is None else ("--limit", keep)
    assert call("score", phantoms, "--model", "phantom-nodule", "--out", out, *limit).exit_code == 0
    result = evaluate("--scores", out, *arguments)
    assert result.exit_code == 1
    assert words in result.output


def test_scores_of_another_model_are_refused(phantoms, tmp_path):
    out = tmp_path / "s.csv"
    assert call("score", phantoms, "--model", "phantom-nodule", "--out", out, "--limit", "1").exit_code == 0
    result = call("evaluate", "chest-xray-pneumonia", "phantom", "--scores", out, "--split", "all",
                  "--sum", "Pneumonia", "--map", "negative=Normal", "--map", "nodule=Pneumonia")  # fmt: skip
    assert result.exit_code == 1
    assert "was made by phantom-nodule" in result.output
