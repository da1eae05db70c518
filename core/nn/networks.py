"""Networks that this project or the papers bring themselves, layer by layer.

A builder takes pixels already scaled by the graph in front of it, (S, S, channels), and returns the output
tensor of the network's last spatial stage; the layer named by `ArchitectureSpec.cam_layer` lies on the way.
"""

from collections.abc import Callable
from types import MappingProxyType

from core.nn.backend import keras


def compact_cnn(pixels):
    """Four blocks of two 3 x 3 convolutions with batch normalisation, 16 to 128 filters, halved after the first three.

    Small enough to train on two cores in minutes; at 112 px the last stage has 14 x 14 cells, fine
    enough for its heat map to point at a nodule.
    Source: this project.
    """
    layers = keras.layers
    x = pixels
    for block, filters in enumerate((16, 32, 64, 128), start=1):
        last = block == 4
        for step in (1, 2):
            name = f"block{block}_conv{step}"
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
            x = layers.BatchNormalization(name=f"{name}_bn")(x)
            x = layers.Activation("relu", name="block4_out" if last and step == 2 else f"{name}_relu")(x)
        if not last:
            x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    return x


def castro_perez_five(pixels):
    """Five times (3 x 3 convolution without padding, ReLU, 2 x 2 max pooling), 16 to 256 filters.

    With its own dense layers (head `castro_perez_dense`, three classes) and 256 x 256 x 1 pixels it has
    1,583,011 parameters.
    Source: Castro & Pérez 2020, Universidad Panamericana.
    """
    x = pixels
    for number, filters in enumerate((16, 32, 64, 128, 256), start=1):
        x = keras.layers.Conv2D(filters, 3, activation="relu", name=f"conv{number}")(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool{number}")(x)
    return x


BUILDERS: MappingProxyType[str, Callable] = MappingProxyType(
    {"compact_cnn": compact_cnn, "castro_perez_five": castro_perez_five}
)
