"""A picture of one's own through a shipped network: its stages, and numbers that add up to what the network answers."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from core.data.phantom import draw_phantom
from core.errors import ExplanationFailed, ModelDamaged
from core.nn import live_trace as live
from core.nn.pool import shared_predictor
from core.nn.stages import chosen_plans, constants_of, first_filters, head_of, merged, stage_plans
from core.nn.trace import EXAMPLE
from core.store.traces import load_trace

PHANTOM = draw_phantom(EXAMPLE.seed, EXAMPLE.patient, EXAMPLE.image, EXAMPLE.size_px).pixels
COLOURED = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
SHIPPED = ("chest-xray-pneumonia", "covid-opacity", "skin-lesion", "phantom-nodule")


@pytest.mark.parametrize("name", SHIPPED)
def test_of_every_shipped_network_the_sum_done_by_hand_is_its_score_and_the_probability_that_of_the_predictor(name):
    trace, unlike = live.live_trace(name, PHANTOM)
    by_hand = trace.pooled.astype(float) @ trace.weights.astype(float) + trace.bias
    assert by_hand == pytest.approx(trace.logits, abs=1e-4)
    answer = shared_predictor(name).predict(PHANTOM, explain_classes=False)
    assert trace.probabilities == pytest.approx(answer.probabilities, abs=1e-6)
    assert unlike == answer.ood.flagged
    assert np.array_equal(trace.pixels, answer.prepared[..., 0])
    pooled = trace.activations.max(axis=(0, 1)) if trace.pooling == "max" else trace.activations.mean(axis=(0, 1))
    assert trace.pooled == pytest.approx(pooled, abs=1e-4)
    assert 1 < len(trace.stages) <= live.MOST_STAGES
    assert [len(stage.maps) for stage in trace.stages] == sorted((len(s.maps) for s in trace.stages), reverse=True)


def test_the_example_of_the_stored_lesson_is_that_lesson_made_now():
    stored, (trace, _) = load_trace("phantom-nodule"), live.live_trace("phantom-nodule", PHANTOM)
    for one, other in zip(trace.stages, stored.stages, strict=True):
        assert [getattr(one, w) for w in ("kind", "kernel", "stride", "field_px")] == [
            getattr(other, w) for w in ("kind", "kernel", "stride", "field_px")
        ]
        assert np.abs(one.maps.astype(int) - other.maps.astype(int)).max() <= 1
    assert np.array_equal(trace.filters, stored.filters)


def test_a_mobilenet_is_shown_at_each_size_of_its_grid_with_the_maps_that_answer_most():
    trace, _ = live.live_trace("skin-lesion", COLOURED)
    # 160 pixels halved five times; of 32, 96, 144, 192, 576 and 1280 maps at most 48
    assert [stage.maps.shape for stage in trace.stages] == [
        (80, 80, 32), (80, 80, 48), (40, 40, 48), (20, 20, 48), (10, 10, 48), (5, 5, 48),
    ]  # fmt: skip
    assert [stage.channels for stage in trace.stages] == [0, 96, 144, 192, 576, 1280]
    assert sum(stage.convolutions for stage in trace.stages) == 52  # all that the network has
    # 3; kernels of 3 at 2 px: +4 +4; at 4: +8 +8; at 8: +16 three times; at 16: +32 seven times; at 32: +64 three times
    assert trace.stages[-1].field_px == 3 + 2 * 4 + 2 * 8 + 3 * 16 + 7 * 32 + 3 * 64 == 491
    last = trace.activations.max(axis=(0, 1))
    assert trace.stages[-1].largest.min() >= np.sort(last)[-48] - 1e-6
    assert (trace.pixels.shape, trace.filters.shape) == ((160, 160, 3), (32, 3, 3, 3))


def test_the_second_picture_needs_no_second_opening_and_two_networks_stay_open(monkeypatch):
    opened = []
    real = live.Tracer
    monkeypatch.setattr(live, "Tracer", lambda card, content: opened.append(card.name) or real(card, content))
    live._open.clear()
    for name in ("phantom-nodule", "phantom-nodule", "skin-lesion", "phantom-nodule", "covid-opacity", "skin-lesion"):
        live.shared_tracer(name)
    assert opened == ["phantom-nodule", "skin-lesion", "covid-opacity", "skin-lesion"]
    assert live.open_tracers() == ("covid-opacity", "skin-lesion")


def test_without_an_onnx_graph_or_with_numbers_beside_the_picture_a_sentence_says_why_not(monkeypatch):
    card = live.load_card("phantom-nodule")
    monkeypatch.setattr(live, "load_card", lambda name, folder=None: replace(card, other_sha256={}))
    with pytest.raises(ExplanationFailed, match="runs in Keras alone"):
        live.shared_tracer("phantom-nodule")


def test_a_graph_that_is_not_the_cards_is_not_opened(monkeypatch):
    card = live.load_card("phantom-nodule")
    wrong = {**card.other_sha256, "model.onnx": "0" * 64}
    monkeypatch.setattr(live, "load_card", lambda name, folder=None: replace(card, other_sha256=wrong))
    live._open.clear()
    with pytest.raises(ModelDamaged, match="sha256"):
        live.shared_tracer("phantom-nodule")


def small_graph(*, swish=False, pool="GlobalAveragePool", hidden=False):
    """Two convolutions of 3x3 with a step of 2, an activation behind each; 2 channels, 2 classes."""
    rng = np.random.default_rng(3)
    tensors, nodes = {}, [helper.make_node("Transpose", ["pixels"], ["grid"], perm=[0, 3, 1, 2])]

    def constant(name, *shape):
        tensors[name] = rng.normal(size=shape).astype(np.float32)
        return name

    value = "grid"
    for number, inside in enumerate((3, 2)):
        kernel = constant(f"k{number}", 2, inside, 3, 3)
        nodes.append(helper.make_node("Conv", [value, kernel], [f"conv{number}"], kernel_shape=[3, 3], strides=[2, 2]))
        value = f"act{number}"
        if swish:
            nodes.append(helper.make_node("Sigmoid", [f"conv{number}"], [f"gate{number}"]))
            nodes.append(helper.make_node("Mul", [f"conv{number}", f"gate{number}"], [value]))
        else:
            nodes.append(helper.make_node("Relu", [f"conv{number}"], [value]))
    nodes.append(helper.make_node("Transpose", [value], ["activations"], perm=[0, 2, 3, 1]))
    nodes += [helper.make_node(pool, [value], ["pooled4"]), helper.make_node("Flatten", ["pooled4"], ["vector"])]
    vector = "vector"
    if hidden:
        nodes.append(helper.make_node("MatMul", [vector, constant("wh", 2, 5)], ["mixed"]))
        vector = nodes[-1].output[0]
        nodes.append(helper.make_node("Relu", [vector], ["units"]))
        vector = "units"
    nodes.append(helper.make_node("MatMul", [vector, constant("w", 5 if hidden else 2, 2)], ["product"]))
    nodes.append(helper.make_node("Add", ["product", constant("b", 2)], ["scores"]))
    nodes.append(helper.make_node("Identity", ["scores"], ["logits"]))
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("logits", "activations")]
    made = helper.make_graph(
        nodes, "small", [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ("n", 16, 16, 3))], outputs,
        [onnx.numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )  # fmt: skip
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    ("form", "kind", "pooling", "wide"),
    [
        ({}, "convolution", "mean", 2),
        ({"pool": "GlobalMaxPool"}, "convolution", "max", 2),
        ({"swish": True}, "smooth", "mean", 2),
        ({"hidden": True}, "convolution", "units", 5),
    ],
)
def test_other_networks_are_read_as_far_as_their_graph_says(form, kind, pooling, wide):
    made = small_graph(**form)
    nodes, constants = list(made.graph.node), constants_of(made)
    plans = stage_plans(nodes, constants)
    assert [plan.kind for plan in plans] == [kind, kind]
    assert [plan.field_px for plan in plans] == [3, 7]  # 3, then two steps of two pixels to each side of it: 3 + 2 * 2
    head = head_of(nodes, constants)
    assert (head.pooling, head.weights.shape) == (pooling, (wide, 2))
    tracer = live.Tracer(
        replace(live.load_card("phantom-nodule"), preprocess=replace(SMALL, size_px=16)), made.SerializeToString()
    )
    trace = tracer.trace(COLOURED[:16, :16])
    assert trace.pooled @ trace.weights + trace.bias == pytest.approx(trace.logits, abs=1e-3)


SMALL = live.load_card("phantom-nodule").preprocess


def test_a_graph_without_convolutions_or_without_a_weighted_sum_is_refused_with_a_sentence():
    made = small_graph()
    del made.graph.node[-1]  # the scores have no name
    with pytest.raises(ExplanationFailed, match="weighted sum"):
        live.Tracer(live.load_card("phantom-nodule"), made.SerializeToString())


def test_of_many_candidates_the_first_and_the_last_of_each_grid_are_shown_and_no_convolution_is_lost():
    plans = stage_plans(list(small_graph().graph.node), constants_of(small_graph())) * 3
    chosen = chosen_plans(plans, [8, 8, 4, 4, 4, 2], 4)
    assert chosen == [0, 1, 4, 5]
    assert [plan.convolutions for plan in merged(plans, chosen)] == [1, 1, 3, 1]


def test_filters_keep_their_colours_only_where_the_graph_hands_them_on():
    made = small_graph()
    nodes, constants = list(made.graph.node), constants_of(made)
    coloured = first_filters(nodes, constants, colour=True)
    assert coloured.shape == (2, 3, 3, 3)
    assert coloured[0, :, :, 0] == pytest.approx(constants["k0"][0, 0], abs=2e-3)  # red is the first channel
    assert first_filters(nodes, constants, colour=False).shape == (2, 3, 3)
    turned = [helper.make_node("Gather", ["grid", "order"], ["bgr"], axis=1), *nodes]
    assert first_filters(turned, constants, colour=True).shape == (2, 3, 3)
