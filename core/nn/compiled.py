"""The engine for networks that could not be exported: a compiled Keras graph. Also the one that export compares with.

Nothing here runs eagerly: every path that a person waits for is one traced function per input size.
A network is split once at its CAM layer: the heavy front runs once per image, and only the small tail, from
the CAM layer to the class scores, is differentiated, for all classes in one batch.
"""

import threading

import numpy as np

from core.errors import ExplanationFailed
from core.language import said
from core.nn.backend import keras
from core.nn.heads import LOGITS, POOLED
from core.nn.runtime import COMPILED, Output


class CompiledKeras:
    """A flat classifier as compiled functions. Safe for several threads: one call at a time."""

    name = COMPILED

    def __init__(self, model: keras.Model, cam_layer: str) -> None:
        """Split `model` (pixels -> softmax or sigmoid layer behind a layer named "logits") at `cam_layer`."""
        import tensorflow as tf

        names = {layer.name for layer in model.layers}
        for needed in (cam_layer, LOGITS):
            if needed not in names:
                raise ExplanationFailed(
                    said("The network has no layer {needed}; it cannot be split for Grad-CAM.", needed=repr(needed))
                )
        self._lock = threading.Lock()
        activations, logits = model.get_layer(cam_layer).output, model.get_layer(LOGITS).output
        has_pool = POOLED in names
        tail_outputs = [logits, model.output] + ([model.get_layer(POOLED).output] if has_pool else [])
        front = keras.Model(model.inputs, activations)
        tail = keras.Model(activations, tail_outputs)
        self.class_count = int(model.output.shape[-1])
        self.grid = tuple(int(s) for s in activations.shape[1:3])
        side, classes = model.input_shape[1], self.class_count
        signature = [tf.TensorSpec((None, side, side, 3), tf.uint8)]

        def outputs_of(stage):
            values = tail(stage, training=False)
            return values[0], values[1], (values[2] if has_pool else values[0][:, :0])

        @tf.function(input_signature=signature)
        def forward(pixels):
            return outputs_of(front(tf.cast(pixels, tf.float32), training=False))

        @tf.function(input_signature=signature)
        def forward_with_maps(pixels):
            stage = front(tf.cast(pixels, tf.float32), training=False)
            count = tf.shape(stage)[0]
            # one copy of the stage per class, so that one gradient serves all classes
            copies = tf.repeat(stage, classes, axis=0)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(copies)
                copied_logits = tail(copies, training=False)[0]
                own = tf.reduce_sum(copied_logits * tf.tile(tf.eye(classes), [count, 1]))
            gradient = tape.gradient(own, copies)
            weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
            maps = tf.nn.relu(tf.reduce_sum(weights * copies, axis=-1))
            return *outputs_of(stage), tf.reshape(maps, (count, classes, *self.grid))

        self._forward, self._forward_with_maps, self._has_pool = forward, forward_with_maps, has_pool

    def run(self, pixels: np.ndarray, *, maps: bool = False, table: np.ndarray | None = None) -> Output:
        """One pass over uint8 RGB images (n, S, S, 3)."""
        with self._lock:
            if maps:
                logits, probabilities, features, cams = self._forward_with_maps(pixels)
            else:
                (logits, probabilities, features), cams = self._forward(pixels), None
        return Output(
            logits=logits.numpy(),
            probabilities=probabilities.numpy(),
            cams=None if cams is None else cams.numpy(),
            features=features.numpy() if self._has_pool else None,
        )


def compile_forward(model: keras.Model, side: int):
    """uint8 batch (n, side, side, 3) -> numpy array, as one compiled function of the current backend."""
    from core.nn.backend import backend_name

    if backend_name() == "tensorflow":
        import tensorflow as tf

        @tf.function(input_signature=[tf.TensorSpec((None, side, side, 3), tf.uint8)])
        def forward(pixels):
            return model(tf.cast(pixels, tf.float32), training=False)

        return lambda pixels: forward(pixels).numpy()
    return lambda pixels: keras.ops.convert_to_numpy(model.predict_on_batch(pixels.astype("float32")))
