"""Live: a camera picture with what a network gives for it, many times a second, and a gallery of snapshots."""

import streamlit as st

from core.figures import sentences
from core.figures.explaining import default_sentence
from core.language import t
from pages.ui import cache
from pages.ui.blocks import damaged_list, disclaimer, no_models, page_head, plain
from pages.ui.gallery import show_gallery
from pages.ui.live_camera import live_camera
from pages.ui.live_controls import map_strength, map_target, mirrored
from pages.ui.live_snapshot import keep_snapshot
from pages.ui.model_choice import choose_model
from pages.ui.prediction import show_card

page_head(
    t("Live"),
    t(
        "Point a camera at a film on a light box or at a screen: a trained network answers frame by frame, and the map "
        "shows where it looked. Frames go to this server only, are answered and forgotten."
    ),
)

models = cache.model_listing()
if all(card.tabular_inputs for card in models.cards):
    no_models()
    damaged_list(models.damaged, "model")
    st.stop()

# a camera shows no age: networks that take numbers beside the picture answer on Predict only
cards = [card for card in models.cards if not card.tabular_inputs]
# the camera comes first on a narrow screen, where the second column stands below
view, controls = st.columns([5, 3], gap="large")
with controls:
    card = choose_model(cards)
    target, strength, mirror = map_target(card), map_strength(), mirrored()
    st.caption(plain(default_sentence(card)))
    show_card(card)
    st.caption(sentences.domain_sentence(card))
    damaged_list(models.damaged, "model")
with view:
    snapshot = live_camera(card, target=target, strength=strength, mirror=mirror)
    disclaimer()
    mismatch = sentences.mismatch_sentence(card, synthetic=False)
    if mismatch:
        st.error(mismatch, icon=":material/link_off:")
    st.caption(
        t(
            "A camera sees no radiograph, only a picture of one: glare, angle, focus and the grid of a screen change "
            "the scores, so those of filmed pictures are not those of files, and the figures of the card do not hold "
            "for them."
        )
    )
    st.caption(
        t(
            "The browser lends its camera only to pages under HTTPS or on localhost. Leaving this page, or a minute in "
            "a background tab, lets go of it."
        )
    )
if snapshot is not None:
    keep_snapshot(card, snapshot, target=target, strength=strength)
show_gallery(t("Nothing here yet: a snapshot of the camera lands here, beside its map."))
