"""The cached functions of the Train page: the plans that ship, read again when a file of theirs changes."""

from typing import TYPE_CHECKING

import streamlit as st

from core import paths
from core.jobs.plans import shipped_plans

if TYPE_CHECKING:
    from core.training.plan import Plan

State = tuple[tuple[str, int, int], ...]


def plans() -> "dict[str, Plan]":
    """The shipped plans by key, as of now. Raises SpecInvalid."""
    files = sorted(paths.plans_folder().glob("*.toml"))
    return _plans(tuple((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files))


@st.cache_resource(max_entries=2, show_spinner=False)  # frozen, so one copy serves all sessions
def _plans(state: State) -> "dict[str, Plan]":
    return shipped_plans()
