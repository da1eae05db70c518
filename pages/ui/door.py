"""The only door of the pages to `core.nn`: what a network says of a picture, and where it looked.

`core.nn` is imported inside functions, so that a page opens without an engine. A model is the one copy of the
process, which the HTTP API uses too.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.nn.serving import PredictionResult


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
