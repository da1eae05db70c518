"""The quiz counts right answers of class, hands and networks on the same images, with intervals over the images."""

import numpy as np
import pytest

from core.evaluation.quiz import (
    QuizAnswer,
    QuizPicture,
    gap,
    leaders,
    majority,
    mean_share,
    mixed_deck,
    quiz_score,
    share_right,
)


def answer(truth, guess, network, **hands):
    return QuizAnswer(image_id="i", truth=truth, guess=guess, network=network, stated=0.8, hands=hands)


def test_a_score_is_worked_by_hand():
    score = quiz_score(
        [answer("a", "a", "a", a=3, b=1), answer("a", "b", "a", a=1, b=2), answer("b", "b", "a"), answer("b", "a", "a")]
    )
    assert (score.guesses.value, score.network.value) == (0.5, 0.5)
    assert (score.both, score.only_class, score.only_network, score.neither) == (1, 1, 1, 1)
    # hands: 3/4 and 1/3 right; where none were counted the answer counts whole: 1 and 0
    assert (score.hands.value, score.hands.n_images) == (pytest.approx((3 / 4 + 1 / 3 + 1 + 0) / 4), 4)
    assert score.gaps[""].value == pytest.approx((3 / 4 + 1 / 3 + 1 + 0) / 4 - 2 / 4)


def test_further_networks_are_held_against_the_same_pictures():
    answers = [answer("a", "a", "a"), answer("b", "b", "a"), answer("b", "b", "b")]
    score = quiz_score(answers, {"forest": ["b", "a", "b"], "same": ["a", "b", "b"]})
    assert score.others["forest"].value == pytest.approx(1 / 3)
    # Wilson: 3 of 3 (0.43850, 1), 1 of 3 (0.06149, 0.79234); of three images no correlation is taken
    # 2/3 - sqrt(0.56150^2 + 0.45901^2), 2/3 + sqrt(0 + 0.27184^2)
    ahead = score.gaps["forest"]
    assert ahead.value == pytest.approx(2 / 3)
    assert (ahead.low, ahead.high) == (pytest.approx(-0.05858, abs=5e-5), pytest.approx(0.93851, abs=5e-5))
    # no picture tells them apart, and so few pictures rule nothing out
    same = score.gaps["same"]
    assert (same.value, same.low, same.high) == (
        0.0,
        pytest.approx(-0.56150, abs=5e-5),
        pytest.approx(0.5615, abs=5e-5),
    )


def test_what_is_easy_for_both_narrows_the_difference():
    # ten images, both right on the same eight: 8/10 each (0.49016, 0.94331), correlation 1, of which 7/10 are taken
    # arms 0.30984 and 0.14331: sqrt(0.30984^2 + 0.14331^2 - 2 * 0.7 * 0.30984 * 0.14331) = 0.23318
    shares, right = [1.0] * 8 + [0.0] * 2, [True] * 8 + [False] * 2
    alike = gap(shares, right, share_right(8, 10), share_right(8, 10))
    assert (alike.low, alike.high) == (pytest.approx(-0.23318, abs=5e-5), pytest.approx(0.23318, abs=5e-5))
    apart = gap(shares, right[::-1], share_right(8, 10), share_right(8, 10))
    assert apart.high - apart.low > alike.high - alike.low


def test_the_difference_to_a_network_is_held_about_as_often_as_its_interval_says():
    rng = np.random.default_rng(12)
    easy = rng.beta(1.716, 0.924, (500, 12))  # mean 0.65; the network is right more often on what is easy
    drawn, called = rng.binomial(25, easy) / 25, rng.random((500, 12)) < 0.5 + 0.4 * easy
    held = []
    for shares, right in zip(drawn.tolist(), called.tolist(), strict=True):
        found = gap(shares, right, mean_share(shares, 300), share_right(sum(right), 12))
        held.append(found.low <= 0.65 - 0.76 <= found.high)
    assert 0.92 <= np.mean(held) <= 0.985


def test_the_mean_share_of_few_pictures_is_worth_as_many_answers_as_there_are_pictures():
    # shares 0.5 1 0.75 0.25: mean 0.625, variance of the mean 0.0260417, so 0.234375 / 0.0260417 = 9 answers;
    # Student's t of 3 degrees takes (1.95996 / 3.18245)^2 = 0.37929 of them: 3.41, fewer than the 4 pictures
    # Wilson of 2.5 in 4: (0.625 + 3.84146/8) / 1.960365 = 0.563764 -+ 1.959964/1.960365 sqrt(0.058594 + 0.060023)
    estimate = mean_share([0.5, 1.0, 0.75, 0.25], 16)
    assert estimate.value == 0.625
    assert (estimate.low, estimate.high) == (pytest.approx(0.21943, abs=2e-5), pytest.approx(0.90810, abs=2e-5))
    assert (estimate.n_images, estimate.split) == (4, "quiz")


