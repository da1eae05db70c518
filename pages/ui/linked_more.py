"""More choices that stand in the URL by their keys: several of a list, and the open tab; see linked.py for one.

`?net=`, `?head=`, `?how=`, `?split=` filter runs, `?columns=` are those of the leaderboard, `?part=` is the open tab.
"""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

BETWEEN = "."  # between keys in the URL: a comma would be written as %2C


def linked_many(
    label: str, options: Sequence[str], parameter: str, *, shown: Callable[[str], str], default: Sequence[str] = ()
) -> list[str]:
    """A multiselect tied to a query parameter; kept over page switches. At its default the URL stays clean.

    Args:
        options: keys without a dot. default: what is chosen when neither URL nor session says otherwise.
    """
    widget, kept, seen = f"{parameter}-many", f"{parameter}-many-kept", f"{parameter}-many-seen"
    asked = st.query_params.get(parameter)
    chosen = st.session_state.get(kept, list(default))
    if asked is not None and asked != st.session_state.get(seen):
        chosen = asked.split(BETWEEN)
    chosen = [key for key in options if key in chosen]
    st.session_state[widget] = st.session_state[kept] = chosen
    st.multiselect(
        label, list(options), format_func=shown, key=widget, on_change=_took, args=(widget, kept),
    )  # fmt: skip
    if chosen != [key for key in options if key in default]:
        st.query_params[parameter] = BETWEEN.join(chosen)
    elif asked is not None:
        del st.query_params[parameter]
    st.session_state[seen] = BETWEEN.join(chosen)
    return chosen


def _took(widget: str, kept: str) -> None:
    st.session_state[kept] = st.session_state[widget]


def linked_tabs(names: Mapping[str, str], parameter: str) -> tuple[str, dict[str, "st.delta_generator.DeltaGenerator"]]:
    """Tabs of which only the open one is worked out, tied to a query parameter.

    Args:
        names: key to title; the first is open at first.
    Returns: the key of the open tab, and every tab by key.
    """
    widget, seen = f"{parameter}-tabs", f"{parameter}-tabs-seen"
    asked = st.query_params.get(parameter)
    if asked in names and asked != st.session_state.get(seen):
        st.session_state[widget] = names[asked]
    if st.session_state.get(widget) not in names.values():
        st.session_state.pop(widget, None)  # another language, or a task without this part
    tabs = dict(zip(names, st.tabs(list(names.values()), key=widget, on_change="rerun"), strict=True))
    chosen = next((key for key, tab in tabs.items() if tab.open), next(iter(names)))
    if chosen != next(iter(names)):
        st.query_params[parameter] = chosen
    elif asked is not None:
        del st.query_params[parameter]
    st.session_state[seen] = chosen
    return chosen, tabs
