"""Small networks with random weights for every entry of the registry, and the reference that maps are held against."""

import numpy as np
import pytest

from core.registry.architectures import ARCHITECTURES
from core.registry.heads import HEADS

NARROWER = 8
SIDES = {"xception": 71, "inception_v3": 75, "castro_perez_five": 96, "castro_perez_five_average": 96,
         "alexnet": 71, "alexnet_average": 71}  # fmt: skip
# trained whole, with dense layers on every cell: what reads cells in an order must read them in the same one
FLAT = {"castro_perez_five": "castro_perez_dense", "lenet5": "lenet5_dense", "garcia_boronat_nine": "lenet5_dense"}
WIDE = ("alexnet", "alexnet_average", "vgg16_grey", "garcia_boronat_nine")


def narrow(backbone):
    """The same graph with an eighth of the channels: what an exporter can get wrong is the graph, not its width."""
    from core.nn.backend import keras

    def thinner(layer):
        config = layer.get_config()
        if "filters" in config and not layer.name.startswith("to_"):
            config["filters"] = max(1, config["filters"] // NARROWER)
        if type(layer).__name__ == "Reshape":
            config["target_shape"] = (1, 1, max(1, config["target_shape"][-1] // NARROWER))
        return type(layer).from_config(config)

    return keras.models.clone_model(backbone, clone_function=thinner)


def _network_of(key, task="multiclass"):
    """A network with random weights whose activations are as large as a trained one's."""
    from core.nn.backbones import build_backbone
    from core.nn.backend import keras
    from core.nn.heads import build_network

    spec, side = ARCHITECTURES[key], SIDES.get(key, 64)
    backbone = build_backbone(spec, input_px=side, seed=5)
    if spec.weights or key in WIDE:
        backbone = narrow(backbone)
    head = HEADS[FLAT.get(key, "mlp_wide")]
    model = build_network(backbone, head, 3, task, scaler=head.factory == "mlp", seed=5)
    pixels = np.random.default_rng(2).integers(0, 256, (6, side, side, 3)).astype("uint8")
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.momentum, layer.trainable = 0.0, True
    # one pass fills the statistics; without it random layers fade to nothing, and a test of zeros shows nothing
    model(pixels.astype("float32"), training=True)
    return model, spec.cam_layer, pixels[:3]


def _maps_of_tf_keras_vis(model, pixels, cam_layer):
    """Raw Grad-CAM (3, h, w) by the library, of class 0, 1 and 2 on three images, in one call."""
    from core.nn.vis import Gradcam, ReplaceToLinear, class_score

    gradcam = Gradcam(model, model_modifier=ReplaceToLinear(), clone=True)
    options = {"seek_penultimate_conv_layer": False, "expand_cam": False, "normalize_cam": False}
    return np.asarray(gradcam(class_score([0, 1, 2]), pixels.astype("float32"), penultimate_layer=cam_layer, **options))


@pytest.fixture(scope="session")
def network_of():
    """`network_of(key, task)` -> (model, CAM layer, three images)."""
    return _network_of


@pytest.fixture(scope="session")
def maps_of_tf_keras_vis():
    """`maps_of_tf_keras_vis(model, three images, CAM layer)` -> (3, h, w)."""
    return _maps_of_tf_keras_vis
