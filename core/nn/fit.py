"""Training: a head on stored features, or a whole network on images.

Only Keras' backend-neutral API is used here. Early stopping watches validation and brings the best weights
back; the test part never enters this file. `history` rows are handed out epoch by epoch, so that a file can grow.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import TrainingFailed
from core.nn.backend import keras
from core.types import HeadSpec

EpochDone = Callable[[dict[str, float | int | str]], None]
BatchDone = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class FitSettings:
    """How to train: `patience` epochs without a better validation loss end it; the rate falls on plateaus before."""

    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    task: str
    class_weight: Mapping[int, float] | None = None
    patience: int = 12
    gradient_clip: float = 1.0
    stage: str = "head"
    on_epoch: EpochDone | None = None
    on_batch: BatchDone | None = None


class _Follow(keras.callbacks.Callback):
    """Hands each epoch's numbers out, and stops at a loss that is not finite."""

    def __init__(self, settings: FitSettings) -> None:
        super().__init__()
        self.settings, self.started = settings, time.perf_counter()
        self.failed = ""

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        if logs and not math.isfinite(logs.get("loss", 0.0)):
            self.failed = f"the loss is no longer a finite number (batch {batch + 1})"
            self.model.stop_training = True
        if self.settings.on_batch:
            self.settings.on_batch(batch + 1, int(self.params.get("steps") or 0))

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        if self.settings.on_epoch and not self.failed:
            row: dict[str, float | int | str] = {
                "stage": self.settings.stage,
                "epoch": epoch + 1,
                "seconds": round(time.perf_counter() - self.started, 3),
            }
            row.update({k: float(v) for k, v in (logs or {}).items()})
            self.settings.on_epoch(row)


def targets(y_true: np.ndarray, class_count: int, task: str) -> np.ndarray:
    """Class indices (n,) as one-hot rows (n, C) float32; multilabel rows as they are."""
    if task == "multilabel":
        return y_true.astype("float32")
    return np.eye(class_count, dtype="float32")[y_true]


def fit(
    model: keras.Model,
    x_train: np.ndarray,
    y_train: np.ndarray,
    x_validation: np.ndarray,
    y_validation: np.ndarray,
    settings: FitSettings,
) -> keras.Model:
    """Train `model` in place until validation loss stops falling; the best weights are brought back.

    Args:
        x_train: features (n, d), or uint8 images (n, S, S, 3).
        y_train: class indices (n,), or (n, C) zeros and ones for multilabel.
    Returns: the same model.
    Raises: TrainingFailed when the loss is not finite; KeyboardInterrupt passes through.
    """
    keras.utils.set_random_seed(settings.seed)
    class_count = int(model.output.shape[-1])
    multilabel = settings.task == "multilabel"
    loss = keras.losses.BinaryCrossentropy() if multilabel else keras.losses.CategoricalCrossentropy()
    model.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate, clipnorm=settings.gradient_clip),
        loss=loss,
        metrics=[keras.metrics.AUC(name="auc", multi_label=multilabel)],
    )
    follow = _Follow(settings)
    callbacks = [
        keras.callbacks.ReduceLROnPlateau(patience=max(2, settings.patience // 3), factor=0.5, min_lr=1e-6),
        keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True),
        follow,
    ]
    model.fit(
        x_train,
        targets(y_train, class_count, settings.task),
        validation_data=(x_validation, targets(y_validation, class_count, settings.task)),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        class_weight=dict(settings.class_weight) if settings.class_weight else None,
        callbacks=callbacks,
        shuffle=True,
        verbose=0,
    )
    if follow.failed:
        raise TrainingFailed(
            f"Training stopped: {follow.failed}. Lower learning_rates in the plan "
            f"(now {settings.learning_rate:g}), or look for pixels or labels that are not what they should be."
        )
    return model


def fit_head(
    model: keras.Model,
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    head: HeadSpec,
    settings: FitSettings,
) -> keras.Model:
    """Train a head built by `heads.build_head` on features; fills its standardisation from the training part."""
    from core.nn.heads import set_scaler

    if head.standardise:
        set_scaler(model, train[0])
    return fit(model, *train, *validation, settings)


def predict_array(model: keras.Model, x: np.ndarray, batch_size: int = 64) -> np.ndarray:
    """Scores (n, C) float64 of features or images; rows of a softmax are made to sum to 1 in double precision."""
    scores = np.concatenate(
        [
            keras.ops.convert_to_numpy(model.predict_on_batch(x[i : i + batch_size]))
            for i in range(0, len(x), batch_size)
        ]
    ).astype(np.float64)
    if model.layers[-1].get_config().get("activation") == "softmax":
        scores /= scores.sum(axis=1, keepdims=True)
    return scores
