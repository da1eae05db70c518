"""Training: a head on stored features, or a whole network on images.

Only Keras' backend-neutral API is used here. Early stopping watches validation and brings the best weights
back; the test part never enters this file. `history` rows are handed out epoch by epoch, so that a file can grow,
and the state between two epochs with them, so that a killed training goes on where it was.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.data.history import Sequences
from core.errors import TrainingFailed
from core.language import english, said
from core.nn.backend import keras
from core.nn.fit_data import Batches
from core.nn.fit_pace import Pace
from core.nn.fit_state import FitState
from core.types import HeadSpec

EpochDone = Callable[[dict[str, float | int | str]], None]
BatchDone = Callable[[int, int], None]
MOMENTUM = 0.9  # of SGD, with Nesterov's look ahead
NOT_DECAYED = ["bias", "gamma", "beta"]  # decay is for kernels: on a normalisation it changes no function


@dataclass(frozen=True, slots=True, eq=False)
class FitSettings:
    """How to train; what the fields mean stands at `RunSpec`.

    `on_state` gets the state after each epoch (`FitState.to_bytes`), and `state` is one to go on from.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    task: str
    class_weight: Mapping[int, float] | None = None
    optimizer: str = "adam"
    schedule: str = "plateau"
    weight_decay: float = 0.0
    gradient_clip: float = 1.0
    patience: int = 12
    label_smoothing: float = 0.0
    mixup: float = 0.0
    stage: str = "head"
    on_epoch: EpochDone | None = None
    on_batch: BatchDone | None = None
    on_state: Callable[[bytes], None] | None = None
    state: FitState | None = None


@dataclass(frozen=True, slots=True)
class FitOutcome:
    """How a training ended: epochs done, the one whose weights were kept (from 1), and why it stopped."""

    epochs: int
    best_epoch: int
    ended: str

    def as_settings(self) -> dict[str, object]:
        """As a run's record keeps it."""
        return {"epochs_trained": self.epochs, "best_epoch": self.best_epoch, "training_ended": self.ended}


class _Course(keras.callbacks.Callback):
    """Carries a training from epoch to epoch: pace, best weights, what is handed out, and a loss that is no number."""

    def __init__(self, settings: FitSettings, batches: Batches, pace: Pace, best: list[np.ndarray]) -> None:
        super().__init__()
        self.settings, self.batches, self.pace, self.best = settings, batches, pace, best
        self.started, self.failed = time.perf_counter(), ""

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self.started, self.batches.epoch = time.perf_counter(), epoch

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        if logs and not math.isfinite(logs.get("loss", 0.0)):
            self._stop(
                said(
                    "the loss is no longer a finite number (epoch {epoch}, batch {batch})",
                    epoch=self.pace.epoch + 1, batch=batch + 1,
                )
            )  # fmt: skip
        if self.settings.on_batch:
            self.settings.on_batch(batch + 1, int(self.params.get("steps") or 0))

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        logs = {name: float(value) for name, value in (logs or {}).items()}
        if not self.failed and not math.isfinite(logs["val_loss"]):
            self._stop(said("the validation loss is no longer a finite number (epoch {epoch})", epoch=epoch + 1))
        if self.failed:
            return
        settings, pace = self.settings, self.pace
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        falls = settings.schedule == "plateau"
        if pace.after(logs["val_loss"], patience=settings.patience, falls=falls, epochs=settings.epochs):
            self.best = self.model.get_weights()
        if falls:
            self.model.optimizer.learning_rate = pace.rate
        if settings.on_epoch:
            seconds = round(time.perf_counter() - self.started, 3)
            settings.on_epoch({"stage": settings.stage, "epoch": epoch + 1, "seconds": seconds, **logs})
        if settings.on_state:
            settings.on_state(FitState.of(self.model, pace, self.best).to_bytes())
        if pace.ended:
            self.model.stop_training = True

    def _stop(self, reason: str) -> None:
        self.failed = self.failed or reason
        self.model.stop_training = True


