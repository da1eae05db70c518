"""Dense heads as layers on a network's output: the part behind the features, up to the probabilities.

The layers' names are the contract between a head trained on stored features and the same head inside a
whole network: weights travel by name.
"""

import numpy as np

from core.data.history import MISSING
from core.errors import SpecInvalid
from core.nn.backend import keras
from core.registry.heads import images_in_a_row
from core.types import HeadSpec

LOGITS = "logits"
PROBABILITIES = "probabilities"
SCALER = "standardise"
POOLED = "pooled"


def attach_head(features, head: HeadSpec, class_count: int, task: str, *, scaler: bool, seed: int = 0):
    """Tensor of probabilities (n, C) on top of `features`.

    Args:
        features: (n, d) pooled features; for the factory `castro_perez_dense` the (n, h, w, d) stage itself, and for
            `gru` a patient's features in order, (n, K, d) with the last image last and MISSING for none.
        task: "multilabel" gives one sigmoid per class, everything else a softmax.
        scaler: put a fixed standardisation in front, to be filled by `set_scaler`; for frozen features.
    Raises: SpecInvalid for a head that is no network, or takes several images where there is one.
    Source: Wagner's order for `mlp`: dropout, batch norm, dense 30, dropout, batch norm, dense 20, batch norm, output.
    """
    layers = keras.layers
    x = features
    dropout = float(head.settings.get("dropout", 0.0))  # type: ignore[arg-type]
    units = tuple(head.settings.get("units", ()))  # type: ignore[arg-type]
    if head.factory == "mlp":
        if scaler:
            # batch normalisation that never learns: plain weights, so that it saves, copies and exports like any layer
            x = layers.BatchNormalization(center=False, scale=False, trainable=False, name=SCALER)(x)
        for number, width in enumerate(units, start=1):
            x = layers.Dropout(dropout, seed=seed + number, name=f"head_dropout{number}")(x)
            x = layers.BatchNormalization(name=f"head_bn{number}")(x)
            x = layers.Dense(width, activation="relu", name=f"head_dense{number}")(x)
        x = layers.BatchNormalization(name=f"head_bn{len(units) + 1}")(x)
    elif head.factory == "gru":
        if len(features.shape) != 3:
            raise SpecInvalid(
                f"{head.title} takes a patient's images in order, and a network takes one image: it cannot be exported "
                "or trained whole. Use strategy = 'frozen' and compare its runs; for a model take the head 'mlp'."
            )
        x = layers.Masking(mask_value=MISSING, name="head_masking")(x)
        if scaler:
            x = layers.BatchNormalization(center=False, scale=False, trainable=False, name=SCALER)(x)
        x = layers.Dropout(dropout, seed=seed + 1, name="head_dropout1")(x)
        # not the kernel of cuDNN: it wants absent images behind the last one, where here they stand before the first
        x = layers.GRU(units[0], use_cudnn=False, seed=seed + 2, name="head_gru")(x)
        x = layers.Dropout(dropout, seed=seed + 3, name="head_dropout2")(x)
    elif head.factory == "linear":
        pass  # the weighted sums below are all there is
    elif head.factory == "castro_perez_dense":
        # Castro & Pérez drop units at both ends of the dense layers, García Boronat behind each of them
        each = head.settings.get("dropout_after") == "each"
        if not each:
            x = layers.Dropout(dropout, seed=seed + 1, name="head_dropout1")(x)
        x = layers.Flatten(name="head_flatten")(x)
        for number, width in enumerate(units, start=1):
            x = layers.Dense(width, activation="relu", name=f"head_dense{number}")(x)
            if each:
                x = layers.Dropout(dropout, seed=seed + number, name=f"head_dropout{number}")(x)
        if not each:
            x = layers.Dropout(dropout, seed=seed + 2, name="head_dropout2")(x)
    else:
        raise SpecInvalid(
            f"The head {head.key!r} is no network; as layers there are mlp, mlp_wide, linear, castro_perez_dense, gru."
        )
    logits = layers.Dense(class_count, name=LOGITS)(x)
    activation = "sigmoid" if task == "multilabel" else "softmax"
    return layers.Activation(activation, name=PROBABILITIES)(logits)


def takes_spatial(head: HeadSpec) -> bool:
    """Does this head want the last stage itself instead of its mean?"""
    return head.factory == "castro_perez_dense"


def set_scaler(model: keras.Model, features: np.ndarray) -> None:
    """Fill the fixed standardisation from the training features (n, d)."""
    model.get_layer(SCALER).set_weights([features.mean(axis=0), features.var(axis=0)])


def set_priors(model: keras.Model, factors: np.ndarray | None) -> None:
    """Put class shares right (`core/training/priors.py`): add log factors (C,) to the biases of the logits."""
    if factors is not None:
        kernel, bias = model.get_layer(LOGITS).get_weights()
        model.get_layer(LOGITS).set_weights([kernel, bias + np.log(factors).astype(bias.dtype)])


def centre_logits(model: keras.Model) -> None:
    """Make the logits of a softmax sum to zero in their weights; every probability stays as it is.

    A softmax does not notice what is added to all logits alike, so training leaves there whatever the random start
    had. Grad-CAM of one class does notice, and lights up for it.
    Multilabel scores have no such common part and are left alone.
    """
    if model.get_layer(PROBABILITIES).get_config()["activation"] != "softmax":
        return
    kernel, bias = model.get_layer(LOGITS).get_weights()
    model.get_layer(LOGITS).set_weights([kernel - kernel.mean(axis=1, keepdims=True), bias - bias.mean()])


def build_head(head: HeadSpec, feature_dim: int, class_count: int, task: str, *, seed: int = 0) -> keras.Model:
    """A head of its own on stored features: (n, feature_dim) -> (n, C), or (n, K, feature_dim) for `gru`."""
    keras.utils.set_random_seed(seed)
    images = images_in_a_row(head)
    features = keras.Input((feature_dim,) if images is None else (images, feature_dim), name="features")
    output = attach_head(features, head, class_count, task, scaler=head.standardise, seed=seed)
    return keras.Model(features, output, name=head.key)


def build_network(
    backbone: keras.Model, head: HeadSpec, class_count: int, task: str, *, scaler: bool, seed: int = 0
) -> keras.Model:
    """One flat graph from pixels to probabilities: the backbone's layers, then the head's."""
    if takes_spatial(head):
        features = backbone.output
    else:
        features = keras.layers.GlobalAveragePooling2D(name=POOLED)(backbone.output)
    output = attach_head(features, head, class_count, task, scaler=scaler, seed=seed)
    return keras.Model(backbone.input, output, name=f"{backbone.name}_{head.key}")
