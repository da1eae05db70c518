"""A foreign file on its way to a model folder: answers, the limited process, the card, and what is served."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError, ModelRefused
from core.nn import foreign
from core.nn.foreign_answers import ForeignAnswers, check_answers, positive_of, settled_output
from core.nn.inspect import InspectedInput, InspectedModel
from core.nn.tabular import checked_table, middle
from core.types import TabularInput

ROOT = Path(__file__).resolve().parents[2]
SAVED = Path(__file__).parent / "foreign"
FOUND = InspectedModel(
    kind="keras", keras_version="3.10.0", name="net", outputs=3, class_count=3, output_kind="softmax", layers=4,
    inputs=(InspectedInput(name="image", shape=(8, 8, 3), role="image"),), layer_kinds={"Dense": 1}, parameters=9,
    activations=9, stored_numbers=9, size_px=8, channels=3, architecture="", pixel_scaling="unit",
    pixel_reason="guessed", pixel_sure=False, cam_layer="c", cam_grid=(4, 4), class_names=("a", "b", "c"), sha256="0",
    file_bytes=1,
)  # fmt: skip
BINARY = replace(FOUND, outputs=2, class_count=2)
ONE = replace(FOUND, outputs=1, class_count=2, output_kind="sigmoid")
TABLE = replace(FOUND, inputs=(*FOUND.inputs, InspectedInput(name="t", shape=(2,), role="table")))
AGE = TabularInput(name="age", low=0, high=110)


def stated(*names, **more):
    return ForeignAnswers(name="x", class_names=names, **more)


@pytest.mark.parametrize(
    ("found", "answers", "words"),
    [
        (FOUND, stated("a", "b"), "gives 3 numbers, and 2 class names"),
        (FOUND, stated(), "0 class names are given"),
        (ONE, stated("a"), "one sigmoid, which is two classes"),
        (FOUND, stated("a", "b", "B"), "one name"),
        (FOUND, stated("a", "b", ""), "is no class name"),
        (FOUND, stated("a", "b", "x" * 61), "is no class name"),
        (FOUND, stated("a", "b", "![](http://evil)"), "is no class name"),
        (FOUND, stated("a", "b", "<img src=x>"), "is no class name"),
        (FOUND, stated("a", "b", "=cmd()"), "is no class name"),
        (FOUND, stated("a", "b", "c\n"), "is no class name"),
        (FOUND, stated("a", "b", "c", title="*bold*"), "is no title"),
        (FOUND, stated("a", "b", "c", pixel_scaling="0-255"), "pixel range '0-255' is not known"),
        (FOUND, stated("a", "b", "c", output="sigmoid"), "ends in a softmax"),
        (FOUND, stated("a", "b", "c", positive_class="a"), "expected is none"),
        (BINARY, stated("a", "b"), "Which class is looked for|Which of the two"),
        (BINARY, stated("a", "b", positive_class="c"), "positive class is 'c'"),
        (replace(ONE, output_kind="linear"), stated("a", "b"), "a regression"),
        (replace(FOUND, output_kind="tanh"), stated("a", "b", "c"), "last activation is tanh"),
        (replace(FOUND, output_kind="linear"), stated("a", "b", "c", output="relu"), "output 'relu' is not known"),
        (FOUND, stated("a", "b", "c", table=(AGE,)), "takes 0 numbers"),
        (TABLE, stated("a", "b", "c", table=(AGE,)), "takes 2 numbers beside the picture, and 1"),
        (TABLE, stated("a", "b", "c", table=(AGE, AGE)), "Two numbers"),
        (TABLE, stated("a", "b", "c", table=(AGE, TabularInput(name="s", low=2, high=1))), "low below high"),
        (TABLE, stated("a", "b", "c", table=(AGE, TabularInput(name="[s]"))), "no name of a number"),
    ],
)
def test_answers_that_do_not_fit_the_network_are_refused(found, answers, words):
    with pytest.raises(ModelRefused, match=words):
        check_answers(found, answers)


def test_answers_that_fit_pass():
    check_answers(FOUND, stated("Normal", "Pneumonia (viral)", "COVID-19"))
    check_answers(BINARY, stated("Normal", "Épanchement", positive_class="Normal"))
    check_answers(ONE, stated("negative", "positive"))
    check_answers(TABLE, stated("a", "b", "c", table=(AGE, TabularInput(name="sex"))))
    assert positive_of(stated("no", "yes"), "binary") == "yes"
    assert positive_of(stated("no", "yes"), "multiclass") is None
    assert settled_output(replace(FOUND, output_kind="linear"), "") == "softmax"


def test_a_file_with_code_is_refused_through_the_process_without_tensorflow(tmp_path):
    config = {"class_name": "Sequential", "module": "keras", "config": {"name": "s", "layers": [
        {"class_name": "InputLayer", "module": "keras.layers", "config": {"batch_shape": [None, 8, 8, 3], "name": "i"}},
        {"class_name": "Lambda", "module": "keras.layers", "config": {"name": "gift", "function": "x"}}]}}  # fmt: skip
    file = tmp_path / "bad.keras"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n")
    stages = []
    with pytest.raises(ModelRefused, match=r"'gift' \(Lambda\): it carries Python code"):
        foreign.check_model(file, report=stages.append)
    assert foreign.WORDS["load"] not in stages
    with pytest.raises(ModelRefused, match=r"nothing\.keras is no file"):
        foreign.check_model(tmp_path / "nothing.keras")


def test_a_wrong_number_of_class_names_is_refused_before_keras_is_started(tmp_path):
    stages = []
    answers = ForeignAnswers(name="old", class_names=("a", "b", "c"))
    with pytest.raises(ModelRefused, match="one sigmoid, which is two classes, and 3 class names"):
        foreign.add_model(SAVED / "keras-3.3.3.keras", answers, tmp_path, report=stages.append)
    assert foreign.WORDS["load"] not in stages
    assert not list(tmp_path.iterdir())


def test_a_network_that_takes_too_long_is_stopped_with_all_its_processes(monkeypatch):
    monkeypatch.setattr(foreign, "SECONDS", {**foreign.SECONDS, "start": 0.0, "inspect": 0.0, "load": 0.0})
    started = []
    popen = subprocess.Popen

    def kept(*args, **kwargs):
        started.append((popen(*args, **kwargs), kwargs["env"]))
        return started[-1][0]

    monkeypatch.setenv("MEDLENS_TOKEN", "a secret of the server")
    monkeypatch.setattr(foreign.subprocess, "Popen", kept)
    with pytest.raises(ModelRefused, match=r"took longer than 0 s .*it was stopped"):
        foreign.check_model(SAVED / "keras-3.15.1.keras")
    ((process, environment),) = started
    assert process.returncode == -9
    assert "MEDLENS_TOKEN" not in environment


def test_the_process_gets_no_more_memory_than_the_limit():
    script = (
        "from core import limits; from core.nn.foreign_child import _limit; _limit()\n"
        "try:\n    bytearray(limits.MODEL_CHILD_BYTES); print('too much')\nexcept MemoryError:\n    print('stopped')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "stopped"


@pytest.mark.parametrize(("status", "words"), [(-9, "more than 4 GB of memory"), (1, "could not be read to its end")])
def test_a_process_that_dies_is_told_from_one_that_refuses(status, words, monkeypatch):
    monkeypatch.setattr(foreign, "_run", lambda folder, report, seconds: _died(folder, status))
    with pytest.raises(ModelRefused, match=words):
        foreign.check_model(SAVED / "keras-3.15.1.keras")


def _died(folder, status):
    (folder / foreign.LOG_FILE).write_text("Segmentation fault\n", encoding="utf-8")
    return "load", status


def test_numbers_beside_the_picture_must_be_there_and_in_range(two_inputs):
    card, _ = two_inputs
    assert middle(card.tabular_inputs) == (55.0, 0.0)
    with pytest.raises(ModelError, match="also takes age, sex"):
        checked_table(card, None, 1)
    with pytest.raises(ModelError, match="one is missing"):
        checked_table(card, np.array([[50.0]]), 1)
    with pytest.raises(ModelError, match="one is missing"):
        checked_table(card, np.array([[50.0, np.nan]]), 1)
    for age in (200.0, -5.0):
        with pytest.raises(ModelError, match=rf"age is {age:g}; two-inputs takes 0 to 110"):
            checked_table(card, np.array([[age, 0.0]]), 1)
    assert checked_table(card, np.array([[50.0, 1e6]]), 1).shape == (1, 2)


@pytest.fixture(scope="module")
def two_inputs(tmp_path_factory):
    """(card, folder) of a network of a grey picture and two numbers, saved by Keras and added through the process."""
    from core.nn.backend import keras

    layers, folder = keras.layers, tmp_path_factory.mktemp("models")
    keras.utils.set_random_seed(2)
    image, numbers = keras.Input((24, 24, 1)), keras.Input((2,))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu", name="cells")(image))
    x = layers.Concatenate()([x, layers.Rescaling(1 / 100)(numbers)])
    file = folder / "upload.keras"
    keras.Model([image, numbers], layers.Dense(3)(x)).save(file)
    answers = ForeignAnswers(
        name="two-inputs", class_names=("Normal", "Opacity", "Effusion"), table=(AGE, TabularInput(name="sex"))
    )
    return foreign.add_model(file, answers, folder / "models"), folder / "models"


@pytest.mark.keras
def test_the_card_says_what_nobody_knows(two_inputs):
    from core.figures import sentences

    card, _ = two_inputs
    assert (card.estimates, card.temperature, card.threshold.rule, card.run_id) == ((), 1.0, "not chosen", "")
    assert set(card.threshold.values.values()) == {0.5}
    assert (card.training_data, card.n_train_images, card.licence) == ("not stated", 0, "not stated")
    assert (card.output_kind, len(card.source_file)) == ("logits, read by softmax", 64)
    assert "ONNX graphs are written for networks that take a picture alone" in card.engine_reason
    limits = " ".join(card.limits)
    assert "has not been measured" in limits
    assert "pixel range was guessed" in limits
    assert "Not a medical device" in limits
    assert "nobody has measured it here" in sentences.card_headline(card)
    assert "not chosen on any data" in sentences.rule_words(card.threshold)
    assert sentences.mismatch_sentence(card, synthetic=True) == ""
    assert "not calibrated" in sentences.built_sentence(card)


@pytest.mark.keras
def test_the_api_never_answers_with_a_network_that_takes_numbers(two_inputs, monkeypatch):
    from core.serve.models import ShippedModels

    monkeypatch.setenv("MEDLENS_MODELS", str(two_inputs[1]))
    assert ShippedModels().cards() == ()


@pytest.mark.keras
def test_what_was_added_is_listed_and_served_with_its_numbers(two_inputs):
    from core.nn.serving import Predictor
    from core.store.models import list_models

    _, folder = two_inputs
    listing = list_models(folder)
    assert [c.name for c in listing.cards] == ["two-inputs"]
    predictor = Predictor.load("two-inputs", folder)
    pixels = np.random.default_rng(0).integers(0, 256, (50, 40, 3)).astype(np.uint8)
    young, old = (predictor.predict(pixels, table=(age, 1.0)) for age in (5.0, 105.0))
    assert np.abs(young.probabilities - old.probabilities).max() > 0.05
    assert [heat.grid for heat in young.heatmaps] == [(22, 22)] * 3
    assert any(not heat.is_empty for heat in young.heatmaps)
    with pytest.raises(ModelError, match="also takes age, sex"):
        predictor.predict(pixels)
    with pytest.raises(ModelError, match="tf-keras-vis cannot"):
        predictor.predict(pixels, method="gradcam_reference", table=(5.0, 1.0))
    with pytest.raises(ModelRefused, match="exists already"):
        foreign.add_model(SAVED / "keras-3.3.3.h5", ForeignAnswers(name="two-inputs"), folder)
    with pytest.raises(ModelError, match="no model name"):
        foreign.add_model(SAVED / "keras-3.3.3.h5", ForeignAnswers(name="../x"), folder)


@pytest.mark.keras
def test_a_nested_network_of_an_old_keras_is_served_by_onnx_runtime(tmp_path, monkeypatch):
    from core.nn import foreign_child
    from core.nn.serving import Predictor

    def here(folder, report, seconds):  # without a process of its own, which would start TensorFlow once more
        foreign_child._work(folder, json.loads((folder / foreign_child.JOB).read_text(encoding="utf-8")))
        return "export", 0

    monkeypatch.setattr(foreign, "_run", here)
    answers = ForeignAnswers(name="old", class_names=("Normal", "Finding"))
    card = foreign.add_model(SAVED / "keras-3.3.3.keras", answers, tmp_path)
    assert (card.engine, card.task, card.positive_class) == ("ONNX Runtime", "binary", "Finding")
    assert max(card.engine_parity.values()) < 1e-4
    told = json.loads((SAVED / "answers.json").read_text(encoding="utf-8"))["keras-3.3.3.keras"]["positive"]
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    answered = Predictor.load("old", tmp_path).probabilities(pixels)
    np.testing.assert_allclose(answered[:, 1], told, atol=1e-5)
