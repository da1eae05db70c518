"""The methods of core/registry/explanations.py on one loaded model: which engine gives which map.

What the engine that predicts can give is asked of it, without TensorFlow; the Keras network is loaded when a method, a
layer or a network asks for it, and kept.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from core.errors import ExplanationFailed
from core.language import said
from core.nn import explain_maps
from core.nn.explain import reference_gradcam
from core.nn.explain_maps import Forward, Stage
from core.nn.occlusion import occlusion_maps
from core.nn.runtime import Engine, OnnxEngine
from core.nn.views import mean_logits, mean_maps
from core.registry.explanations import GRADCAM, OCCLUSION, explanation
from core.registry.views import views_of
from core.types import ModelCard

if TYPE_CHECKING:
    from core.nn.backend import keras
    from core.nn.explain_keras import KerasNetwork, LayerChoice
    from core.nn.explain_onnx import TailGradient

CLOSED = {
    GRADCAM: explain_maps.gradcam,
    "gradcam_plus_plus": explain_maps.gradcam_plus_plus,
    "layercam": explain_maps.layercam,
}
RANDOM_DRAWS = 3  # networks with random weights; their maps differ, and one of them may agree by chance


class RawMaps(NamedTuple):
    """Maps (C, h, w), not below 0, and the (rows, columns) of the cells or patches that they were made from."""

    values: np.ndarray
    grid: tuple[int, int]


class Explainer:
    """Raw heat maps of one model by any method. Safe for several threads."""

    def __init__(self, card: ModelCard, engine: Engine, keras_model: "Callable[[], keras.Model]") -> None:
        """Explain what `engine` predicts; `keras_model` gives the same network in Keras, and is asked late."""
        self._card, self._engine, self._keras_model = card, engine, keras_model
        self._views = views_of(card.views)
        self._lock = threading.Lock()
        self._network: KerasNetwork | None = None
        self._found_tail: TailGradient | None = None
        self._tail_read = False

    def loads_tensorflow(self, key: str, layer: str = "") -> bool:
        """Does this method bring TensorFlow, where predicting does without? Raises UnknownKey."""
        spec = explanation(key)
        if not isinstance(self._engine, OnnxEngine):
            return False  # what predicts has brought it already
        if spec.needs_tensorflow or (spec.on_layer and layer not in ("", self._card.cam_layer)):
            return True
        return key in CLOSED and key != GRADCAM and self._tail() is None

    def maps(self, image: np.ndarray, key: str, *, layer: str = "", table: np.ndarray | None = None) -> RawMaps:
        """The maps of all classes of one prepared picture: the mean over the card's views, each turned back.

        What covering does is measured on the answer itself, which is that mean already.

        Args:
            image: uint8 (S, S, 3).
            key: of the registry.
            layer: whose cells are weighed, for methods that weigh any; "" for the card's.
            table: (1, k), the numbers beside the picture.
        Raises: UnknownKey; ExplanationFailed where this network cannot be explained so.
        """
        explanation(key)
        if key == OCCLUSION:
            return _covered(image, self._probabilities(table))
        return _on_cells(mean_maps(lambda seen: self._one_view(seen, key, layer, table), image, self._views))

    def _one_view(self, image: np.ndarray, key: str, layer: str, table: np.ndarray | None) -> np.ndarray:
        """The maps (C, h, w) of one view (S, S, 3) of a picture."""
        spec, chosen = explanation(key), layer or self._card.cam_layer
        if key == GRADCAM and chosen == self._card.cam_layer:
            cams = self._engine.run(image[None], maps=True, table=table).cams
            if cams is None:
                raise ExplanationFailed(said("{name} gave no heat maps.", name=self._card.name))
            return np.asarray(cams[0])
        if key == "gradcam_reference":
            return self._by_library(image, chosen)
        if key == "scorecam":
            held = self._held(image, chosen, table)
            return explain_maps.scorecam(self._logits(table), image, held, multilabel=self._multilabel)
        if not spec.on_layer:
            return self.network().saliency(image, table, noisy=key == "smoothgrad")
        return CLOSED[key](self._stage(image, chosen, table))

    def random_maps(
        self,
        image: np.ndarray,
        key: str,
        *,
        layer: str = "",
        table: np.ndarray | None = None,
        draws: int = RANDOM_DRAWS,
    ) -> np.ndarray:
        """(draws, C, h, w): the same method on the same network with random weights. Loads TensorFlow.

        Source: Adebayo et al. 2018, doi:10.48550/arXiv.1810.03292 (model parameter randomisation).
        """
        rng, found = np.random.default_rng(0), []
        explanation(key)
        for _ in range(draws):
            other = self.network().randomised(image, rng, table)
            if key == OCCLUSION:
                likely = partial(self._likely_of_views, other, table)
                found.append(_covered(image, likely).values)
            else:
                found.append(mean_maps(partial(self._one_view_of, other, key, layer, table), image, self._views))
        return np.stack(found)

    def _likely_of_views(self, other: "KerasNetwork", table: np.ndarray | None, batch: np.ndarray) -> np.ndarray:
        return self._likely(mean_logits(lambda seen: other.logits(seen, table), batch, self._views))

    def _one_view_of(
        self, other: "KerasNetwork", key: str, layer: str, table: np.ndarray | None, image: np.ndarray
    ) -> np.ndarray:
        """As `_one_view`, of another network in Keras."""
        chosen = layer or self._card.cam_layer
        if key == "scorecam":
            held = other.stage(image, chosen, table).activations
            return explain_maps.scorecam(
                lambda batch: other.logits(batch, table), image, held, multilabel=self._multilabel
            )
        if not explanation(key).on_layer:
            return other.saliency(image, table, noisy=key == "smoothgrad")
        # the library's map is Grad-CAM, and equal to it
        return CLOSED.get(key, explain_maps.gradcam)(other.stage(image, chosen, table))

    def layers(self) -> "tuple[LayerChoice, ...]":
        """Layers whose cells can be asked, one per grid size, the coarsest first. Loads TensorFlow."""
        return self.network().choices()

    def network(self) -> "KerasNetwork":
        """The network in Keras, loaded at the first call."""
        from core.nn.explain_keras import KerasNetwork

        with self._lock:
            if self._network is None:
                self._network = KerasNetwork(self._keras_model())
            return self._network

    @property
    def _multilabel(self) -> bool:
        return self._card.task == "multilabel"

    def _likely(self, logits: np.ndarray) -> np.ndarray:
        from core.nn.serving import calibrated

        return calibrated(logits, self._card.temperature, self._card.task)

    def _probabilities(self, table: np.ndarray | None) -> Forward:
        def logits(seen: np.ndarray) -> np.ndarray:
            return self._engine.run(seen, table=_repeated(table, len(seen))).logits

        return lambda batch: self._likely(mean_logits(logits, batch, self._views))

    def _logits(self, table: np.ndarray | None) -> Forward:
        def logits(batch: np.ndarray) -> np.ndarray:
            # whole grey values, as every picture that a network gets here
            pixels = np.rint(batch).astype(np.uint8)
            return self._engine.run(pixels, table=_repeated(table, len(pixels))).logits

        return logits

    def _held(self, image: np.ndarray, layer: str, table: np.ndarray | None) -> np.ndarray:
        if isinstance(self._engine, OnnxEngine) and layer == self._card.cam_layer:
            held: np.ndarray = self._engine.activations(image[None])[0]
            return held
        return self.network().stage(image, layer, table).activations

    def _stage(self, image: np.ndarray, layer: str, table: np.ndarray | None) -> Stage:
        if isinstance(self._engine, OnnxEngine) and layer == self._card.cam_layer:
            tail = self._tail()
            if tail is not None:
                return tail.stage(self._engine.activations(image[None]))
        return self.network().stage(image, layer, table)

    def _tail(self) -> "TailGradient | None":
        """What of `explain.onnx` gives the gradient of every cell; None where nothing does. Read at the first call."""
        if not isinstance(self._engine, OnnxEngine):
            return None
        with self._lock:
            if not self._tail_read:
                from core.nn.explain_onnx import TailGradient

                self._found_tail, self._tail_read = TailGradient.of(self._engine.explain_source), True
            return self._found_tail

    def _by_library(self, image: np.ndarray, layer: str) -> np.ndarray:
        if self._card.tabular_inputs:
            raise ExplanationFailed(
                said("tf-keras-vis cannot explain a network that takes numbers beside the picture.")
            )
        model = self.network().model
        return np.stack([reference_gradcam(model, image, i, layer) for i in range(len(self._card.class_names))])


def _repeated(table: np.ndarray | None, n: int) -> np.ndarray | None:
    return None if table is None else np.repeat(table, n, axis=0)


def _on_cells(maps: np.ndarray) -> RawMaps:
    return RawMaps(maps, (int(maps.shape[1]), int(maps.shape[2])))


def _covered(image: np.ndarray, probabilities: Forward) -> RawMaps:
    """What each probability lost under a patch, on the picture; 0 where it did not fall."""
    found = occlusion_maps(image, probabilities)
    rows, columns = found.drops.shape[1:]
    return RawMaps(np.maximum(found.cells(image.shape[0]), 0), (int(rows), int(columns)))
