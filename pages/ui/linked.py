"""A choice that stands in the URL by its key: `?run=...` can be copied, and the browser's back button works.

Streamlit's own `bind` writes the words that a reader sees; they change with a title, a key does not.
"""

from collections.abc import Callable, Sequence

import streamlit as st


def linked_select(label: str, options: Sequence[str], parameter: str, *, shown: Callable[[str], str]) -> str:
    """A select box tied to a query parameter; kept over page switches.

    Args:
        options: keys, at least one; the first is taken when neither URL nor session names another.
        parameter: name in the URL.
        shown: what a reader sees for a key.
    Returns: the chosen key, one of `options`.
    """
    widget, kept, seen = _names(parameter)
    asked = st.query_params.get(parameter)
    chosen = st.session_state.get(kept)
    if asked in options and asked != st.session_state.get(seen):
        chosen = asked  # a link was opened, or the back button pressed
    if chosen not in options:
        chosen = options[0]
    st.session_state[widget] = st.session_state[kept] = chosen
    st.selectbox(label, list(options), format_func=shown, key=widget, on_change=_took, args=(parameter,))
    if asked != chosen:
        st.query_params[parameter] = chosen
    st.session_state[seen] = chosen
    return str(chosen)


def _took(parameter: str) -> None:
    widget, kept, _ = _names(parameter)
    st.session_state[kept] = st.session_state[widget]


def _names(parameter: str) -> tuple[str, str, str]:
    """Session keys: of the widget, of the choice that outlives it, of what the URL last said."""
    return f"{parameter}-select", f"{parameter}-kept", f"{parameter}-seen"
