"""Numbers as words: rounding, intervals, plurals, badges; expected texts written by hand."""

import pytest

from core.figures import text
from core.language import speaking
from core.types import Estimate, OverlapAudit, RunSpec


def estimate(**changes):
    fields = {
        "metric": "auc", "value": 0.912, "low": 0.884, "high": 0.9366, "level": 0.95, "n_images": 624,
        "n_groups": 400, "method": "bootstrap", "split": "test", "class_name": None,
    }  # fmt: skip
    return Estimate(**{**fields, **changes})


def audit(**changes):
    fields = {
        "split_kind": "group", "group_field": "patient", "groups_in_several_splits": 0, "images_in_several_splits": 0,
    }  # fmt: skip
    return OverlapAudit(**{**fields, **changes})


SPEC = RunSpec(dataset="chest_xray", label_scheme="pneumonia", architecture="vgg16", head="mlp")


def test_a_number_carries_interval_split_images_and_patients():
    assert text.estimate_text(estimate(), "patient") == "AUC 0.91 (0.88–0.94), test, 624 images of 400 patients"


def test_groups_are_left_out_where_each_image_is_its_own():
    field = "image (no patient identity is published)"
    assert text.estimate_text(estimate(), field) == "AUC 0.91 (0.88–0.94), test, 624 images"


def test_a_class_is_named_and_a_missing_value_is_not_a_zero():
    shown = text.estimate_text(estimate(value=None, low=None, high=None, class_name="Melanoma"), "lesion")
    assert shown == "AUC for Melanoma not defined, test, 624 images of 400 lesions"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0 %"),
        (0.004, "under 1 %"),
        (0.01, "1 %"),
        (0.418, "42 %"),
        (0.996, "over 99 %"),
        (1.0, "100 %"),
        (None, "–"),
    ],
)
def test_percent_never_claims_certainty(value, shown):
    assert text.percent(value).replace("\u00a0", " ") == shown


@pytest.mark.parametrize(
    ("count", "word", "shown"),
    [(1, "patient", "1 patient"), (2, "study", "2 studies"), (1200, "image", "1,200 images"), (2, "box", "2 boxes")],
)
def test_plurals(count, word, shown):
    assert text.plural(count, word) == shown


def test_the_badge_of_a_random_split_says_that_it_leaks():
    assert text.split_badge(audit(split_kind="random"), SPEC) == "random: leaks"
    assert text.split_badge(audit(), SPEC) == "patient-disjoint"
    assert text.split_badge(audit(group_field="image (none given)"), SPEC) == "image by image: no patient identity"


def test_the_audit_counts_what_crosses():
    assert text.audit_text(audit()) == "Overlap audit: no patient and no identical image stands in two splits."
    crossing = text.audit_text(audit(groups_in_several_splits=3, images_in_several_splits=1))
    assert crossing.startswith("Overlap audit: 3 patients in more than one split and 1 identical image")
    assert text.audit_text(None) == "The overlap audit was not stored with this run."


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.42, "0.4 s"), (12.4, "12 s"), (59.9, "60 s"), (200, "3 min 20 s"), (120, "2 min"), (7500, "2 h 5 min")],
)
def test_durations(seconds, shown):
    assert text.duration(seconds) == shown


def test_sizes():
    assert (text.size(812_000), text.size(9_412_000)) == ("812 kB", "9.4 MB")


def test_listing():
    assert [text.listing(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_a_number_just_below_one_is_not_shown_as_one():
    assert text.interval(estimate(value=0.9962, low=0.9931, high=0.9984)) == "0.996 (0.993–0.998)"
    assert text.interval(estimate(value=1.0, low=1.0, high=1.0)) == "1.00 (1.00–1.00)"
    assert text.interval(estimate(value=0.97, low=None, high=None)) == "0.97"


def test_a_percentage_never_breaks_at_the_end_of_a_line():
    assert all(
        " " not in text.percent(v).removeprefix("under ").removeprefix("over ") for v in (0.001, 0.4, 0.999, 1.0)
    )


@pytest.mark.parametrize(
    ("stored", "spanish"),
    [
        ("bootstrap over patients, 1000 resamples", "bootstrap sobre pacientes, 1000 remuestreos"),
        ("paired bootstrap over lesions, 200 resamples", "bootstrap pareado sobre lesiones, 200 remuestreos"),
        (
            "unpaired bootstrap over studies, 1000 resamples of each side",
            "bootstrap no pareado sobre estudios, 1000 remuestreos de cada lado",
        ),
        (
            "bootstrap over groups, 1000 resamples of the training images",
            "bootstrap sobre grupos, 1000 remuestreos de las imágenes de entrenamiento",
        ),
        ("Wilson", "Wilson"),
    ],
)
def test_a_stored_method_is_told_as_it_stands_in_english_and_translated_in_spanish(stored, spanish):
    assert text.method_words(stored) == stored
    with speaking("es"):
        assert text.method_words(stored) == spanish


def test_a_column_of_groups_is_named_in_the_plural():
    assert [text.group_title(word) for word in ("patient", "study", "image (none given)")] == [
        "Patients", "Studies", "Images",
    ]  # fmt: skip
    with speaking("es"):
        assert text.group_title("patient") == "Pacientes"