def test_shares_that_hardly_spread_are_worth_many_answers_but_never_more_than_hands():
    # five times 0.6 and 0.8: mean 0.7, variance of the mean 0.00111111, 0.21 / 0.00111111 = 189, but 100 hands;
    # (1.959964 / 2.262157)^2 = 0.750670 of 100; Wilson of 0.7 in 75.067
    low, high = 0.58869, 0.79184
    estimate = mean_share([0.6, 0.8] * 5, 100)
    assert (estimate.low, estimate.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    fewer = mean_share([0.6, 0.8] * 5, 20)
    assert fewer.low < low and fewer.high > high


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_class_that_is_always_right_or_wrong_has_an_interval_all_the_same(share):
    one, many = mean_share([share], 30), mean_share([share] * 12, 360)
    for estimate in (one, many):
        assert estimate.high - estimate.low > 0.005
        assert share in (estimate.low, estimate.high)
    assert (one.low, one.high) == pytest.approx((share_right(int(share), 1).low, share_right(int(share), 1).high))


def test_intervals_of_the_mean_share_hold_the_true_one_about_as_often_as_they_say():
    rng = np.random.default_rng(11)
    # a class of 25 before pictures of which some are hard: right shares of a beta with mean 0.65, deviation 0.25
    drawn = rng.binomial(25, rng.beta(1.716, 0.924, (800, 12))) / 25
    held = [e.low <= 0.65 <= e.high for e in (mean_share(row.tolist(), 300) for row in drawn)]
    assert 0.92 <= np.mean(held) <= 0.98
    # as if every hand were an answer of its own, it would hold in two of three rounds
    alone = [e.low <= 0.65 <= e.high for e in (share_right(round(row.sum() * 25), 300) for row in drawn)]
    assert np.mean(alone) < 0.75


def test_the_first_picture_alone_decides_nothing():
    found = gap([0.4], [True], mean_share([0.4], 20), share_right(1, 1))
    assert found.value == pytest.approx(-0.6)
    assert found.low < -0.9 and found.high > 0.2


def test_wilson_of_nine_right_of_twelve_is_that_of_the_textbook_formula():
    # centre (0.75 + 1.9208/12) / (1 + 3.8415/12) = 0.6894; half width 1.96 sqrt(0.1875/12 + 0.9604/144) / 1.3201
    estimate = share_right(9, 12)
    assert estimate.low == pytest.approx(0.4677, abs=2e-4)
    assert estimate.high == pytest.approx(0.9111, abs=2e-4)


def test_before_the_first_answer_there_is_no_score_and_without_hands_none_of_them():
    assert quiz_score([]) is None
    assert quiz_score([answer("a", "a", "b")]).hands is None


@pytest.mark.parametrize(
    ("hands", "chosen"), [({"a": 4, "b": 3}, "a"), ({"a": 3, "b": 3}, None), ({"a": 0, "b": 0}, None), ({}, None)]
)
def test_most_hands_decide_and_a_tie_does_not(hands, chosen):
    assert majority(hands) == chosen
    assert (leaders(hands) == (chosen,)) == (chosen is not None)


def test_a_tie_names_those_that_lead():
    assert leaders({"a": 3, "b": 1, "c": 3}) == ("a", "c")


def test_a_deck_meets_every_class_about_equally_often_in_an_order_of_chance():
    pictures = [QuizPicture(f"i{n}", f"p{n}", "rare" if n % 10 == 0 else "common") for n in range(100)]
    decks = [mixed_deck(pictures, np.random.default_rng(seed), 12) for seed in (1, 1, 2)]
    assert decks[0] == decks[1] != decks[2]
    truths = [p.truth for p in decks[0]]
    assert truths.count("rare") == 6
    assert len({p.image_id for p in decks[0]}) == 12
    assert truths not in (sorted(truths), sorted(truths, reverse=True))


def test_a_deck_of_few_pictures_is_a_short_one():
    assert len(mixed_deck([QuizPicture("i", "p", "a")], np.random.default_rng(0), 12)) == 1
