"""The ways to train: a head on frozen features, a whole network from scratch, a fine-tuned one, or none at all.

Each returns scores of validation and test in row order, and of training images where the run stores some. The test
images pass through the trained network once, after everything has been chosen.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from core.errors import SpecInvalid
from core.registry.architectures import architecture_spec
from core.registry.heads import head_spec, images_in_a_row
from core.training.as_trained import answer_as_trained
from core.training.ensemble import answer_together
from core.training.gating import gate_artifacts
from core.training.heads import FeaturePart, FittedHead, fit_sklearn_head
from core.training.recipe import check_recipe, fit_settings
from core.training.sequences import sequence_parts
from core.training.whole import SPLITS, images_of, scored
from core.types import HeadSpec

if TYPE_CHECKING:
    from core.training.runner import Job, Trained

NETWORK_HEADS = ("mlp", "linear", "castro_perez_dense")


def train(job: "Job") -> "Trained":
    """Train `job.spec` by its strategy. Raises SpecInvalid for combinations that make no sense."""
    ways = {
        "frozen": train_frozen, "scratch": train_scratch, "fine_tune": train_fine_tune, "as_trained": answer_as_trained,
        "ensemble": answer_together,
    }  # fmt: skip
    if job.spec.strategy not in ways:
        raise SpecInvalid(f"Unknown strategy {job.spec.strategy!r}. Known: {', '.join(ways)}.")
    check_recipe(job.spec)
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
    sequences = sequence_parts(job, head)
    with job.watch.stage("features"):
        backbone = build_backbone(
            architecture_spec(spec.architecture), input_px=spec.preprocess.size_px, weights=spec.weights, seed=spec.seed
        )
        parts = {}
        for split in SPLITS:
            extract = partial(
                extract_features, backbone, preprocess=spec.preprocess,
                progress=lambda done, total, split=split: job.report(f"features of the {split} part", done, total),
            )  # fmt: skip
            if sequences is not None:
                parts[split] = sequences.part(split, extract)
            else:
                paths, hashes, y_true = job.scored_or_balanced(split)
                parts[split] = FeaturePart(extract(paths, hashes), y_true)
    with job.watch.stage("training"):
        fitted = fit_head_on(job, head, parts["train"], parts["validation"])
    with job.watch.stage("scoring"):
        y_prob = {split: fitted.predict(parts[split].inputs) for split in ("validation", "test")}
        if spec.score_train and sequences is not None:
            y_prob["train"] = fitted.predict(sequences.stored("train", parts["train"].features).inputs)
        elif spec.score_train:
            y_prob["train"] = fitted.predict(extract_features(backbone, *job.stored_files("train"), spec.preprocess))
    artifacts = {fitted.artifact_name: fitted.artifact}
    if head.factory in NETWORK_HEADS:
        sizes = {split: len(part.features) for split, part in parts.items()}
        artifacts |= gate_artifacts(sizes, lambda split, at: {"features": parts[split].features[at]})
    return Trained(
        y_prob=y_prob,
        artifacts=artifacts,
        params_total=int(backbone.count_params()) + fitted.params,
        params_trained=fitted.params,
        chosen={**fitted.chosen, "base_weights": digest(backbone)},
        exportable=head.factory in NETWORK_HEADS,
    )


def fit_head_on(job: "Job", head: HeadSpec, train: FeaturePart, validation: FeaturePart) -> FittedHead:
    """A network head or a scikit-learn one, weighing classes as the spec says."""
    spec = job.spec
    if head.factory in NETWORK_HEADS or images_in_a_row(head):
        return _fit_network_head(job, head, train, validation)
    weighted = spec.balance == "class_weights" and head.factory != "dummy"  # the floor weighs nothing
    return fit_sklearn_head(
        head, train, validation, task=job.task, class_count=len(job.class_names), seed=spec.seed,
        balanced=weighted, priors=job.prior_factors(train.y_true, weighted=weighted), report=job.report,
    )  # fmt: skip


def _fit_network_head(job: "Job", head: HeadSpec, train: FeaturePart, validation: FeaturePart) -> FittedHead:
    from core.nn.fit import fit_head, predict_array
    from core.nn.heads import build_head, set_priors
    from core.nn.saving import model_bytes

    spec = job.spec
    model = build_head(head, train.features.shape[1], len(job.class_names), job.task, seed=spec.seed)
    settings = fit_settings(
        spec, learning_rate=spec.learning_rates[0], task=job.task, class_weight=job.class_weight(train.y_true),
        on_epoch=job.epoch_done,
    )  # fmt: skip
    outcome = fit_head(model, (train.inputs, train.y_true), (validation.inputs, validation.y_true), head, settings)
    set_priors(model, job.prior_factors(train.y_true, weighted=settings.class_weight is not None))
    return FittedHead(
        predict=lambda inputs: predict_array(model, inputs),
        chosen=outcome.as_settings(),
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
    backbone = build_backbone(
        architecture_spec(spec.architecture), input_px=spec.preprocess.size_px, weights="none", seed=spec.seed
    )
    model = build_network(backbone, head, len(job.class_names), job.task, scaler=False, seed=spec.seed)
    return _fit_on_images(job, model, stage="scratch", learning_rate=spec.learning_rates[0])


def train_fine_tune(job: "Job") -> "Trained":
    """Two stages: the head on frozen features, then the last layers or all of them at the second learning rate.

    Batch normalisation stays frozen in the second stage, as its statistics come from far more images.
    """
    from core.nn.backbones import build_backbone
    from core.nn.heads import build_network
    from core.nn.saving import model_from_bytes
    from core.nn.weights import copy_head, freeze_for_fine_tuning

    spec, head = job.spec, _network_head(job)
    if spec.weights == "none" or len(spec.learning_rates) != 2:
        raise SpecInvalid("strategy = 'fine_tune' needs trained weights and two learning_rates: [head, whole network].")
    backbone = build_backbone(
        architecture_spec(spec.architecture), input_px=spec.preprocess.size_px, weights=spec.weights, seed=spec.seed
    )
    model = build_network(backbone, head, len(job.class_names), job.task, scaler=head.standardise, seed=spec.seed)
    freeze_for_fine_tuning(model, spec.trainable_layers)

    def first_stage() -> None:
        copy_head(model_from_bytes(_frozen_head(job, head, backbone)), model)

    return _fit_on_images(
        job, model, stage="fine_tune", learning_rate=spec.learning_rates[1], first_stage=first_stage
    )  # fmt: skip


def _frozen_head(job: "Job", head: HeadSpec, backbone) -> bytes:  # type: ignore[no-untyped-def]
    """The head on frozen features, from which fine-tuning starts, as a `.keras` file."""
    from core.nn.features import extract_features

    parts = {}
    with job.watch.stage("features"):
        for split in ("train", "validation"):
            paths, hashes, y_true = job.scored_or_balanced(split)
            parts[split] = FeaturePart(extract_features(backbone, paths, hashes, job.spec.preprocess), y_true)
    with job.watch.stage("training"):
        return fit_head_on(job, head, parts["train"], parts["validation"]).artifact


def _network_head(job: "Job") -> HeadSpec:
    head = head_spec(job.spec.head)
    if images_in_a_row(head):
        raise SpecInvalid(
            f"strategy = {job.spec.strategy!r} trains a network that takes one image, and {head.title} takes a "
            "patient's images in order; use strategy = 'frozen'."
        )
    if head.factory not in NETWORK_HEADS:
        raise SpecInvalid(
            f"strategy = {job.spec.strategy!r} trains layers: {head.title} has none. Take the head 'mlp', "
            "or strategy = 'frozen' for scikit-learn heads."
        )
    return head


def _fit_on_images(  # type: ignore[no-untyped-def]
    job: "Job", model, stage: str, learning_rate: float, first_stage: Callable[[], None] | None = None
) -> "Trained":
    """Train `model` on the images, from where a killed run left it; `first_stage` is called when nothing is left."""
    from core.nn.augment import with_augmentation
    from core.nn.fit import fit
    from core.nn.heads import set_priors
    from core.training.runner import Trained

    spec = job.spec
    in_training = with_augmentation(model, spec.augmentation, spec.seed)
    state = job.state_of(in_training, stage)
    if state is None and first_stage is not None:
        first_stage()
    images, truths = images_of(job)
    settings = fit_settings(
        spec, learning_rate=learning_rate, task=job.task, class_weight=job.class_weight(truths["train"]), stage=stage,
        on_epoch=job.epoch_done, on_batch=job.batches_of(stage), on_state=job.keep_state, state=state,
    )  # fmt: skip
    with job.watch.stage("training"):
        outcome = fit(
            in_training, images["train"], truths["train"], images["validation"], truths["validation"], settings
        )
        set_priors(model, job.prior_factors(truths["train"], weighted=settings.class_weight is not None))
    y_prob, artifacts = scored(job, model, images)
    return Trained(
        y_prob=y_prob,
        exportable=True,
        artifacts=artifacts,
        params_total=int(model.count_params()),
        params_trained=int(sum(np.prod(w.shape) for w in model.trainable_weights)),
        chosen=outcome.as_settings(),
    )
