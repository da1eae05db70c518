"""The runs that lessons stand on are those of their plan, stored, and what the lesson says of them."""

import dataclasses
from pathlib import Path

from core.registry.lessons import IMBALANCED_RUN, LESSONS, OVERFITTING_PLAN, OVERFITTING_RUNS, PREVALENCES, ROC_RUN
from core.store.codec import run_id_of
from core.store.runs import load_history, load_record
from core.training.plan import load_plan
from core.types import AugmentationSpec

RESULTS = Path(__file__).resolve().parents[2] / "results"


def test_the_four_trainings_are_those_of_the_plan_and_differ_in_two_switches_alone():
    specs = {run_id_of(spec): spec for spec in load_plan(OVERFITTING_PLAN).runs}
    assert set(specs) == set(OVERFITTING_RUNS.values())
    for (dropout, changes), run_id in OVERFITTING_RUNS.items():
        spec = specs[run_id]
        assert (spec.head == "lenet5_dense_dropout", spec.augmentation != AugmentationSpec()) == (dropout, changes)
    alike = {run_id_of(dataclasses.replace(s, head="x", augmentation=AugmentationSpec())) for s in specs.values()}
    assert len(alike) == 1


def test_they_are_stored_and_show_what_the_lesson_is_about():
    histories = {choice: load_history(run_id, RESULTS) for choice, run_id in OVERFITTING_RUNS.items()}
    plain = histories[False, False]
    assert all(len(history) == 50 for history in histories.values())
    assert plain["loss"].iloc[-1] < 0.05
    assert plain["val_loss"].iloc[-1] > 1.5 * plain["val_loss"].min()
    assert histories[True, True]["val_loss"].iloc[-1] < plain["val_loss"].iloc[-1]


def test_the_other_lessons_have_runs_of_two_classes():
    for run_id in (ROC_RUN, IMBALANCED_RUN):
        record = load_record(run_id, RESULTS)
        assert (record.status, record.task) == ("done", "binary")
    counts = next(c for c in load_record(IMBALANCED_RUN, RESULTS).counts if c.split == "test").images_per_class
    assert counts["Nodule"] < 0.15 * sum(counts.values())  # few positives, as the paradox needs


def test_prevalences_rise_and_lessons_are_named_once():
    assert list(PREVALENCES) == sorted(set(PREVALENCES))
    assert all(float(p * 1000).is_integer() for p in PREVALENCES)  # whole people of 1,000
    assert len(set(LESSONS)) == len(LESSONS)
