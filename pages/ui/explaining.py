"""How a heat map is made: the choice of method and layer, with the default in front and everything else folded away."""

import streamlit as st

from core.errors import MedLensError
from core.figures.explaining import layer_words, method_about, method_title
from core.figures.text import GAP
from core.language import t
from core.registry.explanations import EXPLANATIONS, GRADCAM
from core.types import ModelCard
from pages.ui import door
from pages.ui.blocks import error_box, plain


def sentence_plain(text: str) -> str:
    """A sentence with words from outside in it, for Markdown; a number never parts from its sign."""
    return GAP.join(plain(part) for part in text.split(GAP))


def choose_method(card: ModelCard, key: str, *, measure: bool) -> tuple[str, str, bool]:
    """What a reader asks for: (a key of the registry, a layer or "" for the card's, measure the map?).

    Args:
        key: of the widgets.
        measure: whether maps are measured unless a reader says otherwise.
    """
    with st.expander(t("How the map is made"), icon=":material/tune:", key=f"making-{key}"):
        method = str(
            st.selectbox(t("Method"), list(EXPLANATIONS), format_func=method_title, key=f"method-{key}") or GRADCAM
        )
        st.caption(plain(method_about(method)))
        layer = _choose_layer(card, key) if EXPLANATIONS[method].on_layer else ""
        measured = st.toggle(
            t("Measure the map"), value=measure, key=f"measured-{key}",
            help=t("Hides parts of the picture and predicts again, about twenty times; a second or less."),
        )  # fmt: skip
    return method, layer, measured


def waiting_words(card: ModelCard, method: str, layer: str) -> str:
    """What is said while a map is made: some methods bring TensorFlow, once."""
    try:
        slow = door.loads_tensorflow(card.name, method, layer) if method != GRADCAM or layer else False
    except MedLensError:  # the prediction itself says what is wrong
        slow = False
    return t("Loading TensorFlow (once), then drawing…") if slow else t("Looking at the picture…")


def _choose_layer(card: ModelCard, key: str) -> str:
    other = st.toggle(
        t("Another layer"), key=f"other-layer-{key}",
        help=t(
            "Earlier layers have finer cells and know less of what they see. Reading them brings TensorFlow: about "
            "ten seconds, once."
        ),
    )  # fmt: skip
    if not other:
        return ""
    try:
        with st.spinner(t("Loading TensorFlow (once)…"), show_time=True):
            found = {choice.name: choice for choice in door.layer_choices(card.name)}
    except MedLensError as error:
        error_box(str(error))
        return ""
    names = list(found)
    position = names.index(card.cam_layer) if card.cam_layer in names else 0
    layer = st.selectbox(
        t("Layer"), names, index=position, key=f"layer-{key}",
        format_func=lambda name: layer_words(name, found[name].rows, found[name].columns),
    )  # fmt: skip
    return str(layer or "")
