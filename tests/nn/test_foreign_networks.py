"""Networks of foreign shapes: laid out flat they answer as Keras itself does, and they get a heat map."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.errors import ExplanationFailed, ModelRefused
from core.nn.foreign_answers import ForeignAnswers, check_answers
from core.nn.inspect import clean_file, inspect_model
from core.types import TabularInput

pytestmark = pytest.mark.keras
SAVED = Path(__file__).parent / "foreign"  # a nested Sequential, written by older versions of Keras
SIDE = 24


def backbone(shape=(SIDE, SIDE, 3), name="backbone", several=False):
    from core.nn.backend import keras

    layers = keras.layers
    image = keras.Input(shape)
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(image)
    x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D(name="middle")(x)
    y = layers.SeparableConv2D(8, 3, padding="same", activation="relu", name=f"{name}_last")(x)
    return keras.Model(image, [x, y] if several else y, name=name)


def functional():
    """Pixels are scaled by operations, as `x / 127.5 - 1` gives them; softmax."""
    from core.nn.backend import keras

    image = keras.Input((SIDE, SIDE, 3))
    x = backbone()(image / 127.5 - 1.0, training=False)
    x = keras.layers.Dropout(0.3)(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, keras.layers.Dense(3, activation="softmax")(x))


def sequential_sigmoid():
    """A backbone inside Sequential, random changes in front, one sigmoid."""
    from core.nn.backend import keras

    layers = keras.layers
    return keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), layers.RandomFlip(), layers.Rescaling(1 / 255), backbone(),
         layers.Flatten(), layers.Dense(1, activation="sigmoid")]
    )  # fmt: skip


def twice():
    """One backbone for the picture and its mirror image, and the backbone in another network."""
    from core.nn.backend import keras

    layers = keras.layers
    inner = keras.Input((SIDE, SIDE, 3))
    wrapped = keras.Model(inner, layers.GlobalMaxPooling2D()(backbone()(inner)), name="wrapped")
    image = keras.Input((SIDE, SIDE, 3))
    scaled = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = layers.Concatenate()([wrapped(scaled), wrapped(keras.ops.flip(scaled, axis=2))])
    return keras.Model(image, layers.Dense(4, activation="sigmoid")(x))


def several_outputs():
    """A nested network of two outputs, ways around the last layer with cells, and logits."""
    from core.nn.backend import keras

    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 3))
    early, late = backbone(several=True)(layers.Rescaling(1 / 255)(image))
    pooled = [layers.GlobalAveragePooling2D()(early), layers.GlobalAveragePooling2D()(late)]
    return keras.Model(image, layers.Dense(3)(layers.Concatenate()(pooled)))


def two_inputs():
    """A grey picture and two numbers; the numbers change what the picture means."""
    from core.nn.backend import keras

    layers = keras.layers
    image, numbers = keras.Input((SIDE, SIDE, 1), name="image"), keras.Input((2,), name="numbers")
    x = layers.GlobalAveragePooling2D()(backbone((SIDE, SIDE, 1))(image))
    x = layers.Multiply()([x, layers.Dense(8, activation="sigmoid")(numbers)])
    return keras.Model([image, numbers], layers.Dense(3, activation="softmax")(layers.Concatenate()([x, numbers])))


def two_questions():
    """One backbone, two outputs of its own by name, and a picture of regions that nobody asks for."""
    from core.nn.backend import keras

    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 3))
    x = backbone()(layers.Rescaling(1 / 255)(image))
    pooled = layers.GlobalAveragePooling2D()(x)
    finding = layers.Dense(3, activation="softmax", name="which")(layers.Dense(5, activation="relu")(pooled))
    ill = layers.Dense(1, activation="sigmoid", name="any")(pooled)
    return keras.Model(image, {"regions": layers.Conv2D(1, 1)(x), "finding": finding, "ill": ill})


def ensemble():
    """Two networks side by side, their softmaxes averaged: no layer of logits."""
    from core.nn.backend import keras

    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 3))
    scaled, outputs = layers.Rescaling(1 / 255)(image), []
    for name in ("one", "two"):
        x = layers.GlobalAveragePooling2D()(backbone(name=name)(scaled))
        outputs.append(layers.Dense(2, activation="softmax")(x))
    return keras.Model(image, layers.Average()(outputs))


def open_size():
    """Any size, -1 to 1 outside the network, Activation layers, a binary head of two."""
    from core.nn.backend import keras

    layers = keras.layers
    image = keras.Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(backbone((None, None, 3), name="mobilenetv2_1.00")(image))
    return keras.Model(image, layers.Activation("softmax")(layers.Dense(2)(x)))


def dense_only():
    """No convolution at all; 20 x 30 pixels, grey."""
    from core.nn.backend import keras

    layers = keras.layers
    return keras.Sequential([keras.Input((20, 30, 1)), layers.Flatten(), layers.Dense(5, activation="softmax")])


def scaled_like_efficientnet():
    """0 to 255 scaled by the network in two steps, and a layer that Keras keeps beside its ConvNeXt."""
    from keras.src.applications.convnext import LayerScale

    from core.nn.backend import keras

    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 3))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.05, 0.05, 0.05])(x)
    x = LayerScale(0.5, 8)(backbone()(x))
    return keras.Model(image, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


SHAPES = {
    "functional": (functional, {}),
    "sequential, sigmoid": (sequential_sigmoid, {}),
    "nested twice, multilabel": (twice, {}),
    "several outputs, logits": (several_outputs, {}),
    "logits of findings": (several_outputs, {"output": "sigmoid"}),
    "two inputs, grey": (two_inputs, {"table": (TabularInput(name="age", low=0, high=1), TabularInput(name="sex"))}),
    "two networks": (ensemble, {}),
    "any size": (open_size, {"size_px": 32}),
    "dense only": (dense_only, {}),
    "layers of applications": (scaled_like_efficientnet, {}),
}


def stirred(model):
    """The same network with weights that make its answers differ from picture to picture."""
    rng = np.random.default_rng(3)
    # positive and negative weights alike, or a map may be empty by right
    model.set_weights([w + rng.normal(0, 0.3, w.shape).astype(w.dtype) * (w.ndim > 0) for w in model.get_weights()])
    for layer in model._flatten_layers():
        if type(layer).__name__ == "BatchNormalization":
            layer.moving_variance.assign(np.abs(np.asarray(layer.moving_variance)) + 0.5)
    return model


def saved(build, path):
    from core.nn.backend import keras

    keras.utils.set_random_seed(4)
    model = stirred(build())
    model.save(path)
    return model


def tried(path, folder, **answers):
    """(what was found, the flat network, its engine, the probe) by the code of the child process."""
    from core.nn.foreign_child import try_network

    stated = ForeignAnswers(name="x", **answers)
    found, copy = clean_file(path, folder, size_px=stated.size_px, take=stated.take)
    return found, *try_network(folder, copy, found, stated)


def asked(model, found, pixels, table, scaling):
    """What Keras itself says of pictures (n, S, S, 3) 0 to 255, scaled by hand."""
    x = pixels.astype("float32")
    if found.channels == 1:
        x = x.mean(axis=-1, keepdims=True)
    x = {"inside": x, "unit": x / 255, "minus_one_one": x / 127.5 - 1}[scaling]
    return np.asarray(model.predict_on_batch([x, table] if found.table_columns else x)).astype(np.float64)


def probabilities(raw, found, output):
    if found.output_kind == "linear":
        powers = np.exp(raw)
        raw = powers / powers.sum(axis=1, keepdims=True) if output != "sigmoid" else powers / (1 + powers)
    return np.concatenate([1 - raw, raw], axis=1) if raw.shape[1] == 1 else raw


@pytest.mark.parametrize(
    ("name", "ending"),
    [*((name, "keras") for name in SHAPES), ("sequential, sigmoid", "h5"), ("two inputs, grey", "h5")],
)
def test_it_answers_as_keras_itself_does_and_shows_where_it_looked(name, ending, tmp_path):
    build, answers = SHAPES[name]
    model = saved(build, tmp_path / f"net.{ending}")
    found, _, engine, probe = tried(tmp_path / f"net.{ending}", tmp_path, **answers)
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (3, found.size_px, found.size_px, 3)).astype(np.uint8)
    table = rng.random((3, 2)).astype(np.float32)
    answer = engine.run(pixels, maps=True, table=table)
    if name != "dense only":  # there the square is squeezed to 20 x 30 first, inside the graph
        wanted = probabilities(asked(model, found, pixels, table, found.pixel_scaling), found, answers.get("output"))
        np.testing.assert_allclose(answer.probabilities, wanted, atol=1e-5)
        assert np.ptp(wanted, axis=0).max() > 1e-4, "answers that are all alike show nothing"
    assert not probe["empty_maps"]
    assert answer.cams.shape == (3, found.class_count, *probe["cam_grid"])
    assert (answer.cams.reshape(3, -1).max(axis=1) > 0).all()


def test_the_config_says_beforehand_what_keras_then_builds(tmp_path):
    for number, (build, _) in enumerate({build: name for name, (build, _) in SHAPES.items()}.items()):
        model = saved(build, tmp_path / f"{number}.keras")
        found = inspect_model(tmp_path / f"{number}.keras")
        shared = 2 if build is twice else 1  # called twice, it is laid out twice
        nested = sum(layer.count_params() for layer in model.layers if layer.name == "wrapped")
        assert found.parameters == model.count_params() + (shared - 1) * nested
        assert found.outputs == model.output_shape[-1]


@pytest.mark.parametrize(
    ("build", "scaling", "sure"),
    [(functional, "inside", True), (sequential_sigmoid, "inside", True), (two_inputs, "unit", False),
     (open_size, "minus_one_one", False), (scaled_like_efficientnet, "inside", True)],
)  # fmt: skip
def test_the_pixel_range_is_read_from_the_layers_or_guessed_from_the_name(build, scaling, sure, tmp_path):
    saved(build, tmp_path / "net.keras")
    found = inspect_model(tmp_path / "net.keras")
    assert (found.pixel_scaling, found.pixel_sure) == (scaling, sure)


def test_the_taped_map_equals_tf_keras_vis_and_the_split_one(tmp_path, maps_of_tf_keras_vis):
    from core.nn.compiled import CompiledKeras
    from core.nn.gradcam import TapedKeras

    saved(functional, tmp_path / "net.keras")
    _, network, engine, _ = tried(tmp_path / "net.keras", tmp_path)
    pixels = np.random.default_rng(5).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)
    taped = TapedKeras(network.model, network.cam_layer).run(pixels, maps=True).cams
    assert isinstance(engine, CompiledKeras)
    split = engine.run(pixels, maps=True).cams
    reference = maps_of_tf_keras_vis(network.model, pixels, network.cam_layer)
    assert reference.max() > 1e-3, "an empty map shows nothing"
    np.testing.assert_allclose(taped, split, atol=1e-5 * split.max())
    np.testing.assert_allclose(taped[range(3), range(3)], reference, atol=1e-5 * reference.max())


def test_a_layer_that_has_no_cells_is_refused(tmp_path):
    from core.nn.gradcam import TapedKeras

    saved(functional, tmp_path / "net.keras")
    with pytest.raises(ModelRefused, match="no layer 'nonsense' with cells"):
        tried(tmp_path / "net.keras", tmp_path, cam_layer="nonsense")
    _, network, _, probe = tried(tmp_path / "net.keras", tmp_path, cam_layer="middle")
    assert (network.cam_layer, probe["cam_grid"]) == ("middle", [12, 12])
    with pytest.raises(ExplanationFailed, match="no cells"):
        TapedKeras(network.model, "logits")


@pytest.mark.parametrize("file", sorted(SAVED.glob("keras-*")), ids=lambda path: path.name)
def test_files_of_older_versions_of_keras_answer_as_they_did_then(file, tmp_path):
    """The answers stand in answers.json; they were given by the version that wrote the file."""
    told = json.loads((SAVED / "answers.json").read_text(encoding="utf-8"))[file.name]
    found, _, engine, _ = tried(file, tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    answer = engine.run(pixels)
    assert found.keras_version == told["version"]
    np.testing.assert_allclose(answer.probabilities[:, 1], told["positive"], atol=1e-5)


def test_arguments_that_only_keras_2_knew_are_left_out(tmp_path):
    """MobileNets saved by Keras 2 as .h5 name `groups`, which Keras 3 does not take."""
    import h5py

    saved(sequential_sigmoid, tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        nested = next(entry for entry in config["config"]["layers"] if entry["class_name"] == "Functional")
        (part,) = (entry for entry in nested["config"]["layers"] if entry["class_name"] == "SeparableConv2D")
        part["config"] |= {"groups": 1, "kernel_initializer": None}
        (norm,) = (entry for entry in nested["config"]["layers"] if entry["class_name"] == "BatchNormalization")
        norm["config"]["axis"] = [3]
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.10.0"
    found, _, _, probe = tried(tmp_path / "net.h5", tmp_path)
    assert found.keras_version == "2.10.0"
    assert probe["difference"] < 1e-5


def broken(name, tmp_path):
    """A network that loads, and breaks its word when it is asked."""
    from core.nn.backend import keras

    layers = keras.layers
    image = keras.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(layers.Rescaling(1 / 255)(image)))
    last = {
        "overflow": lambda: layers.Dense(2, activation="softmax")(keras.ops.exp(keras.ops.exp(x * x * 1e9))),
        "relu": lambda: layers.Dense(2, activation="relu")(x),
        "one number": lambda: layers.Dense(1)(x),
    }[name]()
    path = tmp_path / "net.keras"
    keras.Model(image, last).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "answers", "words"),
    [("overflow", {}, "NaN or infinity for a plain picture"), ("relu", {}, "neither probabilities nor logits")],
)
def test_a_network_that_breaks_its_word_is_refused(name, answers, words, tmp_path):
    with pytest.raises(ModelRefused, match=words):
        tried(broken(name, tmp_path), tmp_path, **answers)


@pytest.mark.parametrize("nested", [True, False])
def test_a_file_with_weights_missing_is_refused_and_never_answers_with_zeros(nested, tmp_path):
    import h5py

    saved(functional, tmp_path / "whole.keras")
    with zipfile.ZipFile(tmp_path / "whole.keras") as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    (tmp_path / "weights.h5").write_bytes(parts["model.weights.h5"])
    with h5py.File(tmp_path / "weights.h5", "r+") as file:
        names = []
        file.visit(names.append)
        gone = next(n for n in names if n.endswith("layers/conv2d" if nested else "layers/dense"))
        del file[gone]
    parts["model.weights.h5"] = (tmp_path / "weights.h5").read_bytes()
    with zipfile.ZipFile(tmp_path / "less.keras", "w") as less:
        for name, content in parts.items():
            less.writestr(name, content)
    with pytest.raises(ModelRefused, match=r"cannot load the network|weights is missing"):
        tried(tmp_path / "less.keras", tmp_path)


def test_weights_of_another_network_are_refused_by_keras_and_said_in_one_sentence(tmp_path):
    saved(functional, tmp_path / "a.keras")
    saved(dense_only, tmp_path / "b.keras")
    shutil.copy(tmp_path / "a.keras", tmp_path / "mixed.keras")
    with zipfile.ZipFile(tmp_path / "a.keras") as first, zipfile.ZipFile(tmp_path / "b.keras") as second, \
         zipfile.ZipFile(tmp_path / "mixed.keras", "w") as mixed:  # fmt: skip
        for name in ("metadata.json", "config.json"):
            mixed.writestr(name, first.read(name))
        mixed.writestr("model.weights.h5", second.read("model.weights.h5"))
    with pytest.raises(ModelRefused, match="cannot load the network") as refused:
        tried(tmp_path / "mixed.keras", tmp_path)
    assert "\n" not in str(refused.value)


def test_of_several_outputs_the_one_asked_for_answers_as_in_keras_and_the_rest_is_cut_off(tmp_path):
    path = tmp_path / "net.keras"
    model = saved(two_questions, path)
    pixels = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)
    expected = model.predict_on_batch(pixels.astype("float32"))
    for name, units in (("finding", 3), ("ill", 1)):
        (tmp_path / name).mkdir()
        found, network, engine, _ = tried(path, tmp_path / name, take=name)
        assert (found.output_name, found.outputs) == (name, units)
        assert [(c.name, c.units, c.kind) for c in found.choices] == [("finding", 3, "softmax"), ("ill", 1, "sigmoid")]
        np.testing.assert_allclose(
            engine.run(pixels).probabilities, probabilities(expected[name], found, ""), atol=1e-5
        )
        left_out = "any" if name == "finding" else "which"
        assert left_out not in {layer.name for layer in network.model.layers}
    assert inspect_model(path).output_name == "finding", "the first that can answer, where nobody says which"
    with pytest.raises(ModelRefused, match=r"no output 'organ'; it has finding \(3 numbers, softmax\), ill .* and reg"):
        inspect_model(path, take="organ")
    with pytest.raises(ModelRefused, match="one number for each class"):
        inspect_model(path, take="regions")
    with pytest.raises(ModelRefused, match=r"several outputs, finding .*Say which one answers"):
        check_answers(inspect_model(path), ForeignAnswers(name="x", class_names=("a", "b", "c")))
