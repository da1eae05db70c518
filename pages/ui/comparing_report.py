"""The comparison as a file to take along; it is made when someone asks for it, from what the page shows."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import streamlit as st

from core.errors import MedLensError
from core.evaluation.intervals import unit_of
from core.figures.names import group_field_of
from core.language import t
from core.store.reproduce import command, plan_text
from core.types import RunRecord
from pages.ui import cache, headlines_cache
from pages.ui.comparing import best_of_heads, comparable
from pages.ui.languages import spoken_later
from pages.ui.reports import versions


def report_button(runs: Sequence[RunRecord], titles: Mapping[str, str], drawn: Sequence[str]) -> None:
    """Download the shown runs with verdict, table, figures and sources as one HTML file that opens offline.

    Args:
        runs: of one task, in the order of the page.
        drawn: ids of the runs that the page draws.
    """
    spec = runs[0].spec
    st.download_button(
        t("Download the comparison (HTML)"),
        data=spoken_later(lambda: comparison_file(runs, titles, drawn)),
        file_name=f"medlens-comparison-{spec.dataset}-{spec.label_scheme}.html",
        mime="text/html",
        icon=":material/description:",
        on_click="ignore",
        key=f"comparison-{spec.dataset}-{spec.label_scheme}",
    )


def comparison_file(runs: Sequence[RunRecord], titles: Mapping[str, str], drawn: Sequence[str]) -> str:
    """The file's text, UTF-8 when written. Raises RunDamaged."""
    from core.figures.comparison import comparison_report
    from core.figures.comparison_html import comparison_html

    runs = headlines_cache.whole_runs(runs)
    return comparison_html(
        comparison_report(
            runs,
            titles,
            drawn=drawn,
            verdict=_verdict(runs, titles),
            made_by={r.run_id: (command(r.spec, r.run_id), plan_text(r.spec, r.run_id)) for r in runs},
            versions=versions(),
            created=datetime.now(UTC),
        )
    )


def _verdict(runs: Sequence[RunRecord], titles: Mapping[str, str]) -> tuple[str, ...]:
    from core.evaluation.verdict import verdict_of

    rivals = best_of_heads(comparable(runs)[0])
    unit = unit_of(group_field_of(rivals[0]))
    try:
        return (verdict_of(cache.ranking(rivals, unit), titles, unit=unit),)
    except MedLensError as error:
        return (str(error),)
