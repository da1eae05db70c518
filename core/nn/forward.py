"""Pixels -> pooled features of a backbone, as fast as this machine: ONNX Runtime where it can, else compiled Keras."""

from collections.abc import Callable

import numpy as np

from core.errors import ExportImpossible
from core.nn.backend import keras
from core.nn.compiled import compile_forward
from core.nn.onnx_export import graph_bytes, refused_by_engine
from core.nn.runtime import PIXELS, cores, engine_errors, session

FEATURES = "features"
PARITY = 1e-4  # of the largest feature; measured differences are around 1e-6
Forward = Callable[[np.ndarray], np.ndarray]


def pooled_model(backbone: keras.Model) -> keras.Model:
    """Pixels -> (n, feature_dim): the mean over the cells of the last stage."""
    return keras.Model(backbone.input, keras.layers.GlobalAveragePooling2D()(backbone.output))


def feature_forward(backbone: keras.Model) -> tuple[Forward, int]:
    """The features (n, d) float32 of uint8 batches (n, S, S, 3), and how many threads should call it at once."""
    try:
        return _onnx_forward(backbone), cores()
    except ExportImpossible:
        return compile_forward(pooled_model(backbone), backbone.input_shape[1]), 1


def _onnx_forward(backbone: keras.Model) -> Forward:
    """Raises ExportImpossible when there is no graph, or it does not give Keras' features."""
    side, pooled = backbone.input_shape[1], pooled_model(backbone)
    images = np.random.default_rng(0).integers(0, 256, (2, side, side, 3)).astype(np.uint8)
    content = graph_bytes(keras.Model(backbone.input, {FEATURES: pooled.output}), images[:1])
    try:
        # one core a call, and as many calls as cores: a third faster than sharing each call
        opened = session(content, 1)
    except engine_errors() as error:
        raise refused_by_engine(error) from error

    def forward(pixels: np.ndarray) -> np.ndarray:
        found: np.ndarray = opened.run([FEATURES], {PIXELS: pixels.astype(np.float32)})[0]
        return found

    wanted = keras.ops.convert_to_numpy(pooled(images.astype(np.float32)))
    try:
        difference = float(np.abs(forward(images) - wanted).max())
    except engine_errors() as error:
        raise refused_by_engine(error) from error
    if not difference <= PARITY * max(1.0, float(np.abs(wanted).max())):  # written so that NaN does not pass
        raise ExportImpossible(f"ONNX Runtime's features differ from Keras' by {difference:.2g}.")
    return forward
