"""What the measurements work on: phantoms as JPEG files, stored runs, and a model with its card, all random."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.evaluation.report import evaluate_run
from core.registry.architectures import ARCHITECTURES, architecture_spec
from core.registry.heads import head_spec
from core.registry.labels import label_scheme
from core.store.codec import SCHEMA_VERSION, run_id_of
from core.store.models import EXPLAIN, GRAPH, MODEL, save_model
from core.store.names import sha256_of
from core.store.runs import save_run
from core.types import (
    ClassCounts,
    Evaluation,
    ModelCard,
    OverlapAudit,
    Predictions,
    PreprocessSpec,
    RunRecord,
    RunSpec,
    Threshold,
)

if TYPE_CHECKING:
    from core.nn.backend import keras

DATASET, SCHEME, ARCHITECTURE = "chest_xray", "pneumonia", "mobilenet_v2"
SHIPPED, SMALL = "chest-xray-pneumonia", "phantom-nodule"  # models of the repository
SIZE_PX = 224
N_IMAGES = {"validation": 600, "test": 600}
DRAWN = 50  # runs with scores of their own; a multiple of the number of heads
BOOTSTRAP = 20  # the page reads intervals, whatever number of resamples they come from


def phantom_jpegs(count: int, size_px: int = SIZE_PX) -> list[bytes]:
    """`count` phantoms, each of another patient, as the content of JPEG files."""
    from core.data.images import encode_jpeg
    from core.data.phantom import draw_phantom

    return [encode_jpeg(draw_phantom(0, patient, 0, size_px).pixels) for patient in range(count)]


def write_phantoms(folder: Path, count: int, size_px: int = SIZE_PX) -> list[str]:
    """`count` phantoms as JPEG files; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for patient, content in enumerate(phantom_jpegs(count, size_px)):
        file = folder / f"{patient:04d}.jpeg"
        file.write_bytes(content)
        files.append(str(file))
    return files


def run_specs(count: int) -> list[RunSpec]:
    """`count` specs of one data set and task: every network with every head, then again with another seed."""
    heads = ("mlp", "logistic_regression", "random_forest", "gradient_boosting", "dummy")
    imagenet = [key for key, spec in ARCHITECTURES.items() if spec.weights == "imagenet"]
    grid = ((seed, network, head) for seed in itertools.count() for network in imagenet for head in heads)
    return [
        RunSpec(dataset=DATASET, label_scheme=SCHEME, architecture=network, head=head, seed=seed)
        for seed, network, head in itertools.islice(grid, count)
    ]


def _predictions(run_id: str, split: str, number: int, *, constant: bool) -> Predictions:
    """Scores on the same images for every run: two classes that overlap, or one answer for all."""
    scheme, n = label_scheme(SCHEME), N_IMAGES[split]
    y_true = np.random.default_rng([1, len(split)]).integers(0, len(scheme.class_names), n)
    rng = np.random.default_rng([2, len(split), number])
    logit = np.zeros(n) if constant else rng.normal(size=n) + 2.0 * y_true - 1.0
    positive = 1 / (1 + np.exp(-logit))
    return Predictions(
        run_id=run_id, split=split, task=scheme.task, class_names=scheme.class_names,
        positive_class=scheme.positive_class, image_ids=np.array([f"{split}-{i:04d}" for i in range(n)], dtype=object),
        groups=np.array([f"{split}-{i // 2:04d}" for i in range(n)], dtype=object), y_true=y_true.astype(np.int64),
        y_prob=np.stack([1 - positive, positive], axis=1),
    )  # fmt: skip


def _counts(part: Predictions) -> ClassCounts:
    per_class = {name: int((part.y_true == index).sum()) for index, name in enumerate(part.class_names)}
    return ClassCounts(split=part.split, n_images=len(part), n_groups=part.n_groups, images_per_class=per_class)


