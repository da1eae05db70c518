"""Networks that this project or the papers bring themselves, layer by layer.

A builder takes pixels already scaled by the graph in front of it, (S, S, channels), and returns the output
tensor of the network's last spatial stage; the layer named by `ArchitectureSpec.cam_layer` lies on the way.
"""

from collections.abc import Callable
from types import MappingProxyType

from core.nn.backend import keras

QUIET_CELLS = 2e-6  # times 18,816 cells and channels: a few hundredths of the loss


def compact_cnn(pixels):
    """Five convolutions with batch normalisation, then the strongest cell: 22,000 weights, two minutes on two cores.

    A cell of the last stage (14 x 14 of them at 112 px) sees 23 px, a fifth of the picture's width, and no more: the
    last two kernels are 1 x 1. Where a cell sees more, training is free to fire beside a finding, and the heat map's
    peak lay a cell above and to the left of the planted nodules. The maximum over the cells, and not their mean, makes
    a finding of one or two cells learnable from labels of whole images: a mean over 196 cells never left chance.
    Source: this project; small receptive fields after Brendel & Bethge 2019, arXiv:1904.00760; maximum pooling
    after Oquab et al. 2015, doi:10.1109/CVPR.2015.7298668.
    """
    x = _convolution(pixels, 16, "block1_conv1", kernel=5, strides=2)
    x = _convolution(x, 24, "block2_conv1")
    x = keras.layers.MaxPooling2D(2, name="block2_pool")(x)
    x = _convolution(x, 48, "block3_conv1")
    x = _convolution(x, 48, "block3_conv2", kernel=1)
    x = keras.layers.MaxPooling2D(2, name="block3_pool")(x)
    x = _convolution(x, 96, "block4_conv1", kernel=1, output="block4_out")
    # a small price on every active cell, so that channels fall silent where they decide nothing
    x = keras.layers.ActivityRegularization(l1=QUIET_CELLS, name="quiet_cells")(x)
    return keras.layers.GlobalMaxPooling2D(keepdims=True, name="strongest_cell")(x)


def _convolution(x, filters: int, name: str, *, kernel: int = 3, strides: int = 1, output: str = ""):
    layers = keras.layers
    x = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False, name=name)(x)
    # an epoch has some 40 steps: the usual momentum of 0.99 would leave the statistics behind for ten epochs
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return layers.Activation("relu", name=output or f"{name}_relu")(x)


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
