"""Grad-CAM by a gradient tape over the whole network, for those that cannot be cut in two at the layer of the map.

Two inputs, ways around the layer, several networks side by side: the layer's tensor is watched where it lies. Equal to
`compiled.py` and to tf-keras-vis wherever these can go; slower, since the whole network is traced twice.
"""

import threading

import numpy as np

from core.errors import ExplanationFailed
from core.language import said
from core.nn.backend import keras
from core.nn.compiled import CompiledKeras
from core.nn.heads import LOGITS
from core.nn.runtime import COMPILED, Output

AT_ONCE = 4  # images per call: a gradient is held for each class


class TapedKeras:
    """A flat classifier with any number of inputs, as compiled functions. Safe for several threads: one call at a time.

    The first input is the picture, (n, S, S, 3); the others take columns of a table, in order.
    """

    name = COMPILED

    def __init__(self, model: keras.Model, cam_layer: str) -> None:
        """Trace `model`, which has layers "logits" and `cam_layer` (h, w, d)."""
        import tensorflow as tf

        names = {layer.name for layer in model.layers}
        for needed in (cam_layer, LOGITS):
            if needed not in names:
                raise ExplanationFailed(
                    said("The network has no layer {needed}; a heat map cannot be made.", needed=repr(needed))
                )
        activations, logits = model.get_layer(cam_layer).output, model.get_layer(LOGITS).output
        if len(activations.shape) != 4:
            raise ExplanationFailed(
                said(
                    "The layer {cam_layer} has no cells; its output is {shape}.",
                    cam_layer=repr(cam_layer),
                    shape=activations.shape[1:],
                )
            )
        whole = keras.Model(model.inputs, [activations, logits, model.output])
        self._lock = threading.Lock()
        self._columns = tuple(int(tensor.shape[-1]) for tensor in model.inputs[1:])
        self.grid = tuple(int(s) for s in activations.shape[1:3])
        signature = [tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32)]
        signature += [tf.TensorSpec((None, *tensor.shape[1:]), tf.float32) for tensor in model.inputs[1:]]

        def given(pixels, tables):
            return [pixels, *tables] if tables else pixels

        @tf.function(input_signature=signature)
        def forward(pixels, *tables):
            _, values, probabilities = whole(given(pixels, tables), training=False)
            return values, probabilities

        @tf.function(input_signature=signature)
        def forward_with_maps(pixels, *tables):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(pixels)
                stage, values, probabilities = whole(given(pixels, tables), training=False)
            gradient = tape.batch_jacobian(values, stage)
            weights = tf.reduce_mean(gradient, axis=(2, 3), keepdims=True)
            maps = tf.nn.relu(tf.reduce_sum(weights * stage[:, None], axis=-1))
            return values, probabilities, maps

        self._forward, self._forward_with_maps = forward, forward_with_maps

    def run(self, pixels: np.ndarray, *, maps: bool = False, table: np.ndarray | None = None) -> Output:
        """One pass over uint8 RGB images (n, S, S, 3) and, where the network takes one, a table (n, k)."""
        edges = np.cumsum(self._columns)[:-1] if self._columns else []
        tables = np.split(np.asarray(table, np.float32), edges, axis=1) if self._columns else []
        parts = []
        with self._lock:
            call = self._forward_with_maps if maps else self._forward
            for at in range(0, len(pixels), AT_ONCE):
                chosen = slice(at, at + AT_ONCE)
                found = call(pixels[chosen].astype(np.float32), *(part[chosen] for part in tables))
                parts.append([value.numpy() for value in found])
        logits, probabilities, *cams = (np.concatenate(values) for values in zip(*parts, strict=True))
        return Output(logits=logits, probabilities=probabilities, cams=cams[0] if cams else None, features=None)


def compiled_engine(model: keras.Model, cam_layer: str) -> CompiledKeras | TapedKeras:
    """The faster of the two ways that this network allows."""
    if len(model.inputs) == 1:
        try:
            return CompiledKeras(model, cam_layer)
        except ValueError:  # Keras' word for a graph that does not fall in two at this layer
            pass
    return TapedKeras(model, cam_layer)
