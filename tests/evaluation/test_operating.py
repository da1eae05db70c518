"""The slider's numbers: those of the confusion matrix, at any cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import UnknownKey
from core.evaluation import metrics
from core.evaluation.operating import SHARES, at_threshold, threshold_frame, threshold_table
from core.types import Threshold


@settings(max_examples=40, deadline=None)
@given(cut=st.floats(-0.1, 1.1), seed=st.integers(0, 1000), ties=st.booleans())
def test_every_cut_gives_the_counts_and_shares_of_the_full_computation(drawn, cut, seed, ties):
    pred = drawn(n=50, seed=seed, ties=ties)
    threshold = Threshold(values={"P": cut}, rule="", chosen_on="")
    point = at_threshold(threshold_table(pred), cut)
    assert ((point.tn, point.fp), (point.fn, point.tp)) == metrics.confusion(pred, threshold)
    values = metrics.all_values(pred, threshold)
    for share in SHARES:
        assert getattr(point, share) == pytest.approx(values[share, None])


def test_beyond_both_ends_all_or_nothing_is_called_and_what_is_not_defined_is_none(make):
    table = threshold_table(make([0, 1, 1], [0.0, 0.5, 1.0]))
    everything, nothing = at_threshold(table, 0.0), at_threshold(table, 1.1)
    assert (everything.sensitivity, everything.specificity, everything.npv) == (1.0, 0.0, None)
    assert (nothing.sensitivity, nothing.specificity, nothing.ppv) == (0.0, 1.0, None)


def test_a_class_of_several_is_set_against_the_rest(make):
    pred = make([0, 1, 2], [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.5, 0.1, 0.4]], task="multiclass")
    point = at_threshold(threshold_table(pred, "A"), 0.5)
    assert (point.tn, point.fp, point.fn, point.tp) == (1, 1, 0, 1)


def test_the_frame_holds_the_same_numbers_for_a_row_of_cuts(drawn):
    table = threshold_table(drawn(n=70, ties=True))
    frame = threshold_frame(table, 21)
    assert frame["cut"].tolist() == pytest.approx([i / 20 for i in range(21)])
    for row in frame.itertuples():
        point = at_threshold(table, row.cut)
        for name in ("tn", "fp", "fn", "tp", *SHARES):
            expected = getattr(point, name)
            assert np.isnan(getattr(row, name)) if expected is None else getattr(row, name) == pytest.approx(expected)


def test_a_task_without_a_positive_class_needs_one_named(drawn):
    pred = drawn("multiclass", n=20, classes=3)
    with pytest.raises(UnknownKey, match="classes: A, B, C"):
        threshold_table(pred)
    with pytest.raises(UnknownKey, match="'Z'"):
        threshold_table(pred, "Z")
