"""Bands, agreement, cost, subgroups and failures: each as counted by hand or by scikit-learn."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from core.errors import UndefinedMetric, UnknownKey
from core.evaluation.agreement import CELLS, agreement
from core.evaluation.bands import curve_bands
from core.evaluation.cost import costs_of, pareto_front
from core.evaluation.failures import cell_images, confused_pairs, worst_errors
from core.evaluation.subgroups import UNKNOWN, age_band, parts_by, subgroup_table
from core.types import RunRecord, RunSpec, Threshold

HALF = Threshold(values={"P": 0.5}, rule="fixed:0.5", chosen_on="none")
NO_CUT = Threshold(values={}, rule="youden", chosen_on="validation")


@pytest.mark.parametrize("ties", [False, True])
def test_the_curve_in_a_band_is_scikit_learns(drawn, ties):
    pred = drawn("binary", 200, 2, 2, ties=ties)
    roc, pr = curve_bands(pred, "P", n_bootstrap=60)
    x, y, _ = roc_curve(pred.y_true, pred.y_prob[:, 1], drop_intermediate=False)
    assert roc.y == pytest.approx(np.interp(roc.x, x, y), abs=1e-12)
    precision, recall, _ = precision_recall_curve(pred.y_true, pred.y_prob[:, 1])
    at = [precision[np.flatnonzero(recall >= r - 1e-9)[-1]] for r in pr.x]
    assert pr.y == pytest.approx(at, abs=1e-12)
    assert (roc.low <= roc.high).all() and (roc.low <= roc.y).mean() > 0.9 and (roc.y <= roc.high).mean() > 0.9
    assert roc.n_resamples == 60


def test_the_macro_curve_is_the_mean_of_the_classes(drawn):
    pred = drawn("multiclass", 150, 3, 1)
    whole = curve_bands(pred, None, n_bootstrap=0)[0]
    each = [curve_bands(pred, name, n_bootstrap=0)[0].y for name in pred.class_names]
    assert whole.y == pytest.approx(np.mean(each, axis=0))
    assert np.isnan(whole.low).all()


def test_a_class_that_no_image_shows_has_no_curve(make):
    with pytest.raises(UndefinedMetric, match="images with it and images without"):
        curve_bands(make([0, 0], [0.1, 0.2]), "P")


def test_agreement_sorts_every_image_into_one_of_four_cells(make):
    truth = [1, 1, 1, 0, 0, 0]
    one = make(truth, [0.9, 0.9, 0.2, 0.1, 0.8, 0.3], run_id="one")
    two = make(truth, [0.8, 0.3, 0.4, 0.2, 0.9, 0.6], run_id="two")
    found = agreement(one, two, (HALF, HALF))
    assert [found.count(c) for c in CELLS] == [2, 2, 0, 2]
    assert found.of("only_first")["image_id"].tolist() == ["i00001", "i00005"]  # 0.6 apart, then 0.3
    assert found.of("both_wrong")["first"].tolist() == ["N", "P"] or found.of("both_wrong")["first"].tolist() == [
        "P",
        "N",
    ]
    assert found.mcnemar.difference == pytest.approx(2 / 6)


def test_the_front_holds_what_nothing_beats_in_both():
    # b costs more than a and is worse; c and d are equal and both stay; e is best and dearest
    assert pareto_front([1, 2, 3, 3, 9], [0.7, 0.6, 0.8, 0.8, 0.9]).tolist() == [True, False, True, True, True]


def test_costs_are_what_the_record_states_and_nothing_else():
    spec = RunSpec(dataset="d", label_scheme="s", architecture="a", head="h")
    record = RunRecord(schema_version=1, run_id="r", spec=spec, status="done", created_utc="")
    assert set(costs_of(record).values()) == {None}
    told = costs_of(
        replace(record, seconds={"training": 2.5}, params_total=10, params_trained=4, model_bytes=3_000_000)
    )
    assert told == {"training_seconds": 2.5, "params_trained": 4.0, "params_total": 10.0, "megabytes": 3.0}


def test_subgroups_have_the_auc_of_scikit_learn_and_a_gap_with_its_interval(drawn):
    pred = drawn("binary", 300, 2, 6, images_per_group=2)
    words = np.array(["F", "M", "M"] * 100, dtype=object)
    words[:10] = UNKNOWN
    table = subgroup_table(pred, HALF, words, "sex", n_bootstrap=100)
    assert [p.name for p in table.parts] == ["M", "F", UNKNOWN]
    for part in table.parts[:2]:
        rows = words == part.name
        estimate = part.estimates[0]
        assert estimate.value == pytest.approx(roc_auc_score(pred.y_true[rows], pred.y_prob[rows, 1]))
        assert estimate.low < estimate.value < estimate.high
        assert (part.n_images, part.n_positive) == (rows.sum(), pred.y_true[rows].sum())
    assert table.parts[2].estimates == ()  # ten images say nothing
    by_name = {p.name: p.estimates[0].value for p in table.parts[:2]}
    assert table.gap[0] == pytest.approx(by_name[table.best] - by_name[table.worst])
    assert table.gap[1] < table.gap[0] < table.gap[2]


def test_what_a_table_says_becomes_words_and_what_it_does_not_say_is_none():
    rows = pd.DataFrame({"sex": ["M", "", "F"], "age": [17.0, 18.0, np.nan], "view": ["PA"] * 3})
    assert parts_by(rows, "sex").tolist() == ["M", UNKNOWN, "F"]
    assert parts_by(rows, "age").tolist() == ["under 18", "18 to 39", UNKNOWN]
    assert parts_by(rows, "view") is None  # one view parts nobody
    assert parts_by(rows, "site") is None
    assert [age_band(a) for a in (39.9, 40, 60, 74, 75, 101)] == [
        "18 to 39", "40 to 59", "60 to 74", "60 to 74", "75 and over", "75 and over",
    ]  # fmt: skip
    many = pd.DataFrame({"site": [f"s{i}" for i in range(20)] * 2 + ["s1", "s2"]})
    assert len(set(parts_by(many, "site"))) == 12


def test_the_worst_errors_stand_first(make):
    pred = make([1, 1, 1, 0, 0, 0], [0.4, 0.1, 0.9, 0.6, 0.99, 0.2])
    missed = worst_errors(pred, HALF, "P", "missed")
    assert missed[["image_id", "score"]].to_numpy().tolist() == [["i00001", 0.1], ["i00000", 0.4]]
    alarms = worst_errors(pred, HALF, "P", "false alarm", most=1)
    assert alarms["image_id"].tolist() == ["i00004"] and alarms["decision"].tolist() == ["P"]
    with pytest.raises(UnknownKey):
        worst_errors(pred, HALF, "P", "odd")


def test_a_cell_lists_its_images_and_the_fullest_wrong_cell_comes_first(drawn):
    pred = drawn("multiclass", 120, 3, 5)
    calls = pred.y_prob.argmax(axis=1)
    found = cell_images(pred, NO_CUT, "A", "C")
    assert set(found["image_id"]) == set(pred.image_ids[(pred.y_true == 0) & (calls == 2)])
    assert (np.diff(found["score"]) <= 0).all()
    assert confused_pairs([[5, 2, 0], [7, 1, 1], [0, 0, 3]], ["A", "B", "C"]) == [
        ("B", "A", 7, 9), ("A", "B", 2, 7), ("B", "C", 1, 9),
    ]  # fmt: skip
    with pytest.raises(UnknownKey, match="No class 'Z'"):
        cell_images(pred, NO_CUT, "A", "Z")
