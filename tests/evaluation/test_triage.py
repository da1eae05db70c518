"""The order of a batch: what is urgent, who stands where, and what is flagged beside it."""

import numpy as np
import pytest

from core.errors import SpecInvalid
from core.evaluation.operating import at_threshold, threshold_table
from core.evaluation.thresholds import decide
from core.evaluation.triage import (
    Arrival,
    Question,
    called_by,
    card_questions,
    class_questions,
    cut_band,
    order_batch,
    order_by_urgency,
    urgency,
    urgent_truth,
)
from core.types import ClassSum, Estimate, ModelCard, PreprocessSpec, Threshold

CAUSES = ("Normal", "Bacterial", "Viral")


def estimate(metric, value, low, high, class_name=None):
    return Estimate(
        metric=metric, value=value, low=low, high=high, level=0.95, n_images=100, n_groups=100, method="by hand",
        split="test", class_name=class_name,
    )  # fmt: skip


def card_of(task="binary", class_names=("Healthy", "Ill"), cuts=None, sums=()):
    points = [estimate("sensitivity", 0.9, 0.8, 0.95), estimate("specificity", 0.8, 0.7, 0.9)]
    points += [estimate("sensitivity", 0.5, 0.4, 0.6, name) for name in class_names]
    return ModelCard(
        schema_version=1, name="m", title="M", run_id="r", architecture="mobilenet_v2", head="mlp", task=task,
        class_names=class_names, positive_class="Ill" if task == "binary" else None, preprocess=PreprocessSpec(),
        cam_layer="out", threshold=Threshold(values=cuts or {"Ill": 0.5}, rule="youden", chosen_on="validation"),
        temperature=1.0, training_data="", training_dataset="chest_xray", n_train_images=1, n_train_groups=1,
        synthetic=False, estimates=tuple(points), intended_use="", limits=(), licence="", sha256="0", model_bytes=1,
        golden_seeds=(), golden_outputs=(), feature_mean=(), feature_scale=(), created_utc="", sums=sums,
    )  # fmt: skip


def batch(*scores, **more):
    return [Arrival(name=f"{i}.png", probabilities=(1 - s, s), **more) for i, s in enumerate(scores)]


def test_the_most_urgent_comes_first_and_equal_scores_stay_in_the_order_of_arrival():
    card = card_of()
    (question,) = card_questions(card)
    places = order_batch(batch(0.2, 0.7, 0.9, 0.7), card, question)
    assert [p.name for p in places] == ["2.png", "1.png", "3.png", "0.png"]
    assert [p.place for p in places] == [1, 2, 3, 4]
    assert [p.moved for p in places] == [2, 0, 1, -3]
    assert [p.called for p in places] == [True, True, True, False]
    assert [p.arrival for p in places] == [2, 1, 3, 0]


def test_hundreds_of_equal_scores_stay_in_the_order_of_arrival():
    order = order_by_urgency(np.tile([0.1, 0.9], 300))
    assert order.tolist() == [*range(1, 600, 2), *range(0, 600, 2)]


def test_a_file_that_was_refused_has_no_place_but_is_never_dropped():
    card = card_of()
    arrivals = [Arrival(name="notes.txt", reason="it is no image"), *batch(0.1, 0.9)]
    places = order_batch(arrivals, card, card_questions(card)[0])
    assert [p.place for p in places] == [1, 2, None]
    assert [p.moved for p in places] == [1, -1, 0]  # counted among those that have a score
    last = places[-1]
    assert (last.flags, last.reason, last.score, last.called) == (("not read",), "it is no image", None, None)
    assert order_batch([], card, card_questions(card)[0]) == ()
    assert order_batch(arrivals[:1], card, card_questions(card)[0])[0].place is None


def test_a_network_that_answers_with_no_number_gives_no_place():
    card = card_of()
    (place,) = order_batch(batch(float("nan")), card, card_questions(card)[0])
    assert place.place is None and "no number" in place.reason


def test_flags_say_unlike_and_near_the_cut_beside_the_side_of_the_cut():
    card = card_of()
    arrivals = [*batch(0.55, 0.9), Arrival(name="cat.png", probabilities=(0.6, 0.4), unlike=True)]
    flags = {p.name: p.flags for p in order_batch(arrivals, card, card_questions(card)[0], band=(0.4, 0.6))}
    assert flags == {
        "0.png": ("near the cut", "called"),
        "1.png": ("called",),
        "cat.png": ("unlike", "near the cut", "not called"),
    }


def test_of_a_binary_model_the_positive_class_is_urgent_at_its_cut():
    (question,) = card_questions(card_of())
    assert (question.name, question.cut) == ("Ill", 0.5)
    assert [(e.metric, e.class_name) for e in question.estimates] == [("sensitivity", None), ("specificity", None)]


