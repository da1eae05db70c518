"""`python -m core data ...`: exit codes, one JSON document, messages without a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from core.cli.data import app, parse_options
from core.errors import SpecInvalid

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def images(tmp_path):
    """Two classes of four images in `own`."""
    rng = np.random.default_rng(0)
    for label in ("healthy", "sick"):
        (tmp_path / "own" / label).mkdir(parents=True)
        for i in range(4):
            pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
            (tmp_path / "own" / label / f"{i}.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return tmp_path / "own"


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_list_names_every_set_as_json():
    result = call("list", "--json")
    assert result.exit_code == 0
    entries = {entry["key"]: entry for entry in json.loads(result.stdout)}
    assert entries["phantom"]["present"] is True
    assert entries["ham10000"]["licence"] == "CC BY-NC 4.0"


def test_list_on_screen_shows_whole_keys():
    result = call("list")
    assert result.exit_code == 0
    assert "covid19-radiography" in result.stdout


def test_check_of_a_sound_set_succeeds(images):
    result = call("check", "folder", "--root", images)
    assert result.exit_code == 0, result.output
    assert "Nothing is wrong." in result.stdout
    assert "train" in result.stdout


def test_check_prints_one_json_document(images):
    result = call("check", "folder", "--root", images, "--split", "random", "--seed", "3", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["ok"] is True
    assert (found["split_kind"], found["seed"], found["n_images"]) == ("random", 3, 8)
    assert sum(part["n_images"] for part in found["splits"]) == 8
    assert found["audit"]["groups_in_several_splits"] == 0


def test_check_names_a_refused_image_and_fails_unless_told_to_skip(images):
    (images / "sick" / "0.png").write_bytes(b"\x89PNG")
    result = call("check", "folder", "--root", images)
    assert result.exit_code == 1
    assert "sick/0.png" in result.stdout
    assert "healthy" in result.stdout  # the counts of the rest stand all the same
    assert call("check", "folder", "--root", images, "--skip-bad").exit_code == 0
    found = json.loads(call("check", "folder", "--root", images, "--json").stdout)
    assert found["ok"] is False
    assert found["n_images"] == 7
    assert "sick/0.png" in found["refused"][0]


def test_check_of_an_unusable_folder_fails_with_all_problems_in_json_too(tmp_path):
    result = call("check", "siim-covid19", "--root", tmp_path, "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["ok"] is False
    assert "train_study_level.csv" in found["problems"][0]
    assert "train_study_level.csv" in result.stderr


def test_check_takes_options_of_the_reader(images):
    result = call("check", "folder", "--root", images, "--option", "classes=sick,healthy", "--json")
    assert list(json.loads(result.stdout)["labels"]) == ["sick", "healthy"]


@pytest.mark.parametrize(
    "words",
    [("check", "nothing"), ("check", "folder", "--split", "best"), ("check", "folder", "--scheme", "none"),
     ("check", "folder", "--option", "classes"), ("download", "chest_xray"), ("download", "medmnist"),
     ("download", "medmnist", "--name", "catmnist"), ("download", "nothing")],
)  # fmt: skip
def test_what_cannot_be_done_is_one_message_and_exit_code_one(images, words):
    root = ("--root", images) if words[0] == "check" else ()
    result = call(*words, *root)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert len(result.stderr) > 20


def test_download_of_a_set_by_hand_prints_the_steps():
    result = call("download", "ham10000", "--json")
    assert result.exit_code == 1
    assert "Dataverse" in json.loads(result.stdout)["error"]


def test_options_become_numbers_where_they_are():
    assert parse_options(["a=1", "b=0.5", "c=x=y", "d="]) == {"a": 1, "b": 0.5, "c": "x=y", "d": ""}
    with pytest.raises(SpecInvalid, match="NAME=VALUE"):
        parse_options(["a"])


def test_check_in_a_fresh_process_loads_no_tensorflow(images):
    code = (
        "import sys; from core.cli.data import app\n"
        f"try: app(['check', 'folder', '--root', {str(images)!r}, '--json'])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert not {'tensorflow', 'keras', 'streamlit'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"] is True
