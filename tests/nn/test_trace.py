"""The stored trace of a lesson is what the network gives, made again; other networks are refused with a reason."""

import numpy as np
import pytest

from core.data.phantom import draw_phantom
from core.errors import ExplanationFailed
from core.evaluation.lessons import gradcam_steps
from core.nn.serving import Predictor
from core.nn.trace import EXAMPLE, trace_model
from core.store.traces import load_trace

NAME = "phantom-nodule"


@pytest.fixture(scope="module")
def stored():
    return load_trace(NAME)


@pytest.fixture(scope="module")
def answer():
    picture = draw_phantom(EXAMPLE.seed, EXAMPLE.patient, EXAMPLE.image, EXAMPLE.size_px).pixels
    return Predictor.load(NAME).predict(picture)


def test_the_stored_trace_is_made_again(stored):
    anew = trace_model(NAME)
    assert (anew.phantom, anew.graph_sha256, anew.boxes) == (stored.phantom, stored.graph_sha256, stored.boxes)
    assert np.array_equal(anew.pixels, stored.pixels)
    # another processor rounds float32 otherwise: at most one of 255 steps, or one unit of float16's last place
    for one, other in zip(anew.stages, stored.stages, strict=True):
        assert (one.kind, one.kernel, one.stride, one.field_px) == (
            other.kind,
            other.kernel,
            other.stride,
            other.field_px,
        )
        assert np.abs(one.maps.astype(int) - other.maps.astype(int)).max() <= 1
    for name in ("filters", "activations", "pooled", "weights"):
        assert np.allclose(getattr(anew, name), getattr(stored, name), rtol=2e-3, atol=1e-3)


def test_its_probability_and_its_picture_are_those_of_the_predictor(stored, answer):
    assert stored.probabilities == pytest.approx(answer.probabilities, abs=1e-5)
    assert np.array_equal(stored.pixels, answer.prepared[..., 0])


def test_the_head_done_by_hand_gives_the_logits(stored):
    by_hand = stored.pooled.astype(float) @ stored.weights.astype(float) + stored.bias
    assert by_hand == pytest.approx(stored.logits, abs=0.02)  # float16 as stored
    assert np.array_equal(stored.pooled, stored.activations.max(axis=(0, 1)))


def test_grad_cam_by_the_five_steps_is_the_map_that_the_predictor_draws(stored, answer):
    steps = gradcam_steps(stored.activations, stored.weights[:, stored.shown_index])
    drawn = answer.heatmaps[stored.shown_index].values
    side = len(drawn) // len(steps.map)  # of a cell; cells meet their own value in the middle of their square
    middle = drawn[side // 2 :: side, side // 2 :: side]
    assert np.corrcoef(steps.map.ravel(), middle.ravel())[0, 1] > 0.98
    assert np.unravel_index(steps.map.argmax(), steps.map.shape) == np.unravel_index(middle.argmax(), middle.shape)


def test_what_a_cell_sees_grows_as_kernels_and_strides_say(stored):
    # 5x5/2 -> 5; 3x3 adds 2 steps of 2 px -> 9; pool 2 adds 2 -> 11; 3x3 at 4 px adds 8 -> 19; 1x1 -> 19; pool -> 23
    assert [stage.field_px for stage in stored.stages] == [5, 9, 11, 19, 19, 23, 23]


def test_a_large_network_is_refused_with_a_sentence_on_what_a_lesson_needs():
    with pytest.raises(ExplanationFailed, match="phantom-nodule"):
        trace_model("chest-xray-pneumonia")
