"""Every page opens: with runs, with nothing at all, with a fault; quickly, and without TensorFlow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "predict", "playground", "live", "triage", "compare", "published", "run", "data", "models", "train", "learn",
    "quiz", "methods",
)  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_a_fault_and_with_a_title(name, stores, open_page):
    app = open_page(name)
    assert not app.exception
    assert [error.value for error in app.error] == []
    assert app.title[0].value.lower() == name


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_chart_and_table_has_words_for_those_who_do_not_see_it(name, stores, open_page):
    app = open_page(name)
    shown = [*app.get("plotly_chart"), *app.dataframe, *app.table]
    pictures = [picture for image in app.image for picture in image.proto.imgs]
    assert all(element.proto.alt for element in shown)
    assert all(picture.alt for picture in pictures)
    assert name in ("predict", "playground", "learn", "quiz") or shown


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("predict", "export RUN_ID"),
        ("triage", "export RUN_ID"),
        ("compare", "make benchmark"),
        ("run", "make benchmark"),
    ],
)
def test_with_nothing_stored_a_page_says_what_makes_something(name, command, empty_stores, open_page):
    app = open_page(name)
    assert not app.exception
    assert any(command in code.value for code in app.code)
    assert not app.get("plotly_chart")


def test_the_data_page_shows_phantoms_where_there_is_no_data(empty_stores, open_page):
    app = open_page("data")
    assert not app.exception
    assert any("synthetic patients" in m.value for m in app.markdown)
    assert any("HAM10000" in e.label for e in app.expander)


def test_an_unforeseen_error_shows_a_number_and_no_traceback(stores, open_page, monkeypatch, caplog):
    from pages.ui import headlines_cache

    def broken():
        raise ZeroDivisionError("secret detail /home/someone")

    monkeypatch.setattr(headlines_cache, "run_headlines", broken)
    app = open_page("compare")
    assert not app.exception
    (text,) = [error.value for error in app.error]
    assert "incident" in text
    assert "secret" not in text
    assert "secret detail" in caplog.text


def test_an_error_of_our_own_shows_its_sentence(stores, open_page, monkeypatch):
    from core.errors import RunDamaged
    from pages.ui import headlines_cache

    def broken():
        raise RunDamaged("the run is not what it says")

    monkeypatch.setattr(headlines_cache, "run_headlines", broken)
    app = open_page("compare")
    assert [error.value for error in app.error] == ["the run is not what it says"]


def test_a_run_that_is_stored_later_appears_without_a_restart(results, stores, open_page, monkeypatch, tmp_path):
    import shutil

    folder = tmp_path / "results"
    shutil.copytree(results[0], folder)
    moved = folder / results[1]["forest"].run_id
    aside = tmp_path / "aside"
    moved.rename(aside)
    monkeypatch.setenv("MEDLENS_RESULTS", str(folder))
    app = open_page("compare")
    assert not any("Random forest" in run for run in app.dataframe[0].value["Run"])
    aside.rename(moved)
    app.run()
    assert any("Random forest" in run for run in app.dataframe[0].value["Run"])


OPEN_ALL = """
import json, sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({app!r}, default_timeout=60).run()
faults = len(app.exception) + len(app.error)
for name in ("live", "triage", "compare", "published", "run", "models", "train", "methods", "learn", "quiz", "data"):
    app.switch_page("pages/" + name + ".py").run()
    faults += len(app.exception) + len(app.error)
kinds = ("tensorflow", "keras", "tf_keras_vis", "onnxruntime", "sklearn", "scipy.stats")
heavy = [name for name in kinds if name in sys.modules]
print(json.dumps({{"faults": faults, "heavy": heavy}}))
"""


def test_opening_every_page_in_a_fresh_process_leaves_tensorflow_out(stores):
    script = OPEN_ALL.format(app=str(ROOT / "app.py"))
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == {"faults": 0, "heavy": []}


PREDICT = """
import json, sys
from core.data.images import encode_jpeg
from core.data.phantom import draw_phantom
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({app!r}, default_timeout=60)
app.query_params["model"] = "chest-xray-pneumonia"
app.run().file_uploader[0].upload("scan.jpg", encode_jpeg(draw_phantom(1, 0, 0).pixels))
app.run()
maps = [picture for picture in app.image if "Where it looked" in str(picture.proto)]
heavy = [name for name in ("tensorflow", "keras", "tf_keras_vis") if name in sys.modules]
print(json.dumps({{"faults": len(app.exception) + len(app.error), "maps": len(maps), "heavy": heavy}}))
"""


def test_predicting_on_the_page_with_a_shipped_model_leaves_tensorflow_out():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEDLENS_")}
    command = [sys.executable, "-c", PREDICT.format(app=str(ROOT / "app.py"))]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == {"faults": 0, "maps": 1, "heavy": []}
