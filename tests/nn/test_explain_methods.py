"""Every method of the registry: equal to tf-keras-vis where it is computed here, and hot where the answer lies."""

from types import SimpleNamespace

import numpy as np
import pytest

from core.errors import ExplanationFailed
from core.nn import explain_maps
from core.registry.explanations import EXPLANATIONS

pytestmark = pytest.mark.keras
SIDE, CELL = 48, 4
PATCH = np.s_[8:16, 28:36]  # rows, columns: cells (2..3, 7..8) of 12 x 12
PLAIN = {"seek_penultimate_conv_layer": False, "expand_cam": False, "normalize_cam": False}


@pytest.fixture(scope="module")
def patch_network():
    """A network that says "Marked" by the brightness above a half that it sees anywhere; the picture has one spot."""
    from core.nn.backend import keras

    layers = keras.layers
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    grey = layers.Conv2D(2, 1, activation="relu", name="grey")(layers.Rescaling(1 / 255)(pixels))
    stage = layers.Conv2D(3, 3, padding="same", activation="relu", name="stage")(layers.AveragePooling2D(CELL)(grey))
    pooled = layers.GlobalAveragePooling2D(name="pooled")(stage)
    logits = layers.Dense(2, name="logits")(pooled)
    model = keras.Model(pixels, layers.Activation("softmax", name="probabilities")(logits))
    # channel 0: brightness above a half; channel 1: darkness below a half
    kernel = np.array([[1 / 3, -1 / 3]] * 3, np.float32)[None, None]
    model.get_layer("grey").set_weights([kernel, np.array([-0.5, 0.5], np.float32)])
    mixed = np.zeros((3, 3, 2, 3), np.float32)
    mixed[1, 1, 0, 0], mixed[1, 1, 1, 1] = 1.0, 1.0
    mixed[1, 1, 0, 2] = 0.5
    model.get_layer("stage").set_weights([mixed, np.zeros(3, np.float32)])
    model.get_layer("logits").set_weights([np.array([[-600, 600], [12, -12], [-300, 300]], np.float32), np.zeros(2)])
    image = np.full((SIDE, SIDE, 3), 20, np.uint8)
    image[PATCH] = 240
    return model, image


def explainer_of(model, cam_layer="stage", *, onnx=False, task="binary", views="one"):
    from core.nn.compiled import CompiledKeras
    from core.nn.explain_methods import Explainer
    from core.nn.onnx_export import to_onnx
    from core.nn.runtime import OnnxEngine

    side, count = model.input_shape[1], int(model.output.shape[-1])
    card = SimpleNamespace(
        name="made", cam_layer=cam_layer, task=task, temperature=1.0, tabular_inputs=(), views=views,
        class_names=tuple(f"class {i}" for i in range(count)),
    )  # fmt: skip
    engine = CompiledKeras(model, cam_layer)
    if onnx:
        files = to_onnx(model, cam_layer, np.random.default_rng(0).integers(0, 256, (2, side, side, 3)).astype("uint8"))
        engine = OnnxEngine(files.model, files.explain)
    return Explainer(card, engine, lambda: model)


def test_the_hot_spot_of_every_method_is_where_the_answer_lies(patch_network):
    from core.nn.explain import heatmap

    model, image = patch_network
    explainer = explainer_of(model, onnx=True)
    for key in EXPLANATIONS:
        values, grid = explainer.maps(image, key)
        shown = heatmap(values[1], image_id="i", class_name="Marked", layer="", size_px=SIDE, grid=grid)
        assert not shown.is_empty, key
        row, column = np.unravel_index(shown.values.argmax(), shown.values.shape)
        assert (6 <= row < 18, 26 <= column < 38) == (True, True), key
        inside = shown.values[4:20, 24:40].sum() / shown.values.sum()  # the spot and a cell around: 11 % of the area
        assert inside > 0.5, (key, inside)
        assert shown.grid == (
            (11, 11) if key == "occlusion" else (48, 48) if not EXPLANATIONS[key].on_layer else (12, 12)
        )


@pytest.mark.parametrize(
    "key", [pytest.param(key, marks=[pytest.mark.slow] * spec.needs_tensorflow) for key, spec in EXPLANATIONS.items()]
)
def test_the_map_of_several_views_is_turned_back_and_hot_where_the_answer_lies(patch_network, key):
    """The network looks at cells alone, so every view of it must give the same map, once it is turned back."""
    model, image = patch_network
    one, eight = (explainer_of(model, onnx=True, views=views).maps(image, key) for views in ("one", "eight"))
    assert eight.grid == one.grid
    # noise is drawn for each view, and a layer's map is resampled from its corner in Score-CAM
    tolerance = 0.25 if key in ("smoothgrad", "scorecam", "occlusion") else 1e-4
    np.testing.assert_allclose(eight.values[1] / eight.values[1].max(), one.values[1] / one.values[1].max(),
                               atol=tolerance)  # fmt: skip


