"""Intervals: whole patients are drawn, the same every time, and they cover what they promise."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from core.evaluation.intervals import bootstrap_values, estimates, percentile_interval, resample_weights, unit_of
from core.evaluation.resampled import ALL_METRICS
from core.types import Threshold

HALF = Threshold(values={"P": 0.5}, rule="fixed:0.5", chosen_on="none")


def _weights(groups, n, seed=0):
    return np.concatenate(list(resample_weights(np.array(groups), n, seed)))


def test_all_images_of_a_patient_are_drawn_together():
    weights = _weights(["a", "b", "a", "c", "b", "a"], 200)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 0] == weights[:, 5]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()  # three patients drawn, each time


def test_every_patient_is_drawn_equally_often():
    weights = _weights([str(i) for i in range(10)], 20_000)
    np.testing.assert_allclose(weights.mean(axis=0), 1.0, atol=0.03)  # 4 standard errors of 0.0067
    np.testing.assert_allclose(weights.var(axis=0), 0.9, atol=0.05)  # binomial(10, 1/10)


def test_the_draws_do_not_depend_on_the_block_size(monkeypatch):
    groups = [str(i % 7) for i in range(40)]
    whole = _weights(groups, 50, seed=3)
    monkeypatch.setattr("core.evaluation.intervals.BLOCK_CELLS", 100)
    assert (_weights(groups, 50, seed=3) == whole).all()


def test_the_draws_are_the_ones_that_stored_intervals_were_made_with():
    # raw bits of PCG64(0), by hand: 32 high bits times 4 groups, shifted back
    raw = np.random.PCG64(0).random_raw(8)
    drawn = [int(bits) // 2**32 * 4 // 2**32 for bits in raw]
    expected = [np.bincount(drawn[:4], minlength=4), np.bincount(drawn[4:], minlength=4)]
    assert _weights(["a", "b", "c", "d"], 2).tolist() == np.array(expected).tolist()
    assert drawn == [2, 1, 0, 0, 3, 3, 2, 2]


def test_the_same_seed_gives_the_same_estimates_and_another_seed_others(drawn):
    pred = drawn(n=80, images_per_group=2)
    assert estimates(pred, HALF, n_bootstrap=100, seed=1) == estimates(pred, HALF, n_bootstrap=100, seed=1)
    assert estimates(pred, HALF, n_bootstrap=100, seed=1) != estimates(pred, HALF, n_bootstrap=100, seed=2)


def test_the_order_of_the_images_changes_nothing(drawn, make):
    pred = drawn("multiclass", n=60, classes=3, images_per_group=3)
    order = np.random.default_rng(0).permutation(60)
    shuffled = make(
        pred.y_true[order], pred.y_prob[order], task="multiclass", groups=pred.groups[order], ids=pred.image_ids[order]
    )
    for one, other in zip(
        estimates(pred, HALF, n_bootstrap=50), estimates(shuffled, HALF, n_bootstrap=50), strict=True
    ):
        assert (one.metric, one.class_name) == (other.metric, other.class_name)
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=1e-12)


@pytest.mark.parametrize(("task", "classes"), [("binary", 2), ("multiclass", 3), ("multilabel", 3)])
def test_every_metric_has_an_overall_estimate_and_says_how_it_was_made(drawn, task, classes):
    pred = drawn(task, n=120, classes=classes, images_per_group=2)
    cuts = Threshold(values=dict.fromkeys(pred.class_names, 0.5), rule="fixed:0.5", chosen_on="none")
    found = estimates(pred, cuts, n_bootstrap=60, unit="lesions")
    overall = [e.metric for e in found if e.class_name is None and e.method != "DeLong"]
    assert sorted(overall) == sorted(ALL_METRICS)
    for estimate in found:
        assert estimate.method in ("DeLong", "bootstrap over lesions, 60 resamples")
        assert (estimate.n_images, estimate.n_groups, estimate.split, estimate.level) == (120, 60, "test", 0.95)
        assert estimate.low <= estimate.value <= estimate.high or estimate.metric in ("calibration_error", "brier")


def test_a_group_field_is_put_in_the_plural():
    fields = ("patient", "lesion", "study", "synthetic patient", "image (none given)")
    assert [unit_of(field) for field in fields] == ["patients", "lesions", "studies", "synthetic patients", "images"]


def test_only_a_binary_auc_has_delong_beside_the_bootstrap(drawn):
    methods = [e.method for e in estimates(drawn(n=50), HALF, n_bootstrap=20) if e.metric == "auc" and not e.class_name]
    assert methods == ["bootstrap over patients, 20 resamples", "DeLong"]
    several = estimates(drawn("multiclass", n=50, classes=3), HALF, n_bootstrap=20)
    assert "DeLong" not in {e.method for e in several}


def test_bootstrap_and_delong_agree_where_every_patient_has_one_image(drawn):
    found = [
        e for e in estimates(drawn(n=400, seed=2), HALF, n_bootstrap=1000) if e.metric == "auc" and not e.class_name
    ]
    assert found[0].value == pytest.approx(found[1].value, abs=1e-12)
    assert found[0].low == pytest.approx(found[1].low, abs=0.006)
    assert found[0].high == pytest.approx(found[1].high, abs=0.006)


def test_an_undefined_value_has_no_interval(make):
    found = {(e.metric, e.class_name): e for e in estimates(make([1, 1, 1], [0.9, 0.8, 0.7]), HALF, n_bootstrap=50)}
    auc = found["auc", None]
    assert (auc.value, auc.low, auc.high) == (None, None, None)


def test_an_interval_needs_four_of_five_resamples_to_be_defined():
    values = np.linspace(0, 1, 100)
    assert percentile_interval(np.append(values, [math.nan] * 25)) == pytest.approx((0.025, 0.975))
    assert percentile_interval(np.append(values, [math.nan] * 26)) == (None, None)


def test_one_patient_with_the_finding_is_too_few_for_an_interval(make):
    # the patient is missing from 0.9^10 = 35 % of the resamples
    pred = make([1] + [0] * 9, np.linspace(0.9, 0.1, 10))
    auc = next(e for e in estimates(pred, HALF, n_bootstrap=300) if e.metric == "auc")
    assert (auc.value, auc.low, auc.high) == (1.0, None, None)


def test_one_patient_alone_gives_values_without_intervals(make):
    found = estimates(make([0, 1, 1], [0.2, 0.9, 0.4], groups=["a", "a", "a"]), HALF, n_bootstrap=50)
    assert all(e.low is None and e.high is None for e in found if e.method != "DeLong")
    assert found[0].value == 1.0


def test_no_resamples_give_values_without_intervals(drawn):
    found = estimates(drawn(n=40), HALF, n_bootstrap=0)
    assert all(e.low is None for e in found if e.method != "DeLong")


def test_intervals_of_the_auc_cover_the_true_value(make):
    # normal scores one standard deviation apart: the true AUC is Phi(1 / sqrt 2)
    truth, hits = norm.cdf(1 / math.sqrt(2)), 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        label = np.arange(100) % 2
        score = 1 / (1 + np.exp(-(rng.normal(size=100) + label)))
        values = bootstrap_values(make(label, score), None, metrics=("auc",), n_bootstrap=300, seed=seed)["auc", None]
        low, high = percentile_interval(values)
        hits += low <= truth <= high
    assert 0.90 <= hits / 150 <= 0.99  # 95 % give or take 3 standard errors of 1.8 %


def test_drawing_images_one_by_one_would_promise_too_much(make):
    # all five images of a patient are right or wrong together, with chance 0.8: accuracy is 0.8
    by_patient = by_image = 0
    groups = [i // 5 for i in range(200)]
    for seed in range(120):
        right = np.repeat(np.random.default_rng(seed).random(40) < 0.8, 5)
        label = np.arange(200) % 2
        score = np.where(right, label, 1 - label) * 0.8 + 0.1
        for names in (groups, range(200)):
            values = bootstrap_values(
                make(label, score, groups=[str(g) for g in names]),
                HALF,
                metrics=("accuracy",),
                n_bootstrap=300,
                seed=seed,
            )["accuracy", None]
            low, high = percentile_interval(values)
            if names is groups:
                by_patient += low <= 0.8 <= high
            else:
                by_image += low <= 0.8 <= high
    assert by_patient / 120 >= 0.88
    assert by_image / 120 <= 0.75
