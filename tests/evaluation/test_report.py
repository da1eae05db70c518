"""The whole evaluation: complete, repeatable, and fit for JSON whatever the predictions look like."""

import json
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest

from core.errors import PredictionsInvalid, SpecInvalid
from core.evaluation.decision import decided_classes
from core.evaluation.report import evaluate, evaluate_run
from core.evaluation.thresholds import choose_threshold, decide
from core.registry.metrics import find_estimate, worst_class
from core.types import Threshold


def _pair(drawn, task, classes, **more):
    validation = drawn(task, n=80, classes=classes, seed=1, images_per_group=2, split="validation", **more)
    test = drawn(task, n=60, classes=classes, seed=2, images_per_group=2, split="test", **more)
    return replace(validation, image_ids=np.array([f"v{i}" for i in validation.image_ids])), test


@pytest.mark.parametrize(("task", "classes"), [("binary", 2), ("multiclass", 3), ("multilabel", 4)])
def test_a_run_is_evaluated_on_both_splits_with_what_validation_chose(drawn, task, classes):
    validation, test = _pair(drawn, task, classes)
    first, second = evaluate_run(validation, test, n_bootstrap=30)
    assert (first.split, second.split) == ("validation", "test")
    assert first.threshold == second.threshold == choose_threshold(validation)
    assert first.calibration.temperature == second.calibration.temperature
    assert (second.n_images, second.n_groups, second.task) == (60, 30, task)
    assert second.positive_class == ("P" if task == "binary" else None)
    if task == "multilabel":
        assert all(sum(row) == 60 for row in second.confusion)
    else:
        assert sum(map(sum, second.confusion)) == 60
    assert evaluate_run(validation, test, n_bootstrap=30) == (first, second)


def test_the_test_split_changes_neither_threshold_nor_temperature(drawn):
    validation, test = _pair(drawn, "binary", 2)
    other = replace(test, y_true=1 - test.y_true)
    one, two = evaluate_run(validation, test, n_bootstrap=0)[1], evaluate_run(validation, other, n_bootstrap=0)[1]
    assert one.threshold == two.threshold
    assert one.calibration.temperature == two.calibration.temperature
    assert one.estimates != two.estimates


def test_the_parts_must_be_validation_and_test_of_one_run(drawn):
    validation, test = _pair(drawn, "binary", 2)
    with pytest.raises(SpecInvalid, match="validation split"):
        evaluate_run(test, validation)
    with pytest.raises(PredictionsInvalid, match="one run"):
        evaluate_run(validation, replace(test, run_id="other"))


@pytest.mark.parametrize(
    ("truth", "scores"),
    [
        ([1], [0.7]),
        ([1, 1, 1], [1.0, 1.0, 0.0]),
        ([0, 0, 1], [0.5, 0.5, 0.5]),
        ([0, 1], [0.0, 1.0]),
    ],
    ids=["one image", "one class", "constant", "perfect"],
)
def test_what_is_not_defined_is_null_in_json_never_nan(make, truth, scores):
    found = evaluate(make(truth, scores), Threshold(values={"P": 0.5}, rule="fixed:0.5", chosen_on="none"),
                     temperature=1.5, n_bootstrap=20)  # fmt: skip
    json.dumps(asdict(found), allow_nan=False)


def test_showing_results_imports_neither_scipy_nor_scikit_learn():
    code = (
        "import sys, core.evaluation.report, core.evaluation.verdict, core.evaluation.at_cut, core.store.leaderboard\n"
        "print(sorted(m for m in ('scipy', 'sklearn', 'tensorflow', 'keras', 'streamlit') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_numbers_at_the_cuts_come_with_a_rule_that_was_asked_for_and_change_no_other_number(drawn):
    pair = _pair(drawn, "multiclass", 3)
    plain, asked = evaluate_run(*pair, n_bootstrap=10)[1], evaluate_run(*pair, "f1;A=0.4", n_bootstrap=10)[1]
    added = [e for e in asked.estimates if e not in plain.estimates]
    assert {(e.metric, e.class_name) for e in added} == {
        (f"{metric}_at_cut", name) for metric in ("sensitivity", "ppv", "f1") for name in "ABC"
    }
    assert set(plain.estimates) < set(asked.estimates)
    assert asked.threshold.values["A"] == 0.4
    binary = evaluate_run(*_pair(drawn, "binary", 2), "f1", n_bootstrap=10)[1]
    assert not any(e.metric.endswith("_at_cut") for e in binary.estimates)


def test_the_worst_class_is_the_one_with_the_lowest_value(drawn):
    found = evaluate_run(*_pair(drawn, "multiclass", 4), n_bootstrap=10)[1]
    sensitivities = {e.class_name: e.value for e in found.estimates if e.metric == "sensitivity" and e.class_name}
    assert len(sensitivities) == 4
    assert worst_class(found, "sensitivity").value == min(sensitivities.values())
    assert worst_class(found, "brier") is None  # it has no per-class values
    assert find_estimate(found, "sensitivity").class_name is None
    assert find_estimate(found, "sensitivity", "B").value == sensitivities["B"]
    assert find_estimate(found, "sensitivity", "nobody") is None


@pytest.mark.parametrize(("task", "classes"), [("binary", 2), ("multiclass", 3), ("multilabel", 3)])
def test_one_image_is_called_as_it_would_be_within_its_split(drawn, task, classes):
    class Card:
        pass

    pred = drawn(task, n=25, classes=classes, seed=4, split="validation")
    card = Card()
    card.name, card.task, card.class_names, card.positive_class = "m", task, pred.class_names, pred.positive_class
    card.threshold = choose_threshold(pred)
    for row, decision in zip(pred.y_prob, decide(pred, card.threshold), strict=True):
        if task == "multilabel":
            expected = tuple(name for name, call in zip(pred.class_names, decision, strict=True) if call)
        else:
            expected = (pred.class_names[decision],)
        assert decided_classes(row, card) == expected
