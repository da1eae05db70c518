"""Runs and models made up for tests, complete enough to be stored."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.evaluation.report import evaluate_run
from core.evaluation.thresholds import choose_threshold
from core.store.codec import SCHEMA_VERSION, run_id_of
from core.store.runs import save_run
from core.types import (
    ClassCounts,
    Environment,
    ModelCard,
    OverlapAudit,
    Predictions,
    PreprocessSpec,
    RunRecord,
    RunSpec,
)

CLASSES = {
    "binary": ("Normal", "Pneumonia"),
    "multiclass": ("Normal", "Bacterial pneumonia", 'Viral, "other"'),
    "multilabel": ("Mass", "Nodule", "Pleural_Thickening"),
}


def _predictions(run_id: str, task: str, split: str, n: int, seed: int) -> Predictions:
    rng = np.random.default_rng([seed, split == "test"])
    names = CLASSES[task]
    if task == "multilabel":
        truth = np.asarray(rng.random((n, len(names))) < 0.4, dtype=np.int64)
        scores = rng.random((n, len(names)))
    else:
        truth = rng.permutation(np.arange(n) % len(names))
        scores = rng.dirichlet(np.ones(len(names)), size=n)
    return Predictions(
        run_id=run_id, split=split, task=task, class_names=names,
        positive_class=names[1] if task == "binary" else None,
        image_ids=np.array([f"{split}/image {i}.jpeg" for i in range(n)]),
        groups=np.array([f"{split}-{i // 2}" for i in range(n)]), y_true=truth, y_prob=scores,
    )  # fmt: skip


class Stored:
    """The parts of one run: `record`, `predictions`, `history`, `artifacts`, and how to save them."""

    def __init__(self, task: str = "binary", n: int = 24, seed: int = 0, **spec: object) -> None:
        fields: dict = {
            "dataset": "chest_xray", "label_scheme": "pneumonia", "architecture": "mobilenet_v2", "head": "mlp",
            "weights": "imagenet", "seed": seed, **spec,
        }  # fmt: skip
        self.spec = RunSpec(**fields)
        self.run_id = run_id_of(self.spec)
        self.predictions = [_predictions(self.run_id, task, split, n, seed) for split in ("validation", "test")]
        self.history = pd.DataFrame(
            {"stage": ["head", "head"], "epoch": [1, 2], "seconds": [0.1, 1 / 3], "loss": [0.7, 0.1 + 0.2]}
        )
        self.artifacts = {"head.bin": bytes(range(256))}
        self.record = RunRecord(
            schema_version=SCHEMA_VERSION, run_id=self.run_id, spec=self.spec, status="done",
            created_utc="2025-01-01T00:00:00+00:00", class_names=CLASSES[task], task=task,
            evaluations=evaluate_run(*self.predictions, n_bootstrap=10),
            counts=(ClassCounts(split="train", n_images=70, n_groups=35, images_per_class={"Normal": 70}),),
            audit=OverlapAudit(
                split_kind="random" if self.spec.split == "random" else "group",
                group_field="patient", groups_in_several_splits=0, images_in_several_splits=0,
            ),
            dataset_fingerprint="abc", dropped={"no label": 2}, seconds={"features": 1.5, "head": 0.25},
            params_total=100, params_trained=10, chosen_settings={"C": 0.1, "units": (30, 20)},
            environment=Environment(
                python="3.11", keras="3", backend="tensorflow", numpy="2", sklearn="1", cpu="x", cores=2, commit="c"
            ),
        )  # fmt: skip

    def save(self, folder: Path) -> Path:
        return save_run(self.record, self.predictions, self.history, self.artifacts, folder)


@pytest.fixture(scope="session")
def stored() -> Callable[..., Stored]:
    """stored(task, n, seed, **spec fields)"""
    return Stored


@pytest.fixture
def saved(tmp_path: Path) -> Stored:
    """A binary run, saved in tmp_path."""
    run = Stored()
    run.save(tmp_path)
    return run


@pytest.fixture(scope="session")
def make_card() -> Callable[..., ModelCard]:
    """make_card(name, content): a card that fits the bytes of model.keras."""

    def make(name: str = "chest-model", content: bytes = b"network") -> ModelCard:
        run = Stored()
        return ModelCard(
            schema_version=SCHEMA_VERSION, name=name, title="Chest", run_id=run.run_id, architecture="mobilenet_v2",
            head="mlp", task="binary", class_names=CLASSES["binary"], positive_class="Pneumonia",
            preprocess=PreprocessSpec(), cam_layer="out_relu", threshold=choose_threshold(run.predictions[0]),
            temperature=1.25, training_data="…", training_dataset="chest_xray", n_train_images=70, n_train_groups=35,
            synthetic=False, estimates=run.record.evaluations[1].estimates, intended_use="teaching",
            limits=("adults",), licence="Apache-2.0", sha256=hashlib.sha256(content).hexdigest(),
            model_bytes=len(content), golden_seeds=(1, 2), golden_outputs=((0.25, 0.75), (0.1, 0.9)),
            feature_mean=(0.1, 0.2), feature_scale=(1.0, 2.0), created_utc="2025-01-01T00:00:00+00:00",
        )  # fmt: skip

    return make
