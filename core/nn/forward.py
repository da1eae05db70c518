"""Pixels -> pooled features of a backbone, or whatever a network gives, as fast as this machine goes: by ONNX Runtime
where it can, else by compiled Keras.
"""

from collections.abc import Callable

import numpy as np

from core.data.ahead import in_order
from core.errors import ExportImpossible
from core.nn.backend import keras
from core.nn.compiled import compile_forward
from core.nn.onnx_export import graph_bytes, refused_by_engine
from core.nn.runtime import PIXELS, cores, engine_errors, session

FEATURES = "features"
AT_ONCE = 16  # images of a call: more leave the processor's cache
PARITY = 1e-4  # of the largest feature; measured differences are around 1e-6
Forward = Callable[[np.ndarray], np.ndarray]


def pooled_model(backbone: keras.Model) -> keras.Model:
    """Pixels -> (n, feature_dim): the mean over the cells of the last stage."""
    return keras.Model(backbone.input, keras.layers.GlobalAveragePooling2D()(backbone.output))


def feature_forward(backbone: keras.Model) -> tuple[Forward, int]:
    """The features (n, d) float32 of uint8 batches (n, S, S, 3), and how many threads should call it at once."""
    return vector_forward(pooled_model(backbone))


def vector_forward(model: keras.Model) -> tuple[Forward, int]:
    """What `model` gives, (n, d) float32, of uint8 (n, S, S, 3), and how many threads should call it at once."""
    try:
        return _onnx_forward(model), cores()
    except ExportImpossible:
        return compile_forward(model, model.input_shape[1]), 1


def vectors_of(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """What `model` gives, (n, d) float32, of uint8 images (n, S, S, 3), shared out among the cores."""
    forward, workers = vector_forward(model)
    return shared_out(forward, workers, images)


def shared_out(forward: Forward, workers: int, images: np.ndarray) -> np.ndarray:
    """`forward` of images (n, S, S, 3), a few of them a call; rows in order."""
    parts = [images[start : start + AT_ONCE] for start in range(0, len(images), AT_ONCE)]
    return np.concatenate(list(in_order(forward, parts, workers=workers, ahead=0)))


def _onnx_forward(model: keras.Model) -> Forward:
    """Raises ExportImpossible when there is no graph, or it does not give Keras' numbers."""
    side = model.input_shape[1]
    images = np.random.default_rng(0).integers(0, 256, (2, side, side, 3)).astype(np.uint8)
    content = graph_bytes(keras.Model(model.input, {FEATURES: model.output}), images[:1])
    try:
        # one core a call, and as many calls as cores: a third faster than sharing each call
        opened = session(content, 1)
    except engine_errors() as error:
        raise refused_by_engine(error) from error

    def forward(pixels: np.ndarray) -> np.ndarray:
        found: np.ndarray = opened.run([FEATURES], {PIXELS: pixels.astype(np.float32)})[0]
        return found

    wanted = keras.ops.convert_to_numpy(model(images.astype(np.float32), training=False))
    try:
        difference = float(np.abs(forward(images) - wanted).max())
    except engine_errors() as error:
        raise refused_by_engine(error) from error
    if not difference <= PARITY * max(1.0, float(np.abs(wanted).max())):  # written so that NaN does not pass
        raise ExportImpossible(f"ONNX Runtime's numbers differ from Keras' by {difference:.2g}.")
    return forward
