"""Faults that belong to no single folder: pickles planted everywhere, names that lead out, who talks to the network."""

import ast
import io
import json
import pickle
import shutil
from contextlib import suppress
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import MedLensError, StoreError
from core.store.models import list_models, model_folder, verify_model
from core.store.names import check_file_name
from core.store.runs import list_runs, load_predictions, run_folder
from core.store.siblings import load_siblings, sibling_bytes

ROOT = Path(__file__).resolve().parents[1]
NETWORK = {"urllib", "http", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "telnetlib", "fsspec", "boto3"}
TALKS = {"core/data/download.py"}  # public data sets, asked for by their command


class Gadget:
    """Pickled, it makes a file when it is loaded."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


def as_array(marker):
    written = io.BytesIO()
    np.savez(written, scores=np.array([Gadget(marker)], dtype=object), allow_pickle=True)
    return written.getvalue()


def test_no_pickle_planted_in_a_model_or_run_is_ever_loaded(tmp_path):
    from core.nn.serving import Predictor
    from core.nn.siblings import shared_siblings

    marker = tmp_path / "marker"
    payload = pickle.dumps(Gadget(marker))
    shutil.copytree(ROOT / "models" / "phantom-nodule", tmp_path / "models" / "phantom-nodule")
    run = next((ROOT / "results").glob("phantom-*random-forest*"))
    shutil.copytree(run, tmp_path / "results" / run.name)
    for folder in (tmp_path / "models" / "phantom-nodule", tmp_path / "results" / run.name, tmp_path / "models"):
        for name in ("head.pkl", "calibrator.joblib", "threshold.pickle", "labels.npy", "__init__.py", "conftest.py"):
            (folder / name).write_bytes(payload)
    predictor = Predictor.load("phantom-nodule", tmp_path / "models")
    assert shared_siblings(predictor, tmp_path / "models") is not None
    assert len(list_models(tmp_path / "models").cards) == 1
    assert len(list_runs(tmp_path / "results").done) == 1
    folder = tmp_path / "models" / "phantom-nodule"
    for name in ("ood.npz", "sibling-mlp.skops", "model.onnx"):
        kept = (folder / name).read_bytes()
        (folder / name).write_bytes(as_array(marker) if name.endswith("npz") else payload)
        with pytest.raises(MedLensError):
            verify_model("phantom-nodule", tmp_path / "models")
            sibling_bytes(predictor.card, load_siblings(predictor.card, tmp_path / "models").siblings[0], folder.parent)
        (folder / name).write_bytes(kept)
    (tmp_path / "results" / run.name / "predictions.csv").write_bytes(payload)
    with pytest.raises(MedLensError):
        load_predictions(run.name, "test", tmp_path / "results")
    assert not marker.exists()


STEPS = ("..", "%2e%2e", "%252e%252e", "..%00", "....", "．．", "..;", ".. ")
SEPARATORS = ("/", "\\", "%2f", "%5c", "%252f", "//", "\\/", "∕")
ENDS = ("etc/passwd", "results_evil", "phantom-nodule", "card.json", "", "x\x00.png", "windows\\win.ini", "CON")
FRONTS = ("", "/", "\\\\host\\share\\", "C:", "file://", "phantom-nodule/")
PATHS = [f"{front}{step}{separator}{end}" for front, step, separator, end in product(FRONTS, STEPS, SEPARATORS, ENDS)]


def inside(path, root):
    """Does a path lie in `root`, one level down?"""
    return path.resolve().parent == root.resolve()


def leads_nowhere_else(name, root):
    for place in (model_folder, run_folder):
        try:
            found = place(name, root)
        except MedLensError:
            continue
        assert inside(found, root), (place.__name__, name)
    with suppress(StoreError):
        assert inside(root / check_file_name(name), root), name


def test_three_thousand_ways_out_of_a_folder_are_refused(tmp_path):
    assert len(PATHS) > 3000
    for name in PATHS:
        leads_nowhere_else(name, tmp_path)
        with pytest.raises(MedLensError):
            model_folder(name, tmp_path)


@settings(max_examples=120, deadline=None)
@given(name=st.one_of(st.text(max_size=40), st.text(alphabet="./\\%a2eEfF:~-_ \x00\u202e", max_size=12)))
def test_whatever_a_name_is_it_stays_in_its_folder(name):
    leads_nowhere_else(name, ROOT / "results")


def modules_of(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_only_the_download_of_data_sets_asks_another_machine_for_anything():
    found = {
        str(path.relative_to(ROOT))
        for folder in ("core", "pages")
        for path in (ROOT / folder).rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in NETWORK)  # cheaper than taking each file apart
        for module in modules_of(path)
        if module.split(".")[0] in NETWORK and not module.startswith(("urllib.parse", "http.cookies"))
    }
    assert found <= TALKS | {str(p.relative_to(ROOT)) for p in (ROOT / "core" / "serve").glob("*.py")}
    for path in (ROOT / "core" / "serve").glob("*.py"):
        assert not {"urllib.request", "http.client"} & set(modules_of(path)), path.name


@pytest.mark.parametrize(
    "text",
    ["<img src=x onerror=alert(1)>", "![x](http://evil/x.png)", "[click](http://evil)", "`code`", "a\nb", "a\x07b",
     "abc\u202egnp.exe"],
)  # fmt: skip
@pytest.mark.parametrize("field", ["title", "class_names"])
def test_a_card_whose_words_would_be_markup_is_no_card(field, text, tmp_path):
    shutil.copytree(ROOT / "models" / "phantom-nodule", tmp_path / "phantom-nodule")
    path = tmp_path / "phantom-nodule" / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card[field] = text if field == "title" else ["No nodule", text]
    path.write_text(json.dumps(card), encoding="utf-8")
    listing = list_models(tmp_path)
    assert not listing.cards
    assert "marks of a language of its own" in listing.damaged[0].reason


@pytest.mark.keras
@pytest.mark.parametrize("name", ["phantom-nodule", "chest-xray-pneumonia"])
def test_pictures_without_anything_in_them_are_flagged_as_unlike_the_training_images(name):
    from core.nn.serving import Predictor

    predictor = Predictor.load(name, ROOT / "models")
    side = predictor.card.preprocess.size_px
    rng = np.random.default_rng(4)
    ramp = np.linspace(0, 255, side)[None, :, None].repeat(side, axis=0).repeat(3, axis=2)
    pictures = [np.full((side, side, 3), grey) for grey in (0, 128, 255)]
    chess = np.indices((side, side)).sum(axis=0)[..., None] % 2 * np.full(3, 255)
    pictures += [rng.integers(0, 256, (side, side, 3)), ramp, chess]
    batch = np.stack(pictures).astype(np.uint8)
    assert [answer.flagged for answer in predictor.judged(batch)[1]] == [True] * 6
