"""What the engine is measured against: the same graph as one compiled Keras function, and nothing around it."""

from collections.abc import Callable

import numpy as np


def bare_forward(model, fitted: np.ndarray) -> Callable[[], np.ndarray]:
    """The whole graph as one compiled function of one image (S, S, 3) uint8, its answer (1, C) as a NumPy array."""
    import tensorflow as tf

    batch = fitted[None]

    @tf.function(input_signature=[tf.TensorSpec(batch.shape, tf.uint8)])
    def forward(pixels):
        return model(tf.cast(pixels, tf.float32), training=False)

    return lambda: forward(batch).numpy()
