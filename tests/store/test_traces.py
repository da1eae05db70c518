"""A trace survives its file; one that is missing, damaged or of another network is refused by name."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelDamaged
from core.store.traces import TRACE, load_trace, save_trace, trace_bytes

MODELS = Path(__file__).resolve().parents[2] / "models"
NAME = "phantom-nodule"


@pytest.fixture
def models(tmp_path):
    shutil.copytree(MODELS / NAME, tmp_path / NAME)
    return tmp_path


def test_the_shipped_file_is_small_and_the_same_trace_gives_the_same_bytes(models):
    assert (models / NAME / TRACE).stat().st_size < 400_000
    assert trace_bytes(load_trace(NAME, models)) == trace_bytes(load_trace(NAME, models))


def test_saved_and_read_again_it_is_the_same(models):
    trace = load_trace(NAME, models)
    changed = replace(trace, pixels=255 - trace.pixels)
    save_trace(changed, models)
    assert np.array_equal(load_trace(NAME, models).pixels, 255 - trace.pixels)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(b"not an archive"), "no trace of this version"),
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "no trace of this version"),
    ],
)
def test_a_spoilt_file_is_refused_with_the_command_that_makes_it(models, spoil, reason):
    spoil(models / NAME / TRACE)
    with pytest.raises(ModelDamaged, match=reason) as caught:
        load_trace(NAME, models)
    assert f"models trace {NAME}" in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: {"weights": t.weights[:, :1]},
        lambda t: {"pixels": t.pixels.astype(float)},
        lambda t: {"shown_class": "Cat"},
        lambda t: {"stages": ()},
    ],
)
def test_parts_that_contradict_each_other_are_refused(models, change):
    trace = load_trace(NAME, models)
    save_trace(replace(trace, **change(trace)), models)
    with pytest.raises(ModelDamaged, match="no trace of this version"):
        load_trace(NAME, models)


def test_a_trace_of_another_network_is_refused(models):
    save_trace(replace(load_trace(NAME, models), graph_sha256="0" * 64), models)
    with pytest.raises(ModelDamaged, match="another version of the network"):
        load_trace(NAME, models)
