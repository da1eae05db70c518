"""Heat maps in closed form, from what one layer holds and its gradient, or what is said of parts of the picture.

NumPy alone; occlusion is in `occlusion.py`. Raw maps are not below 0; `explain.heatmap` scales them. The formulas are
those of tf-keras-vis, which the tests hold them against.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CHANNELS = 128  # of Score-CAM: those of largest spread; each is one more prediction
AT_ONCE = 16  # changed pictures per call
SPREAD_EPSILON = 1e-7  # what Keras adds to a divisor

Forward = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One picture inside a network: activations (h, w, d) of a layer, the gradient of every logit to them.

    gradient: (C, h, w, d), or (C, 1, 1, d) where it is the same in every cell.
    """

    activations: np.ndarray
    gradient: np.ndarray


def gradcam(stage: Stage) -> np.ndarray:
    """(C, h, w): channels weighed by their mean gradient. Source: Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74."""
    weights = stage.gradient.mean(axis=(1, 2), dtype=np.float64)
    return np.maximum(np.einsum("hwd,cd->chw", stage.activations, weights), 0)


def gradcam_plus_plus(stage: Stage) -> np.ndarray:
    """(C, h, w): channels weighed by their positive gradients, each cell by the curvature of the exponential.

    The exponential of the score, a factor that all cells share, is left out: maps are scaled by their maximum.
    Source: Chattopadhay et al. 2018, doi:10.1109/WACV.2018.00097.
    """
    held = stage.activations.astype(np.float64)
    gradient = np.broadcast_to(stage.gradient, (len(stage.gradient), *held.shape)).astype(np.float64)
    below = 2 + gradient * held.sum(axis=(0, 1))
    alphas = np.divide(1.0, below, out=np.zeros_like(below), where=(gradient != 0) & (below != 0))
    total = alphas.sum(axis=(1, 2), keepdims=True)
    alphas /= np.where(total == 0, 1, total)
    weights = (np.maximum(gradient, 0) * alphas).sum(axis=(1, 2))
    return np.maximum(np.einsum("hwd,cd->chw", held, weights), 0)


def layercam(stage: Stage) -> np.ndarray:
    """(C, h, w): every cell weighed by its own positive gradient. Source: Jiang et al. 2021, as in the registry."""
    found = [(stage.activations * np.maximum(one, 0)).sum(axis=-1, dtype=np.float64) for one in stage.gradient]
    return np.maximum(np.stack(found), 0)


def scorecam(
    logits: Forward, image: np.ndarray, activations: np.ndarray, *, multilabel: bool = False, channels: int = CHANNELS
) -> np.ndarray:
    """(C, h, w): channels weighed by what the network says of the part of the picture that each lets through.

    Args:
        logits: pictures (n, S, S, 3) float32 in 0 to 255 -> (n, C).
        image: (S, S, 3).
        activations: (h, w, d) of the layer.
        multilabel: weigh by each class's own sigmoid; by the softmax otherwise.
        channels: how many, those of largest spread first (Faster Score-CAM).
    Source: Wang et al. 2020, doi:10.1109/CVPRW50498.2020.00020.
    """
    kept = np.argsort(-activations.std(axis=(0, 1)), kind="stable")[:channels]
    held = activations[:, :, kept]
    weights: list[np.ndarray] = []
    for at in range(0, len(kept), AT_ONCE):
        masks = _enlarged(held[:, :, at : at + AT_ONCE], image.shape[0])
        low, high = masks.min(axis=(0, 1)), masks.max(axis=(0, 1))
        masks = np.moveaxis((masks - low) / (high - low + SPREAD_EPSILON), -1, 0)[..., None]
        weights.extend(_likely(logits((image * masks).astype(np.float32)), multilabel))
    return np.maximum(np.einsum("hwd,dc->chw", held.astype(np.float64), np.stack(weights)), 0)


def _likely(logits: np.ndarray, multilabel: bool) -> np.ndarray:
    values = logits.astype(np.float64)
    if multilabel:
        return 1 / (1 + np.exp(-values))
    exponents = np.exp(values - values.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def _enlarged(grids: np.ndarray, side: int) -> np.ndarray:
    """(h, w, d) as (side, side, d), linear between cells, corners on corners as tf-keras-vis lays them."""
    for axis in (0, 1):
        length = grids.shape[axis]
        places = np.linspace(0, length - 1, side)
        first = np.minimum(np.floor(places).astype(int), max(length - 2, 0))
        shape = [1, 1, 1]
        shape[axis] = side
        share = (places - first).reshape(shape)
        after = np.minimum(first + 1, length - 1)
        grids = np.take(grids, first, axis) * (1 - share) + np.take(grids, after, axis) * share
    return grids