class _PlainAUC(keras.metrics.AUC):
    """AUC where labels may be mixed: what an image shows more than half of counts as its label."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(keras.ops.cast(y_true > 0.5, "float32"), y_pred, sample_weight)


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
) -> FitOutcome:
    """Train `model` in place until validation loss stops falling; the best weights are brought back.

    Args:
        x_train: features (n, d), uint8 images (n, S, S, 3), or sequences of features, gathered batch by batch.
        y_train: class indices (n,), or (n, C) zeros and ones for multilabel.
    Returns: how it ended. A loss that is no longer finite ends it too, with the weights of the best epoch before.
    Raises: TrainingFailed when the loss is not finite in the first epoch; ValueError for a `settings.state` of another
        network; KeyboardInterrupt passes through.
    """
    keras.utils.set_random_seed(settings.seed % 2**32)
    class_count = int(model.output.shape[-1])
    batches = Batches(
        x_train, targets(y_train, class_count, settings.task), batch_size=settings.batch_size, seed=settings.seed,
        mixup=settings.mixup, class_weight=settings.class_weight,
    )  # fmt: skip
    _compile(model, settings, batches.num_batches)
    pace, best = Pace(settings.learning_rate), []
    if settings.state is not None:
        settings.state.put_into(model)
        pace, best = replace(settings.state.pace), settings.state.best
    course = _Course(settings, batches, pace, best)
    if not pace.ended:
        model.fit(
            batches,
            validation_data=(x_validation[:], targets(y_validation, class_count, settings.task)),
            validation_batch_size=settings.batch_size,
            epochs=settings.epochs,
            initial_epoch=pace.epoch,
            callbacks=[course],
            shuffle=False,  # the batches shuffle themselves
            verbose=0,
        )
    if course.failed and not pace.best_epoch:
        raise TrainingFailed(
            said(
                "Training stopped: {reason}. Lower learning_rates in the plan (now {rate}), or look for pixels or "
                "labels that are not what they should be.",
                reason=course.failed,
                rate=f"{settings.learning_rate:g}",
            )
        )
    model.set_weights(course.best)
    ended = (
        english(said("{reason}; the weights are those of epoch {epoch}", reason=course.failed, epoch=pace.best_epoch))
        if course.failed
        else pace.ended
    )
    return FitOutcome(pace.epoch, pace.best_epoch, ended)


def _compile(model: keras.Model, settings: FitSettings, steps: int) -> None:
    multilabel = settings.task == "multilabel"
    kind = keras.losses.BinaryCrossentropy if multilabel else keras.losses.CategoricalCrossentropy
    auc = _PlainAUC if settings.mixup else keras.metrics.AUC
    model.compile(
        optimizer=_optimizer(settings, steps),
        loss=kind(label_smoothing=settings.label_smoothing),
        metrics=[auc(name="auc", multi_label=multilabel)],
    )


def _optimizer(settings: FitSettings, steps: int) -> keras.optimizers.Optimizer:
    """The optimiser by name; a cosine falls step by step to zero at the end of the last epoch."""
    kinds = {
        "adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW, "sgd": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
    }  # fmt: skip
    rate = settings.learning_rate
    if settings.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, max(1, steps * settings.epochs))
    more: dict[str, object] = {"momentum": MOMENTUM, "nesterov": True} if settings.optimizer == "sgd" else {}
    if settings.weight_decay:
        more["weight_decay"] = settings.weight_decay
    optimizer = kinds[settings.optimizer](rate, clipnorm=settings.gradient_clip or None, **more)
    if settings.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
    return optimizer


def fit_head(
    model: keras.Model,
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    head: HeadSpec,
    settings: FitSettings,
) -> FitOutcome:
    """Train a head built by `heads.build_head` on features; fills its standardisation from the training part."""
    from core.nn.heads import set_scaler

    if head.standardise:
        # of sequences each image once: what stands beside it would count patients with many images twice over
        set_scaler(model, train[0].last() if isinstance(train[0], Sequences) else train[0])
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