def test_covering_is_measured_on_the_mean_over_the_views(network_of):
    """By a network that knows left from right."""
    model, cam_layer, pixels = network_of("lenet5")
    explainer = explainer_of(model, cam_layer, task="multiclass", views="mirrored")
    sides = [explainer._engine.run(seen).logits for seen in (pixels, np.ascontiguousarray(pixels[:, :, ::-1]))]
    raised = np.exp((sides[0] + sides[1]).astype(np.float64) / 2)
    np.testing.assert_allclose(
        explainer._probabilities(None)(pixels), raised / raised.sum(axis=1, keepdims=True), atol=1e-6
    )
    assert np.abs(sides[0] - sides[1]).max() > 0.01


def test_the_quick_methods_leave_the_keras_network_alone_and_agree_with_it(patch_network):
    model, image = patch_network

    def never():
        raise AssertionError("asked for the Keras network")

    quick, slow = explainer_of(model, onnx=True), explainer_of(model)
    quick._keras_model = never
    for key, spec in EXPLANATIONS.items():
        assert quick.loads_tensorflow(key) is spec.needs_tensorflow
        if not spec.needs_tensorflow:
            found, wanted = quick.maps(image, key).values, slow.maps(image, key).values
            np.testing.assert_allclose(found / found[1].max(), wanted / wanted[1].max(), atol=1e-5, err_msg=key)
    assert quick.loads_tensorflow("layercam", "grey")
    assert not slow.loads_tensorflow("saliency")


# (network, does `explain.onnx` hold its gradients?, what float32 leaves of Grad-CAM++ in the library: its terms of both
# signs nearly cancel where every cell has a gradient of its own)
POOLED = {
    "global maximum": ("compact_cnn", True, 1e-5),
    "global average": ("", True, 1e-5),  # the network with the spot
    "dense on every cell": ("lenet5", False, 1e-3),
}


@pytest.mark.parametrize("pooled", POOLED)
def test_what_is_computed_here_equals_tf_keras_vis(pooled, network_of, patch_network):
    """The formulas are held to 1e-5 on the activations of Keras; random weights enlarge the rounding of an engine."""
    from core.nn.explain_keras import KerasNetwork
    from core.nn.explain_onnx import TailGradient
    from core.nn.onnx_tail import explain_graph
    from core.nn.vis import GradcamPlusPlus, Layercam, ReplaceToLinear, Saliency, Scorecam, class_score

    key, quick, of_plus_plus = POOLED[pooled]
    model, cam_layer, pixels = network_of(key) if key else (patch_network[0], "stage", patch_network[1][None])
    classes = list(range(model.output.shape[-1]))
    image, batch = pixels[0], np.repeat(pixels[:1], len(classes), axis=0).astype("float32")
    network = KerasNetwork(model)
    stage = network.stage(image, cam_layer)
    tail = TailGradient.of(explain_graph(model, cam_layer))
    assert (tail is not None) is quick
    stages = [stage] if tail is None else [stage, tail.stage(stage.activations[None])]
    for ours, theirs, tolerance in (
        (explain_maps.gradcam_plus_plus, GradcamPlusPlus, of_plus_plus),
        (explain_maps.layercam, Layercam, 1e-5),
    ):
        made = theirs(model, model_modifier=ReplaceToLinear(), clone=True)
        expected = np.asarray(made(class_score(classes), batch, penultimate_layer=cam_layer, **PLAIN))
        assert max(e.max() for e in expected) > 1e-9, "empty maps show nothing"
        for found in map(ours, stages):
            for one, other in zip(found, expected, strict=True):
                if other.max() > 1e-9:
                    np.testing.assert_allclose(one / one.max(), other / other.max(), atol=tolerance)
                elif theirs is Layercam:  # the factor exp(score) of Grad-CAM++ underflows in the library
                    assert one.max() < 1e-9

    if pooled != "dense on every cell":
        return  # the two below do not depend on how it is pooled
    found = explain_maps.scorecam(network.logits, image, stage.activations, channels=3)
    made = Scorecam(model, model_modifier=ReplaceToLinear(), clone=True)
    expected = [
        np.asarray(made(class_score(c), batch[:1], penultimate_layer=cam_layer, max_N=3, **PLAIN))[0]
        for c in classes[::2]
    ]
    np.testing.assert_allclose(found[::2], expected, atol=1e-5 * np.max(expected))

    made = Saliency(model, model_modifier=ReplaceToLinear(), clone=True)
    expected = np.asarray(made(class_score(classes), batch, normalize_map=False))
    np.testing.assert_allclose(network.saliency(image), expected, atol=1e-5 * expected.max())


def test_smoothgrad_is_the_mean_saliency_of_noisy_copies_that_are_the_same_every_time(patch_network, monkeypatch):
    from core.nn import explain_keras

    monkeypatch.setattr(explain_keras, "NOISY_COPIES", 3)
    model, image = patch_network
    image = np.where(image > 100, 128, 100).astype(np.uint8)  # a little noise switches the spot off here and there
    network = explain_keras.KerasNetwork(model)
    found = network.saliency(image, noisy=True)
    noise = np.random.default_rng(0).normal(0, 0.15 * (128 - 100), (3, *image.shape))
    # in this network every colour counts alike, so the largest of means is the mean of the largest
    by_hand = np.mean([network.saliency((image + one).astype("float32")) for one in noise], axis=0)
    np.testing.assert_allclose(found, by_hand, atol=1e-5 * by_hand.max())
    assert not np.allclose(found, network.saliency(image), atol=1e-3 * by_hand.max())


