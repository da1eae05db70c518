"""Networks that this project or the papers bring themselves, layer by layer.

A builder takes pixels already scaled by the graph in front of it, (S, S, channels), and returns the output
tensor of the network's last spatial stage; the layer named by `ArchitectureSpec.cam_layer` lies on the way.
"""

from collections.abc import Callable, Sequence
from functools import partial
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


def castro_perez_five(pixels, *, pooling: str = "max"):
    """Five times (3 x 3 convolution without padding, ReLU, 2 x 2 pooling), 16 to 256 filters.

    With its own dense layers (head `castro_perez_dense`, three classes) and 256 x 256 x 1 pixels it has
    1,583,011 parameters.
    Source: Castro & Pérez 2020, Universidad Panamericana.
    """
    x = pixels
    for number, filters in enumerate((16, 32, 64, 128, 256), start=1):
        x = _relu_convolution(x, filters, f"conv{number}", kernel=3)
        x = _pool(x, pooling, f"pool{number}")
    return x


def lenet5(pixels, *, filters: Sequence[int] = (6, 16), pooling: str = "max"):
    """LeNet-5 on large pictures: 5 x 5 convolutions without padding, ReLU, 2 x 2 pooling after each.

    With filters 6 and 16, 256 x 256 x 1 pixels and dense layers of 120 and 84 (head `lenet5_dense`) it has
    7,157,431 parameters for three classes, exactly the number of the source. With 32, 64 and 128 filters the source
    has 26,039,683 and leaves its dense layers unsaid; with the head `lenet5_wide_dense` there are 25,991,379, 0.2 %
    fewer. Activation and kind of pooling are unsaid too; ReLU and the maximum are taken.
    Source: LeCun et al. 1998, doi:10.1109/5.726791, as used by Castro & Pérez 2020.
    """
    x = pixels
    for number, width in enumerate(filters, start=1):
        x = _relu_convolution(x, width, f"conv{number}", kernel=5)
        x = _pool(x, pooling, f"pool{number}")
    return x


def alexnet(pixels, *, pooling: str = "max"):
    """AlexNet's five convolutions in one column, pooling 3 x 3 in steps of 2 behind the first, second and fifth.

    256 px end as 6 x 6 x 256 cells, as in the source. Local response normalisation is left out, which Castro & Pérez
    do not name. With the head `dense_256` and 256 x 256 x 1 pixels there are 6,150,083 parameters for three classes;
    theirs has 6,266,691, with dense layers that they leave unsaid.
    Source: Krizhevsky et al. 2012, NeurIPS 25, as used by Castro & Pérez 2020.
    """
    x = _relu_convolution(pixels, 96, "conv1", kernel=11, strides=4)
    x = _pool(x, pooling, "pool1", size=3)
    x = _relu_convolution(x, 256, "conv2", kernel=5, padding="same")
    x = _pool(x, pooling, "pool2", size=3)
    for number, filters in ((3, 384), (4, 384), (5, 256)):
        x = _relu_convolution(x, filters, f"conv{number}", kernel=3, padding="same")
    return _pool(x, pooling, "pool5", size=3)


def vgg16_grey(pixels):
    """VGG-16's thirteen convolutions on pixels of any number of channels, from random weights.

    Source: Simonyan & Zisserman 2015, arXiv:1409.1556, as used by Castro & Pérez 2020, who train it from nothing on
    grey pictures and see it stay at the majority class; its dense layers are unsaid there (here: `dense_256`).
    """
    x = pixels
    for block, (filters, times) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), start=1):
        for number in range(1, times + 1):
            x = _relu_convolution(x, filters, f"block{block}_conv{number}", kernel=3, padding="same")
        x = _pool(x, "max", f"block{block}_pool")
    return x


def garcia_boronat_nine(pixels):
    """The convolutions of nine layers: 64 filters 7 x 7, 128 and 256 filters 3 x 3, padded, pooling after each.

    With its three dense layers (head `garcia_boronat_dense`, four classes) and 299 x 299 x 3 pixels it has
    45,246,532 parameters. Steps of 1, ReLU and the maximum over 2 x 2 are unsaid in the source, and taken.
    Source: García Boronat 2021, U-tad, section 4.7.1.
    """
    x = pixels
    for number, (filters, kernel) in enumerate(((64, 7), (128, 3), (256, 3)), start=1):
        x = _relu_convolution(x, filters, f"conv{number}", kernel=kernel, padding="same")
        x = _pool(x, "max", f"pool{number}")
    return x


def _relu_convolution(x, filters: int, name: str, *, kernel: int, strides: int = 1, padding: str = "valid"):
    return keras.layers.Conv2D(filters, kernel, strides=strides, padding=padding, activation="relu", name=name)(x)


def _pool(x, kind: str, name: str, *, size: int = 2):
    """The strongest or the mean of size x size cells, in steps of 2."""
    layer = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[kind]
    return layer(size, strides=2, name=name)(x)


WIDE = (32, 64, 128)
BUILDERS: MappingProxyType[str, Callable] = MappingProxyType(
    {
        "compact_cnn": compact_cnn,
        "castro_perez_five": castro_perez_five,
        "castro_perez_five_average": partial(castro_perez_five, pooling="average"),
        "lenet5": lenet5,
        "lenet5_average": partial(lenet5, pooling="average"),
        "lenet5_wide": partial(lenet5, filters=WIDE),
        "lenet5_wide_average": partial(lenet5, filters=WIDE, pooling="average"),
        "alexnet": alexnet,
        "alexnet_average": partial(alexnet, pooling="average"),
        "vgg16_grey": vgg16_grey,
        "garcia_boronat_nine": garcia_boronat_nine,
    }
)
