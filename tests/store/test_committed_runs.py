"""The runs in this repository: every number of a record follows from its predictions.csv."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.evaluation.report import evaluate_run
from core.registry.metrics import find_estimate
from core.store.leaderboard import LEADERBOARD, leaderboard_text
from core.store.runs import list_runs, load_predictions, verify_run
from core.types import RunRecord

RESULTS = Path(__file__).resolve().parents[2] / "results"
LISTING = list_runs(RESULTS)
FIRST = {(r.spec.dataset, r.spec.label_scheme, r.task): r.run_id for r in reversed(LISTING.done)}
DRAWN = {*FIRST.values(), *(r.run_id for r in LISTING.done if int(r.run_id[-8:], 16) % 5 == 0)}


def test_no_committed_run_is_damaged_or_unfinished():
    assert LISTING.damaged == ()
    assert [record.run_id for record in LISTING.records if record.status != "done"] == []


def test_the_leaderboard_is_what_the_records_say():
    path = RESULTS / LEADERBOARD
    assert (path.read_text(encoding="utf-8") if path.exists() else leaderboard_text([])) == leaderboard_text(
        LISTING.done
    )


# the first run of each task and a fifth of the others stand in `make test`, all the others in `make test-slow`
EVERY = [pytest.param(r, id=r.run_id, marks=() if r.run_id in DRAWN else pytest.mark.slow) for r in LISTING.done]


@pytest.fixture(scope="module", params=EVERY)
def run(request) -> tuple[RunRecord, dict]:
    record = verify_run(request.param.run_id, RESULTS)
    return record, {split: load_predictions(record.run_id, split, RESULTS) for split in ("validation", "test")}


def test_evaluated_anew_it_gives_the_stored_numbers(run):
    record, parts = run
    assert [evaluation.split for evaluation in record.evaluations] == ["validation", "test"]
    anew = evaluate_run(parts["validation"], parts["test"], record.spec.threshold_rule)
    for stored, again in zip(record.evaluations, anew, strict=True):
        assert stored.confusion == again.confusion
        assert stored.threshold.rule == again.threshold.rule
        assert stored.threshold.values == pytest.approx(again.threshold.values, abs=1e-9)
        assert stored.calibration.temperature == pytest.approx(again.calibration.temperature, abs=1e-9)
        assert stored.calibration.error_after == pytest.approx(again.calibration.error_after, abs=1e-9)
        for one, other in zip(stored.estimates, again.estimates, strict=True):
            assert (one.metric, one.class_name) == (other.metric, other.class_name)
            assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=1e-9)


def test_its_auc_is_that_of_scikit_learn(run):
    record, parts = run
    for evaluation in record.evaluations:
        pred = parts[evaluation.split]
        # a finding that no image of the part shows has no AUC, and does not enter the mean
        shown = [i for i in range(len(pred.class_names)) if len(set(pred.truth_of(i))) == 2]
        each = {i: roc_auc_score(pred.truth_of(i), pred.y_prob[:, i]) for i in shown}
        assert shown and (len(shown) == len(pred.class_names) or pred.task == "multilabel")
        expected = each[pred.positive_index] if pred.task == "binary" else np.mean(list(each.values()))
        assert find_estimate(evaluation, "auc").value == pytest.approx(expected, abs=1e-9)


def test_no_patient_and_no_image_stands_in_two_splits(run):
    record, parts = run
    assert not set(parts["validation"].image_ids) & set(parts["test"].image_ids)
    assert record.audit is not None
    if record.spec.split != "random":
        assert not set(parts["validation"].groups) & set(parts["test"].groups)
        assert record.audit.groups_in_several_splits == 0
