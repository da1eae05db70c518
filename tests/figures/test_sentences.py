"""What the Predict page says, word by word."""

from pathlib import Path

import numpy as np
import pytest

from core.figures import sentences
from core.store.models import load_card
from core.types import Calibration, Heatmap, ModelCard, PreprocessSpec, Threshold

MODELS = Path(__file__).resolve().parents[2] / "models"


def card(**changes):
    fields = {
        "schema_version": 1, "name": "m", "title": "M", "run_id": "r", "architecture": "mobilenet_v2", "head": "mlp",
        "task": "binary", "class_names": ("Normal", "Pneumonia"), "positive_class": "Pneumonia",
        "preprocess": PreprocessSpec(), "cam_layer": "out_relu",
        "threshold": Threshold(values={"Pneumonia": 0.41}, rule="youden", chosen_on="validation"),
        "temperature": 1.5, "training_data": "d", "training_dataset": "chest_xray", "n_train_images": 3120,
        "n_train_groups": 1800, "synthetic": False, "estimates": (), "intended_use": "u", "limits": (), "licence": "l",
        "sha256": "", "model_bytes": 9_400_000, "golden_seeds": (), "golden_outputs": (), "feature_mean": (),
        "feature_scale": (), "created_utc": "now",
    }  # fmt: skip
    return ModelCard(**{**fields, **changes})


def spaced(*arguments):
    """The verdict with plain spaces in place of those that do not break."""
    return sentences.verdict_sentence(*arguments).replace("\u00a0", " ")


def test_the_verdict_of_two_classes_names_score_cut_and_call():
    assert spaced(card(), [0.17, 0.83], ("Pneumonia",)) == (
        "The network gives **Pneumonia 83 %**. That is above its cut of 41 %, so it calls this picture **Pneumonia**."
    )


def test_rounding_never_says_that_a_number_is_below_itself():
    text = spaced(card(), [0.592, 0.408], ("Normal",))
    assert "Pneumonia 40.8 %**. That is below its cut of 41.0 %" in text


def test_the_verdict_of_several_classes_names_the_runner_up():
    three = card(task="multiclass", class_names=("A", "B", "C"), positive_class=None)
    assert spaced(three, [0.2, 0.7, 0.1], ("B",)) == (
        "The network gives **B 70 %**, more than to any other of its 3 answers; next is A with 20 %."
    )
    assert "there is no cut" in sentences.decision_words(three)


def test_the_verdict_of_several_findings_names_those_above_their_cuts():
    many = card(task="multilabel", class_names=("A", "B"), positive_class=None)
    assert spaced(many, [0.7, 0.2], ("A",)) == "At its cuts the network calls **A (70 %)**."
    assert sentences.verdict_sentence(many, [0.1, 0.2], ()).startswith("None of the 2 findings reaches its cut")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("youden", "the largest sum of sensitivity and specificity"),
        ("sensitivity:0.95", "a sensitivity of at least 0.95"),
        ("cost:5", "a missed finding that costs as much as 5 false alarms"),
        ("f1;Pneumonia=0.4; Normal = 0.6", "the largest F1; set by hand: Pneumonia at 0.4 and Normal at 0.6"),
    ],
)
def test_the_rule_of_a_cut_is_said_in_words(rule, words):
    threshold = Threshold(values={"Pneumonia": 0.4}, rule=rule, chosen_on="validation")
    assert sentences.rule_words(threshold) == f"chosen on validation images for {words}"


def test_a_fixed_cut_was_chosen_on_nothing():
    threshold = Threshold(values={"Pneumonia": 0.5}, rule="fixed:0.5", chosen_on="none")
    assert sentences.rule_words(threshold) == "fixed beforehand, on no data"


def test_the_card_is_told_in_one_line():
    assert sentences.card_headline(card()) == (
        "Tells Normal from Pneumonia. Trained on Chest X-ray pneumonia (Kermany): 3,120 images of 1,800 patients."
    )
    assert sentences.built_sentence(card()).startswith("MobileNetV2 with CNN+MLP, 9.4 MB")
    assert "sides" not in sentences.built_sentence(card())
    assert "seen from 8 sides" in sentences.built_sentence(card(views="eight"))


def test_a_wrong_pair_of_picture_and_network_is_said_and_a_right_one_is_not():
    assert "drawn phantom" in sentences.mismatch_sentence(card(), synthetic=True)
    assert "phantoms only" in sentences.mismatch_sentence(card(synthetic=True), synthetic=False)
    assert sentences.mismatch_sentence(card(), synthetic=False) == ""
    assert sentences.mismatch_sentence(card(synthetic=True), synthetic=True) == ""


@pytest.mark.parametrize(("empty", "start"), [(True, "The map is empty"), (False, "Grad-CAM for Ill: 7 x 7 cells")])
def test_a_map_states_its_grid_or_that_it_is_empty(empty, start):
    heatmap = Heatmap(
        image_id="i", class_name="Ill", method="Grad-CAM", layer="relu", grid=(7, 7), values=np.zeros((4, 4)),
        is_empty=empty,
    )  # fmt: skip
    assert sentences.map_sentence(heatmap).startswith(start)


def test_calibration_is_said_before_and_after_the_temperature():
    calibration = Calibration(
        bin_low=(), bin_high=(), mean_predicted=(), observed=(), observed_low=(), observed_high=(), count=(),
        error=0.083, temperature=1.7, error_after=0.021,
    )  # fmt: skip
    text = sentences.calibration_sentence(calibration)
    assert "**8.3 percentage points**" in text
    assert "too sure" in text
    assert "**2.1 points**" in text


def test_a_figure_over_several_classes_is_called_their_mean_and_one_of_two_classes_is_not():
    skin, phantom = (sentences.card_estimates(load_card(name, MODELS)) for name in ("skin-lesion", "phantom-nodule"))
    assert [line.split(": ")[0] for line in skin[:3]] == ["Mean of 7 classes"] * 3
    assert skin[3].startswith("Malignant: AUC ")
    assert [line.split()[0] for line in phantom] == ["AUC", "Sensitivity", "Specificity"]
