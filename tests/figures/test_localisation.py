"""What a card says of its heat maps: never a share of hits without chance beside it, and plain words when it is bad."""

from types import SimpleNamespace

import pytest

from core.figures.localisation import UNMEASURED, localisation_lines, localisation_sentence
from core.types import Estimate, LocalisationRecord


def estimate(metric, value, low, high):
    return Estimate(
        metric=metric, value=value, low=low, high=high, level=0.95, n_images=1024, n_groups=800,
        method="bootstrap over patients, 1000 resamples", split="all",
    )  # fmt: skip


def record(hit=(0.61, 0.58, 0.64), swapped=0.41, **changes):
    fields = {
        "dataset": "siim-covid19", "split": "all", "truth": "boxes", "class_rule": "Pneumonia", "method": "Grad-CAM",
        "n_images": 1024, "n_groups": 800, "n_empty": 0, "n_unmarked": 0, "n_eligible": 1024, "n_seen": 0,
        "estimates": (
            estimate("pointing_hit", *hit), estimate("heat_inside", 0.4, 0.38, 0.42),
            estimate("border_heat", 0.2, 0.19, 0.21), estimate("pointing_swapped", swapped, 0.4, 0.42),
        ),
        "chance": {"pointing_hit": 0.23, "heat_inside": 0.23, "border_heat": 0.36}, "created_utc": "now",
    }  # fmt: skip
    return LocalisationRecord(**{**fields, **changes})


def card(*records, task="binary", positive_class="Pneumonia"):
    """What of a model card these sentences look at."""
    return SimpleNamespace(
        localisation=records, task=task, positive_class=positive_class, training_dataset="chest_xray"
    )


def said(card):
    return localisation_sentence(card).replace("\u00a0", " ")


def test_a_measurement_is_told_with_its_interval_and_what_needs_no_looking():
    assert said(card(record())) == (
        "On SIIM-FISABIO-RSNA COVID-19 detection (1,024 images of 800 patients with experts' boxes), the hottest point "
        "of its map for Pneumonia lay inside a box in 61 % (58–64 %); a random point would in 23 %, the points of its "
        "other maps in 41 %."
    )


def test_a_card_without_a_measurement_says_so():
    border = estimate("border_heat", 0.2, 0.19, 0.21)
    shortcuts = record(truth="none", estimates=(border,), chance={"border_heat": 0.36})
    assert said(card()) == said(card(shortcuts)) == UNMEASURED
    assert localisation_lines(card()) == []
    (line,) = localisation_lines(card(shortcuts))
    assert "(1,024 images of 800 patients), the outer border holds 20" in line


@pytest.mark.parametrize(
    ("hit", "words"),
    [
        ((0.24, 0.22, 0.26), "no better than chance"),
        ((0.42, 0.40, 0.44), "no better than pointing to the usual place"),
        ((0.46, 0.43, 0.49), ""),
    ],
)
def test_maps_that_beat_nothing_are_called_so(hit, words):
    text = said(card(record(hit)))
    assert words in text
    assert ("no better" in text) == bool(words)


def test_the_test_part_of_its_own_data_comes_first_then_the_largest():
    own = record(dataset="chest_xray", split="test", n_images=90)
    small = record(dataset="nih-chest-xray", n_images=100)
    assert "(test part, 90 images" in said(card(record(), small, own))
    assert "(1,024 images" in said(card(small, record()))
    assert len(localisation_lines(card(small, record(), own))) == 3


def test_outlines_drawn_findings_and_images_seen_in_training_are_named():
    assert "experts' outlines), the hottest point of its map for Pneumonia lay inside the outline" in said(
        card(record(dataset="ham10000", truth="masks"))
    )
    assert "boxes around planted findings" in said(card(record(dataset="phantom")))
    assert said(card(record(n_seen=12))).endswith("It was trained or tuned on 12 of these images.")
    assert "its map for the finding" in said(card(record(), task="multiclass", positive_class=None))
    assert "3 of 1,024 maps were empty" in localisation_lines(card(record(n_empty=3)))[0]
