"""Stores for the pages: a results folder of small synthetic runs, two model folders, and the app at work on them."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from core.evaluation.report import evaluate_run
from core.registry.labels import label_scheme
from core.store.codec import run_id_of
from core.store.models import save_model
from core.store.runs import load_record, save_run
from core.types import ClassCounts, Heatmap, ModelCard, OverlapAudit, Predictions, PreprocessSpec, RunRecord, RunSpec

ROOT = Path(__file__).resolve().parents[2]
N = {"validation": 120, "test": 160}


def scores(scheme, run_id, split, strength, seed):
    """Predictions whose ranking gets better with `strength`; 0 answers every image alike."""
    truth_rng = np.random.default_rng([len(scheme.class_names), len(split)])  # the same images for every run
    n, classes = N[split], len(scheme.class_names)
    y = truth_rng.integers(0, classes, n)
    logits = np.random.default_rng(seed).normal(size=(n, classes)) * (strength > 0)
    logits[np.arange(n), y] += strength
    prob = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predictions(
        run_id=run_id,
        split=split,
        task=scheme.task,
        class_names=scheme.class_names,
        positive_class=scheme.positive_class,
        image_ids=np.array([f"{split}-{i:03d}" for i in range(n)], dtype=object),
        groups=np.array([f"{split}-{i // 2:03d}" for i in range(n)], dtype=object),
        y_true=y.astype(np.int64),
        y_prob=prob,
    )


def store_run(folder, spec, strength, *, status="done", field="patient", seed=0):
    """One run in `folder`; returns its record as stored."""
    scheme, run_id = label_scheme(spec.label_scheme), run_id_of(spec)
    parts = [scores(scheme, run_id, split, strength, [seed, len(split)]) for split in ("validation", "test")]
    counts = [
        ClassCounts(
            split=p.split,
            n_images=len(p),
            n_groups=p.n_groups,
            images_per_class={c: int((p.y_true == i).sum()) for i, c in enumerate(p.class_names)},
        )
        for p in parts
    ]
    train = replace(counts[0], split="train")
    record = RunRecord(
        schema_version=1,
        run_id=run_id,
        spec=spec,
        status=status,
        created_utc="2026-01-02T03:04:05+00:00",
        class_names=scheme.class_names,
        task=scheme.task,
        evaluations=evaluate_run(*parts, n_bootstrap=50) if status == "done" else (),
        counts=(train, *counts),
        audit=OverlapAudit(
            split_kind="random" if spec.split == "random" else "group",
            group_field=field,
            groups_in_several_splits=37 if spec.split == "random" else 0,
            images_in_several_splits=0,
        ),
        dataset_fingerprint="f" * 32,
        seconds={"features": 3.0, "training": 1.5},
        params_total=1000,
        params_trained=10,
        model_bytes=4000,
        failure="" if status == "done" else "stopped by the user before it was finished",
    )
    history = pd.DataFrame(
        {"stage": "head", "epoch": [1, 2], "seconds": 0.1, "loss": [0.7, 0.5], "val_loss": [0.7, 0.6]}
    )
    save_run(record, parts if status == "done" else (), history, {}, folder=folder)
    return load_record(run_id, folder)


def spec_of(head, **changes):
    """A run on the radiographs, as most of these tests use it."""
    fields = {"dataset": "chest_xray", "label_scheme": "pneumonia", "architecture": "mobilenet_v2", "head": head}
    return RunSpec(**{**fields, **changes})


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """(folder, records by a short name): binary, three classes, phantoms, a leaking, an unfinished, a damaged run."""
    folder = tmp_path_factory.mktemp("results")
    records = {
        "mlp": store_run(folder, spec_of("mlp"), 2.5, seed=1),
        "forest": store_run(folder, spec_of("random_forest"), 0.8, seed=2),
        "dummy": store_run(folder, spec_of("dummy"), 0.0, seed=3),
        "leak": store_run(folder, spec_of("mlp", split="random"), 4.0, seed=4),
        "cause": store_run(folder, spec_of("mlp", label_scheme="pneumonia_cause"), 1.2, seed=5),
        "phantom": store_run(
            folder,
            spec_of("mlp", dataset="phantom", label_scheme="phantom_nodule", architecture="compact_cnn"),
            1.5,
            field="synthetic patient",
            seed=6,
        ),
        "stopped": store_run(folder, spec_of("gradient_boosting"), 1.0, status="interrupted", seed=7),
    }
    broken = folder / "broken-run-0badc0de"
    broken.mkdir()
    (broken / "run.json").write_text("{", encoding="utf-8")
    return folder, records


def card_of(name, record, *, synthetic):
    """A card that fits a file of a few bytes."""
    evaluation = record.evaluations[1]
    blob = name.encode()
    card = ModelCard(
        schema_version=1,
        name=name,
        title=f"Model {name}",
        run_id=record.run_id,
        architecture=record.spec.architecture,
        head=record.spec.head,
        task=record.task,
        class_names=record.class_names,
        positive_class=evaluation.positive_class,
        preprocess=PreprocessSpec(size_px=64),
        cam_layer="out_relu",
        threshold=evaluation.threshold,
        temperature=1.0,
        training_data="for tests",
        training_dataset=record.spec.dataset,
        n_train_images=300,
        n_train_groups=150,
        synthetic=synthetic,
        estimates=evaluation.estimates,
        intended_use="tests",
        limits=("Not for people.",),
        licence="Apache-2.0",
        sha256=hashlib.sha256(blob).hexdigest(),
        model_bytes=len(blob),
        golden_seeds=(),
        golden_outputs=(),
        feature_mean=(),
        feature_scale=(),
        created_utc="2026-01-02T03:04:05+00:00",
    )
    return card, blob


@pytest.fixture(scope="session")
def models(tmp_path_factory, results):
    """A models folder with a model of real images, one of three classes and one of phantoms."""
    folder = tmp_path_factory.mktemp("models")
    for name, run, synthetic in (("real", "mlp", False), ("three", "cause", False), ("drawn", "phantom", True)):
        card, blob = card_of(name, results[1][run], synthetic=synthetic)
        save_model(card, {"model.keras": blob}, folder)
    return folder


@pytest.fixture
def stores(monkeypatch, results, models, tmp_path):
    """The app's environment: these runs and models, no data set but the phantoms."""
    monkeypatch.setenv("MEDLENS_RESULTS", str(results[0]))
    monkeypatch.setenv("MEDLENS_MODELS", str(models))
    monkeypatch.setenv("MEDLENS_DATA", str(tmp_path / "no-data"))
    return results[1]


