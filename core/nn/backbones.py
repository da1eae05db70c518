"""ArchitectureSpec -> one flat Keras graph that takes 0-255 RGB.

The scaling (and the channel order) is part of the graph, so that a saved network can be fed pixels and
nothing else. No model is ever nested as a layer: Grad-CAM could not look into it.
"""

from pathlib import Path

import numpy as np

from core import paths
from core.errors import SpecInvalid, WeightsUnavailable
from core.nn import networks
from core.nn.backend import keras
from core.nn.weights import copy_backbone, load_imagenet
from core.types import ArchitectureSpec

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)  # Simonyan & Zisserman 2015, as keras.applications subtracts them
IMAGENET_MEAN_RGB = (0.485, 0.456, 0.406)
IMAGENET_STD_RGB = (0.229, 0.224, 0.225)


def build_backbone(
    spec: ArchitectureSpec,
    *,
    input_px: int | None = None,
    weights: str = "none",
    seed: int = 0,
) -> keras.Model:
    """A flat graph from pixels to the last spatial stage.

    Args:
        input_px: side of the square input; `spec.input_px` when None.
        weights: "none" (random, seeded), "imagenet", a file, "model:<name>" or "run:<run_id>".
    Returns: a model (n, S, S, 3) 0-255 RGB (uint8 or float32) -> (n, h, w, feature_dim).
    Raises: WeightsUnavailable; SpecInvalid for an input that is too small for the network.
    """
    side = input_px or spec.input_px
    keras.utils.set_random_seed(seed)  # the builders of keras.applications take no seed of their own
    inputs = keras.Input((side, side, 3), dtype="float32", name="pixels")
    x = scale_pixels(inputs, spec)
    try:
        if spec.weights == "imagenet":
            build = getattr(keras.applications, spec.builder)
            output = build(include_top=False, weights=None, input_tensor=x).output
        else:
            output = networks.BUILDERS[spec.builder](x)
    except ValueError as error:
        raise SpecInvalid(f"{spec.title} cannot be built at {side} px: {str(error).splitlines()[0]}") from error
    model = keras.Model(inputs, output, name=spec.key)
    _fill(model, spec, weights)
    return model


def scale_pixels(pixels, spec: ArchitectureSpec):
    """0-255 RGB to what the network was trained on, by layers that are saved with it."""
    layers, scaling = keras.layers, spec.pixel_scaling
    if scaling == "inside":
        return pixels
    if scaling == "minus_one_one":
        return layers.Rescaling(1 / 127.5, offset=-1.0, name="to_minus_one_one")(pixels)
    if scaling == "imagenet_torch":
        mean = [255 * m for m in IMAGENET_MEAN_RGB]
        variance = [(255 * s) ** 2 for s in IMAGENET_STD_RGB]
        return layers.Normalization(mean=mean, variance=variance, name="to_imagenet")(pixels)
    if scaling == "imagenet_caffe":
        # a fixed 1 x 1 convolution swaps the channels: a plain layer that every exporter and Grad-CAM tool knows
        swap = layers.Conv2D(3, 1, use_bias=True, trainable=False, name="to_bgr_minus_mean")
        swapped = swap(pixels)
        kernel = np.eye(3, dtype="float32")[::-1].reshape(1, 1, 3, 3)
        swap.set_weights([kernel, -np.asarray(IMAGENET_MEAN_BGR, "float32")])
        return swapped
    if scaling == "unit":
        if spec.input_channels == 1:
            # the mean of the channels: exact for grey pictures, and without a parameter of its own
            pixels = keras.ops.mean(pixels, axis=-1, keepdims=True)
        return layers.Rescaling(1 / 255, name="to_unit")(pixels)
    if scaling == "unit_twice":
        # a mistake, kept so that its price can be shown: nearly black pictures reach the network
        return layers.Rescaling(1 / 255**2, name="to_unit_twice")(pixels)
    raise SpecInvalid(
        f"Unknown pixel scaling {scaling!r} of {spec.key}. Known: minus_one_one, imagenet_torch, "
        "imagenet_caffe, unit, unit_twice, inside (core/registry/architectures.py)."
    )


def _fill(model: keras.Model, spec: ArchitectureSpec, weights: str) -> None:
    if weights == "none":
        return
    if weights == "imagenet":
        if spec.weights != "imagenet":
            raise SpecInvalid(
                f"{spec.title} has no ImageNet weights; train it with weights = 'none' (strategy scratch)."
            )
        copy_backbone(load_imagenet(spec), model)
        return
    file = network_file(weights)
    try:
        source = keras.models.load_model(file, compile=False)
    except (ValueError, OSError, TypeError) as error:
        raise WeightsUnavailable(
            f"{file.name} cannot be read as a Keras model: {str(error).splitlines()[0]}"
        ) from error
    copy_backbone(source, model)


def network_file(weights: str) -> Path:
    """The `.keras` file that "model:<name>", "run:<run_id>" or a path names. Raises WeightsUnavailable."""
    kind, _, name = weights.partition(":")
    if kind == "model" and name:
        file = paths.models_folder() / Path(name).name / "model.keras"
    elif kind == "run" and name:
        file = paths.results_folder() / Path(name).name / "network.keras"
    else:
        file = Path(weights).expanduser()
    if not file.is_file():
        raise WeightsUnavailable(
            f"The weights {weights!r} are not here (expected the file {file.name}). Use 'imagenet', 'none', "
            "'model:<name>' of a folder in models/, 'run:<run_id>' of a stored run that trained a whole network, or "
            "the path of a .keras file."
        )
    return file
