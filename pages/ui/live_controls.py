"""What steers the live view: the class of the map, its strength, the mirror."""

import streamlit as st

from core.language import t
from core.types import ModelCard

MANY_CLASSES = 5  # more do not fit beside each other as buttons
TOP = "the most probable"  # shown as t(TOP)


def map_target(card: ModelCard) -> str | None:
    """The class that the map is drawn for; None means whichever is the most probable on a frame."""
    names = list(card.class_names)
    if card.task != "binary":
        names = [TOP, *names]
    first, key, label = str(card.positive_class or TOP), f"live-class-{card.name}", t("Where it looks for")
    if first not in names:
        first = names[0]
    if len(names) <= MANY_CLASSES:
        chosen = st.segmented_control(label, names, default=first, required=True, wrap=True, key=key, format_func=t)
    else:
        chosen = st.selectbox(label, names, index=names.index(first), key=key, format_func=t)
    return None if chosen in (None, TOP) else str(chosen)


def map_strength() -> float:
    """Opacity of full heat, in [0, 1]."""
    return float(st.slider(t("Strength of the map"), 0, 100, 55, format="%d %%", key="live-strength")) / 100


def mirrored() -> bool:
    """Whether the view is mirrored; what the network gets never is."""
    return bool(
        st.toggle(
            t("Mirror the view"),
            key="live-mirror",
            help=t(
                "As a mirror shows it, for a camera that looks at you. Network and gallery get the picture as the "
                "camera gives it."
            ),
        )
    )
