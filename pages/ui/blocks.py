"""Small parts that every page uses: head line, empty state, error box, chart with its words, badges.

Words that came from outside (file names, class names, reasons) pass through `plain` before Markdown sees them.
"""

import logging
import re
import secrets
from collections.abc import Callable, Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from core.errors import MedLensError
from core.figures.names import is_synthetic, split_kind_of
from core.figures.text import NOT_A_DIAGNOSIS, audit_text, split_badge
from core.figures.theme import CHART_CONFIG
from core.language import t, tn
from core.store.names import Damaged
from core.types import RunRecord
from pages.ui.presenting import enlarged

LOG = logging.getLogger("medlens.app")
PROSE_PX = 820  # a line of text longer than this is hard to follow
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&@=^])")


def plain(text: object) -> str:
    """Text from outside, made harmless for Markdown: shown letter by letter, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def through_router() -> None:
    """Start again at app.py when a page was opened without it.

    Until `st.navigation` has run once in a server, Streamlit takes a folder called `pages` for its old kind of
    app: a deep link that is the very first request would show the page bare, with file names as navigation.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def page_head(title: str, sentence: str) -> None:
    """Title, and one sentence on what is shown and where it comes from."""
    through_router()
    st.title(title, anchor=False)
    st.markdown(sentence, width=PROSE_PX)


def prose(text: str) -> None:
    """A paragraph at a width that can be read."""
    st.markdown(text, width=PROSE_PX)


def empty_state(sentence: str, command: str, then: str = "") -> None:
    """Nothing to show yet: what is missing, and the command that makes it."""
    with st.container(border=True):
        st.markdown(f"**{sentence}**")
        st.markdown(t("Make some in a terminal, in the folder of MedLens:"))
        st.code(command, language="bash")
        if then:
            st.caption(then)


def no_models() -> None:
    """No network to ask: what makes one."""
    empty_state(
        t("No model is here yet."),
        "make benchmark\npython -m core export RUN_ID phantom-nodule",
        t("A model is made from a finished run; RUN_ID stands on the Run page."),
    )


def error_box(sentence: str) -> None:
    """One sentence on what went wrong; never a traceback."""
    st.error(plain(sentence), icon=":material/error:")


def run_safely(page: Callable[[], None]) -> None:
    """Run a page; an error of our own shows its sentence, any other a number that also stands in the log."""
    try:
        page()
    except MedLensError as error:
        error_box(str(error))
    except Exception:  # the last resort of the app: the log has the traceback, the person a number
        incident = secrets.token_hex(4)
        LOG.exception("incident %s", incident)
        error_box(
            t(
                "Something went wrong on this page (incident {incident}). The log of the app says more.",
                incident=incident,
            )
        )


def chart(figure: go.Figure, alt: str, *, key: str | None = None) -> None:
    """A figure across the column, named for those who do not see it."""
    st.plotly_chart(enlarged(figure), width="stretch", config=dict(CHART_CONFIG), alt=alt, key=key)


def facts(rows: Mapping[str, object], alt: str) -> None:
    """Names and values as a quiet two-column table; empty values say "not stated"."""
    shown = {plain(name): plain(value) if str(value) else t("not stated") for name, value in rows.items()}
    st.table(shown, border="horizontal", alt=alt)


def disclaimer() -> None:
    """The line that stands beside every prediction."""
    st.warning(t(NOT_A_DIAGNOSIS), icon=":material/medical_information:")


def split_badges(record: RunRecord) -> None:
    """How the data were split, and what the overlap audit found."""
    audit = record.audit
    leaks = split_kind_of(record) == "random" or (
        audit is not None and (audit.groups_in_several_splits or audit.images_in_several_splits)
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(
            split_badge(audit, record.spec),
            color="red" if leaks else "green",
            icon=":material/warning:" if leaks else ":material/verified:",
        )
        if is_synthetic(record.spec.dataset):
            st.badge(t("synthetic"), color="violet", icon=":material/draw:")
        if record.status != "done":
            st.badge(t(record.status), color="orange", icon=":material/pause_circle:")
        st.caption(audit_text(audit))


def damaged_list(damaged: Sequence[Damaged], what: str) -> None:
    """Folders that cannot be used, each with its reason; nothing at all when there are none."""
    if not damaged:
        return
    count = len(damaged)
    if what == "model":
        title = tn(
            "{n} model folder cannot be read and is left out",
            "{n} model folders cannot be read and are left out",
            count,
        )
    else:
        title = tn(
            "{n} run folder cannot be read and is left out",
            "{n} run folders cannot be read and are left out",
            count,
        )
    with st.expander(title, icon=":material/folder_off:"):
        for entry in damaged:
            st.markdown(f"- **{plain(entry.name)}**: {plain(entry.reason)}")
