"""What a whole network leaves behind once it is trained: scores of its images, and what its gate needs."""

from typing import TYPE_CHECKING

import numpy as np

from core.data.batches import decoded_batches
from core.registry.views import views_of
from core.training.gating import gate_artifacts, looks_of_images

if TYPE_CHECKING:
    from core.nn.backend import keras
    from core.training.runner import Job

SPLITS = ("train", "validation", "test")


def images_of(job: "Job") -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Prepared images (n, S, S, 3) uint8 and truth of each split; the training part balanced as the spec asks."""
    from core.nn.images import prepared_array

    images, truths = {}, {}
    with job.watch.stage("images"):
        for split in SPLITS:
            paths, _, truths[split] = job.scored_or_balanced(split)
            images[split] = prepared_array(
                paths, job.spec.preprocess,
                progress=lambda done, total, split=split: job.report(f"images of the {split} part", done, total),
            )  # fmt: skip
    return images, truths


def scored(
    job: "Job", model: "keras.Model", images: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, bytes]]:
    """Scores by split, seen from the spec's views, and the files that a model made of this run needs.

    Args:
        model: the network as it is stored, its priors set.
        images: of `images_of`; the scores of training images are those of `job.stored_files`.
    """
    from core.nn.images import feature_statistics, pooled_features
    from core.nn.saving import model_bytes

    artifacts = {"network.keras": model_bytes(model)}
    with job.watch.stage("scoring"):
        y_prob = {split: answers(job, model, images[split]) for split in ("validation", "test")}
        if job.spec.score_train:
            batches = decoded_batches(job.stored_files("train")[0], job.spec.preprocess)
            y_prob["train"] = np.concatenate([answers(job, model, batch) for batch in batches])
        features = pooled_features(model, images["train"])
        statistics = feature_statistics(features)
        if statistics is not None:
            artifacts["features.json"] = statistics

        def look(split: str, at: np.ndarray) -> dict[str, np.ndarray]:
            chosen = images[split][at]
            known = features is not None and split == "train"
            return looks_of_images(features[at] if known else pooled_features(model, chosen), chosen)

        artifacts |= gate_artifacts({split: len(part) for split, part in images.items()}, look)
    return y_prob, artifacts


def answers(job: "Job", model: "keras.Model", images: np.ndarray) -> np.ndarray:
    """Probabilities (n, C) of prepared images, by the mean of the logits over the spec's views."""
    from core.nn.backend import keras
    from core.nn.fit import predict_array
    from core.nn.forward import shared_out, vector_forward
    from core.nn.heads import LOGITS
    from core.nn.serving import calibrated
    from core.nn.views import mean_logits

    views = views_of(job.spec.views)
    if len(views) == 1:
        return predict_array(model, images)
    # many passes over the same pictures: by the faster engine
    forward, workers = vector_forward(keras.Model(model.input, model.get_layer(LOGITS).output))
    logits = shared_out(lambda part: mean_logits(forward, part, views), workers, images)
    return calibrated(logits, 1.0, job.task)
