"""`models check` and `models add`: one sentence and exit code 1, or what was found."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from core.__main__ import app
from core.cli.foreign import parse_table
from core.errors import SpecInvalid
from core.types import TabularInput

SAVED = Path(__file__).resolve().parents[1] / "nn" / "foreign"


def test_a_broken_file_leaves_with_one_sentence_and_exit_code_1(tmp_path):
    (tmp_path / "net.keras").write_text("hello, I am a network", encoding="utf-8")
    done = CliRunner().invoke(app, ["models", "check", str(tmp_path / "net.keras")])
    assert done.exit_code == 1
    assert "This is no Keras model but a text file." in done.stderr
    assert "Traceback" not in done.output


def test_check_says_what_was_found_and_add_hands_the_answers_on(monkeypatch, tmp_path):
    from core.nn import foreign
    from core.nn.inspect import inspect_model

    found = inspect_model(SAVED / "keras-3.3.3.keras")
    probe = foreign.Probe(
        lowest=0.1, highest=0.9, task="binary", cam_layer="re_lu", cam_grid=(16, 16), difference=0.0,
        same_for_all=False, empty_maps=False,
    )  # fmt: skip
    monkeypatch.setattr(foreign, "check_model", lambda *a, **k: foreign.ForeignReport(found=found, probe=probe))
    text = CliRunner().invoke(app, ["models", "check", "net.keras"]).stdout
    assert "saved by Keras 3.3.3" in text
    assert "(stated: the first layer is rescaling (Rescaling)" in text
    document = json.loads(CliRunner().invoke(app, ["models", "check", "net.keras", "--json"]).stdout)
    assert document["found"]["class_count"] == 2
    asked = []

    def add(file, answers, *, replace, report):
        asked.append((file, answers, replace))
        return SimpleNamespace(
            name=answers.name, title="T", engine="ONNX Runtime", engine_reason="", sha256="s", limits=()
        )

    monkeypatch.setattr(foreign, "add_model", add)
    options = ["--name", "n", "--classes", "Normal, Opacity", "--positive", "Opacity", "--pixels", "unit",
               "--table", "age:0:110,sex", "--cam-layer", "L", "--size", "64", "--replace"]  # fmt: skip
    done = CliRunner().invoke(app, ["models", "add", "net.keras", *options])
    assert done.exit_code == 0
    ((file, answers, replaced),) = asked
    assert (str(file), answers.class_names, answers.positive_class) == ("net.keras", ("Normal", "Opacity"), "Opacity")
    assert (answers.pixel_scaling, answers.cam_layer, answers.size_px, replaced) == ("unit", "L", 64, True)
    assert answers.table == (TabularInput(name="age", low=0, high=110), TabularInput(name="sex"))


@pytest.mark.parametrize("text", ["age:0", "age:a:b", "age:0:1:2"])
def test_a_range_that_is_none_is_refused(text):
    with pytest.raises(SpecInvalid, match="NAME:LOW:HIGH"):
        parse_table(text)


def test_predict_hands_the_numbers_of_each_picture_on(monkeypatch, tmp_path):
    import numpy as np

    from core.data.images import encode_png
    from core.nn import serving

    card = SimpleNamespace(
        name="two", tabular_inputs=(TabularInput(name="age", low=0, high=110), TabularInput(name="sex")), task="binary",
        class_names=("Normal", "Ill"), positive_class="Ill", threshold=SimpleNamespace(values={"Ill": 0.5}),
    )  # fmt: skip
    given = []

    def predict(pixels, explain, *, image_id, table):
        given.append((image_id, table))
        return SimpleNamespace(probabilities=np.array([0.3, 0.7]))

    monkeypatch.setattr(serving.Predictor, "load", lambda name: SimpleNamespace(card=card, predict=predict))
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(encode_png(np.full((32, 32, 3), 90, np.uint8)))
    (tmp_path / "t.csv").write_text("file,sex,age\nb.png,1,7\na.png,0,61\n", encoding="utf-8")
    files, option = [str(tmp_path / n) for n in ("a.png", "b.png")], ["--table", str(tmp_path / "t.csv")]
    done = CliRunner().invoke(app, ["predict", *files, "--model", "two", *option, "--json"])
    assert done.exit_code == 0, done.output
    assert given == [("a.png", (61.0, 0.0)), ("b.png", (7.0, 1.0))]
    (tmp_path / "t.csv").write_text("file,sex\n", encoding="utf-8")
    refused = CliRunner().invoke(app, ["predict", *files, "--model", "two", *option])
    assert refused.exit_code == 1
    assert "the column 'age' is missing" in refused.stderr
    assert len(given) == 2