def write_runs(folder: Path, count: int) -> None:
    """`count` finished runs on the same 600 test images, in `folder`; beyond `DRAWN` with scores that repeat."""
    evaluated: dict[int, tuple[Evaluation, ...]] = {}
    for number, spec in enumerate(run_specs(count)):
        run_id, drawn = run_id_of(spec), number % DRAWN
        parts = [_predictions(run_id, split, drawn, constant=spec.head == "dummy") for split in N_IMAGES]
        if drawn not in evaluated:
            evaluated[drawn] = evaluate_run(*parts, n_bootstrap=BOOTSTRAP)
        record = RunRecord(
            schema_version=SCHEMA_VERSION, run_id=run_id, spec=spec, status="done",
            created_utc="2026-01-02T03:04:05+00:00", class_names=parts[0].class_names, task=parts[0].task,
            evaluations=evaluated[drawn], counts=tuple(map(_counts, parts)),
            audit=OverlapAudit(
                split_kind="group", group_field="patient", groups_in_several_splits=0, images_in_several_splits=0
            ),
            dataset_fingerprint="0" * 32, seconds={"features": 30.0, "training": 5.0},
        )  # fmt: skip
        epochs = np.arange(1, 21)
        losses = {"loss": 0.7 / epochs, "val_loss": 0.7 / np.sqrt(epochs)}
        history = pd.DataFrame({"stage": "head", "epoch": epochs, "seconds": 0.1, **losses})
        save_run(record, parts, history if spec.head == "mlp" else None, {}, folder)


def make_card(name: str, class_names: tuple[str, ...], task: str) -> ModelCard:
    """A card for a network that nobody trained, still without its files."""
    return ModelCard(
        schema_version=SCHEMA_VERSION, name=name, title="Random weights", run_id="bench", architecture=ARCHITECTURE,
        head="mlp", task=task, class_names=class_names,  # type: ignore[arg-type]
        positive_class=class_names[-1] if task == "binary" else None, preprocess=PreprocessSpec(size_px=SIZE_PX),
        cam_layer=architecture_spec(ARCHITECTURE).cam_layer,
        threshold=Threshold(values=dict.fromkeys(class_names, 0.5), rule="fixed", chosen_on="validation"),
        temperature=1.0, training_data="none", training_dataset=DATASET, n_train_images=0, n_train_groups=0,
        synthetic=True, estimates=(), intended_use="measuring seconds", limits=("It has learnt nothing.",),
        licence="Apache-2.0", sha256="", model_bytes=0, golden_seeds=(1, 2), golden_outputs=(), feature_mean=(),
        feature_scale=(), created_utc="2026-01-02T03:04:05+00:00",
    )  # fmt: skip


def write_model(folder: Path, name: str, class_names: tuple[str, ...], task: str) -> "keras.Model":
    """A flat MobileNetV2 with the MLP head and random weights as the model `name` in `folder`; returns it in Keras.

    It is exported as a trained one would be, so that `Predictor.load` and the API serve it by ONNX Runtime.
    """
    from core.nn.backbones import build_backbone
    from core.nn.compiled import CompiledKeras
    from core.nn.heads import build_network
    from core.nn.onnx_export import to_onnx
    from core.nn.runtime import ONNX
    from core.nn.saving import model_bytes
    from core.nn.serving import calibrated, golden_images

    card = make_card(name, class_names, task)
    backbone = build_backbone(architecture_spec(ARCHITECTURE), input_px=SIZE_PX)
    model = build_network(backbone, head_spec("mlp"), len(class_names), task, scaler=True)
    golden = golden_images(card.golden_seeds, card.preprocess)
    graphs = to_onnx(model, card.cam_layer, golden)
    answers = calibrated(CompiledKeras(model, card.cam_layer).run(golden).logits, card.temperature, task)
    files = {MODEL: model_bytes(model), GRAPH: graphs.model, EXPLAIN: graphs.explain}
    sums = {file: sha256_of(content) for file, content in files.items()}
    card = replace(
        card, sha256=sums.pop(MODEL), model_bytes=len(files[MODEL]), other_sha256=sums, engine=ONNX,
        golden_outputs=tuple(tuple(map(float, row)) for row in answers),
        engine_parity={"probabilities": graphs.probability_difference, "maps": graphs.map_difference},
    )  # fmt: skip
    save_model(card, files, folder)
    return model
