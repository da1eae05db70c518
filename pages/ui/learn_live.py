"""The live part of the lesson on networks: a model that ships and a picture of one's own, followed now.

Pictures come through the same readers as on the Predict page and stay in the session. Nothing of an engine is imported
before a picture has been chosen.
"""

import streamlit as st

from core.errors import MedLensError
from core.figures import sentences
from core.figures.doubts import unlike_sentence
from core.language import t
from core.types import ModelCard
from pages.ui import cache, door, state
from pages.ui.blocks import damaged_list, error_box, no_models, plain
from pages.ui.learn_stages import Way
from pages.ui.model_choice import choose_model
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
    with st.container(border=True):
        left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
        with left:
            card = choose_model(models.cards)
        # folded away, so that the stages stay in sight while one goes through them
        with right, st.popover(t("Choose a picture"), icon=":material/image:", width="stretch"):
            pictures = choose_pictures()
        st.caption(plain(sentences.built_sentence(card)))
        if sentences.views_sentence(card):
            st.caption(t("The lesson follows the picture as it is, one of these sides; its scores are that side's."))
        if not pictures:
            st.caption(t("Nothing chosen yet: choose a picture, or a sample, which is one click away."))
            return None
        picture = pictures[0]
        note = f"  ·  {plain(picture.note)}" if picture.note else ""
        st.markdown(t("Picture: **{name}**", name=plain(picture.name)) + note)
        if len(pictures) > 1:
            st.caption(t("The lesson follows the first of these pictures."))
    return _way(card, picture)


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
