"""Training a whole network against a bare Keras `fit` on in-memory arrays: the same network, images and epochs."""

import itertools
import time
from dataclasses import dataclass
from statistics import median

import numpy as np
from report import Goal, Row
from settings import Settings
from timing import described, interleaved, ratios

BATCH_SIZE = 16
EPOCHS = 4  # the first traces the graph, on both sides; it is not counted
LONGEST_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Case:
    """One network at one size, and how many images an epoch has."""

    architecture: str
    input_px: int
    images: int
    rounds: int


CASES = (Case("mobilenet_v2", 96, 256, 3), Case("compact_cnn", 112, 320, 3))


class Trainings:
    """One epoch of each kind, in seconds, between the ends of two epochs: with validation, and what is stored."""

    def __init__(self, case: Case, settings: Settings) -> None:
        rng, side = np.random.default_rng(0), case.input_px
        self.case, self.files = case, (settings.folder / f"state{n}.bin" for n in itertools.count())
        count = case.images // 2 if settings.quick else case.images
        self.x = rng.integers(0, 256, (count, side, side, 3)).astype("uint8")
        self.y = np.arange(count) % 2
        self.held_out = self.x[: count // 4], self.y[: count // 4]

    def _network(self):
        from core.nn.backbones import build_backbone
        from core.nn.heads import build_network
        from core.registry.architectures import architecture_spec
        from core.registry.heads import head_spec

        backbone = build_backbone(architecture_spec(self.case.architecture), input_px=self.case.input_px)
        return build_network(backbone, head_spec("linear"), 2, "binary", scaler=False)

    def bare(self) -> float:
        """Keras' own `fit`, with the metric and the optimiser of the library."""
        from core.nn.backend import keras

        model, ends = self._network(), []
        model.compile(
            optimizer=keras.optimizers.Adam(1e-4, clipnorm=1.0), loss="categorical_crossentropy",
            metrics=[keras.metrics.AUC(name="auc")],
        )  # fmt: skip
        told = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ends.append(time.perf_counter()))
        one_hot = np.eye(2, dtype="float32")
        model.fit(
            self.x, one_hot[self.y], batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0, callbacks=[told],
            validation_data=(self.held_out[0], one_hot[self.held_out[1]]),
        )  # fmt: skip
        return float(median(np.diff(ends)))

    def library(self) -> float:
        """`core.nn.fit`, with a checkpoint on the disk after every epoch."""
        from core.nn.fit import FitSettings, fit
        from core.store.atomic import write_bytes

        ends: list[float] = []
        file = next(self.files)

        def keep(state: bytes) -> None:
            write_bytes(file, state)
            ends.append(time.perf_counter())

        settings = FitSettings(
            epochs=EPOCHS, batch_size=BATCH_SIZE, learning_rate=1e-4, seed=0, task="binary", on_state=keep,
            on_epoch=lambda _row: None, on_batch=lambda _done, _total: None,
        )  # fmt: skip
        fit(self._network(), self.x, self.y, *self.held_out, settings)
        file.unlink()
        return float(median(np.diff(ends)))


def measure(settings: Settings) -> list[Row]:
    """Each network in turn, random weights."""
    from core.registry.architectures import architecture_spec

    rows = []
    for case in CASES:
        trainings = Trainings(case, settings)
        found = interleaved(
            {"bare": trainings.bare, "library": trainings.library}, settings.rounds(case.rounds, 2), warm_ups=0,
            seconds=LONGEST_SECONDS,
        )  # fmt: skip
        speeds = ratios(found["bare"], found["library"])
        images = len(trainings.x)
        rows.append(
            Row(f"Training, {architecture_spec(case.architecture).title}, images a second of a bare Keras fit",
                median(speeds), "×", f"{images / median(found['library']):.1f} against "
                f"{images / median(found['bare']):.1f} a second; {images} images of {case.input_px} px, checkpoint "
                f"included; {described(speeds)}", Goal("at least", 0.9))
        )  # fmt: skip
    return rows
