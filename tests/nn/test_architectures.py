"""Every architecture of the registry, built small: parameters, features, CAM layer, scaling, saving."""

import numpy as np
import pytest

from core.registry.architectures import ARCHITECTURES, weights_key
from core.registry.heads import HEADS

pytestmark = pytest.mark.keras
SMALL = {"inception_v3": 96, "xception": 96, "castro_perez_five": 96, "castro_perez_five_average": 96,
         "alexnet": 71, "alexnet_average": 71}  # what each accepts at least; others 64  # fmt: skip


def side_of(spec):
    return SMALL.get(spec.key, 64)


@pytest.fixture(scope="module")
def build():
    from core.nn.backbones import build_backbone

    made = {}

    def get(spec):
        if spec.key not in made:
            made[spec.key] = build_backbone(spec, input_px=side_of(spec), seed=3)
        return made[spec.key]

    return get


every = pytest.mark.parametrize("spec", ARCHITECTURES.values(), ids=lambda s: s.key)


@every
def test_the_built_graph_has_the_parameters_features_and_layer_of_its_entry(spec, build):
    model = build(spec)
    scaling = sum(layer.count_params() for layer in model.layers if layer.name.startswith("to_"))
    assert model.count_params() - scaling == spec.params
    assert model.output.shape[-1] == spec.feature_dim
    assert spec.cam_layer in {layer.name for layer in model.layers}


@every
def test_no_model_is_nested_as_a_layer(spec, build):
    from core.nn.backend import keras

    assert not any(isinstance(layer, keras.Model) for layer in build(spec).layers)


# "unit_twice" is the layer of "unit" with another number
ONE_PER_SCALING = {spec.pixel_scaling: spec for spec in ARCHITECTURES.values() if weights_key(spec) == spec.key}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(spec, id=scaling, marks=() if scaling == "unit" else pytest.mark.slow)
        for scaling, spec in ONE_PER_SCALING.items()
    ],
)
def test_it_takes_bytes_from_0_to_255_and_keeps_its_scaling_when_saved(spec, build):
    from core.nn.saving import model_bytes, model_from_bytes

    model = build(spec)
    side = side_of(spec)
    pixels = np.random.default_rng(0).integers(0, 256, (1, side, side, 3)).astype("uint8")
    before = np.asarray(model.predict_on_batch(pixels.astype("float32")))
    after = np.asarray(model_from_bytes(model_bytes(model)).predict_on_batch(pixels.astype("float32")))
    assert np.isfinite(before).all()
    np.testing.assert_allclose(before, after, atol=1e-5)


# One of each make, for the time that it takes: some layers without names (Xception, Inception), shortcuts, plain
# chains, a network of ours. What a layer is called decides whether its weights arrive.
@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(ARCHITECTURES[key], id=key, marks=() if key == "lenet5" else pytest.mark.slow)
        for key in ("xception", "inception_v3", "mobilenet_v2", "resnet50", "vgg16", "lenet5")
    ],
)
def test_weights_travel_whole_from_the_library_network_and_from_a_saved_one(spec, build, tmp_path):
    """Every layer arrives: Keras numbers unnamed layers anew in each build, so names alone would lose some."""
    from core.nn.backbones import build_backbone
    from core.nn.backend import keras
    from core.nn.weights import copy_backbone

    side = side_of(spec)
    target = build(spec)
    if spec.weights == "imagenet":
        source = getattr(keras.applications, spec.builder)(include_top=False, weights=None, input_shape=(side, side, 3))
    else:
        source = build_backbone(spec, input_px=side, seed=99)
    source.save(tmp_path / "source.keras")
    copy_backbone(keras.models.load_model(tmp_path / "source.keras"), target)
    mine = [w for layer in target.layers if not layer.name.startswith("to_") for w in layer.get_weights()]
    assert len(mine) == len(source.get_weights())
    pixels = np.random.default_rng(0).uniform(0, 255, (1, side, side, 3)).astype("float32")
    if spec.weights == "imagenet":
        scaled_input = keras.Input((side, side, 3))
        from core.nn.backbones import scale_pixels

        scaled = keras.Model(scaled_input, scale_pixels(scaled_input, spec)).predict_on_batch(pixels)
        expected = source.predict_on_batch(scaled)
    else:
        expected = source.predict_on_batch(pixels)
    np.testing.assert_allclose(target.predict_on_batch(pixels), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("key", "library"),
    [("vgg16", "vgg16"), ("resnet50_v2", "resnet_v2"), ("densenet121", "densenet"), ("mobilenet_v2", "mobilenet_v2")],
)
def test_the_scaling_in_the_graph_is_that_of_keras_applications(key, library, build):
    from core.nn.backbones import scale_pixels
    from core.nn.backend import keras

    pixels = np.random.default_rng(1).integers(0, 256, (2, 5, 5, 3)).astype("float32")
    inputs = keras.Input((5, 5, 3))
    scaled = keras.Model(inputs, scale_pixels(inputs, ARCHITECTURES[key]))
    expected = getattr(keras.applications, library).preprocess_input(pixels.copy())
    np.testing.assert_allclose(np.asarray(scaled(pixels)), expected, rtol=1e-5, atol=1e-4)