def test_the_sums_of_a_card_come_before_its_classes_and_bring_their_own_cut():
    cut = Threshold(values={"Pneumonia": 0.3}, rule="youden", chosen_on="validation")
    ill = ClassSum(
        name="Pneumonia", classes=CAUSES[1:], threshold=cut, estimates=(estimate("sensitivity", 0.9, 0.8, 1.0),)
    )  # fmt: skip
    card = card_of("multiclass", CAUSES, dict.fromkeys(CAUSES, 0.5), (ill,))
    first, anything_but, *_ = card_questions(card)
    assert (first.name, first.cut, len(first.estimates)) == ("Pneumonia", 0.3, 1)
    assert (anything_but.name, anything_but.cut) == ("anything but Normal", None)
    arrivals = [Arrival(name="a", probabilities=(0.6, 0.2, 0.2)), Arrival(name="b", probabilities=(0.8, 0.1, 0.1))]
    for question, called in ((first, [True, False]), (anything_but, [False, False])):
        places = order_batch(arrivals, card, question)
        assert [p.score for p in places] == pytest.approx([0.4, 0.2])
        assert [p.called for p in places] == called  # a sum by its cut, classes by the most probable one


def test_each_finding_of_a_multilabel_model_is_a_question_with_its_own_cut():
    card = card_of("multilabel", ("Mass", "Nodule"), {"Mass": 0.2, "Nodule": 0.6})
    assert [(q.name, q.cut) for q in card_questions(card)] == [("Mass", 0.2), ("Nodule", 0.6)]
    assert [e.class_name for q in card_questions(card) for e in q.estimates] == ["Mass", "Nodule"]
    with pytest.raises(SpecInvalid, match="asks for Heart; the classes are: Mass, Nodule"):
        urgency(np.zeros((1, 2)), card.class_names, Question(name="?", classes=("Heart",)))


def test_truth_and_decisions_of_a_run_answer_the_same_question(drawn):
    pred = drawn("multiclass", 90, 3)
    question = class_questions(pred.task, pred.class_names, None)[0]
    assert question.name == "anything but A"
    assert np.array_equal(urgent_truth(pred, question), pred.y_true != 0)
    decisions = decide(pred, Threshold(values={}, rule="fixed:0.5", chosen_on="none"))
    assert np.array_equal(called_by(pred, decisions, question), pred.y_prob.argmax(axis=1) != 0)
    assert urgency(pred.y_prob, pred.class_names, question) == pytest.approx(1 - pred.y_prob[:, 0])
    many = drawn("multilabel", 50, 3)
    found = called_by(many, (many.y_prob >= 0.5).astype(int), Question(name="B", classes=("B",)))
    assert np.array_equal(found, many.y_prob[:, 1] >= 0.5)


def test_the_band_around_a_cut_worked_by_hand(make):
    # ill 0.3 0.5 0.7 0.9, healthy 0.1 0.2 0.4 0.6; at 0.45: sensitivity 3/4, specificity 3/4
    pred = make([1, 1, 1, 1, 0, 0, 0, 0], [0.3, 0.5, 0.7, 0.9, 0.1, 0.2, 0.4, 0.6])
    table = threshold_table(pred)
    point = [estimate("sensitivity", 0.75, 0.5, 0.8), estimate("specificity", 0.75, 0.6, 1.0)]
    # cuts 0.45 (3/4, 3/4), 0.55 (2/4, 3/4), 0.65 (2/4, 4/4) are within both; 0.35 has sensitivity 3/4, specificity 2/4
    assert cut_band(table, 0.45, point) == pytest.approx((0.45, 0.65))
    # a lower bound of 0.5 on specificity lets 0.35 in; 0.25 finds everyone, which is outside 0.5 to 0.8
    wider = [point[0], estimate("specificity", 0.75, 0.5, 1.0)]
    assert cut_band(table, 0.45, wider) == pytest.approx((0.35, 0.65))
    assert cut_band(table, 0.95, point) is None  # the estimates are not of this cut
    assert cut_band(table, 0.45, point[:1]) is None
    assert cut_band(table, 0.45, [estimate("sensitivity", 0.75, None, None), point[1]]) is None


def test_every_cut_in_the_band_is_as_good_as_the_cut_and_its_neighbours_are_not(drawn):
    table = threshold_table(drawn(n=300))
    at = at_threshold(table, 0.5)
    point = [
        estimate(m, getattr(at, m), getattr(at, m) - 0.05, getattr(at, m) + 0.05)
        for m in ("sensitivity", "specificity")
    ]  # fmt: skip
    low, high = cut_band(table, 0.5, point)
    assert low < 0.5 < high

    def as_good(cut):
        here = at_threshold(table, cut)
        return all(e.low <= getattr(here, e.metric) <= e.high for e in point)

    assert all(as_good(cut) for cut in np.linspace(low, high, 50))
    scores = np.sort(np.concatenate([table.positives, table.negatives]))
    below, above = scores[scores < low], scores[scores > high]
    assert not as_good(below[-1]) and not as_good(np.nextafter(above[0], 1))
