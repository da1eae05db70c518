"""The networks: one entry each, with the facts that tests check against the built graph."""

from collections.abc import Mapping

from core.registry.lookup import by_key, get
from core.types import ArchitectureSpec

KERAS_APPLICATIONS = "Apache-2.0 (Keras Applications); where the ImageNet weights come from: models/README.md"
OWN = "Apache-2.0 (this project)"
CASTRO_PEREZ = "Castro & Pérez 2020, Universidad Panamericana"
LENET5 = f"LeCun et al. 1998, doi:10.1109/5.726791, as used in {CASTRO_PEREZ}; activation and pooling unsaid there"
ALEXNET = f"Krizhevsky et al. 2012, NeurIPS 25, as used in {CASTRO_PEREZ}; without response normalisation"
SILVA_CUEVAS = "Sandler et al. 2018, arXiv:1801.04381, as used in Silva & Cuevas 2024, Universidad de Málaga"
VGG = f"Simonyan & Zisserman 2015, arXiv:1409.1556, as used in {CASTRO_PEREZ}"


def _imagenet(key: str, title: str, builder: str, scaling: str, feature_dim: int, cam_layer: str, params: int,
              source: str) -> ArchitectureSpec:  # fmt: skip
    return ArchitectureSpec(
        key=key, title=title, builder=builder, input_px=224, input_channels=3, pixel_scaling=scaling,
        feature_dim=feature_dim, cam_layer=cam_layer, params=params, weights="imagenet", source=source,
        licence=KERAS_APPLICATIONS,
    )  # fmt: skip


def _paper(key: str, title: str, input_px: int, feature_dim: int, cam_layer: str, params: int, source: str, *,
           channels: int = 1) -> ArchitectureSpec:  # fmt: skip
    return ArchitectureSpec(
        key=key, title=title, builder=key, input_px=input_px, input_channels=channels, pixel_scaling="unit",
        feature_dim=feature_dim, cam_layer=cam_layer, params=params, weights="", source=source, licence=OWN,
    )  # fmt: skip


ARCHITECTURES: Mapping[str, ArchitectureSpec] = by_key(
    _imagenet("mobilenet_v2", "MobileNetV2", "MobileNetV2", "minus_one_one", 1280, "out_relu", 2_257_984,
              "Sandler et al. 2018, arXiv:1801.04381"),
    _imagenet("xception", "Xception", "Xception", "minus_one_one", 2048, "block14_sepconv2_act", 20_861_480,
              "Chollet 2017, arXiv:1610.02357"),
    _imagenet("vgg16", "VGG16", "VGG16", "imagenet_caffe", 512, "block5_conv3", 14_714_688,
              "Simonyan & Zisserman 2015, arXiv:1409.1556"),
    _imagenet("vgg19", "VGG19", "VGG19", "imagenet_caffe", 512, "block5_conv4", 20_024_384,
              "Simonyan & Zisserman 2015, arXiv:1409.1556"),
    _imagenet("resnet50", "ResNet50", "ResNet50", "imagenet_caffe", 2048, "conv5_block3_out", 23_587_712,
              "He et al. 2016, arXiv:1512.03385"),
    _imagenet("resnet50_v2", "ResNet50V2", "ResNet50V2", "minus_one_one", 2048, "post_relu", 23_564_800,
              "He et al. 2016, arXiv:1603.05027"),
    _imagenet("inception_v3", "InceptionV3", "InceptionV3", "minus_one_one", 2048, "mixed10", 21_802_784,
              "Szegedy et al. 2016, arXiv:1512.00567"),
    _imagenet("densenet121", "DenseNet121", "DenseNet121", "imagenet_torch", 1024, "relu", 7_037_504,
              "Huang et al. 2017, arXiv:1608.06993"),
    _imagenet("efficientnet_v2_b0", "EfficientNetV2B0", "EfficientNetV2B0", "inside", 1280, "top_activation",
              5_919_312, "Tan & Le 2021, arXiv:2104.00298"),
    ArchitectureSpec(
        key="compact_cnn", title="Compact CNN", builder="compact_cnn", input_px=112, input_channels=1,
        pixel_scaling="unit", feature_dim=96, cam_layer="block4_out", params=22_064, weights="",
        source="this project: five convolutions and the strongest cell, for small grey images", licence=OWN,
    ),
    _paper("castro_perez_five", "Five convolutions (Castro & Pérez)", 256, 256, "conv5", 392_320, CASTRO_PEREZ),
    _paper("castro_perez_five_average", "Five convolutions, mean pooling (Castro & Pérez)", 256, 256, "conv5",
           392_320, CASTRO_PEREZ),
    _paper("lenet5", "LeNet-5 (6, 16)", 256, 16, "conv2", 2_572, LENET5),
    _paper("lenet5_average", "LeNet-5 (6, 16), mean pooling", 256, 16, "conv2", 2_572, LENET5),
    _paper("lenet5_wide", "LeNet-5 (32, 64, 128)", 256, 128, "conv3", 257_024, LENET5),
    _paper("lenet5_wide_average", "LeNet-5 (32, 64, 128), mean pooling", 256, 128, "conv3", 257_024, LENET5),
    _paper("alexnet", "AlexNet", 256, 256, "conv5", 3_723_968, ALEXNET),
    _paper("alexnet_average", "AlexNet, mean pooling", 256, 256, "conv5", 3_723_968, ALEXNET),
    _paper("vgg16_grey", "VGG-16 on grey pixels", 256, 512, "block5_conv3", 14_713_536, VGG),
    _paper("garcia_boronat_nine", "Nine layers (García Boronat)", 299, 256, "conv3", 378_496,
           "García Boronat 2021, U-tad, section 4.7.1", channels=3),
    # MobileNetV2 learned on pixels from -1 to 1; they meant to give it 0 to 1, and divided by 255 twice
    _imagenet("mobilenet_v2_unit", "MobileNetV2, pixels 0 to 1 (Silva & Cuevas, as meant)", "MobileNetV2", "unit",
              1280, "out_relu", 2_257_984, SILVA_CUEVAS),
    _imagenet("mobilenet_v2_scaled_twice", "MobileNetV2, scaled twice (mistake of Silva & Cuevas)",
              "MobileNetV2", "unit_twice", 1280, "out_relu", 2_257_984, SILVA_CUEVAS),
)  # fmt: skip


def weights_key(spec: ArchitectureSpec) -> str:
    """The key that the file of its ImageNet weights is named after: that of the first entry with the same network.

    A variant that only scales pixels otherwise has the weights of its network.
    """
    return next(entry.key for entry in (*ARCHITECTURES.values(), spec) if entry.builder == spec.builder)


def architecture_spec(key: str) -> ArchitectureSpec:
    """The architecture `key`. Raises UnknownKey."""
    return get(ARCHITECTURES, key, "architecture", "core/registry/architectures.py")
