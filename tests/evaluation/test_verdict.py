"""The verdict: whole sentences, as a reader sees them."""

import pytest

from core.errors import SpecInvalid
from core.evaluation.compare import compare_with_best
from core.evaluation.verdict import verdict, verdict_of
from core.types import Comparison

TITLES = {
    "mlp": "CNN+MLP",
    "rf": "random forest",
    "lr": "logistic regression",
    "gb": "gradient boosting",
    "no": "the majority class",
}


def against(other, difference, low, high, p_value, *, best="mlp", metric="auc"):
    return Comparison(
        first=best, second=other, metric=metric, difference=difference, low=low, high=high, p_value=p_value,
        method="paired bootstrap over patients, 2000 resamples", n_images=1040, n_groups=620,
        distinguishable=low > 0 or high < 0,
    )  # fmt: skip


RF = against("rf", 0.04, 0.02, 0.06, 0.001)
NO = against("no", 0.431, 0.41, 0.45, 0.001)
LR = against("lr", 0.003, -0.004, 0.0101, 0.4)


def test_beaten_and_undecided_runs_stand_in_one_sentence_with_their_numbers():
    assert verdict([LR, NO, RF], TITLES, "mlp", 1040, 620, value=0.9312) == (
        "CNN+MLP has the highest AUC, 0.931. It beats random forest by 0.040 (0.020 to 0.060) and the majority class "
        "by 0.431 (0.410 to 0.450); against logistic regression (difference 0.003, -0.004 to 0.010) "
        "these 1,040 images of 620 patients cannot tell."
    )


def test_a_clear_winner_is_said_with_the_size_of_the_data():
    assert verdict([RF], TITLES, "mlp", 1040, 620, value=0.9312) == (
        "CNN+MLP has the highest AUC, 0.931. It beats random forest by 0.040 (0.020 to 0.060), "
        "on 1,040 images of 620 patients."
    )


def test_where_nothing_can_be_told_nothing_is_beaten():
    assert verdict([LR], TITLES, "mlp", 1040, 620) == (
        "CNN+MLP has the highest AUC. Against logistic regression (difference 0.003, -0.004 to 0.010) "
        "these 1,040 images of 620 patients cannot tell."
    )


def test_a_single_run_is_not_called_the_best():
    assert (
        verdict([], TITLES, "mlp", 1, 1, value=0.5)
        == "CNN+MLP is the only run here: AUC 0.500 on 1 image of 1 patient."
    )


def test_equal_runs_share_the_first_place():
    tie = against("lr", 0.0, -0.01, 0.01, 1.0)
    assert verdict([tie], TITLES, "mlp", 10, 5, value=0.7, unit="studies").startswith(
        "CNN+MLP and logistic regression share the highest AUC, 0.700. Against logistic regression (difference 0.000"
    )


def test_correction_for_many_comparisons_can_take_a_difference_back_and_says_so():
    # 0.03 alone would do; times three it is 0.09
    close = [against(key, 0.02, 0.001, 0.04, 0.03) for key in ("rf", "lr", "gb")]
    text = verdict(close, TITLES, "mlp", 1040, 620)
    assert "beats" not in text
    assert text.endswith("these 1,040 images of 620 patients cannot tell once corrected for 3 comparisons.")


def test_a_metric_that_is_better_when_lower_is_turned_round():
    brier = against("rf", -0.061, -0.071, -0.051, 0.001, metric="brier")
    assert verdict([brier], TITLES, "mlp", 1040, 620, value=0.163) == (
        "CNN+MLP has the lowest Brier score, 0.163. It beats random forest by 0.061 (0.051 to 0.071), "
        "on 1,040 images of 620 patients."
    )


def test_a_comparison_that_names_the_best_second_is_turned_round():
    turned = against("mlp", -0.04, -0.06, -0.02, 0.001, best="rf")
    assert "It beats random forest by 0.040 (0.020 to 0.060)" in verdict([turned], TITLES, "mlp", 1040, 620)


def test_of_many_runs_the_nearest_are_named_and_the_rest_counted():
    far = [against(f"run{i}", 0.1 + i / 100, 0.05 + i / 100, 0.2, 0.0001) for i in range(9)]
    near = [against(f"near{i}", i / 1000, -0.01, 0.02, 0.5) for i in range(5)]
    assert verdict([*far, *near], TITLES, "mlp", 1040, 620) == (
        "CNN+MLP and near0 share the highest AUC. It beats run0 by 0.100 (0.050 to 0.200), "
        "run1 by 0.110 (0.060 to 0.200) and 7 others by 0.120 or more; "
        "against near0 (difference 0.000, -0.010 to 0.020), near1 (difference 0.001, -0.010 to 0.020) "
        "and 3 others (differences up to 0.004) these 1,040 images of 620 patients cannot tell."
    )


def test_a_small_but_certain_difference_is_never_shown_as_zero():
    text = verdict([against("rf", 0.0004, 0.0002, 0.0006, 0.001)], TITLES, "mlp", 10**6, 10**6)
    assert "by 0.0004 (0.0002 to 0.0006)" in text


def test_a_best_that_is_not_the_best_is_refused():
    with pytest.raises(SpecInvalid, match="rf is ahead"):
        verdict([against("rf", -0.01, -0.02, 0.0, 0.1)], TITLES, "mlp", 10, 5)
    with pytest.raises(SpecInvalid, match="nothing about gb"):
        verdict([RF], TITLES, "gb", 10, 5)


def test_a_ranking_has_its_verdict(drawn, make):
    pred = drawn(n=300, seed=1, shift=2.0, run_id="mlp")
    dummy = make(pred.y_true, [0.5] * 300, run_id="no")
    text = verdict_of(compare_with_best([dummy, pred], n_bootstrap=200), TITLES)
    assert text.startswith("CNN+MLP has the highest AUC, 0.9")
    assert "It beats the majority class by 0.4" in text
