"""The only door of the pages to `core.nn`: what a network says of a picture, and where it looked.

`core.nn` is imported inside functions, so that a page opens without an engine. A model is the one copy of the
process, which the HTTP API uses too.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.types import Heatmap

if TYPE_CHECKING:
    from core.nn.explain_keras import LayerChoice
    from core.nn.explain_trust import Agreement, Hiding
    from core.nn.serving import PredictionResult
    from core.store.traces import Trace


def predict(
    name: str,
    pixels: np.ndarray,
    image_id: str,
    *,
    method: str = "gradcam",
    layer: str = "",
    table: Sequence[float] = (),
) -> "PredictionResult":
    """One picture's answer with the maps of all classes. Raises ModelError.

    Args:
        method: a key of core/registry/explanations.py.
        layer: whose cells are weighed; "" for the card's.
        table: numbers beside the picture.
    """
    from core.nn.pool import shared_predictor

    return shared_predictor(name).predict(pixels, image_id=image_id, method=method, layer=layer, table=table)


def scores(name: str, batch: np.ndarray) -> tuple[np.ndarray, list[bool] | None]:
    """Calibrated probabilities (n, C) of prepared pictures (n, S, S, 3), without maps. Raises ModelError.

    Beside them, which pictures the model's gate finds unlike its training images; None where it has no gate.
    """
    from core.nn.pool import shared_predictor
    from core.nn.serving import calibrated

    predictor = shared_predictor(name)
    output = predictor.run(batch)
    judged = predictor.ood(batch, output)
    probabilities = calibrated(output.logits, predictor.card.temperature, predictor.card.task)
    return probabilities, None if judged is None else [answer.flagged for answer in judged]


def loads_tensorflow(name: str, method: str, layer: str = "") -> bool:
    """Does a method bring TensorFlow on this model, which takes some seconds once? Raises ModelError."""
    from core.nn.pool import shared_predictor

    return shared_predictor(name).explainer.loads_tensorflow(method, layer)


def layer_choices(name: str) -> "tuple[LayerChoice, ...]":
    """Layers whose cells a map can be made of, one per grid size, the coarsest first. Brings TensorFlow."""
    from core.nn.pool import shared_predictor

    return shared_predictor(name).explainer.layers()


def hiding(
    name: str, prepared: np.ndarray, heat: np.ndarray, class_index: int, table: Sequence[float] = ()
) -> "Hiding":
    """What hiding the hot part of a prepared picture (S, S, 3) does to one class; about 20 predictions."""
    from core.nn.explain_trust import hiding as measured
    from core.nn.pool import shared_predictor

    predictor, row = shared_predictor(name), np.asarray([table], np.float64)

    def probabilities(batch: np.ndarray) -> np.ndarray:
        return predictor.probabilities(batch, table=np.repeat(row, len(batch), axis=0) if table else None)

    return measured(probabilities, prepared, heat, class_index)


def random_maps(
    name: str, prepared: np.ndarray, *, method: str, layer: str = "", table: Sequence[float] = ()
) -> tuple[tuple[Heatmap, ...], ...]:
    """The maps of all classes by networks with random weights, one tuple per network. Brings TensorFlow."""
    from core.nn.pool import shared_predictor

    return shared_predictor(name).random_heatmaps(prepared, method=method, layer=layer, table=table)


def compared(first: Heatmap, second: Heatmap) -> "Agreement":
    """How alike two maps of one picture are, on the coarser of their two grids."""
    from core.nn.explain_trust import agreement

    (rows, columns), (other_rows, other_columns) = first.grid, second.grid
    return agreement(first.values, second.values, (min(rows, other_rows), min(columns, other_columns)))


def live_trace(name: str, pixels: np.ndarray) -> "tuple[Trace, bool]":
    """A picture's (H, W, 3) way through a model, stage by stage, and whether the model's gate flags it.

    Raises: ModelError; ExplanationFailed, where the model's network cannot be followed.
    """
    from core.nn.live_trace import live_trace as followed

    return followed(name, pixels)
