"""Putting class shares right after balancing: by hand, and on scores whose truth is known."""

import numpy as np
import pytest

from core.training.priors import prior_factors, with_priors


def test_factors_by_hand():
    # part: 8 of 10 are class 0; trained on 2 + 2 -> true 0.8 and 0.2, used 0.5 and 0.5
    part, used = np.array([0] * 8 + [1] * 2), np.array([0, 0, 1, 1])
    np.testing.assert_allclose(prior_factors(part, used, 2, weighted=False), [1.6, 0.4])


def test_weighted_classes_count_alike():
    part = np.array([0] * 6 + [1] * 3 + [2])
    np.testing.assert_allclose(prior_factors(part, part, 3, weighted=True), [1.8, 0.9, 0.3])


def test_a_class_never_seen_keeps_its_score():
    part = np.array([0, 0, 1, 1])
    assert prior_factors(part, part, 3, weighted=True)[2] == 1


def test_equal_shares_are_stated_whatever_was_trained_on():
    # shares of 0.75 and 0.25, seen as they are: to count alike, the second gains three times what the first does
    part = np.array([0, 0, 0, 1])
    np.testing.assert_allclose(prior_factors(part, part, 2, weighted=False, equal=True), [2 / 3, 2])
    np.testing.assert_allclose(prior_factors(part, part, 2, weighted=True, equal=True), 1)


def test_without_balancing_nothing_changes():
    part = np.array([0, 0, 0, 1])
    np.testing.assert_allclose(prior_factors(part, part, 2, weighted=False), 1)


def test_scores_by_hand():
    # 0.5 * 1.6 = 0.8 and 0.5 * 0.4 = 0.2
    np.testing.assert_allclose(with_priors(np.array([[0.5, 0.5]]), np.array([1.6, 0.4])), [[0.8, 0.2]])


def test_a_model_trained_on_balanced_classes_is_calibrated_again_at_the_true_share():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    y = (rng.random(20_000) < 0.1).astype(int)
    x = rng.normal(size=(20_000, 1)) + 1.2 * y[:, None]
    head = LogisticRegression(class_weight="balanced").fit(x, y)
    raw = head.predict_proba(x)
    right = with_priors(raw, prior_factors(y, y, 2, weighted=True))
    assert raw[:, 1].mean() > 0.25  # states the rare class far too often
    assert right[:, 1].mean() == pytest.approx(y.mean(), abs=0.01)
