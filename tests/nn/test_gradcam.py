"""The compiled Grad-CAM is the map of tf-keras-vis, for every class, from one forward pass."""

import numpy as np
import pytest

from core.registry.heads import HEADS

pytestmark = pytest.mark.keras
CASES = [
    pytest.param("mobilenet_v2", "multiclass", marks=pytest.mark.slow),
    ("vgg16", "multiclass"),
    ("compact_cnn", "multilabel"),
]


@pytest.mark.parametrize(("key", "task"), CASES)
def test_compiled_maps_equal_tf_keras_vis_for_every_class(key, task, network_of, maps_of_tf_keras_vis):
    from core.nn.compiled import CompiledKeras

    model, cam_layer, pixels = network_of(key, task)
    before = np.asarray(model.predict_on_batch(pixels.astype("float32")))
    output = CompiledKeras(model, cam_layer).run(pixels, maps=True)
    np.testing.assert_allclose(output.probabilities, before, atol=1e-4)
    expected = maps_of_tf_keras_vis(model, pixels, cam_layer)
    assert expected.max() > 1e-5, "an empty map shows nothing"
    np.testing.assert_allclose(output.cams[range(3), range(3)], expected, atol=1e-4 * expected.max())
    # the reference works on a clone: the shared model keeps its softmax
    np.testing.assert_array_equal(np.asarray(model.predict_on_batch(pixels.astype("float32"))), before)


def test_an_empty_map_says_so_and_stays_zero():
    from core.nn.explain import heatmap

    made = heatmap(np.zeros((7, 7), np.float32), image_id="a", class_name="Nodule", layer="x", size_px=56)
    assert made.is_empty
    assert made.values.shape == (56, 56)
    assert made.values.max() == 0


def test_a_map_is_scaled_by_its_own_maximum_and_keeps_its_place():
    from core.nn.explain import heatmap

    raw = np.zeros((7, 7), np.float32)
    raw[1, 5] = 0.02
    made = heatmap(raw, image_id="a", class_name="Nodule", layer="x", size_px=56)
    assert not made.is_empty
    assert made.grid == (7, 7)
    row, column = np.unravel_index(made.values.argmax(), made.values.shape)
    assert 8 <= row < 16  # cell 1 of 7 at 8 px each
    assert 40 <= column < 48
    assert 0.85 < made.values.max() <= 1.0  # (15 / 16)^2: no pixel lies on the centre of a cell


def test_a_map_that_is_not_finite_is_refused():
    from core.errors import ExplanationFailed
    from core.nn.explain import heatmap

    with pytest.raises(ExplanationFailed, match="not finite"):
        heatmap(np.array([[np.nan, 1.0]]), image_id="a", class_name="Nodule", layer="x", size_px=8)


@pytest.mark.parametrize("classes", [2, 3])
def test_centred_logits_keep_every_probability_and_lose_what_all_classes_share(classes):
    from core.nn.heads import build_head, centre_logits

    model = build_head(HEADS["mlp"], 16, classes, "multiclass", seed=3)
    features = np.random.default_rng(0).normal(size=(20, 16)).astype("float32")
    before = model.predict_on_batch(features)
    kernel_before, _ = model.get_layer("logits").get_weights()
    centre_logits(model)
    kernel, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(model.predict_on_batch(features), before, atol=1e-6)
    np.testing.assert_allclose(kernel.sum(axis=1), 0, atol=1e-6)
    assert bias.sum() == pytest.approx(0, abs=1e-6)
    assert abs(kernel_before.sum(axis=1)).max() > 0.1


def test_multilabel_logits_are_left_alone():
    from core.nn.heads import build_head, centre_logits

    model = build_head(HEADS["mlp"], 16, 3, "multilabel", seed=3)
    before = model.get_layer("logits").get_weights()[0]
    centre_logits(model)
    np.testing.assert_array_equal(model.get_layer("logits").get_weights()[0], before)
