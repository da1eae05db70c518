"""What is said of pictures and scores that are not to be taken at their word, and the risk-coverage figure."""

import numpy as np
import pytest

from core.figures import doubts
from core.figures.referral import risk_coverage_figure
from core.types import Estimate, ModelCard, OodRecord, PreprocessSpec, Referral, ReferralRecord, Threshold


def estimate(metric, value, low, high, split="test"):
    return Estimate(
        metric=metric, class_name=None, value=value, low=low, high=high, level=0.95, method="bootstrap",
        n_images=1043, n_groups=527, split=split,
    )  # fmt: skip


GATE = OodRecord(
    method="Mahalanobis distance", threshold=1.1, percentile=0.98, chosen_on="validation", n_train_images=3000,
    estimates=(estimate("flagged", 0.02, None, None, "validation"), estimate("flagged", 0.031, 0.02, 0.042)),
)  # fmt: skip


def band(low, high, rule="coverage:0.9"):
    outcome = (estimate("coverage", 0.912, 0.9, 0.93), estimate("error_answered", 0.021, 0.01, 0.03))
    return ReferralRecord(band=Referral(low=low, high=high, rule=rule, chosen_on="validation"), estimates=outcome)


def card(**changes):
    fields = {
        "schema_version": 1, "name": "m", "title": "M", "run_id": "r", "architecture": "mobilenet_v2", "head": "mlp",
        "task": "binary", "class_names": ("Normal", "Pneumonia"), "positive_class": "Pneumonia",
        "preprocess": PreprocessSpec(), "cam_layer": "out_relu",
        "threshold": Threshold(values={"Pneumonia": 0.41}, rule="youden", chosen_on="validation"),
        "temperature": 1.5, "training_data": "d", "training_dataset": "chest_xray", "n_train_images": 3120,
        "n_train_groups": 1800, "synthetic": False, "estimates": (), "intended_use": "u", "limits": (), "licence": "l",
        "sha256": "", "model_bytes": 9, "golden_seeds": (), "golden_outputs": (), "feature_mean": (),
        "feature_scale": (), "created_utc": "now",
    }  # fmt: skip
    return ModelCard(**{**fields, **changes})


def spaced(text):
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("dataset", "kind"),
    [("chest_xray", "chest radiographs"), ("ham10000", "dermatoscopic images"),
     ("phantom", "synthetic chest radiographs"),
     ("brought-along", "images")],
)  # fmt: skip
def test_the_sentence_names_the_pictures_that_the_network_has_seen(dataset, kind):
    assert doubts.unlike_sentence(card(training_dataset=dataset)) == (
        f"This does not look like the {kind} that this network has seen."
    )


@pytest.mark.parametrize(("share", "words"), [(0.985, "98 %"), (0.996, "over 99 %"), (1.0, "every one")])
def test_how_far_out_a_picture_lies_is_a_share_of_validation(share, words):
    text = spaced(doubts.unlike_words(card(ood=GATE), share))
    assert words in text
    assert text.endswith("Above 98 % it is flagged.")


def test_the_card_says_what_the_gate_and_the_band_do_on_test():
    told = card(ood=GATE, referral=band(0.123, 0.6543))
    gate, outcome = map(spaced, doubts.gate_lines(told))
    assert "3,000 training images" in gate
    assert outcome == "Of 1,043 test images it flags 3.1 % (2.0–4.2)."
    where, then = map(spaced, doubts.referral_lines(told))
    assert where.startswith("Scores of Pneumonia from 12.3 % to 65.4 % go to a person (so that 90 % are answered")
    assert then.endswith("then answers 91.2 % (90.0–93.0), and is wrong in 2.1 % (1.0–3.0) of those.")


def test_without_gate_or_band_that_is_said():
    assert "does not notice" in doubts.gate_lines(card())[0]
    assert "no score" in doubts.referral_lines(card())[0]
    assert doubts.referral_lines(card(referral=band(0.4, 0.4)))[0].startswith("No score is sent to a person")


def test_several_classes_are_judged_by_the_most_probable_one():
    told = card(task="multiclass", class_names=("A", "B", "C"), positive_class=None,
                referral=band(0.0, 0.55, "error:0.05"))  # fmt: skip
    text = spaced(doubts.referral_lines(told)[0])
    assert "most probable class gets at most 55.0 %" in text
    assert "at most 5 % of the answers are wrong" in text


def test_the_figure_draws_the_curve_its_interval_and_the_band():
    x = np.linspace(0.1, 1, 10)
    figure = risk_coverage_figure(x, x / 10, x / 20, x / 5, answered=0.9, error=0.08)
    names = [trace.name for trace in figure.data]
    assert names == ["95 % interval", "error among the answered", "all answered (10.0 % wrong)",
                     "the band chosen on validation"]  # fmt: skip
    assert figure.data[1].y[-1] == pytest.approx(0.1)
    assert (figure.data[3].x, figure.data[3].y) == ((0.9,), (0.08,))
    bare = risk_coverage_figure(x, x / 10, np.full(10, np.nan), np.full(10, np.nan))
    assert len(bare.data) == 2
