"""The part of the Run page that asks whether the images stand for what the run is judged on.

Only runs that stored scores of training images have it; those scores are shown here and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.evaluation.representativeness import best_reference, published_reference
from core.figures.names import dataset_title, group_field_of, run_title, strategy_title
from core.figures.representativeness import (
    gap_table,
    meaning_words,
    mix_words,
    part_table,
    reference_words,
    representativeness_figure,
    verdict_words,
)
from core.language import t
from core.registry.gaps import METRICS, Reference
from core.registry.published import published_figures
from core.types import RunRecord
from pages.ui import cache
from pages.ui.blocks import PROSE_PX, chart, plain, prose


def show_representativeness(record: RunRecord, records: Sequence[RunRecord]) -> None:
    """What is lost from step to step, in words, drawn, and as numbers. Raises RunDamaged."""
    target = cache.tested_source(record) or record.spec.dataset
    check = cache.representativeness(record, _reference(record, records, target))
    prose(" ".join([*(verdict_words(check, metric) for metric in METRICS), meaning_words(check)]))
    chart(
        representativeness_figure(check),
        alt=t("AUC and accuracy with intervals on training images, validation and the hidden test"),
    )
    st.dataframe(gap_table(check), hide_index=True, alt=t("Bias, variance and data mismatch with their intervals"))
    st.caption(reference_words(check), width=PROSE_PX)
    st.caption(
        t(
            "The hidden test is of {dataset} alone. Training images are those that it has learnt from, or a drawn "
            "sample of them; brackets are 95 % intervals.",
            dataset=dataset_title(target),
        )
        + f" {mix_words(check)}",
        width=PROSE_PX,
    )
    with st.expander(t("The numbers of every part")):
        st.dataframe(
            part_table(check, group_field_of(record)), hide_index=True, alt=t("AUC and accuracy of every part")
        )


def _reference(record: RunRecord, records: Sequence[RunRecord], target: str) -> Reference | None:
    """The best other run on the target, else what is published on it."""
    title = dataset_title(target)
    found = best_reference(
        record, records, target, t("the best other run on {dataset}, on its test images", dataset=title)
    )
    if found is None:
        return published_reference(
            record, published_figures(), target, t("what {sources} published on {dataset}", sources="{}", dataset=title)
        )
    rival = next(other.spec for other in records if other.run_id == found.run_id)
    return replace(found, words=f"{found.words} ({plain(run_title(rival))}, {strategy_title(rival.strategy)})")
