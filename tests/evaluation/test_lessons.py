"""What the lessons count: accuracy over prevalence, people instead of shares, Grad-CAM by hand."""

import numpy as np
import pytest

from core.errors import UndefinedMetric
from core.evaluation.lessons import gradcam_steps, natural_frequencies, over_prevalence
from core.types import Predictions, Threshold

HALF = Threshold(values={"ill": 0.5}, rule="fixed:0.5", chosen_on="none")


def predictions(scores, truth, task="binary"):
    scores = np.asarray(scores, float)
    return Predictions(
        run_id="r", split="test", task=task, class_names=("well", "ill"), positive_class="ill",
        image_ids=np.array([f"i{n}" for n in range(len(scores))], dtype=object),
        groups=np.array([f"g{n}" for n in range(len(scores))], dtype=object),
        y_true=np.asarray(truth, dtype=np.int64), y_prob=np.stack([1 - scores, scores], axis=1),
    )  # fmt: skip


# ill: 0.9, 0.8, 0.2 -> 2 of 3 found; well: 0.6, 0.3, 0.1, 0.1 -> 3 of 4 left alone
FEW = predictions([0.9, 0.8, 0.2, 0.6, 0.3, 0.1, 0.1], [1, 1, 1, 0, 0, 0, 0])


def test_accuracy_at_a_prevalence_is_worked_by_hand():
    curve = over_prevalence(FEW, HALF, [0.0, 3 / 7, 1.0], n_bootstrap=0)
    assert (curve.sensitivity, curve.specificity) == (pytest.approx(2 / 3), pytest.approx(3 / 4))
    assert curve.accuracy == pytest.approx([3 / 4, 5 / 7, 2 / 3])  # in the middle: the accuracy of these images
    assert curve.balanced_accuracy == pytest.approx(17 / 24)
    assert np.isnan(curve.low).all()


def test_its_interval_holds_the_value_and_narrows_with_more_images():
    rng = np.random.default_rng(3)
    widths = []
    for n in (60, 600):
        truth = np.arange(n) % 2
        curve = over_prevalence(
            predictions(np.clip(rng.normal(0.35 + 0.3 * truth, 0.2), 0, 1), truth), HALF, [0.02, 0.5], n_bootstrap=200
        )
        assert (curve.low < curve.accuracy).all() and (curve.accuracy < curve.high).all()
        widths.append(curve.high - curve.low)
    assert (widths[1] < widths[0]).all()


def test_one_class_alone_is_refused():
    with pytest.raises(UndefinedMetric, match="both classes"):
        over_prevalence(predictions([0.2, 0.7], [1, 1]), HALF, [0.1])


def test_shares_become_people():
    people = natural_frequencies(0.02, 0.85, 0.90)
    # of 1,000: 20 ill, 17 found, 3 missed; of 980 well 98 alarmed
    assert (people.ill, people.found, people.missed, people.alarms, people.right) == (20, 17, 3, 98, 899)


def test_grad_cam_of_two_channels_is_worked_by_hand():
    # two cells; channel 0 speaks for the class with weight 2, channel 1 against it with weight -1
    activations = np.array([[[3.0, 1.0], [0.0, 4.0]]])
    steps = gradcam_steps(activations, np.array([2.0, -1.0]))
    assert steps.weights == pytest.approx([1.0, -0.5])  # divided by the two cells
    assert steps.summed == pytest.approx(np.array([[2.5, -2.0]]))
    assert steps.map == pytest.approx(np.array([[1.0, 0.0]]))
    assert steps.order.tolist() == [0, 1]


def test_a_map_that_nothing_speaks_for_stays_empty():
    steps = gradcam_steps(np.ones((2, 2, 1)), np.array([-1.0]))
    assert steps.map.max() == 0
    assert np.isfinite(steps.map).all()
