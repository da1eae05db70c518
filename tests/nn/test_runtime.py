"""ONNX Runtime answers as Keras does, on every backbone of the registry, with the maps of tf-keras-vis."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core.nn.runtime import SLICE, OnnxEngine, session
from core.registry.architectures import ARCHITECTURES, weights_key
from core.store.models import list_models, verified_bytes

pytestmark = pytest.mark.keras
MODELS = Path(__file__).resolve().parents[2] / "models"


# a network on other pixels is the same graph with another number in front
def of_its_kind(key):
    """One network stands for all in `make test`."""
    return key if key in ("mobilenet_v2", "compact_cnn", "lenet5") else pytest.param(key, marks=pytest.mark.slow)


@pytest.mark.parametrize("key", [of_its_kind(key) for key, spec in ARCHITECTURES.items() if weights_key(spec) == key])
def test_onnx_gives_the_scores_of_keras_and_the_maps_of_tf_keras_vis(key, network_of, maps_of_tf_keras_vis):
    """The small graph is held to 1e-5 on the activations of Keras; the whole path to what float32 leaves of it.

    Random layers with a few channels enlarge a rounding error a thousandfold; a wrong graph differs by all of it.
    """
    from core.nn.backend import keras
    from core.nn.onnx_export import graph_bytes
    from core.nn.onnx_tail import explain_graph

    model, cam_layer, pixels = network_of(key)
    outputs = {name: model.get_layer(name).output for name in ("logits", "probabilities")}
    whole = keras.Model(model.inputs[0], {**outputs, "activations": model.get_layer(cam_layer).output})
    explain = explain_graph(model, cam_layer)
    expected = maps_of_tf_keras_vis(model, pixels, cam_layer)
    largest = expected.max()
    assert largest > 1e-5, "empty maps show nothing"

    wanted = {name: np.asarray(value) for name, value in whole(pixels.astype("float32")).items()}
    by_graph = session(explain, 1).run(["maps"], {"activations": wanted["activations"]})[0]
    np.testing.assert_allclose(by_graph[range(3), range(3)], expected, atol=1e-5 * largest)

    output = OnnxEngine(graph_bytes(whole, pixels[:1]), explain).run(pixels, maps=True)
    np.testing.assert_allclose(output.probabilities, wanted["probabilities"], atol=1e-3)
    np.testing.assert_allclose(output.cams[range(3), range(3)], expected, atol=1e-2 * largest)


def test_multilabel_scores_are_sigmoids_in_onnx_too(network_of):
    from core.nn.onnx_export import to_onnx

    model, cam_layer, pixels = network_of("compact_cnn", "multilabel")
    output = OnnxEngine(*_contents(to_onnx(model, cam_layer, pixels))).run(pixels)
    np.testing.assert_allclose(output.probabilities, 1 / (1 + np.exp(-output.logits)), atol=1e-6)
    assert output.cams is None
    assert output.features.shape == (len(pixels), 96)


def _contents(files):
    return files.model, files.explain


@pytest.mark.parametrize(
    "card",
    [
        pytest.param(card, id=card.name, marks=() if card.name == "chest-xray-pneumonia" else pytest.mark.slow)
        for card in list_models(MODELS).cards
    ],
)
def test_a_shipped_model_maps_as_tf_keras_vis_does_on_trained_weights(card):
    from core.nn.explain import reference_gradcam
    from core.nn.saving import model_from_bytes
    from core.nn.serving import golden_images

    assert card.engine == "ONNX Runtime", card.engine_reason
    assert max(card.engine_parity.values()) <= 1e-4
    engine = OnnxEngine(*(verified_bytes(card, name, MODELS) for name in ("model.onnx", "explain.onnx")))
    model = model_from_bytes(verified_bytes(card, "model.keras", MODELS))
    pixels = golden_images(card.golden_seeds[:1], card.preprocess)
    maps = engine.run(pixels, maps=True).cams[0]
    for index in range(len(card.class_names)):
        expected = reference_gradcam(model, pixels[0], index, card.cam_layer)
        np.testing.assert_allclose(maps[index], expected, atol=1e-5 * max(1.0, expected.max()))


def test_a_layer_that_cannot_be_followed_back_is_named_and_keras_serves():
    from core.errors import ExportImpossible
    from core.nn.backend import keras
    from core.nn.onnx_tail import explain_graph

    pixels = keras.Input((16, 16, 3), name="pixels")
    stage = keras.layers.Conv2D(4, 3, name="stage")(pixels)
    bent = keras.layers.Activation("relu", name="bent")(stage)
    logits = keras.layers.Dense(2, name="logits")(keras.layers.GlobalAveragePooling2D()(bent))
    model = keras.Model(pixels, keras.layers.Activation("softmax", name="probabilities")(logits))
    with pytest.raises(ExportImpossible, match="'bent'"):
        explain_graph(model, "stage")
    assert explain_graph(model, "bent")


def test_a_layer_that_is_not_written_here_goes_through_the_exporter_of_keras():
    from core.errors import ExportImpossible
    from core.nn.backend import keras
    from core.nn.onnx_export import graph_bytes, written

    layers = keras.layers
    pixels = keras.Input((12, 12, 3), name="pixels")
    grid = layers.Normalization(mean=[120.0, 100.0, 80.0], variance=[400.0, 500.0, 600.0])(pixels)
    grid = layers.Conv2D(4, 3, padding="same")(grid)
    grid = layers.PReLU(alpha_initializer="random_normal", name="leaning")(grid)
    model = keras.Model(pixels, {"features": layers.GlobalAveragePooling2D()(grid)})
    with pytest.raises(ExportImpossible, match="'leaning' \\(PReLU\\)"):
        written(model)
    images = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3)).astype("uint8")
    content = graph_bytes(model, images[:1])
    found = session(content, 1).run(["features"], {"pixels": images.astype("float32")})[0]
    np.testing.assert_allclose(found, model(images.astype("float32"))["features"], atol=1e-4)


def test_a_network_with_two_inputs_is_refused_by_name():
    from core.errors import ExportImpossible
    from core.nn.backend import keras
    from core.nn.onnx_export import graph_bytes

    pixels, age = keras.Input((8, 8, 3), name="pixels"), keras.Input((1,), name="age")
    joined = keras.layers.Concatenate()([keras.layers.Flatten()(pixels), age])
    with pytest.raises(ExportImpossible, match="pixels, age"):
        graph_bytes(keras.Model([pixels, age], {"features": joined}), np.zeros((1, 8, 8, 3), np.uint8))


@pytest.fixture(scope="module")
def engine():
    card = next(card for card in list_models(MODELS).cards if card.name == "phantom-nodule")
    return OnnxEngine(*(verified_bytes(card, name, MODELS) for name in ("model.onnx", "explain.onnx")))


def test_a_batch_that_is_shared_out_among_cores_keeps_its_order(engine):
    pixels = np.random.default_rng(0).integers(0, 256, (3 * SLICE + 1, 112, 112, 3)).astype("uint8")
    whole = engine.run(pixels, maps=True)
    one_by_one = [engine.run(image[None], maps=True) for image in pixels]
    np.testing.assert_allclose(whole.logits, np.concatenate([o.logits for o in one_by_one]), atol=1e-5)
    np.testing.assert_allclose(whole.cams, np.concatenate([o.cams for o in one_by_one]), atol=1e-5)
    assert len(np.unique(whole.logits[:, 0])) == len(pixels)


def test_a_crowd_of_callers_gets_each_its_own_answer(engine):
    pixels = np.random.default_rng(1).integers(0, 256, (16, 112, 112, 3)).astype("uint8")
    alone = [engine.run(image[None]).logits for image in pixels]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda image: engine.run(image[None]).logits, np.concatenate([pixels] * 4)))
    np.testing.assert_allclose(np.concatenate(together), np.concatenate(alone * 4), atol=1e-5)


def test_predicting_and_explaining_with_a_shipped_model_never_imports_tensorflow():
    code = (
        "import sys, json\n"
        "from core.nn.pool import shared_predictor\n"
        "from core.data.phantom import draw_phantom\n"
        "predictor = shared_predictor('chest-xray-pneumonia')\n"
        "result = predictor.predict(draw_phantom(1, 0, 0).pixels)\n"
        "assert predictor.engine == 'ONNX Runtime' and len(result.heatmaps) == len(predictor.card.class_names)\n"
        "print([name for name in ('tensorflow', 'keras', 'tf_keras_vis') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=MODELS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
