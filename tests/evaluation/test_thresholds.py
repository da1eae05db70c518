"""Thresholds: each rule by hand, the sealed test split, and cuts that rounding noise cannot move."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import SpecInvalid, UndefinedMetric
from core.evaluation.thresholds import ABOVE_ALL, candidate_cuts, check_rule, choose_threshold, cut_of, decide
from core.types import Threshold

# positives .9 .8 .6 .3, negatives .7 .55 .4 .2
TRUTH = [1, 1, 0, 1, 0, 0, 1, 0]
SCORES = [0.9, 0.8, 0.7, 0.6, 0.55, 0.4, 0.3, 0.2]


@pytest.fixture
def validation(make):
    return make(TRUTH, SCORES, split="validation")


@pytest.mark.parametrize(
    ("rule", "cut"),
    [
        # sensitivity + specificity - 1 is 1/2 between .7 and .8 (2/4 + 4/4) and between .55 and .6 (3/4 + 3/4),
        # and between .2 and .3 it is 1/4; of the two equals the lower
        ("youden", 0.575),
        # F1: 2/5 at .85, 4/6 at .75, 6/8 at .575, 8/11 at .25, 8/12 at 0: the largest is 6/8
        ("f1", 0.575),
        ("sensitivity:0.7", 0.575),  # three of four found
        ("sensitivity:0.75", 0.575),
        ("sensitivity:0.76", 0.25),  # only all four will do
        ("sensitivity:1", 0.25),
        ("sensitivity:0", 0.95),  # the highest cut of all, above every score
        ("specificity:0.75", 0.575),  # one false alarm of four
        ("specificity:1", 0.75),
        ("specificity:0", 0.0),
        # 3 fn + fp: 3*2 + 0 at .75, 3*1 + 1 at .575, 0 + 3 at .25, 0 + 4 at 0: the smallest is 3
        ("cost:3", 0.25),
        ("cost:0.5", 0.75),  # 1 at .75, 1.5 at .575 and at .85
        ("fixed:0.42", 0.42),
    ],
)
def test_each_rule_places_the_cut_worked_by_hand(validation, rule, cut):
    threshold = choose_threshold(validation, rule)
    assert threshold.values == pytest.approx({"P": cut})
    assert threshold.rule == rule
    assert threshold.chosen_on == ("none" if rule.startswith("fixed") else "validation")


@pytest.mark.parametrize("split", ["test", "train", "all"])
def test_a_threshold_is_never_chosen_on_another_split(make, split):
    with pytest.raises(SpecInvalid, match="validation split"):
        choose_threshold(make(TRUTH, SCORES, split=split))


def test_a_fixed_cut_may_be_set_without_validation(make):
    assert choose_threshold(make(TRUTH, SCORES, split="test"), "fixed:0.3").values == {"P": 0.3}


@pytest.mark.parametrize(
    "rule",
    ["", "youdens", "youden:1", "sensitivity", "sensitivity:95", "specificity:-0.1", "cost:0", "fixed:nan", "cost:inf"],
)
def test_an_unknown_rule_is_refused_with_the_known_ones(validation, rule):
    with pytest.raises(SpecInvalid, match="youden, f1, sensitivity"):
        choose_threshold(validation, rule)


# class A in images 1 and 2, B in 3, C in 4
THREE = ([0, 0, 1, 2], [[0.7, 0.2, 0.1], [0.4, 0.3, 0.3], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]])


def test_a_class_may_have_its_cut_set_by_hand_and_the_others_keep_the_rule(make):
    pred = make(*THREE, task="multiclass", split="validation", classes=("A; first", "B=b", "C"))
    # F1 of A: 2/3 at .6, 1/2 at .45, 4/5 at .3; of B and C: 1 between the highest score and the next
    by_rule = {"A": 0.3, "B": 0.35, "C": 0.45}
    names = make(*THREE, task="multiclass", split="validation")
    assert choose_threshold(names, "f1").values == pytest.approx(by_rule)
    assert choose_threshold(names, "f1;B=0.6").values == pytest.approx(by_rule | {"B": 0.6})
    both = choose_threshold(names, "f1; A = 0.1 ;C=1")
    assert (both.values, both.rule) == (pytest.approx(by_rule | {"A": 0.1, "C": 1.0}), "f1; A = 0.1 ;C=1")
    assert choose_threshold(pred, "fixed:0.2;B=b=0.6").values == {"A; first": 0.2, "B=b": 0.6, "C": 0.2}


def test_a_cut_by_hand_needs_no_validation_that_shows_the_class(make, validation):
    assert choose_threshold(make([1, 1], [0.4, 0.6], split="validation"), "youden;P=0.3").values == {"P": 0.3}
    with pytest.raises(SpecInvalid, match="there are cuts for: P"):
        choose_threshold(validation, "youden;N=0.3")


@pytest.mark.parametrize(
    "rule", ["f1;", "f1;A", "f1;A=", "f1;=0.5", "f1;A=1.5", "f1;A=nan", "f1;A=0.1;A=0.2", ";A=0.5"]
)
def test_a_cut_by_hand_that_cannot_be_read_is_refused(rule):
    with pytest.raises(SpecInvalid, match="youden, f1, sensitivity"):
        check_rule(rule, ("A", "B"))


def test_a_rule_is_checked_before_any_prediction():
    check_rule("f1;B=0.2", ("A", "B", "C"))
    check_rule("f1;P=0.2", ("N", "P"), "P")
    with pytest.raises(SpecInvalid, match="sets a cut for 'D'; there are cuts for: A, B, C"):
        check_rule("f1;D=0.2", ("A", "B", "C"))
    with pytest.raises(SpecInvalid, match="sets a cut for 'N'; there are cuts for: P"):
        check_rule("f1;N=0.2", ("N", "P"), "P")


def test_scores_that_order_nothing_get_one_half(make):
    # the dummy head gives the class shares to every image: below 0.5 it calls nothing
    threshold = choose_threshold(make(TRUTH, [0.3] * 8, split="validation"))
    assert threshold.values == {"P": 0.5}


def test_scores_that_order_backwards_get_one_half(make):
    assert choose_threshold(
        make(TRUTH, [1 - s for s in [0.95, 0.9, 0.1, 0.85, 0.2, 0.15, 0.8, 0.05]], split="validation")
    ).values == {"P": 0.5}


def test_perfect_scores_are_cut_midway(make):
    pred = make([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9], split="validation")
    for rule in ("youden", "f1", "sensitivity:1", "specificity:1", "cost:1"):
        assert choose_threshold(pred, rule).values["P"] == pytest.approx(0.4), rule


def test_one_class_in_a_binary_validation_split_is_an_error(make):
    with pytest.raises(UndefinedMetric, match="one class only"):
        choose_threshold(make([1, 1], [0.4, 0.6], split="validation"))


def test_a_class_that_validation_cannot_judge_gets_one_half(make):
    pred = make([0, 1, 1], [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.3, 0.6, 0.1]], task="multiclass", split="validation")
    values = choose_threshold(pred).values
    assert values["C"] == 0.5
    assert values["A"] == pytest.approx(0.45)


def test_cuts_lie_between_scores_and_beyond_both_ends():
    assert candidate_cuts(np.array([0.2, 0.6, 0.2])) == pytest.approx([0.0, 0.4, 0.8])
    assert candidate_cuts(np.array([0.0, 1.0])) == pytest.approx([0.0, 0.5, ABOVE_ALL])


def test_neighbouring_floats_are_still_told_apart():
    # their mean is rounded to one of the two: of these three pairs once down and once up at least
    levels = [0.3]
    for _ in range(3):
        levels.append(float(np.nextafter(levels[-1], 1)))
    assert {(low + high) / 2 == low for low, high in itertools.pairwise(levels)} == {True, False}
    for low, high in itertools.pairwise(levels):
        assert low < candidate_cuts(np.array([low, high]))[1] <= high


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), ties=st.booleans())
def test_youden_is_best_among_all_cuts_and_sensitivity_reaches_its_target(drawn, seed, ties):
    pred = drawn(n=60, seed=seed, ties=ties, split="validation")
    truth, score = pred.y_true == 1, pred.y_prob[:, 1]

    def rates(cut: float) -> tuple[float, float]:
        return (score[truth] >= cut).mean(), (score[~truth] < cut).mean()

    everywhere = [rates(cut) for cut in (-1, *np.unique(score), 2)]
    cut = choose_threshold(pred).values["P"]
    best = max(a + b for a, b in everywhere)
    assert sum(rates(cut)) == pytest.approx(best) or (cut == 0.5 and best == pytest.approx(1))
    cut = choose_threshold(pred, "sensitivity:0.9").values["P"]
    assert rates(cut)[0] >= 0.9
    assert rates(cut)[1] == pytest.approx(max(b for a, b in everywhere if a >= 0.9))
    cut = choose_threshold(pred, "specificity:0.9").values["P"]
    assert rates(cut)[0] == pytest.approx(max(a for a, b in everywhere if b >= 0.9))


def test_rounding_noise_moves_no_image_over_the_cut(drawn, make):
    pred = drawn(n=300, seed=4, ties=True, split="validation")
    threshold = choose_threshold(pred)
    noise = np.random.default_rng(0).uniform(-1e-9, 1e-9, 300)
    score = np.clip(pred.y_prob[:, 1] + noise, 0, 1)
    assert (decide(make(pred.y_true, score), threshold) == decide(pred, threshold)).all()


def test_a_score_on_the_cut_is_a_call(make):
    threshold = Threshold(values={"P": 0.5}, rule="fixed:0.5", chosen_on="none")
    assert decide(make([0, 1, 1], [0.5, 0.49999, 1.0]), threshold).tolist() == [1, 0, 1]


def test_an_infinite_cut_calls_nothing_and_minus_infinity_everything(make):
    pred = make([0, 1], [0.0, 1.0])
    assert decide(pred, Threshold(values={"P": float("inf")}, rule="", chosen_on="")).tolist() == [0, 0]
    assert decide(pred, Threshold(values={"P": float("-inf")}, rule="", chosen_on="")).tolist() == [1, 1]


def test_multiclass_takes_the_most_probable_class_and_the_first_of_equals(make):
    pred = make([0, 1, 2], [[0.4, 0.4, 0.2], [0.1, 0.2, 0.7], [0.2, 0.4, 0.4]], task="multiclass")
    assert decide(pred, Threshold(values={}, rule="", chosen_on="")).tolist() == [0, 2, 1]


def test_multilabel_cuts_every_class_on_its_own(make):
    pred = make([[0, 1], [1, 0]], [[0.3, 0.3], [0.9, 0.1]], task="multilabel")
    threshold = Threshold(values={"A": 0.5, "B": 0.2}, rule="", chosen_on="")
    assert decide(pred, threshold).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(SpecInvalid, match="no cut for 'B'"):
        decide(pred, Threshold(values={"A": 0.5}, rule="", chosen_on=""))


def test_the_cut_of_a_class_is_looked_up_by_name():
    assert cut_of(Threshold(values={"P": 0.25}, rule="", chosen_on=""), "P") == 0.25
