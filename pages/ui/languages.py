"""Which language a reader is spoken to in: the link's, else what this session chose, else the browser's.

`reader` is what `core.language` asks at every text. It is set once for the process and looks the language up in the
session of the thread that draws, so that a fragment, which runs without app.py's body, speaks the same language.
"""

from collections.abc import Callable

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.language import ENGLISH, LANGUAGES, best_language, speak_for, speaking, spoken, t
from pages.ui import state

# True as long as every text of every page is in the catalogue (tests/pages/test_spanish_pages.py). Without that a
# Spanish browser would get pages in two languages unasked: only a link with ?lang=es would switch and show the control.
COMPLETE = True


def reader() -> str:
    """The language code of the session in whose thread this is called; English outside of a session."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return ENGLISH
    chosen = st.session_state.get(state.LANGUAGE)
    if isinstance(chosen, str) and chosen in LANGUAGES:
        return chosen
    return best_language(st.context.locale) if COMPLETE else ENGLISH


def settle_language() -> None:
    """Take the language from the link where it names one, and speak it from now on; call it first in app.py."""
    speak_for(reader)
    asked = st.query_params.get(state.LANGUAGE)
    if asked in LANGUAGES and asked != st.session_state.get(state.LANGUAGE_SEEN):
        st.session_state[state.LANGUAGE] = st.session_state[state.LANGUAGE_SEEN] = asked


def spoken_later(work: Callable[[], bytes | str]) -> Callable[[], bytes | str]:
    """`work` in the language of now, for a button whose file another thread writes when it is pressed."""
    code = spoken()

    def written() -> bytes | str:
        with speaking(code):
            return work()

    return written


def language_switch() -> None:
    """English or Español, in the sidebar: each by the name that its readers know."""
    if not COMPLETE and state.LANGUAGE not in st.session_state:
        return
    key = "language-switch"
    st.session_state[key] = reader()
    st.sidebar.segmented_control(
        t("Language"), list(LANGUAGES), format_func=lambda code: LANGUAGES[code], required=True, key=key,
        on_change=_switched, args=(key,), label_visibility="collapsed",
    )  # fmt: skip


def _switched(key: str) -> None:
    st.session_state[state.LANGUAGE] = st.session_state[key]
    if state.LANGUAGE in st.query_params:  # a link that said otherwise must not take it back
        st.query_params[state.LANGUAGE] = st.session_state[key]
        st.session_state[state.LANGUAGE_SEEN] = st.session_state[key]
