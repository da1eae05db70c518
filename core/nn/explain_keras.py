"""What only the Keras network can say of a picture: gradients at any layer, saliency, and itself with random weights.

Everything here runs eagerly, once per question, and needs TensorFlow. A shared model is never changed.
"""

import threading
from dataclasses import dataclass

import numpy as np

from core.errors import ExplanationFailed
from core.language import said
from core.nn.backend import keras
from core.nn.explain_maps import Stage
from core.nn.heads import LOGITS
from core.nn.onnx_layers import is_silent

AT_ONCE = 4  # pictures per call: Keras holds what every layer gave until the last one is through, 50 MB a picture
NOISY_COPIES = 16  # of SmoothGrad; the paper sees little change beyond 50, and each costs as much as saliency
NOISE = 0.15  # of the picture's range of grey values; the paper recommends 10 to 20 %
layers = keras.layers


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """A layer whose cells a map can be made of."""

    name: str
    rows: int
    columns: int
    channels: int


class KerasNetwork:
    """A flat classifier with layers as `core/nn/heads.py` names them; the first input is the picture.

    Safe for several threads: one question at a time.
    """

    def __init__(self, model: keras.Model) -> None:
        """Ask `model`; it is not changed."""
        self.model = model
        self._lock = threading.Lock()
        self._columns = [int(tensor.shape[-1]) for tensor in model.inputs[1:]]
        # one input is given as it is, several as a list: Keras wants a call to look like the inputs it was built from
        self._inputs = model.inputs if self._columns else model.inputs[0]
        self._logits = keras.Model(self._inputs, model.get_layer(LOGITS).output)

    def given(self, pixels: np.ndarray, table: np.ndarray | None) -> object:
        """What the network takes: pictures (n, S, S, 3), and beside them columns of one row of numbers (1, k)."""
        pictures = np.asarray(pixels, np.float32)
        if not self._columns:
            return pictures
        rows = np.repeat(np.asarray(table, np.float32), len(pictures), axis=0)
        return [pictures, *np.split(rows, np.cumsum(self._columns)[:-1], axis=1)]

    def logits(self, pixels: np.ndarray, table: np.ndarray | None = None) -> np.ndarray:
        """(n, C) of pictures (n, S, S, 3), some at a time."""
        with self._lock:
            parts = [
                np.asarray(self._logits(self.given(pixels[at : at + AT_ONCE], table), training=False))
                for at in range(0, len(pixels), AT_ONCE)
            ]
        return np.concatenate(parts)

    def stage(self, image: np.ndarray, layer: str, table: np.ndarray | None = None) -> Stage:
        """What `layer` holds for one picture (S, S, 3), with the gradient of every logit to it.

        Raises: ExplanationFailed when there is no such layer, or it has no cells, or the scores do not depend on it.
        """
        import tensorflow as tf

        tensor = self._spatial(layer)
        both = keras.Model(self._inputs, [tensor, self.model.get_layer(LOGITS).output])
        given = tf.nest.map_structure(tf.convert_to_tensor, self.given(image[None], table))
        with self._lock, tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(given)
            held, logits = both(given, training=False)
            scores = [logits[0, index] for index in range(logits.shape[-1])]
        found = [tape.gradient(score, held) for score in scores]
        if any(gradient is None for gradient in found):
            raise ExplanationFailed(
                said("The class scores do not depend on the layer {layer}; choose another one.", layer=repr(layer))
            )
        return Stage(np.asarray(held[0]), np.stack([np.asarray(gradient[0]) for gradient in found]))

    def saliency(self, image: np.ndarray, table: np.ndarray | None = None, *, noisy: bool = False) -> np.ndarray:
        """(C, S, S): the gradient of every logit to the pixels, its largest absolute value over the colours.

        Args:
            noisy: average over copies of the picture with noise, the same noise every time (SmoothGrad).
        """
        from core.nn.vis import ReplaceToLinear, Saliency, class_score

        listed = keras.Model(self.model.inputs, self.model.output)  # the library always gives a list
        maker = Saliency(listed, model_modifier=ReplaceToLinear(), clone=True)
        count = int(self.model.output.shape[-1])
        pixels = image[None].astype(np.float32)
        if noisy:
            spread = NOISE * float(pixels.max() - pixels.min())
            noise = np.random.default_rng(0).normal(0, spread, (NOISY_COPIES, *image.shape))
            pixels = (pixels + noise).astype(np.float32)
        found = []
        with self._lock:
            for index in range(count):
                total = np.zeros(image.shape)
                for at in range(0, len(pixels), AT_ONCE):
                    part = pixels[at : at + AT_ONCE]
                    score = class_score([index] * len(part))
                    slopes = maker(score, self.given(part, table), keepdims=True, normalize_map=False)
                    total += np.asarray(slopes[0] if self._columns else slopes).sum(axis=0)
                found.append(total.max(axis=-1) / len(pixels))
        return np.stack(found)

    def choices(self) -> tuple[LayerChoice, ...]:
        """The last layer of every grid size on the way to the scores, the coarsest first; single cells are left out."""
        found: dict[tuple[int, int], LayerChoice] = {}
        for layer in self._upstream():
            shape = layer.output.shape
            if len(shape) != 4 or None in shape[1:] or isinstance(layer, SKIPPED) or is_silent(layer):
                continue
            if min(shape[1:3]) > 1:
                found[shape[1:3]] = LayerChoice(layer.name, *(int(side) for side in shape[1:]))
        side = int(self.model.inputs[0].shape[1])
        return tuple(sorted((c for c in found.values() if c.rows < side), key=lambda choice: choice.rows))

    def _upstream(self) -> list:
        """The layers that the scores depend on, in the network's order."""
        return [layer for layer in self._logits.layers if not isinstance(layer, layers.InputLayer)]

    def _spatial(self, layer: str):
        if layer not in {one.name for one in self._upstream()}:
            raise ExplanationFailed(
                said(
                    "The network has no layer {layer} on the way to its scores; choose another one.", layer=repr(layer)
                )
            )
        tensor = self.model.get_layer(layer).output
        if len(tensor.shape) != 4:
            raise ExplanationFailed(
                said(
                    "The layer {layer} has no cells; its output is {shape}.",
                    layer=repr(layer),
                    shape=tuple(tensor.shape[1:]),
                )
            )
        return tensor

    def randomised(
        self, image: np.ndarray, rng: np.random.Generator, table: np.ndarray | None = None
    ) -> "KerasNetwork":
        """The same network with its weights shuffled, layer by layer; batch normalisation refilled on the picture.

        Shuffled weights are as large as the trained ones, so that signals neither fade nor explode; what was learned is
        gone. Without statistics of its own signals, batch normalisation would undo that.

        Source: Adebayo et al. 2018, Sanity checks for saliency maps, doi:10.48550/arXiv.1810.03292.
        """
        model = keras.models.clone_model(self.model, clone_function=_silent_copy)
        for old, new in zip(self.model.layers, model.layers, strict=True):
            if isinstance(old, layers.BatchNormalization):
                new.momentum, new.trainable = 0.0, True
            elif isinstance(old, FIXED):
                new.set_weights(old.get_weights())
            else:
                new.set_weights([rng.permutation(w.reshape(-1)).reshape(w.shape) for w in old.get_weights()])
        turned = np.stack([np.rot90(image, turns) for turns in range(4)])  # several, for layers behind the pooling
        shuffled = KerasNetwork(model)
        whole = keras.Model(shuffled._inputs, model.output)
        whole(self.given(turned, table), training=True)
        return shuffled


DROPPING = (layers.Dropout, layers.SpatialDropout2D)
SKIPPED = (layers.Rescaling, layers.Normalization, layers.ZeroPadding2D)
FIXED = (layers.Normalization, layers.Rescaling)  # how pixels are scaled is no knowledge of the network


def _silent_copy(layer):
    """The layer anew; what is random in training does nothing."""
    config = layer.get_config()
    if isinstance(layer, DROPPING):
        config["rate"] = 0.0
    return type(layer).from_config(config)
