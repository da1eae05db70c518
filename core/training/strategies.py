"""The ways to train: a head on frozen features, a whole network from scratch, or a fine-tuned one.

Each returns scores of validation and test in row order. The test images pass through the trained network
once, after everything has been chosen.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from core.errors import SpecInvalid
from core.registry.architectures import architecture_spec
from core.registry.heads import head_spec
from core.training.heads import FeaturePart, FittedHead, fit_sklearn_head
from core.types import AugmentationSpec, HeadSpec

if TYPE_CHECKING:
    from core.training.runner import Job, Trained

NETWORK_HEADS = ("mlp", "linear", "castro_perez_dense")
SPLITS = ("train", "validation", "test")


def train(job: "Job") -> "Trained":
    """Train `job.spec` by its strategy. Raises SpecInvalid for combinations that make no sense."""
    ways = {"frozen": train_frozen, "scratch": train_scratch, "fine_tune": train_fine_tune}
    if job.spec.strategy not in ways:
        raise SpecInvalid(f"Unknown strategy {job.spec.strategy!r}. Known: {', '.join(ways)}.")
    return ways[job.spec.strategy](job)


def train_frozen(job: "Job") -> "Trained":
    """Features of a network that stays as it is, and a head on top."""
    from core.nn.backbones import build_backbone
    from core.nn.features import extract_features
    from core.nn.weights import digest
    from core.training.runner import Trained

    spec = job.spec
    if spec.weights == "none":
        raise SpecInvalid(
            "strategy = 'frozen' needs trained weights: 'imagenet', 'model:<name>', 'run:<run_id>' or a path."
        )
    head = head_spec(spec.head)
    if head.factory == "castro_perez_dense":
        raise SpecInvalid(f"{head.title} takes whole feature maps; use strategy = 'scratch', or the head 'mlp'.")
    with job.watch.stage("features"):
        backbone = build_backbone(
            architecture_spec(spec.architecture), input_px=spec.preprocess.size_px, weights=spec.weights, seed=spec.seed
        )
        parts = {}
        for split in SPLITS:
            paths, hashes, y_true = job.scored_or_balanced(split)
            features = extract_features(
                backbone, paths, hashes, spec.preprocess,
                progress=lambda done, total, split=split: job.report(f"features of the {split} part", done, total),
            )  # fmt: skip
            parts[split] = FeaturePart(features, y_true)
    with job.watch.stage("training"):
        fitted = fit_head_on(job, head, parts["train"], parts["validation"])
    with job.watch.stage("scoring"):
        y_prob = {split: fitted.predict(parts[split].features) for split in ("validation", "test")}
    return Trained(
        y_prob=y_prob,
        artifacts={fitted.artifact_name: fitted.artifact},
        params_total=int(backbone.count_params()) + fitted.params,
        params_trained=fitted.params,
        chosen={**fitted.chosen, "base_weights": digest(backbone)},
        exportable=head.factory in NETWORK_HEADS,
    )


def fit_head_on(job: "Job", head: HeadSpec, train: FeaturePart, validation: FeaturePart) -> FittedHead:
    """A network head or a scikit-learn one, weighing classes as the spec says."""
    spec = job.spec
    if head.factory in NETWORK_HEADS:
        return _fit_network_head(job, head, train, validation)
    weighted = spec.balance == "class_weights" and head.factory != "dummy"  # the floor weighs nothing
    return fit_sklearn_head(
        head, train, validation, task=job.task, class_count=len(job.class_names), seed=spec.seed,
        balanced=weighted, priors=job.prior_factors(train.y_true, weighted=weighted), report=job.report,
    )  # fmt: skip


def _fit_network_head(job: "Job", head: HeadSpec, train: FeaturePart, validation: FeaturePart) -> FittedHead:
    from core.nn.fit import FitSettings, fit_head, predict_array
    from core.nn.heads import build_head, set_priors
    from core.nn.saving import model_bytes

    spec = job.spec
    model = build_head(head, train.features.shape[1], len(job.class_names), job.task, seed=spec.seed)
    settings = FitSettings(
        epochs=spec.epochs, batch_size=spec.batch_size, learning_rate=spec.learning_rates[0], seed=spec.seed,
        task=job.task, class_weight=job.class_weight(train.y_true), on_epoch=job.epoch_done,
    )  # fmt: skip
    fit_head(model, (train.features, train.y_true), (validation.features, validation.y_true), head, settings)
    set_priors(model, job.prior_factors(train.y_true, weighted=settings.class_weight is not None))
    return FittedHead(
        predict=lambda features: predict_array(model, features),
        chosen={},
        artifact_name="head.keras",
        artifact=model_bytes(model),
        params=int(model.count_params()),
    )


def train_scratch(job: "Job") -> "Trained":
    """A whole network from random weights, with its dense head, end to end."""
    from core.nn.backbones import build_backbone
    from core.nn.heads import build_network

    spec = job.spec
    head = _network_head(job)
    if spec.weights != "none":
        raise SpecInvalid("strategy = 'scratch' starts from random weights: set weights = 'none', or use 'fine_tune'.")
    augmentation = spec.augmentation if spec.augmentation != AugmentationSpec() else None
    backbone = build_backbone(
        architecture_spec(spec.architecture), input_px=spec.preprocess.size_px, weights="none",
        augmentation=augmentation, seed=spec.seed,
    )  # fmt: skip
    model = build_network(backbone, head, len(job.class_names), job.task, scaler=False, seed=spec.seed)
    return _fit_on_images(job, model, stage="scratch", learning_rate=spec.learning_rates[0])


def train_fine_tune(job: "Job") -> "Trained":
    """Two stages: the head on frozen features, then the whole network at the second learning rate.

    Batch normalisation stays frozen in the second stage, as its statistics come from far more images.
    """
    from core.nn.backbones import build_backbone
    from core.nn.backend import keras
    from core.nn.features import extract_features
    from core.nn.heads import build_network
    from core.nn.saving import model_from_bytes
    from core.nn.weights import copy_head

    spec, head = job.spec, _network_head(job)
    if spec.weights == "none" or len(spec.learning_rates) != 2:
        raise SpecInvalid("strategy = 'fine_tune' needs trained weights and two learning_rates: [head, whole network].")
    architecture = architecture_spec(spec.architecture)
    augmentation = spec.augmentation if spec.augmentation != AugmentationSpec() else None
    side = spec.preprocess.size_px
    with job.watch.stage("features"):
        plain = build_backbone(architecture, input_px=side, weights=spec.weights, seed=spec.seed)
        parts = {}
        for split in ("train", "validation"):
            paths, hashes, y_true = job.scored_or_balanced(split)
            parts[split] = FeaturePart(extract_features(plain, paths, hashes, spec.preprocess), y_true)
    with job.watch.stage("training"):
        fitted = fit_head_on(job, head, parts["train"], parts["validation"])
    backbone = build_backbone(
        architecture, input_px=side, weights=spec.weights, augmentation=augmentation, seed=spec.seed
    )
    model = build_network(backbone, head, len(job.class_names), job.task, scaler=head.standardise, seed=spec.seed)
    copy_head(model_from_bytes(fitted.artifact), model)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    return _fit_on_images(job, model, stage="fine_tune", learning_rate=spec.learning_rates[1])


def _network_head(job: "Job") -> HeadSpec:
    head = head_spec(job.spec.head)
    if head.factory not in NETWORK_HEADS:
        raise SpecInvalid(
            f"strategy = {job.spec.strategy!r} trains layers: {head.title} has none. Take the head 'mlp', "
            "or strategy = 'frozen' for scikit-learn heads."
        )
    return head


def _fit_on_images(job: "Job", model, stage: str, learning_rate: float) -> "Trained":  # type: ignore[no-untyped-def]
    from core.nn.fit import FitSettings, fit, predict_array
    from core.nn.heads import set_priors
    from core.nn.images import feature_statistics, prepared_array
    from core.nn.saving import model_bytes
    from core.training.runner import Trained

    spec, images, truths = job.spec, {}, {}
    with job.watch.stage("images"):
        for split in SPLITS:
            paths, _, truths[split] = job.scored_or_balanced(split)
            images[split] = prepared_array(
                paths, spec.preprocess,
                progress=lambda done, total, split=split: job.report(f"images of the {split} part", done, total),
            )  # fmt: skip
    settings = FitSettings(
        epochs=spec.epochs, batch_size=spec.batch_size, learning_rate=learning_rate, seed=spec.seed, task=job.task,
        class_weight=job.class_weight(truths["train"]), on_epoch=job.epoch_done, stage=stage,
    )  # fmt: skip
    settings = replace(
        settings,
        on_batch=lambda done, total: job.report(f"epoch {len(job.history) + 1} of at most {spec.epochs}", done, total),
    )
    with job.watch.stage("training"):
        fit(model, images["train"], truths["train"], images["validation"], truths["validation"], settings)
        set_priors(model, job.prior_factors(truths["train"], weighted=settings.class_weight is not None))
    artifacts = {"network.keras": model_bytes(model)}
    with job.watch.stage("scoring"):
        y_prob = {split: predict_array(model, images[split]) for split in ("validation", "test")}
        statistics = feature_statistics(model, images["train"])
        if statistics is not None:
            artifacts["features.json"] = statistics
    return Trained(
        y_prob=y_prob,
        exportable=True,
        artifacts=artifacts,
        params_total=int(model.count_params()),
        params_trained=int(sum(np.prod(w.shape) for w in model.trainable_weights)),
    )
