"""Several classes as one question: by hand, and against the same question asked directly."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.errors import SpecInvalid
from core.evaluation.sums import REST, as_question, class_sums, sum_answers, summed
from core.figures.sentences import sum_sentence
from core.registry.labels import LABEL_SCHEMES
from core.store.models import list_models
from core.types import Predictions, SumAnswer

NAMES = ("Normal", "Bacterial", "Viral")


def made(split="validation", n=300, seed=0):
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, 3, n)
    scores = rng.dirichlet(np.ones(3), n) + 0.8 * np.eye(3)[y_true]
    ids = np.array([f"{split}{i}" for i in range(n)])
    return Predictions(
        run_id="made", split=split, task="multiclass", class_names=NAMES, positive_class=None, image_ids=ids,
        groups=ids, y_true=y_true, y_prob=scores / scores.sum(axis=1, keepdims=True),
    )  # fmt: skip


def test_probabilities_add_up_and_the_class_that_is_left_gives_its_name():
    pred = made(n=2)
    pred.y_prob[:] = [[0.5, 0.3, 0.2], [0.1, 0.15, 0.75]]
    pred.y_true[:] = [0, 2]
    ill = summed(pred, "Pneumonia", ("Bacterial", "Viral"))
    np.testing.assert_allclose(ill.y_prob, [[0.5, 0.5], [0.1, 0.9]])
    assert (ill.task, ill.class_names, ill.positive_class) == ("binary", ("Normal", "Pneumonia"), "Pneumonia")
    assert ill.y_true.tolist() == [0, 1]
    assert summed(pred, "Viral or not", ("Viral",)).class_names == (REST, "Viral or not")


def test_a_sum_is_evaluated_like_a_binary_run_with_a_cut_from_validation():
    validation, test = made(), made("test", seed=1)
    (ill,) = class_sums({"Pneumonia": NAMES[1:]}, validation, test, rule="youden", unit="patient")
    assert ill.threshold.chosen_on == "validation"
    auc = next(e for e in ill.estimates if e.metric == "auc" and e.class_name is None)
    assert auc.value == pytest.approx(roc_auc_score(test.y_true > 0, test.y_prob[:, 1:].sum(axis=1)), abs=1e-12)
    assert auc.split == "test" and auc.low < auc.value < auc.high


def test_a_model_can_be_judged_on_its_sum_alone():
    card = next(card for card in list_models().cards if card.sums)
    one = card.sums[0]
    asked = as_question(card, one.name)
    assert (asked.task, asked.positive_class, asked.sums) == ("binary", one.name, ())
    assert asked.threshold == one.threshold
    assert asked.class_names[1] == one.name and asked.class_names[0] not in one.classes
    with pytest.raises(SpecInvalid, match=one.name):
        as_question(card, "Anything else")


def test_every_scheme_sums_classes_of_its_own_and_never_all_of_them():
    having = [scheme for scheme in LABEL_SCHEMES.values() if scheme.sums]
    assert {s.key for s in having} >= {"pneumonia_cause", "siim_four", "ham_seven"}
    for scheme in having:
        assert scheme.task == "multiclass"
        for name, classes in scheme.sums.items():
            assert name not in scheme.class_names
            assert 1 < len(set(classes)) == len(classes) < len(scheme.class_names)
            assert set(classes) < set(scheme.class_names)


def test_a_pictures_sum_is_called_at_its_cut_and_said_without_contradiction():
    for card in list_models().cards:
        assert len(sum_answers([1 / len(card.class_names)] * len(card.class_names), card)) == len(card.sums)
    sentence = sum_sentence(SumAnswer("Pneumonia", 0.4061, 0.4149, False), NAMES[1:])
    assert "40.6" in sentence and "41.5" in sentence and "below" in sentence
    assert "**Pneumonia 93" in sum_sentence(SumAnswer("Pneumonia", 0.93, 0.41, True), NAMES[1:])
