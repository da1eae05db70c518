"""Every layer that is written as ONNX nodes gives what Keras gives, in each of its forms."""

import numpy as np
import pytest

from core.nn.runtime import session

pytestmark = pytest.mark.keras

GRID = {
    "Rescaling": [{"scale": 1 / 127.5, "offset": -1.0}],
    "Normalization": [{"mean": [3.0, 1.0, 2.0, 0.5], "variance": [4.0, 9.0, 0.25, 1.0]}],
    "Conv2D": [
        {"filters": 6, "kernel_size": 3, "activation": "relu"},
        {"filters": 6, "kernel_size": (3, 2), "strides": 2, "padding": "same", "use_bias": False},
        {"filters": 6, "kernel_size": 3, "dilation_rate": 2, "padding": "same", "activation": "silu"},
        {"filters": 6, "kernel_size": 3, "groups": 2, "activation": "tanh"},
    ],
    "DepthwiseConv2D": [
        {"kernel_size": 3, "padding": "same"},
        {"kernel_size": 3, "depth_multiplier": 2, "strides": 2, "padding": "same"},
    ],
    "SeparableConv2D": [
        {"filters": 5, "kernel_size": 3, "padding": "same"},
        {"filters": 5, "kernel_size": 3, "depth_multiplier": 3, "use_bias": False},
    ],
    "BatchNormalization": [{}, {"center": False, "scale": False}],
    "Activation": [{"activation": name} for name in ("linear", "relu", "relu6", "sigmoid", "tanh", "swish")],
    "ReLU": [{}, {"max_value": 6.0}],
    "ZeroPadding2D": [{"padding": ((1, 2), (0, 3))}],
    "MaxPooling2D": [{"pool_size": 2}, {"pool_size": 3, "strides": 2, "padding": "same"}],
    "AveragePooling2D": [{"pool_size": 2}, {"pool_size": 3, "strides": 2, "padding": "same"}],
    "GlobalAveragePooling2D": [{}, {"keepdims": True}],
    "GlobalMaxPooling2D": [{}, {"keepdims": True}],
    "Flatten": [{}],
}
VECTOR = {
    "Dense": [{"units": 3, "activation": "relu"}, {"units": 3, "use_bias": False, "activation": "softmax"}],
    "BatchNormalization": [{}],
    "Reshape": [{"target_shape": (1, 1, 7)}],
    "Flatten": [{}],
}
PAIR = {"Add": [{}], "Multiply": [{}], "Concatenate": [{}]}
CASES = [
    pytest.param(kind, name, options, id=f"{kind}-{name}-{number}")
    for kind, table in (("grid", GRID), ("vector", VECTOR), ("pair", PAIR))
    for name, forms in table.items()
    for number, options in enumerate(forms)
]


@pytest.mark.parametrize(("kind", "name", "options"), CASES)
def test_a_layer_gives_what_keras_gives(kind, name, options):
    from core.nn.backend import keras
    from core.nn.onnx_export import written

    rng = np.random.default_rng(4)
    shape = (1, 1, 7) if kind == "vector" else (9, 11, 4)
    pixels = keras.Input(shape, name="pixels")
    given = {
        "grid": pixels,
        "vector": keras.layers.GlobalAveragePooling2D()(pixels),  # of one cell: hands its channels on as they are
        "pair": [pixels, keras.layers.Rescaling(0.5, offset=1.0)(pixels)],
    }[kind]
    layer = getattr(keras.layers, name)(**options)
    output = layer(given)
    signs = [rng.choice([-1, 1], value.shape) if value.ndim > 1 else 1 for value in layer.get_weights()]
    layer.set_weights([rng.uniform(0.2, 1.5, v.shape) * s for v, s in zip(layer.get_weights(), signs, strict=True)])
    model = keras.Model(pixels, {"found": output})
    values = rng.normal(0, 4, (3, *shape)).astype("float32")
    expected = np.asarray(model(values)["found"])
    (found,) = session(written(model), 1).run(["found"], {"pixels": values})
    np.testing.assert_allclose(found, expected, atol=1e-5 * max(1.0, np.abs(expected).max()))


def test_no_layer_that_is_written_goes_untested():
    from core.nn.onnx_layers import WRITERS

    assert {kind.__name__ for kind in WRITERS} == {*GRID, *VECTOR, *PAIR}


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("ReLU", {"negative_slope": 0.1}, "slope"),
        ("Activation", {"activation": "gelu"}, "'gelu'"),
        ("Dense", {"units": 2}, "on a grid"),
        ("Normalization", {"mean": 0.0, "variance": 1.0, "invert": True}, "inverted"),
        ("BatchNormalization", {"axis": 1}, "last axis"),
        ("Concatenate", {"axis": 1}, "channels"),
    ],
)
def test_a_form_that_is_not_written_is_named(name, options, said):
    from core.errors import ExportImpossible
    from core.nn.backend import keras
    from core.nn.onnx_export import written

    pixels = keras.Input((4, 4, 2), name="pixels")
    layer = getattr(keras.layers, name)(**options, name="odd")
    output = layer([pixels, pixels]) if name == "Concatenate" else layer(pixels)
    with pytest.raises(ExportImpossible, match=rf"'odd' \({name}\).*{said}"):
        written(keras.Model(pixels, {"found": output}))


def test_a_graph_that_answers_otherwise_than_keras_is_refused(network_of, monkeypatch):
    from core.errors import ExportImpossible
    from core.nn import onnx_export

    model, cam_layer, pixels = network_of("compact_cnn")
    right = onnx_export.to_onnx(model, cam_layer, pixels)
    assert right.map_difference <= onnx_export.PARITY
    model.get_layer("logits").set_weights([-w for w in model.get_layer("logits").get_weights()])
    turned = onnx_export.explain_graph(model, cam_layer)
    model.get_layer("logits").set_weights([-w for w in model.get_layer("logits").get_weights()])
    monkeypatch.setattr(onnx_export, "explain_graph", lambda *_: turned)
    with pytest.raises(ExportImpossible, match="in a map"):
        onnx_export.to_onnx(model, cam_layer, pixels)


def test_a_graph_that_onnx_runtime_refuses_is_a_reason_and_no_fault(network_of, monkeypatch):
    from core.errors import ExportImpossible
    from core.nn import forward, onnx_export
    from core.nn.backend import keras

    model, cam_layer, pixels = network_of("compact_cnn")
    for module in (onnx_export, forward):
        monkeypatch.setattr(module, "graph_bytes", lambda *_: b"no graph at all")
    with pytest.raises(ExportImpossible, match="does not take the graph"):
        onnx_export.to_onnx(model, cam_layer, pixels)
    backbone = keras.Model(model.input, model.get_layer(cam_layer).output)
    features, threads = forward.feature_forward(backbone)
    assert threads == 1
    assert features(pixels).shape == (3, 96)
