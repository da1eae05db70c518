"""Random changes: in training only, within 0-255, what they say, and nothing to anyone who exports the network."""

import numpy as np
import pytest

from core.registry.architectures import ARCHITECTURES
from core.registry.augmentations import AUGMENTATIONS
from core.registry.heads import HEADS
from core.types import AugmentationSpec

pytestmark = pytest.mark.keras

EVERYTHING = AugmentationSpec(
    flip_horizontal=True, flip_vertical=True, rotation=0.1, zoom=0.2, shift=0.1, brightness=0.2, contrast=0.3,
    shear=0.1, darker=0.2, brighter=0.2, sharpness=1.0, blur=1.0,
)  # fmt: skip
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3)).astype("float32")


def changed(spec, pixels=PIXELS, seed=1, training=True):
    from core.nn.augment import augment
    from core.nn.backend import keras

    inputs = keras.Input(pixels.shape[1:])
    return np.asarray(keras.Model(inputs, augment(inputs, spec, seed))(pixels, training=training))


@pytest.mark.parametrize("name", AugmentationSpec.__dataclass_fields__)
def test_every_change_acts_in_training_and_never_else(name):
    strength = True if name.startswith("flip") else 0.2
    spec = AugmentationSpec(**{name: strength})
    after = changed(spec)
    assert not np.allclose(after, PIXELS, atol=0.5)
    assert after.min() >= 0 and after.max() <= 255
    np.testing.assert_array_equal(changed(spec, training=False), PIXELS)
    np.testing.assert_array_equal(changed(spec), after)
    if not name.startswith("flip"):
        assert not np.allclose(changed(spec, seed=2), after, atol=0.5)


@pytest.mark.parametrize("preset", AUGMENTATIONS.values(), ids=lambda p: p.key)
def test_a_preset_names_its_source_and_keeps_the_picture_in_range(preset):
    after = changed(preset.changes) if preset.key != "none" else PIXELS
    assert preset.source
    assert after.shape == PIXELS.shape and after.min() >= 0 and after.max() <= 255


def geometry(drawn, **settings):
    """The pixels after one warp whose random numbers (angle, zoom, shear, right, down) are given."""
    from core.nn.augment import RandomGeometry

    layer, numbers = RandomGeometry(**settings), iter(drawn)
    layer.draw = lambda images, *_: np.full(len(images), next(numbers), "float32")
    return np.asarray(layer(PIXELS, training=True))


def test_a_warp_turns_shifts_enlarges_and_slants_by_what_was_drawn():
    np.testing.assert_allclose(geometry([0.25, 0, 0, 0, 0]), np.rot90(PIXELS, 1, (1, 2)), atol=0.02)
    # from 2 pixels to the right and 3 below: what comes in is black
    shifted = geometry([0, 0, 0, 2 / 16, 3 / 16])
    np.testing.assert_allclose(shifted[:, :-3, :-2], PIXELS[:, 3:, 2:], atol=0.02)
    assert not shifted[:, -3:].any() and not shifted[:, :, -2:].any()
    # from twice as far from the centre: the corner of the new picture is far outside the old one
    assert not geometry([0, 1.0, 0, 0, 0])[:, 0, 0].any()
    slanted = geometry([0, 0, 0.4, 0, 0])  # row 0 lies 7.5 above the centre: it comes from 0.4 * 7.5 = 3 to the left
    np.testing.assert_allclose(slanted[:, 0, 3:], PIXELS[:, 0, :-3], atol=0.02)
    np.testing.assert_allclose(slanted[:, 15, :-3], PIXELS[:, 15, 3:], atol=0.02)


def test_layers_do_not_draw_the_same_numbers():
    """With one seed for all, a picture that is made brighter would always be turned to the right."""
    from core.nn.augment import augment
    from core.nn.backend import keras

    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, augment(inputs, EVERYTHING, 5))
    seeds = [layer.seed for layer in model.layers if layer.name.startswith("augment_")]
    assert len(seeds) == len(set(seeds)) == 6


def test_a_network_in_training_shares_its_weights_and_scores_without_changes():
    from core.nn.augment import with_augmentation

    model = network()
    outer = with_augmentation(model, EVERYTHING, 1)
    assert with_augmentation(model, AugmentationSpec(), 1) is model
    pixels = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    outer.set_weights([1.1 * w for w in outer.get_weights()])
    np.testing.assert_allclose(np.asarray(outer(pixels, training=False)), np.asarray(model(pixels)), atol=1e-6)
    assert not any("augment" in layer.name for layer in model.layers)


def network(augmentation=None):
    """The compact network and its head as one flat graph, with the changes in front of it where they are given."""
    from core.nn.augment import augment
    from core.nn.backbones import scale_pixels
    from core.nn.backend import keras
    from core.nn.heads import build_network
    from core.nn.networks import compact_cnn

    keras.utils.set_random_seed(7)
    pixels = keras.Input((32, 32, 3), name="pixels")
    x = augment(pixels, augmentation, 1) if augmentation else pixels
    stage = compact_cnn(scale_pixels(x, ARCHITECTURES["compact_cnn"]))
    return build_network(keras.Model(pixels, stage, name="n"), HEADS["linear"], 3, "multiclass", scaler=False, seed=1)


def test_a_graph_with_every_change_in_it_exports_and_answers_as_keras_does():
    from core.nn.backend import keras
    from core.nn.onnx_export import written
    from core.nn.runtime import session

    model = network(EVERYTHING)
    assert sum(layer.name.startswith("augment_") for layer in model.layers) == 6
    outputs = {"probabilities": model.output, "logits": model.get_layer("logits").output}
    pixels = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    content = written(keras.Model(model.inputs[0], outputs))
    found = session(content, 1).run(["logits"], {"pixels": pixels})[0]
    np.testing.assert_allclose(found, logits_of(model, pixels), atol=1e-5)


def logits_of(model, pixels):
    from core.nn.backend import keras

    return np.asarray(keras.Model(model.inputs[0], model.get_layer("logits").output)(pixels, training=False))


@pytest.mark.parametrize("key", sorted(AUGMENTATIONS))
def test_the_strip_on_the_data_page_is_what_the_layers_draw(key, request):
    from io import BytesIO

    from PIL import Image

    from core.nn.augment_sheet import preset_sheet

    def pixels(source):
        return np.asarray(Image.open(source), dtype=float)

    file = request.config.rootpath / "pages" / "ui" / "presets" / f"{key}.jpg"
    shown, drawn = pixels(file), pixels(BytesIO(preset_sheet(AUGMENTATIONS[key].changes)))
    assert shown.shape == drawn.shape
    assert np.abs(shown - drawn).mean() < 1.0  # of 255: rounding and JPEG, not another change
