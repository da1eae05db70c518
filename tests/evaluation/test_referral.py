"""The band that a person should read, and the risk-coverage curve, against numbers by hand."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import SpecInvalid
from core.evaluation.referral import (
    choose_band,
    confidence,
    is_referred,
    judged,
    referral_record,
    referred,
    risk_coverage,
    wrong,
)
from core.evaluation.thresholds import choose_threshold
from core.types import Threshold

CUT = Threshold(values={"P": 0.5}, rule="fixed:0.5", chosen_on="none")
SCORES = [0.02, 0.10, 0.30, 0.45, 0.48, 0.55, 0.60, 0.80, 0.95, 0.99]
TRUTH = [0, 0, 0, 1, 0, 0, 1, 1, 1, 1]  # wrong at 0.5: the fourth and the sixth


@pytest.fixture
def ten(make):
    return make(TRUTH, SCORES, split="validation")


def test_confidence_is_the_distance_from_the_cut_on_the_logit_scale(ten):
    np.testing.assert_allclose(confidence(ten, CUT)[[1, 3, 8]], [np.log(9), np.log(55 / 45), np.log(19)])
    assert wrong(ten, CUT).tolist() == [i in (3, 5) for i in range(10)]


def test_a_band_by_coverage_is_the_widest_that_answers_as_many(ten):
    band = choose_band(ten, CUT, "coverage:0.8")
    # 0.48 is nearest; 0.45 and 0.55 are equally near, and both would leave seven answered
    assert referred(ten.y_prob, band, 1).tolist() == [i == 4 for i in range(10)]
    assert 0.5 - band.low == pytest.approx(band.high - 0.5)
    assert band.chosen_on == "validation"


def test_images_that_are_equally_close_are_referred_together(make):
    even = make([0, 1, 0, 1], [0.4, 0.6, 0.1, 0.9], split="validation")
    assert referred(even.y_prob, choose_band(even, CUT, "coverage:0.5"), 1).tolist() == [True, True, False, False]
    assert not referred(even.y_prob, choose_band(even, CUT, "coverage:0.75"), 1).any()


def test_a_band_by_error_is_the_narrowest_that_reaches_it(ten):
    band = choose_band(ten, CUT, "error:0.0")
    assert referred(ten.y_prob, band, 1).tolist() == [i in (3, 4, 5) for i in range(10)]
    nothing = choose_band(ten, CUT, "error:0.2")
    assert nothing.low == nothing.high
    assert not referred(ten.y_prob, nothing, 1).any()


def test_where_no_band_is_good_enough_every_image_is_referred(make):
    hopeless = make([1, 0, 1, 0], [0.01, 0.99, 0.4, 0.6], split="validation")
    assert referred(hopeless.y_prob, choose_band(hopeless, CUT, "error:0.1"), 1).all()


def test_a_multiclass_band_takes_the_least_probable_winners(make):
    three = make(
        [0, 1, 2, 0], [[0.9, 0.05, 0.05], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4], [0.3, 0.5, 0.2]], task="multiclass",
        split="validation",
    )  # fmt: skip
    band = choose_band(three, CUT, "coverage:0.5")
    assert (band.low, band.high) == (0.0, pytest.approx(0.6))
    assert referred(three.y_prob, band, None).tolist() == [False, False, True, True]


def test_a_band_is_never_chosen_on_test_and_never_by_an_unknown_rule(make, ten):
    with pytest.raises(SpecInvalid, match="never on 'test'"):
        choose_band(make(TRUTH, SCORES), CUT)
    for rule in ("coverage", "error:2", "best:0.9", "coverage:x"):
        with pytest.raises(SpecInvalid, match="Unknown rule"):
            choose_band(ten, CUT, rule)


def test_coverage_and_error_of_a_band_are_those_counted_by_hand(make, ten):
    band = choose_band(ten, CUT, "error:0.0")
    test = make([1, 0, 1, 1, 0], [0.05, 0.2, 0.5, 0.7, 0.51])
    found = {e.metric: e for e in judged(test, CUT, band, unit="patients", n_bootstrap=200)}
    assert found["coverage"].value == pytest.approx(3 / 5)
    assert found["error_answered"].value == pytest.approx(1 / 3)
    assert found["coverage"].low <= 3 / 5 <= found["coverage"].high
    assert "patients" in found["coverage"].method
    assert found["coverage"].split == "test"


def test_the_curve_is_the_error_among_the_most_confident(ten):
    curve = risk_coverage(ten, CUT, unit="patients", n_bootstrap=0)
    by_coverage = dict(zip(np.round(curve.coverage, 2).tolist(), curve.risk.tolist(), strict=True))
    # by confidence: 0.99 0.02 0.95 0.10 0.80 0.30 0.60 | 0.45 and 0.55, both wrong, at the same distance | 0.48
    assert by_coverage[0.7] == 0.0
    assert by_coverage[0.8] == by_coverage[0.9] == pytest.approx(2 / 9)
    assert by_coverage[1.0] == pytest.approx(2 / 10)
    assert curve.area.value == pytest.approx((7 * 0 + 2 * 2 / 9 + 1 * 2 / 10) / 10)
    assert np.isnan(curve.low).all()


def test_a_network_that_knows_its_doubts_has_a_smaller_area_than_one_whose_confidence_says_nothing(drawn):
    knows = drawn("binary", 400, seed=3)
    threshold = choose_threshold(replace(knows, split="validation"))
    blind = replace(knows, y_prob=np.where(knows.y_prob >= 0.5, 0.7, 0.3))
    sure, flat = (risk_coverage(p, t, unit="patients", n_bootstrap=50) for p, t in ((knows, threshold), (blind, CUT)))
    assert sure.area.high < flat.area.value
    np.testing.assert_allclose(flat.risk, flat.risk[0])


def test_whole_groups_are_drawn_so_twins_widen_the_interval(drawn):
    single = drawn("binary", 300, seed=5)
    twins = replace(
        single, y_true=np.repeat(single.y_true, 3), y_prob=np.repeat(single.y_prob, 3, axis=0),
        groups=np.repeat(single.groups, 3), image_ids=np.array([f"t{i}" for i in range(900)], dtype=object),
    )  # fmt: skip
    areas = [risk_coverage(p, CUT, unit="patients", n_bootstrap=200).area for p in (single, twins)]
    assert areas[0].value == pytest.approx(areas[1].value)
    np.testing.assert_allclose([areas[0].low, areas[0].high], [areas[1].low, areas[1].high], atol=1e-9)


def test_the_record_holds_both_parts_and_multilabel_has_none(drawn):
    validation, test = drawn("binary", 200, seed=1, split="validation"), drawn("binary", 200, seed=2)
    threshold = choose_threshold(validation)
    found = referral_record(validation, test, threshold, unit="patients")
    share = {(e.metric, e.split): e.value for e in found.estimates}
    assert 0.9 <= share[("coverage", "validation")] <= 0.905
    assert share[("error_answered", "validation")] < wrong(validation, threshold).mean()
    many = drawn("multilabel", 100, 3, split="validation")
    assert referral_record(many, drawn("multilabel", 100, 3), choose_threshold(many), unit="patients") is None


def test_a_card_without_a_band_refers_nobody(drawn):
    class Card:
        referral, task, class_names, positive_class = None, "binary", ("N", "P"), "P"

    assert not is_referred([0.5, 0.5], Card())
    validation, test = drawn("binary", 200, seed=1, split="validation"), drawn("binary", 200, seed=2)
    Card.referral = referral_record(validation, test, CUT, unit="patients")
    assert is_referred([0.5, 0.5], Card())
    assert not is_referred([0.001, 0.999], Card())