# white is 255: what reaches the network is 1, 1 or 1/255; black is -1, 0 or 0
@pytest.mark.parametrize(
    ("key", "black", "white"),
    [("mobilenet_v2", -1, 1), ("mobilenet_v2_unit", 0, 1), ("mobilenet_v2_scaled_twice", 0, 1 / 255)],
)
def test_three_scalings_feed_the_same_network(key, black, white):
    from core.nn.backbones import scale_pixels
    from core.nn.backend import keras

    inputs = keras.Input((1, 2, 3))
    scaled = keras.Model(inputs, scale_pixels(inputs, ARCHITECTURES[key]))
    pixels = np.zeros((1, 1, 2, 3), "float32")
    pixels[:, :, 1] = 255
    np.testing.assert_allclose(np.asarray(scaled(pixels))[0, 0, :, 0], [black, white], rtol=1e-6)


def test_a_variant_takes_the_weight_file_of_its_network(monkeypatch, tmp_path):
    from core.nn.weights import imagenet_file

    (tmp_path / "mobilenet_v2_notop.weights.h5").write_bytes(b"")
    (tmp_path / "resnet50_notop.weights.h5").write_bytes(b"")
    monkeypatch.setenv("MEDLENS_WEIGHTS", str(tmp_path))
    for key in ("mobilenet_v2", "mobilenet_v2_unit", "mobilenet_v2_scaled_twice"):
        assert imagenet_file(ARCHITECTURES[key]).name == "mobilenet_v2_notop.weights.h5"
    assert imagenet_file(ARCHITECTURES["resnet50_v2"]) is None


# (network, head, pixels, classes): parameters, head and all.
#   five: 1,583,011 and LeNet-5: 7,157,431 as printed in the source.
#   LeNet-5, wide: 257,024 + 28*28*128*256 + 256 + 256*128 + 128 + 128*84 + 84 + 84*3 + 3 (printed: 26,039,683, with
#   dense layers unsaid). AlexNet: 3,723,968 + 6*6*256*256 + 256 + 256*256 + 256 + 256*3 + 3 (printed: 6,266,691, too).
#   Nine layers: 378,496 + 37*37*256*128 + 128 + 128*64 + 64 + 64*4 + 4 (nothing printed).
WHOLE = {
    ("castro_perez_five", "castro_perez_dense", 256, 3): 1_583_011,
    ("castro_perez_five_average", "castro_perez_dense_none", 256, 3): 1_583_011,
    ("lenet5", "lenet5_dense", 256, 3): 7_157_431,
    ("lenet5_wide", "lenet5_wide_dense", 256, 3): 25_991_379,
    ("alexnet", "dense_256", 256, 3): 6_150_083,
    ("garcia_boronat_nine", "garcia_boronat_dense", 299, 4): 45_246_532,
}


@pytest.mark.parametrize(("names", "parameters"), WHOLE.items(), ids=lambda value: str(value))
def test_a_network_of_a_paper_has_its_number_of_parameters(names, parameters):
    from core.nn.backend import keras
    from core.nn.heads import attach_head
    from core.nn.networks import BUILDERS

    key, head, side, classes = names
    pixels = keras.Input((side, side, ARCHITECTURES[key].input_channels))
    output = attach_head(BUILDERS[ARCHITECTURES[key].builder](pixels), HEADS[head], classes, "multiclass", scaler=False)
    assert keras.Model(pixels, output).count_params() == parameters


