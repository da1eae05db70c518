"""The quiz counts right answers of class, hands and network on the same images, with Wilson's intervals."""

import numpy as np
import pytest

from core.evaluation.quiz import QuizAnswer, QuizPicture, majority, mixed_deck, quiz_score, share_right


def answer(truth, guess, network, **hands):
    return QuizAnswer(image_id="i", truth=truth, guess=guess, network=network, stated=0.8, hands=hands)


def test_a_score_is_worked_by_hand():
    score = quiz_score(
        [answer("a", "a", "a", a=3, b=1), answer("a", "b", "a", a=1, b=2), answer("b", "b", "a"), answer("b", "a", "a")]
    )
    assert (score.guesses.value, score.network.value) == (0.5, 0.5)
    assert (score.both, score.only_class, score.only_network, score.neither) == (1, 1, 1, 1)
    assert (score.hands.value, score.hands.n_images) == (pytest.approx(4 / 7), 7)


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
