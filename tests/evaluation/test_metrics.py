"""Values of the metrics: by hand, against scikit-learn, and where they are not defined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from core.errors import PredictionsInvalid, UnknownKey
from core.evaluation import metrics
from core.evaluation.at_cut import OF_CUTS
from core.evaluation.resampled import ALL_METRICS, prepare, weighted_values
from core.registry.metrics import AT_CUT, METRICS
from core.types import Threshold

HALF = Threshold(values={"P": 0.5}, rule="fixed:0.5", chosen_on="none")
NO_CUTS = Threshold(values={}, rule="fixed:0.5", chosen_on="none")

# positives .9 .8 .6 .3, negatives .7 .55 .4 .2
TRUTH = [1, 1, 0, 1, 0, 0, 1, 0]
SCORES = [0.9, 0.8, 0.7, 0.6, 0.55, 0.4, 0.3, 0.2]
BY_HAND = {
    "auc": 12 / 16,  # .9 and .8 beat four negatives, .6 three, .3 one
    "average_precision": (1 / 1 + 2 / 2 + 3 / 4 + 4 / 7) / 4,  # precision where each positive is reached
    # at 0.5 five are called: tp .9 .8 .6, fp .7 .55, fn .3, tn .4 .2
    "sensitivity": 3 / 4,
    "specificity": 2 / 4,
    "ppv": 3 / 5,
    "npv": 2 / 3,
    "f1": 6 / 9,
    "accuracy": 5 / 8,
    "balanced_accuracy": (3 / 4 + 2 / 4) / 2,
    "brier": (0.01 + 0.04 + 0.49 + 0.16 + 0.3025 + 0.16 + 0.49 + 0.04) / 8,
    "calibration_error": (0.1 + 0.2 + 0.7 + 0.4 + 0.55 + 0.4 + 0.7 + 0.2) / 8,  # every image alone in its bin
}


@pytest.mark.parametrize("metric", sorted(BY_HAND))
def test_binary_metrics_are_as_worked_by_hand(make, metric):
    assert metrics.metric_value(make(TRUTH, SCORES), metric, HALF) == pytest.approx(BY_HAND[metric], abs=1e-15)


def test_every_registered_metric_is_computed_and_every_computed_one_registered():
    assert set(ALL_METRICS) == set(BY_HAND)
    assert set(METRICS) == {*ALL_METRICS, *(metric + AT_CUT for metric in OF_CUTS)}


def test_the_negative_class_has_the_mirrored_numbers(make):
    values = metrics.all_values(make(TRUTH, SCORES), HALF)
    assert values["sensitivity", "N"] == values["specificity", "P"] == 0.5
    assert values["ppv", "N"] == values["npv", "P"]
    assert values["auc", "N"] == values["auc", "P"] == 0.75


def test_the_positive_class_may_stand_first(make):
    pred = make([1 - t for t in TRUTH], np.column_stack([SCORES, 1 - np.array(SCORES)]))
    swapped = type(pred)(
        run_id="r", split="test", task="binary", class_names=("P", "N"), positive_class="P", **pred.arrays()
    )
    for metric, expected in BY_HAND.items():
        assert metrics.metric_value(swapped, metric, HALF) == pytest.approx(expected, abs=1e-15)


def test_multiclass_metrics_are_as_worked_by_hand(make):
    # truth A A B B C; most probable A B B B A
    scores = [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.7, 0.2], [0.3, 0.4, 0.3], [0.5, 0.1, 0.4]]
    pred = make([0, 0, 1, 1, 2], scores, task="multiclass")
    values = metrics.all_values(pred, NO_CUTS)
    # A: .6 and .2 against .1 .3 .5: 3 + 1 of 6; B: .7 and .4 against .3 .5 .1: 3 + 2 of 6; C: .4 beats .1 .3 .2 .3
    assert [values["auc", c] for c in "ABC"] == pytest.approx([4 / 6, 5 / 6, 1.0])
    assert values["auc", None] == pytest.approx((4 / 6 + 5 / 6 + 1) / 3)
    assert [values["sensitivity", c] for c in "ABC"] == pytest.approx([1 / 2, 1, 0])
    assert [values["specificity", c] for c in "ABC"] == pytest.approx([2 / 3, 2 / 3, 1])
    assert [values["ppv", c] for c in "ABC"] == [pytest.approx(1 / 2), pytest.approx(2 / 3), None]  # C is never called
    assert values["ppv", None] is None  # and a mean over the other classes would reward that
    assert values["f1", "C"] == 0.0
    assert values["accuracy", None] == pytest.approx(3 / 5)
    assert values["balanced_accuracy", None] == pytest.approx((1 / 2 + 1 + 0) / 3)
    # per image: .16+.09+.01, .64+.25+.09, .01+.09+.04, .09+.36+.09, .25+.01+.36
    assert values["brier", None] == pytest.approx((0.26 + 0.98 + 0.14 + 0.54 + 0.62) / 5)
    # top scores .6 right, .5 wrong, .7 right, .4 right, .5 wrong: bins 4, 5 (both .5), 6, 7
    assert values["calibration_error", None] == pytest.approx((0.6 + 1.0 + 0.4 + 0.3) / 5)
    assert metrics.confusion(pred, NO_CUTS) == ((1, 1, 0), (0, 2, 0), (1, 0, 0))


def test_multilabel_metrics_are_as_worked_by_hand(make):
    truth = [[1, 0], [0, 1], [1, 1], [0, 0]]
    pred = make(truth, [[0.9, 0.1], [0.6, 0.2], [0.4, 0.8], [0.3, 0.3]], task="multilabel")
    cuts = Threshold(values={"A": 0.5, "B": 0.5}, rule="fixed:0.5", chosen_on="none")
    values = metrics.all_values(pred, cuts)
    # A: .9 .4 against .6 .3: 2 + 1 of 4; B: .2 .8 against .1 .3: 1 + 2 of 4
    assert [values["auc", c] for c in "AB"] == pytest.approx([3 / 4, 3 / 4])
    assert metrics.confusion(pred, cuts) == ((1, 1, 1, 1), (2, 0, 1, 1))  # tn, fp, fn, tp
    assert values["accuracy", None] == pytest.approx(5 / 8)
    assert values["balanced_accuracy", None] == pytest.approx((0.5 + (0.5 + 1) / 2) / 2)
    squares = [0.01, 0.01, 0.36, 0.64, 0.36, 0.04, 0.09, 0.09]
    assert values["brier", None] == pytest.approx(sum(squares) / 8)


def test_with_one_class_what_needs_both_is_none_and_the_rest_stands(make):
    values = metrics.all_values(make([1, 1, 1], [0.9, 0.8, 0.2]), HALF)
    assert values["auc", None] is None
    assert values["specificity", None] is None
    assert values["sensitivity", None] == pytest.approx(2 / 3)
    assert values["npv", None] == 0.0  # one all-clear, and it is wrong
    assert values["brier", None] is not None


def test_ppv_without_a_call_is_none_not_zero(make):
    assert metrics.ppv(make([0, 1], [0.1, 0.2]), HALF) is None
    assert metrics.npv(make([0, 1], [0.6, 0.7]), HALF) is None


def test_macro_leaves_out_a_class_that_no_image_shows(make):
    scores = [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.7, 0.2], [0.5, 0.4, 0.1]]
    values = metrics.all_values(make([0, 1, 1, 0], scores, task="multiclass"), NO_CUTS)
    assert values["auc", "C"] is None
    assert values["auc", None] == pytest.approx((values["auc", "A"] + values["auc", "B"]) / 2)


def test_a_score_that_is_the_same_for_all_images_has_auc_one_half(make):
    pred = make([0, 1, 1, 0, 0], [0.3] * 5)
    assert metrics.auc(pred) == 0.5
    assert metrics.average_precision(pred) == pytest.approx(2 / 5)  # the prevalence


def test_a_metric_that_counts_calls_refuses_to_guess_a_threshold(make):
    with pytest.raises(PredictionsInvalid, match="need a threshold"):
        metrics.metric_value(make(TRUTH, SCORES), "sensitivity")


def test_unknown_metrics_and_classes_are_named(make):
    with pytest.raises(UnknownKey, match="kappa"):
        metrics.metric_value(make(TRUTH, SCORES), "kappa", HALF)
    with pytest.raises(UnknownKey, match="classes: N, P"):
        metrics.auc(make(TRUTH, SCORES), "Q")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), ties=st.booleans(), n=st.integers(10, 120))
def test_binary_values_equal_scikit_learn(drawn, seed, ties, n):
    pred = drawn("binary", n=n, seed=seed, ties=ties)
    truth, score = pred.y_true, pred.y_prob[:, 1]
    called = (score >= 0.5).astype(int)
    values = metrics.all_values(pred, HALF)
    assert values["auc", None] == pytest.approx(sk.roc_auc_score(truth, score), abs=1e-12)
    assert values["average_precision", None] == pytest.approx(sk.average_precision_score(truth, score), abs=1e-12)
    assert values["brier", None] == pytest.approx(sk.brier_score_loss(truth, score), abs=1e-12)
    assert values["accuracy", None] == pytest.approx(sk.accuracy_score(truth, called))
    assert values["balanced_accuracy", None] == pytest.approx(sk.balanced_accuracy_score(truth, called))
    assert values["sensitivity", None] == pytest.approx(sk.recall_score(truth, called))
    assert values["f1", None] == pytest.approx(sk.f1_score(truth, called))
    if called.any():
        assert values["ppv", None] == pytest.approx(sk.precision_score(truth, called))
    assert metrics.confusion(pred, HALF) == tuple(
        map(tuple, sk.confusion_matrix(truth, called, labels=[0, 1]).tolist())
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), ties=st.booleans(), classes=st.integers(3, 6))
def test_multiclass_values_equal_scikit_learn(drawn, seed, ties, classes):
    pred = drawn("multiclass", n=90, classes=classes, seed=seed, ties=ties)
    truth, called = pred.y_true, pred.y_prob.argmax(axis=1)
    onehot = np.eye(classes)[truth]
    values = metrics.all_values(pred, NO_CUTS)
    expected = sk.roc_auc_score(truth, pred.y_prob, multi_class="ovr", average="macro", labels=range(classes))
    assert values["auc", None] == pytest.approx(expected, abs=1e-12)
    assert values["average_precision", None] == pytest.approx(
        sk.average_precision_score(onehot, pred.y_prob), abs=1e-12
    )
    assert values["balanced_accuracy", None] == pytest.approx(sk.balanced_accuracy_score(truth, called))
    assert values["f1", None] == pytest.approx(sk.f1_score(truth, called, average="macro"))
    for i, name in enumerate(pred.class_names):
        assert values["sensitivity", name] == pytest.approx(sk.recall_score(truth == i, called == i))


def test_multilabel_values_equal_scikit_learn(drawn):
    pred = drawn("multilabel", n=300, classes=5, seed=3, ties=True)
    cuts = Threshold(values=dict.fromkeys(pred.class_names, 0.4), rule="fixed:0.4", chosen_on="none")
    called = (pred.y_prob >= 0.4).astype(int)
    values = metrics.all_values(pred, cuts)
    assert values["auc", None] == pytest.approx(sk.roc_auc_score(pred.y_true, pred.y_prob), abs=1e-12)
    assert values["average_precision", None] == pytest.approx(sk.average_precision_score(pred.y_true, pred.y_prob))
    assert values["f1", None] == pytest.approx(sk.f1_score(pred.y_true, called, average="macro"))
    assert values["accuracy", None] == pytest.approx(1 - sk.hamming_loss(pred.y_true, called))


@pytest.mark.parametrize(("task", "classes"), [("binary", 2), ("multiclass", 4), ("multilabel", 3)])
@pytest.mark.parametrize("ties", [False, True])
def test_a_weight_counts_an_image_as_often_as_repeating_it_would(drawn, make, task, classes, ties):
    pred = drawn(task, n=60, classes=classes, seed=5, ties=ties)
    cuts = Threshold(values=dict.fromkeys(pred.class_names, 0.5), rule="fixed:0.5", chosen_on="none")
    weights = np.random.default_rng(1).integers(0, 4, size=(3, 60))
    weighted = weighted_values(prepare(pred, cuts), weights.astype(float))
    for b in range(3):
        rows = np.repeat(np.arange(60), weights[b])
        repeated = make(pred.y_true[rows], pred.y_prob[rows], task=task)
        for key, expected in metrics.all_values(repeated, cuts).items():
            assert metrics.defined(weighted[key][b]) == pytest.approx(expected, abs=1e-12), key


def test_no_function_writes_into_the_predictions(drawn):
    pred = drawn("multiclass", n=50, classes=3)
    before = {key: value.copy() for key, value in pred.arrays().items()}
    metrics.all_values(pred, NO_CUTS)
    assert all((before[key] == value).all() for key, value in pred.arrays().items())