def test_a_variant_pools_by_the_mean_and_differs_in_nothing_else(build):
    strongest, mean = build(ARCHITECTURES["lenet5"]), build(ARCHITECTURES["lenet5_average"])
    assert {type(a).__name__ for a in strongest.layers} - {type(a).__name__ for a in mean.layers} == {"MaxPooling2D"}
    assert [layer.name for layer in mean.layers[-4:]] == [layer.name for layer in strongest.layers[-4:]]


def test_garcia_boronat_drops_units_behind_each_dense_layer_and_castro_and_perez_at_both_ends():
    from core.nn.backend import keras
    from core.nn.heads import attach_head

    def order(head):
        stage = keras.Input((2, 2, 3))
        model = keras.Model(stage, attach_head(stage, HEADS[head], 3, "multiclass", scaler=False))
        return "".join({"Dense": "d", "Dropout": "-", "Flatten": "f"}.get(type(a).__name__, "") for a in model.layers)

    assert order("garcia_boronat_dense") == "fd-d-d"
    assert order("castro_perez_dense") == "-fdddd-d"


def test_wagners_head_has_exactly_his_published_parameters():
    # slides: 18,279 parameters on 512 features with one output unit; ours has two, 20 weights and a bias more
    from core.nn.backend import keras
    from core.nn.heads import attach_head

    features = keras.Input((512,))
    model = keras.Model(features, attach_head(features, HEADS["mlp"], 2, "binary", scaler=False))
    assert model.count_params() == 18_279 + 21


def test_a_run_of_another_architecture_is_refused_as_weights(tmp_path, build):
    from core.errors import WeightsUnavailable
    from core.nn.backbones import build_backbone

    build(ARCHITECTURES["compact_cnn"]).save(tmp_path / "compact.keras")
    with pytest.raises(WeightsUnavailable, match="they are no mobilenet_v2"):
        build_backbone(ARCHITECTURES["mobilenet_v2"], input_px=64, weights=str(tmp_path / "compact.keras"))


def test_missing_imagenet_weights_are_one_sentence_with_both_ways_out(monkeypatch, tmp_path):
    from core.errors import WeightsUnavailable
    from core.nn.backbones import build_backbone
    from core.nn.backend import keras

    def no_network(*_args, **_settings):
        raise Exception("URL fetch failure on https://example.invalid/weights.h5: None -- no network")

    monkeypatch.setenv("MEDLENS_WEIGHTS", str(tmp_path))
    real = keras.applications.MobileNetV2
    monkeypatch.setattr(
        keras.applications,
        "MobileNetV2",
        lambda *a, weights=None, **k: no_network() if weights == "imagenet" else real(*a, weights=weights, **k),
    )
    with pytest.raises(WeightsUnavailable, match=r"connect to the internet once.*MEDLENS_WEIGHTS.*mobilenet_v2_notop"):
        build_backbone(ARCHITECTURES["mobilenet_v2"], input_px=64, weights="imagenet")


@pytest.mark.slow
def test_a_folder_of_weights_is_used_and_a_wrong_file_is_named(monkeypatch, tmp_path, build):
    from core.errors import WeightsUnavailable
    from core.nn.backbones import build_backbone
    from core.nn.backend import keras

    spec = ARCHITECTURES["mobilenet_v2"]
    source = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(64, 64, 3))
    # the same seed may have made the very weights that the file is loaded into; these it cannot have made
    source.set_weights([1.5 * w + 0.01 for w in source.get_weights()])
    source.save_weights(tmp_path / "mobilenet_v2_notop.weights.h5")
    monkeypatch.setenv("MEDLENS_WEIGHTS", str(tmp_path))
    model = build_backbone(spec, input_px=64, weights="imagenet")
    for name in ("Conv1", "block_16_project", "Conv_1"):
        np.testing.assert_array_equal(model.get_layer(name).get_weights()[0], source.get_layer(name).get_weights()[0])
    (tmp_path / "vgg16_notop.weights.h5").write_bytes((tmp_path / "mobilenet_v2_notop.weights.h5").read_bytes())
    with pytest.raises(WeightsUnavailable, match="vgg16_notop"):
        build_backbone(ARCHITECTURES["vgg16"], input_px=64, weights="imagenet")
