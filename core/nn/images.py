"""Many images -> one uint8 array for training on pixels, and what a trained network makes of them."""

import json
from collections.abc import Callable, Sequence

import numpy as np

from core.data.batches import decoded_batches
from core.errors import SpecInvalid
from core.nn.backend import keras
from core.nn.forward import vectors_of
from core.nn.heads import POOLED
from core.types import PreprocessSpec

MAX_ARRAY_BYTES = 8 * 1024**3  # a third of the memory of the smallest machine that this is meant for


def prepared_array(
    image_paths: Sequence[str], preprocess: PreprocessSpec, *, progress: Callable[[int, int], None] | None = None
) -> np.ndarray:
    """uint8 RGB (n, S, S, 3) of the images, in order.

    Raises: SpecInvalid when the array would not fit; ImageRefused for an image that cannot be read.
    """
    side, total = preprocess.size_px, len(image_paths)
    if total * side * side * 3 > MAX_ARRAY_BYTES:
        raise SpecInvalid(
            f"{total:,} images at {side} px need {total * side * side * 3 / 1024**3:.1f} GB, more than the "
            f"{MAX_ARRAY_BYTES / 1024**3:.0f} GB allowed. Lower preprocess.size_px."
        )
    array = np.empty((total, side, side, 3), dtype=np.uint8)
    done = 0
    for batch in decoded_batches(image_paths, preprocess):
        array[done : done + len(batch)] = batch
        done += len(batch)
        if progress:
            progress(done, total)
    return array


def pooled_features(model: keras.Model, images: np.ndarray) -> np.ndarray | None:
    """Pooled features (n, d) of prepared images (n, S, S, 3); None where the network pools nothing."""
    if POOLED not in {layer.name for layer in model.layers}:
        return None
    return vectors_of(keras.Model(model.input, model.get_layer(POOLED).output), images)


def feature_statistics(features: np.ndarray | None) -> bytes | None:
    """JSON with the mean and the standard deviation (d,) of pooled features (n, d); None where there are none."""
    if features is None:
        return None
    content = {"mean": features.mean(axis=0).tolist(), "scale": features.std(axis=0).tolist()}
    return json.dumps(content).encode("ascii")