def test_grad_cam_by_the_tape_at_any_layer_equals_tf_keras_vis_there(network_of, maps_of_tf_keras_vis):
    model, cam_layer, pixels = network_of("compact_cnn")
    explainer = explainer_of(model, cam_layer, task="multiclass")
    choices = explainer.layers()
    assert [(c.rows, c.columns) for c in choices] == [(8, 8), (16, 16), (32, 32)]
    assert choices[0].name == cam_layer
    finer = choices[1].name
    expected = maps_of_tf_keras_vis(model, pixels, finer)
    found = np.stack([explainer.maps(pixels[i], "gradcam", layer=finer).values[i] for i in range(3)])
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())
    for wrong, words in (("nothing", "no layer 'nothing'"), ("pooled", "has no cells")):
        with pytest.raises(ExplanationFailed, match=words):
            explainer.maps(pixels[0], "layercam", layer=wrong)


def test_a_network_of_two_inputs_is_explained_by_every_method_but_the_library():
    from core.nn.backend import keras
    from core.nn.explain_methods import Explainer
    from core.nn.gradcam import TapedKeras

    layers = keras.layers
    pixels, age = keras.Input((16, 16, 3), name="pixels"), keras.Input((2,), name="table")
    stage = layers.Conv2D(4, 3, activation="relu", name="stage")(layers.Rescaling(1 / 255)(pixels))
    joined = layers.Concatenate()([layers.GlobalAveragePooling2D()(stage), layers.Dense(3, activation="relu")(age)])
    logits = layers.Dense(2, name="logits")(layers.Dense(6, activation="tanh")(joined))
    model = keras.Model([pixels, age], layers.Activation("softmax", name="probabilities")(logits))
    engine = TapedKeras(model, "stage")
    card = SimpleNamespace(
        name="two", cam_layer="stage", task="binary", temperature=1.0, class_names=("a", "b"),
        tabular_inputs=("age", "sex"), views="one",
    )  # fmt: skip
    explainer = Explainer(card, engine, lambda: model)
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype("uint8")
    table = np.array([[2.0, -1.0]])
    taped = engine.run(image[None], maps=True, table=table).cams[0]
    own = explain_maps.gradcam(explainer.network().stage(image, "stage", table))
    np.testing.assert_allclose(own, taped, atol=1e-5 * taped.max())
    for key in EXPLANATIONS:
        if key != "gradcam_reference":
            values = explainer.maps(image, key, table=table).values
            assert (len(values), np.isfinite(values).all()) == (2, True)
    with pytest.raises(ExplanationFailed, match="numbers beside the picture"):
        explainer.maps(image, "gradcam_reference", table=table)
    random = explainer.random_maps(image, "layercam", table=table, draws=1)
    assert random.shape == (1, 2, 14, 14)


def test_random_weights_give_other_maps_and_leave_the_network_as_it_was(network_of, patch_network):
    model, cam_layer, pixels = network_of("compact_cnn")
    explainer = explainer_of(model, cam_layer, task="multiclass")
    before = [weight.copy() for weight in model.get_weights()]
    drawn = explainer.random_maps(pixels[0], "gradcam", draws=2)
    own = explainer.maps(pixels[0], "gradcam").values
    assert drawn.max() > 0, "the signals of the shuffled network have faded"
    assert not np.allclose(drawn[0], drawn[1])
    assert not np.allclose(drawn[0] / drawn[0].max(), own / own.max(), atol=0.05)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)

    model, image = patch_network
    explainer = explainer_of(model)
    for key in EXPLANATIONS:
        found = explainer.random_maps(image, key, draws=1)
        assert (found.shape[:2], np.isfinite(found).all()) == ((1, 2), True), key
    np.testing.assert_array_equal(found, explainer.random_maps(image, key, draws=1))


def test_occlusion_is_the_fall_of_the_probability_by_hand():
    """A "network" that reads one pixel: P(1) = its red / 255. 12 x 12 pixels, patches of 2 x 2, one pixel apart."""
    from core.nn.explain_methods import _covered

    image = np.zeros((12, 12, 3), np.uint8)
    image[5, 7] = 144  # the mean colour is 1, so hiding the pixel costs 143 / 255

    def predict(batch):
        red = batch[:, 5, 7, 0] / 255
        return np.stack([1 - red, red], axis=1)

    values, grid = _covered(image, predict)
    assert grid == (11, 11)
    by_hand = np.zeros((12, 12))
    # four patches hold the pixel; a pixel of the picture is the mean over the four patches that cover it
    by_hand[4:7, 6:9] = np.outer([1, 2, 1], [1, 2, 1]) / 4 * 143 / 255
    np.testing.assert_allclose(values[1], by_hand, atol=1e-12)
    assert values[0].max() == 0
