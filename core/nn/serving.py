"""Predictor: load a shipped model, verify it against its card, predict under a lock.

Scores are calibrated (logits divided by the card's temperature), as the card's threshold and golden
outputs are. Safe for several threads.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.images import fit_image
from core.data.phantom import draw_phantom
from core.errors import ModelDamaged
from core.nn import explain
from core.nn.runtime import CompiledKeras, Output
from core.nn.saving import load
from core.store.models import model_path, verify_model
from core.types import Heatmap, ModelCard, PreprocessSpec

GOLDEN_TOLERANCE = 1e-4  # float32 on another processor differs by 1e-6; more means other pixels or weights
METHODS = (explain.GRADCAM, explain.REFERENCE)


@dataclass(frozen=True, slots=True, eq=False)
class PredictionResult:
    """One image's answer: calibrated probabilities (C,), one heat map per class (or none), the picture as seen."""

    probabilities: np.ndarray
    heatmaps: tuple[Heatmap, ...]
    prepared: np.ndarray
    seconds: float


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

    def __init__(self, card: ModelCard, runtime: CompiledKeras, model: object, golden_difference: float) -> None:
        self.card, self.golden_difference = card, golden_difference
        self._runtime, self._model = runtime, model

    @classmethod
    def load(cls, name: str, folder: Path | None = None) -> "Predictor":
        """The model `name`, after its sha256 and its golden outputs have been checked.

        Raises: ModelDamaged when the file is not the card's, or the outputs differ by more than 1e-4.
        """
        card = verify_model(name, folder)
        model = load(model_path(name, folder))
        runtime = CompiledKeras(model, card.cam_layer)
        predictor = cls(card, runtime, model, 0.0)
        golden = predictor.probabilities(golden_images(card.golden_seeds, card.preprocess))
        predictor.golden_difference = float(np.abs(golden - np.asarray(card.golden_outputs)).max())
        if predictor.golden_difference > GOLDEN_TOLERANCE:
            raise ModelDamaged(
                f"{name} answers its golden images differently from its card, by {predictor.golden_difference:.2g} "
                f"(at most {GOLDEN_TOLERANCE:g} is allowed): its numbers would not hold. Export it again from its run."
            )
        return predictor

    def run(self, batch: np.ndarray, *, maps: bool = False) -> Output:
        """Prepared uint8 images (n, S, S, 3) through the engine, with raw logits."""
        return self._runtime.run(batch, maps=maps)

    def probabilities(self, batch: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (n, C) of prepared uint8 images (n, S, S, 3)."""
        return calibrated(self.run(batch).logits, self.card.temperature, self.card.task)

    def predict(
        self, rgb: np.ndarray, explain_classes: bool = True, *, image_id: str = "image", method: str = explain.GRADCAM
    ) -> PredictionResult:
        """Predict one decoded image (H, W, 3) uint8, with one heat map per class unless switched off.

        Args:
            method: "Grad-CAM" (compiled, in the same pass) or "Grad-CAM (tf-keras-vis)" (the reference, slower).
        """
        started = time.perf_counter()
        card = self.card
        prepared = fit_image(rgb, card.preprocess)
        compiled_maps = explain_classes and method == explain.GRADCAM
        output = self.run(prepared[None], maps=compiled_maps)
        heatmaps: tuple[Heatmap, ...] = ()
        if explain_classes:
            raw = output.cams[0] if output.cams is not None else self._reference_maps(prepared)
            heatmaps = tuple(
                explain.heatmap(
                    raw[index], image_id=image_id, class_name=name, layer=card.cam_layer,
                    size_px=card.preprocess.size_px, method=method,
                )
                for index, name in enumerate(card.class_names)
            )  # fmt: skip
        probabilities = calibrated(output.logits, card.temperature, card.task)[0]
        return PredictionResult(probabilities, heatmaps, prepared, time.perf_counter() - started)

    def _reference_maps(self, prepared: np.ndarray) -> np.ndarray:
        return np.stack(
            [
                explain.reference_gradcam(self._model, prepared, index, self.card.cam_layer)
                for index in range(len(self.card.class_names))
            ]
        )
