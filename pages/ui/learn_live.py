"""The live part of the lesson on networks: a model that ships and a picture of one's own, followed now.

Pictures come through the same readers as on the Predict page and stay in the session. Nothing of an engine is imported
before a picture has been chosen.
"""

import streamlit as st

from core.errors import MedLensError
from core.figures import sentences
from core.figures.doubts import unlike_sentence
from core.figures.names import model_title
from core.language import t
from core.types import ModelCard
from pages.ui import cache, door, state
from pages.ui.blocks import damaged_list, error_box, no_models, plain
from pages.ui.learn_stages import Way
from pages.ui.linked import linked_select
from pages.ui.pictures import Picture, choose_pictures
from pages.ui.presenting import presenting, prose_px

KEPT = 4  # ways of this session; one of a MobileNetV2 has about a megabyte


def live_asked() -> bool:
    """Whether a network and a picture of one's own are to be followed: by the switch, or by the link (`?live=1`)."""
    parameter, widget, seen = state.LIVE_LESSON, f"{state.LIVE_LESSON}-lesson", f"{state.LIVE_LESSON}-seen"
    asked = st.query_params.get(parameter) == "1"
    if presenting():  # there the link chooses
        return asked
    if asked != st.session_state.get(seen, False) or widget not in st.session_state:
        st.session_state[widget] = asked
    chosen = st.toggle(
        t("With a network and a picture of your own"), key=widget,
        help=t("Off: a stored way of a drawn picture, which opens at once. On: a model runs here on the picture that "
               "you choose; it stays in the memory of this session."),
    )  # fmt: skip
    if chosen:
        st.query_params[parameter] = "1"
    elif asked:
        del st.query_params[parameter]
    st.session_state[seen] = chosen
    return bool(chosen)


def choose_way() -> Way | None:
    """The model and the picture chosen, followed; None before there are both, or after a sentence on what is wrong."""
    models = cache.model_listing()
    if not models.cards:
        no_models()
        damaged_list(models.damaged, "model")
        return None
    cards = {card.name: card for card in models.cards}
    names = sorted(cards, key=lambda name: (cards[name].synthetic, name))
    with st.container(border=True):
        left, right = st.columns([2, 3], gap="large")
        with left:
            card = cards[
                linked_select(t("Model"), names, state.MODEL, shown=lambda name: model_title(cards[name].title))
            ]
            st.caption(plain(sentences.built_sentence(card)))
        with right:
            pictures = choose_pictures()
            if not pictures:
                st.caption(t("Nothing chosen yet: choose a picture, or a sample, which is one click away."))
                return None
            if len(pictures) > 1:
                st.caption(t("The lesson follows the first of these pictures."))
    return _way(card, pictures[0])


def _way(card: ModelCard, picture: Picture) -> Way | None:
    """From this session's memory, or followed now."""
    kept = st.session_state.setdefault(state.LESSON_TRACES, {})
    key = (card.name, card.sha256, picture.digest)
    if key not in kept:
        try:
            with st.spinner(t("Following the picture through the network…")):
                kept[key] = door.live_trace(card.name, picture.load())
        except MedLensError as error:
            error_box(str(error))
            return None
        while len(kept) > KEPT:
            kept.pop(next(iter(kept)))
    trace, unlike = kept[key]
    doubt = sentences.mismatch_sentence(card, synthetic=picture.synthetic) or (unlike_sentence(card) if unlike else "")
    if doubt:
        st.warning(plain(doubt), icon=":material/link_off:", width=prose_px())
    return Way(trace=trace, picture=picture.name)
