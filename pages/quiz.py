"""Quiz: guess what a picture shows before the network does, and keep the score of both."""

import streamlit as st

from core.figures.names import dataset_title, model_title
from core.language import t
from pages.ui import cache, quiz_play, quiz_score, state
from pages.ui.blocks import empty_state, page_head, plain
from pages.ui.linked import linked_select
from pages.ui.presenting import presenting
from pages.ui.quiz_deck import DECK, quiz_sources

page_head(
    t("Quiz"),
    t(
        "Guess before the network. Then see the truth, what the network says and where it looked. The score is kept "
        "for both, on the same pictures; no network here was trained on them."
    ),
)
listing = cache.model_listing()
sources = quiz_sources(listing.cards, cache.run_listing().done, cache.datasets_at_hand())
if not sources:
    empty_state(
        t("No model is here whose pictures could be guessed."),
        "make benchmark\npython -m core export RUN_ID phantom-nodule",
        t("A model that was trained on drawn phantoms is enough; RUN_ID stands on the Run page."),
    )
    st.stop()

if presenting():  # the picker is hidden there, the link chooses
    asked = st.query_params.get(state.MODEL)
    chosen = asked if asked in sources else next(iter(sources))
    hands = True  # a room
else:
    picker, counter = st.columns([3, 2], vertical_alignment="bottom", gap="large")
    with picker:
        chosen = linked_select(
            t("Network and pictures"), list(sources), state.MODEL,
            shown=lambda name: (
                f"{model_title(sources[name].card.title)} · {dataset_title(sources[name].card.training_dataset)}"
            ),
        )  # fmt: skip
    with counter:
        hands = st.toggle(
            t("Count the hands of a class"), key="quiz-hands",
            help=t("The class answers with what most hands are for; the table also holds the mean share of hands."),
        )  # fmt: skip

source = sources[chosen]
played = quiz_play.current_round(source)
if played.over:
    quiz_play.show_end(source, played)
else:
    quiz_play.show_picture(source, played, hands=hands)
quiz_score.show_score(source, sources, played)
st.caption(
    t(
        "{count} pictures a round, the classes about equally often, which is not how often they are met. Pictures: "
        "{data}, {part}. Answers stay in this browser session and nowhere else.",
        count=DECK, data=plain(dataset_title(source.card.training_dataset)),
        part=t("drawn for the quiz alone") if source.synthetic else t("the test part of the model's run"),
    )
)  # fmt: skip
