"""Pixel ranges that networks are trained on; the graph of a model turns 0-255 RGB into one of them."""

from types import MappingProxyType

RANGES = MappingProxyType(
    {
        "inside": "0 to 255; the network scales them itself",
        "unit": "0 to 1",
        "minus_one_one": "-1 to 1",
        "imagenet_torch": "0 to 1, minus ImageNet's mean, divided by its deviation",
        "imagenet_caffe": "0 to 255 minus ImageNet's mean, blue first",
    }
)
