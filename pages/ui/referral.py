"""The part of the Run page that asks what is gained when the least sure images go to a person."""

import streamlit as st

from core.figures.doubts import run_words
from core.figures.referral import risk_coverage_figure
from core.figures.text import method_words
from core.language import t
from core.types import RunRecord
from pages.ui import cache
from pages.ui.blocks import PROSE_PX, chart, plain, prose


def show_referral(record: RunRecord) -> None:
    """The band from validation in words, and the risk-coverage curve of the test part. Raises RunDamaged."""
    with st.spinner(t("Drawing patients for the intervals…")):
        curve, found = cache.risk_coverage(record)
    estimates = {(e.metric, e.split): e for e in found.estimates}
    answered, error = estimates[("coverage", "test")], estimates[("error_answered", "test")]
    prose(plain(run_words(found, record.task)))
    chart(
        risk_coverage_figure(
            curve.coverage, curve.risk, curve.low, curve.high, answered=answered.value, error=error.value
        ),
        alt=t(
            "Share of wrong answers against the share of images answered, on {count} test images",
            count=answered.n_images,
        ),
    )
    value = curve.area.value or 0.0
    between = "" if curve.area.low is None else f" ({curve.area.low:.3f}–{curve.area.high:.3f})"
    st.caption(
        t(
            "Area under this curve (AURC, lower is better): {value}; {method}. The band was chosen on validation, the "
            "curve is of the test part. A network that is as sure when it is wrong as when it is right has a flat "
            "curve.",
            value=f"{value:.3f}{between}",
            method=method_words(curve.area.method),
        ),
        width=PROSE_PX,
    )
