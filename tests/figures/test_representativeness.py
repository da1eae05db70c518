"""The check of representativeness in words and drawn: the largest gap by name, doubt where there is doubt."""

from types import MappingProxyType

import pytest

from core.figures.representativeness import (
    gap_table,
    gap_text,
    meaning_words,
    mix_words,
    part_table,
    reference_words,
    representativeness_figure,
    verdict_words,
)
from core.registry.gaps import Gap, PartScore, Reference, Representativeness
from core.types import Estimate


def part(split, auc, source="", n=200):
    def estimate(metric, value):
        return Estimate(
            metric=metric, value=value, low=None if value is None else value - 0.03,
            high=None if value is None else value + 0.02, level=0.95, n_images=n, n_groups=n // 2, method="m",
            split=split,
        )  # fmt: skip

    found = {"auc": estimate("auc", auc), "accuracy": estimate("accuracy", 0.7)}
    return PartScore(split=split, source=source, n_images=n, n_groups=n // 2, estimates=MappingProxyType(found))


def gap(kind, value, low, high, metric="auc", n_first=2000):
    return Gap(kind=kind, metric=metric, value=value, low=low, high=high, n_first=n_first, n_second=1140, method="m")


def check_of(*gaps, reference=None):
    parts = (part("train", 0.95), part("validation", 0.9), part("validation", 0.82, "siim-covid19", 80),
             part("validation", None, "chest_xray", 120), part("test", 0.8))  # fmt: skip
    return Representativeness(target="siim-covid19", parts=parts, gaps=gaps, reference=reference)


def test_the_largest_gap_is_named_with_its_interval_and_its_meaning():
    said = verdict_words(check_of(gap("variance", 0.05, 0.02, 0.08), gap("data mismatch", 0.1, 0.06, 0.14)), "auc")
    assert said == (
        "AUC: the largest gap is **data mismatch**, 0.10 (0.06 to 0.14), from the validation images to the hidden "
        "test, on 2,000 and 1,140 images; its interval leaves out 0."
    )


def test_what_a_gap_means_is_said_once_for_each_kind_and_only_where_it_is_told():
    mismatch = [gap("data mismatch", 0.1, 0.06, 0.14, metric) for metric in ("auc", "accuracy")]
    said = meaning_words(check_of(*mismatch))
    assert said.startswith("Data mismatch: what it is tuned on") and said.count("Data mismatch") == 1
    both = meaning_words(check_of(mismatch[0], gap("variance", 0.2, 0.1, 0.3, "accuracy")))
    assert "Data mismatch: " in both and "Variance: " in both
    assert meaning_words(check_of(gap("variance", 0.02, -0.01, 0.05), gap("bias", -0.2, -0.3, -0.1, "accuracy"))) == ""


def test_a_gap_whose_interval_holds_zero_is_not_told_from_none():
    said = verdict_words(check_of(gap("variance", 0.02, -0.01, 0.05), gap("data mismatch", -0.01, -0.03, 0.01)), "auc")
    assert "**variance**, 0.02 (−0.01 to 0.05)" in said
    assert said.endswith("Its interval holds 0: these 2,000 and 1,140 images cannot tell it from none.")


def test_where_nothing_is_lost_no_gap_is_called_a_loss():
    said = verdict_words(check_of(gap("bias", -0.1, -0.12, -0.08, n_first=0)), "auc")
    assert (
        said == "AUC: no step loses anything. The nearest to a loss is bias, −0.10 (−0.12 to −0.08), on 1,140 images."
    )
    assert "no gap can be measured" in verdict_words(check_of(), "auc")


def test_tables_hold_every_part_and_every_step():
    table = part_table(check_of(), "patient")
    assert table["Part"].tolist() == [
        "Training images", "Validation", "Validation: SIIM-FISABIO-RSNA COVID-19 detection",
        "Validation: Chest X-ray pneumonia (Kermany)", "Hidden test",
    ]  # fmt: skip
    assert table["AUC"].tolist()[2:4] == ["0.82 (0.79–0.84)", "not defined"]
    assert table["On"].tolist()[0] == "200 images of 100 patients"
    steps = gap_table(check_of(gap("variance", 0.05, 0.02, 0.08)))
    assert steps["AUC"].tolist() == ["–", "0.05 (0.02 to 0.08)", "–"]
    assert steps["Gap"].tolist() == ["Bias", "Variance", "Data mismatch"]
    assert steps["Step"].tolist()[1:] == ["training images − validation images", "validation images − hidden test"]


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [(-0.001, None, None, "0.00"), (None, None, None, "not defined"), (-0.02, -0.1, 0.0, "−0.02 (−0.10 to 0.00)")],
)
def test_a_gap_is_written_with_its_sign(value, low, high, text):
    assert gap_text(gap("bias", value, low, high)) == text


def test_the_reference_is_named_with_its_numbers_or_said_to_be_missing():
    stated = Reference(words="the run X", stated={"auc": 0.913})
    assert reference_words(check_of(reference=stated)).startswith("Bias is measured against the run X: AUC 0.91, taken")
    assert "it is not measured" in reference_words(check_of())


def test_a_union_is_said_to_reward_telling_data_sets_apart():
    assert "alone reach AUC 0.82 (0.79–0.84)" in mix_words(check_of())
    single = Representativeness(target="", parts=check_of().parts[:2], gaps=())
    assert mix_words(single) == ""


def test_the_figure_shows_the_numbers_it_is_given_training_on_top():
    figure = representativeness_figure(check_of())
    auc, accuracy = figure.data
    assert auc.x == (0.95, 0.9, 0.82, 0.8)  # what is not defined is not drawn
    assert auc.error_x.array == pytest.approx((0.02,) * 4)
    assert auc.error_x.arrayminus == pytest.approx((0.03,) * 4)
    assert len(accuracy.x) == 5
    assert figure.layout.yaxis.categoryarray[-1] == "Training images"
    assert max(len(line) for title in figure.layout.yaxis.categoryarray for line in title.split("<br>")) <= 18
    assert figure.layout.xaxis.range[0] < 0.5
