"""Runs that score higher on other test images: named beside the verdict, which cannot pair them."""

from collections.abc import Sequence

import streamlit as st

from core.evaluation.turns import apart, mean_estimate, turns_of
from core.figures.names import evaluation_of, group_field_of, run_title, split_kind_of
from core.figures.text import counted, interval
from core.language import t, tn
from core.registry.metrics import find_estimate
from core.types import Estimate, RunRecord
from pages.ui.blocks import plain


def higher_elsewhere(runs: Sequence[RunRecord], group: Sequence[RunRecord]) -> tuple[list[RunRecord], Estimate] | None:
    """The recipe with the highest mean AUC outside `group`, when it is above all of `group`: its turns and the mean."""
    here = {run.run_id for run in group}
    best: tuple[list[RunRecord], Estimate] | None = None
    for turns in turns_of([r for r in runs if r.run_id not in here and split_kind_of(r) != "random"]):
        found = [_auc(run) for run in turns]
        known = [estimate for estimate in found if estimate is not None]
        if len(known) < len(turns):
            continue
        mean = mean_estimate(known, independent=apart(turns))
        if mean.value is not None and (best is None or mean.value > (best[1].value or 0.0)):
            best = turns, mean
    tops = [e.value for e in map(_auc, group) if e is not None and e.value is not None]
    return best if best is not None and (best[1].value or 0.0) > max(tops, default=0.0) else None


def show_elsewhere(runs: Sequence[RunRecord], group: Sequence[RunRecord]) -> None:
    """One line on what scores higher on other test images; nothing where nothing does."""
    found = higher_elsewhere(runs, group)
    if found is None:
        return
    turns, mean = found
    how = tn("one run", "the mean of {n} turns", len(turns))
    st.markdown(
        t(
            "Higher, but on other test images, so that it cannot be paired with these: {run}, AUC {auc}, {how}, "
            "{images}.",
            run=plain(run_title(turns[0].spec)), auc=interval(mean, 3), how=how,
            images=counted(mean.n_images, mean.n_groups, group_field_of(turns[0])),
        )
    )  # fmt: skip


def _auc(run: RunRecord) -> Estimate | None:
    evaluation = evaluation_of(run)
    found = find_estimate(evaluation, "auc") if evaluation is not None else None
    return found if found is not None and found.value is not None else None
