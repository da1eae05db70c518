"""Predictor: load a shipped model, verify it against its card, predict.

Scores are calibrated (logits divided by the card's temperature), as the card's threshold and golden
outputs are. Safe for several threads. TensorFlow is imported only where ONNX Runtime cannot serve the model, or when
somebody asks for the reference map.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.data.appearance import appearance
from core.data.images import fit_image
from core.data.phantom import draw_phantom
from core.errors import ModelDamaged
from core.language import said
from core.nn import explain
from core.nn.explain_methods import Explainer
from core.nn.ood import APPEARANCE, FEATURES, OOD_FILE, Gate, OodAnswer
from core.nn.runtime import COMPILED, ONNX, Engine, OnnxEngine, Output, engine_errors
from core.nn.tabular import checked_table, middle_table
from core.nn.views import run_views
from core.registry.explanations import GRADCAM, explanation
from core.registry.views import views_of
from core.store.models import EXPLAIN, GRAPH, MODEL, load_card, verified_bytes
from core.types import Heatmap, ModelCard, PreprocessSpec

if TYPE_CHECKING:
    from core.nn.backend import keras

GOLDEN_TOLERANCE = 1e-4  # float32 on another processor differs by 1e-6; more means other pixels or weights


@dataclass(frozen=True, slots=True, eq=False)
class PredictionResult:
    """One image's answer: calibrated probabilities (C,), one heat map per class (or none), the picture as seen.

    `ood` says whether the picture is unlike the training images; None where the model has no gate.
    """

    probabilities: np.ndarray
    heatmaps: tuple[Heatmap, ...]
    prepared: np.ndarray
    seconds: float
    ood: OodAnswer | None = None


def calibrated(logits: np.ndarray, temperature: float, task: str) -> np.ndarray:
    """Probabilities (n, C) float64 of logits (n, C) at a temperature; softmax, or sigmoid for multilabel."""
    scaled = logits.astype(np.float64) / temperature
    if task == "multilabel":
        return 1 / (1 + np.exp(-scaled))
    exponents = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def golden_images(seeds: tuple[int, ...], preprocess: PreprocessSpec) -> np.ndarray:
    """The phantoms (n, S, S, 3) on which a model's outputs are compared with its card, prepared as an upload is."""
    return np.stack([fit_image(draw_phantom(seed, 0, 0).pixels, preprocess) for seed in seeds])