@pytest.fixture
def empty_stores(monkeypatch, tmp_path):
    """The app's environment with nothing in it."""
    for name in ("RESULTS", "MODELS", "DATA"):
        monkeypatch.setenv(f"MEDLENS_{name}", str(tmp_path / name.lower()))


@pytest.fixture
def open_page():
    """open_page("compare", task="...") -> the page after its first run."""

    def opened(name, **query):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
        app.run()
        for key, value in query.items():
            app.query_params[key] = value
        if name != "predict" or query:
            app.switch_page(f"pages/{name}.py")
            for key, value in query.items():
                app.query_params[key] = value
            app.run()
        return app

    return opened


@pytest.fixture
def open_at():
    """open_at("run", run=...) -> the page after its first run, without a look at the start page before it."""

    def opened(name, **query):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
        app.switch_page(f"pages/{name}.py")
        for key, value in query.items():
            app.query_params[key] = value
        return app.run()

    return opened


class FakeResult:
    """What a predictor gives back, without a network."""

    def __init__(self, probabilities, heatmaps, ood=None):
        self.probabilities, self.heatmaps, self.ood = probabilities, heatmaps, ood
        self.prepared = np.zeros((64, 64, 3), np.uint8)


@pytest.fixture
def fake_network(monkeypatch):
    """`calls` and `shapes` grow with each prediction; `positive` is the last score; `empty` empties the maps.

    `hidden` counts measurements of maps, which find that hiding the hot part costs more than at 19 other places.
    """
    from core.nn.explain_trust import Hiding
    from core.registry.explanations import EXPLANATIONS
    from pages.ui import cache, door

    class Network:
        def __init__(self):
            self.calls, self.methods, self.shapes, self.positive, self.empty, self.ood = [], [], [], 0.9, False, None
            self.hidden = 0

        def predict(self, name, pixels, image_id, *, method="gradcam", layer="", table=()):
            self.calls.append(image_id)
            self.methods.append(method)
            self.shapes.append(pixels.shape)
            card = next(c for c in cache.model_listing().cards if c.name == name)
            rest = len(card.class_names) - 1
            probabilities = np.array([(1 - self.positive) / rest] * rest + [self.positive])
            values = np.zeros((64, 64))
            if not self.empty:
                values[8:24, 8:24] = 1.0
            maps = tuple(
                Heatmap(
                    image_id=image_id,
                    class_name=c,
                    method=EXPLANATIONS[method].title,
                    layer="out_relu" if EXPLANATIONS[method].on_layer else "",
                    grid=(7, 7),
                    values=values,
                    is_empty=self.empty,
                )
                for c in card.class_names
            )
            return FakeResult(probabilities, maps, self.ood)

        def hiding(self, name, prepared, heat, class_index, table=()):
            self.hidden += 1
            return Hiding(before=self.positive, hot=0.3, elsewhere=(0.85,) * 19, share=0.2)

    network = Network()
    monkeypatch.setattr(door, "predict", network.predict)
    monkeypatch.setattr(door, "hiding", network.hiding)
    monkeypatch.setattr(door, "loads_tensorflow", lambda name, method, layer="": False)
    return network


@pytest.fixture
def routed(monkeypatch):
    """AppTest forgets after every run that the router has run; each click would then be spent on starting again."""
    real = PagesManager.__init__

    def begin(self, *arguments, **more):
        PagesManager.uses_pages_directory = False
        real(self, *arguments, **more)

    monkeypatch.setattr(PagesManager, "__init__", begin)