class Predictor:
    """A loaded model with its card. Build it with `Predictor.load`."""

    def __init__(self, card: ModelCard, engine: Engine, folder: Path | None = None) -> None:
        """Serve the model of `card` by `engine`; `folder` holds the model folders, for the reference map."""
        self.card, self.golden_difference = card, 0.0
        self._engine, self._folder, self._views = engine, folder, views_of(card.views)
        self.explainer = Explainer(card, engine, self._keras_model)
        self._gate = None if card.ood is None else Gate.from_bytes(verified_bytes(card, OOD_FILE, folder))

    @classmethod
    def load(cls, name: str, folder: Path | None = None, *, engine: str | None = None) -> "Predictor":
        """The model `name`, after the sha256 of its files and its golden outputs have been checked.

        Args:
            engine: "ONNX Runtime" or "compiled Keras"; the card's own when None.
        Raises: ModelDamaged when a file is not the card's, or the outputs differ by more than 1e-4.
        """
        card = load_card(name, folder)
        predictor = cls(card, _open(card, engine or card.engine, folder), folder)
        images = golden_images(card.golden_seeds, card.preprocess)
        golden = predictor.probabilities(images, table=middle_table(card.tabular_inputs, len(images)))
        predictor.golden_difference = float(np.abs(golden - np.asarray(card.golden_outputs)).max())
        if not predictor.golden_difference <= GOLDEN_TOLERANCE:  # written so that NaN does not pass
            raise ModelDamaged(
                said(
                    "{name} answers its golden images differently from its card, by {golden_difference:.2g} "
                    "(at most {golden_tolerance:g} is allowed): its numbers would not hold. Export it again "
                    "from its run.",
                    name=name,
                    golden_difference=predictor.golden_difference,
                    golden_tolerance=GOLDEN_TOLERANCE,
                )
            )
        return predictor

    @property
    def engine(self) -> str:
        """What runs the network: "ONNX Runtime" or "compiled Keras"."""
        return self._engine.name

    def run(self, batch: np.ndarray, *, maps: bool = False, table: np.ndarray | None = None) -> Output:
        """Prepared uint8 images (n, S, S, 3) through the engine, with raw logits: the mean over the card's views.

        Args:
            table: (n, k), the numbers of `card.tabular_inputs` for each image; None where the network takes none.
        Raises: ModelError when a network that takes numbers is given none, or wrong ones.
        """
        if self.card.tabular_inputs:
            table = checked_table(self.card, table, len(batch))
        return run_views(self._engine, self._views, batch, self._likely, maps=maps, table=table)

    def features(self, batch: np.ndarray) -> np.ndarray | None:
        """Pooled features (n, d) of prepared images (n, S, S, 3) as they are; None where the network pools nothing."""
        return self._engine.run(batch, table=middle_table(self.card.tabular_inputs, len(batch))).features

    def probabilities(self, batch: np.ndarray, *, table: np.ndarray | None = None) -> np.ndarray:
        """Calibrated probabilities (n, C) of prepared uint8 images (n, S, S, 3), with their table as `run` takes it."""
        return self._calibrated(self.run(batch, table=table).logits)

    def looks(self, batch: np.ndarray, output: Output | None = None) -> dict[str, np.ndarray]:
        """What a gate looks at, (n, d) by kind, of prepared uint8 images (n, S, S, 3).

        Args:
            output: of `run` on the same images, where there is one already.
        """
        features = self.features(batch) if output is None else output.features
        pooled = {} if features is None else {FEATURES: features}
        return {**pooled, APPEARANCE: appearance(batch)}

    def ood(self, batch: np.ndarray, output: Output) -> list[OodAnswer] | None:
        """Are prepared images (n, S, S, 3), with their `output`, unlike the training images? None without a gate."""
        return None if self._gate is None else self._gate.answers(self.looks(batch, output))

    def judged(self, batch: np.ndarray, *, table: np.ndarray | None = None) -> tuple[np.ndarray, list[OodAnswer]]:
        """Calibrated probabilities (n, C) of prepared images, and what the gate says; of it nothing without a gate."""
        output = self.run(batch, table=table)
        return self._calibrated(output.logits), self.ood(batch, output) or []

    def predict(
        self,
        rgb: np.ndarray,
        explain_classes: bool = True,
        *,
        image_id: str = "image",
        method: str = GRADCAM,
        layer: str = "",
        table: Sequence[float] = (),
    ) -> PredictionResult:
        """Predict one decoded image (H, W, 3) uint8, with one heat map per class unless switched off.

        Args:
            method: a key of core/registry/explanations.py; Grad-CAM comes from the same pass.
            layer: whose cells are weighed, for methods that weigh any; "" for the card's.
            table: the numbers of `card.tabular_inputs`, in order.
        Raises: UnknownKey; ModelError for wrong numbers; ExplanationFailed where the method cannot go.
        """
        started = time.perf_counter()
        card, spec = self.card, explanation(method)
        prepared = fit_image(rgb, card.preprocess)
        numbers = np.asarray([table], np.float64) if table else None
        chosen = (layer or card.cam_layer) if spec.on_layer else ""
        at_once = explain_classes and method == GRADCAM and chosen == card.cam_layer
        output = self.run(prepared[None], maps=at_once, table=numbers)
        heatmaps: tuple[Heatmap, ...] = ()
        if explain_classes:
            if output.cams is not None:
                heatmaps = self._heatmaps(output.cams[0], None, image_id, spec.title, chosen)
            else:
                found = self.explainer.maps(prepared, method, layer=layer, table=numbers)
                heatmaps = self._heatmaps(*found, image_id, spec.title, chosen)
        probabilities = self._calibrated(output.logits)[0]
        judged = self.ood(prepared[None], output)
        seconds = time.perf_counter() - started
        return PredictionResult(probabilities, heatmaps, prepared, seconds, None if judged is None else judged[0])

    def random_heatmaps(
        self, prepared: np.ndarray, *, method: str = GRADCAM, layer: str = "", table: Sequence[float] = ()
    ) -> tuple[tuple[Heatmap, ...], ...]:
        """The maps of a prepared picture (S, S, 3) by networks of the same shape with random weights; one per class.

        Loads TensorFlow. Raises: as `predict`.
        """
        spec = explanation(method)
        chosen = (layer or self.card.cam_layer) if spec.on_layer else ""
        numbers = np.asarray([table], np.float64) if table else None
        drawn = self.explainer.random_maps(prepared, method, layer=layer, table=numbers)
        return tuple(self._heatmaps(raw, None, "random weights", spec.title, chosen) for raw in drawn)

    def _heatmaps(
        self, raw: np.ndarray, grid: tuple[int, int] | None, image_id: str, title: str, layer: str
    ) -> tuple[Heatmap, ...]:
        return tuple(
            explain.heatmap(
                raw[index], image_id=image_id, class_name=name, layer=layer, size_px=self.card.preprocess.size_px,
                method=title, grid=grid,
            )
            for index, name in enumerate(self.card.class_names)
        )  # fmt: skip

    def _calibrated(self, logits: np.ndarray) -> np.ndarray:
        return calibrated(logits, self.card.temperature, self.card.task)

    def _likely(self, logits: np.ndarray) -> np.ndarray:
        return calibrated(logits, 1.0, self.card.task)

    def _keras_model(self) -> "keras.Model":
        """The network in Keras, read from its file."""
        return _keras_model(self.card, self._folder)


def _open(card: ModelCard, engine: str, folder: Path | None) -> Engine:
    """The engine by name. Raises ModelDamaged when a file is not the card's, or there is no such engine."""
    if engine == ONNX:
        graph, gradient = verified_bytes(card, GRAPH, folder), verified_bytes(card, EXPLAIN, folder)
        try:
            return OnnxEngine(graph, gradient)
        except engine_errors() as error:
            reason = str(error).splitlines()[0][:200]
            raise ModelDamaged(
                said("{name}: this ONNX Runtime cannot open its graph: {reason}", name=card.name, reason=reason)
            ) from error
    if engine == COMPILED:
        from core.nn.gradcam import compiled_engine

        return compiled_engine(_keras_model(card, folder), card.cam_layer)
    raise ModelDamaged(
        said(
            "{name}: its card asks for the engine {engine}; there are {onnx} and {compiled}.",
            name=card.name,
            engine=repr(engine),
            onnx=repr(ONNX),
            compiled=repr(COMPILED),
        )
    )


def _keras_model(card: ModelCard, folder: Path | None) -> "keras.Model":
    from core.nn.saving import model_from_bytes

    return model_from_bytes(verified_bytes(card, MODEL, folder))
