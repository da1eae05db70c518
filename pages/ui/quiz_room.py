"""Hands of a room, counted class by class: numbers typed one after the other, Enter shows the answer.

The numbers stand in a form: without one, a click on the button right after typing would only end the typing.
"""

from collections.abc import Callable, Mapping

import streamlit as st

from core.evaluation.quiz import leaders
from core.language import t
from core.types import ModelCard
from pages.ui import state
from pages.ui.blocks import plain
from pages.ui.quiz_round import QuizRound

MOST_HANDS = 2_000  # of one class in one room
TIED = f"{state.QUIZ}-tied"  # session state: (round, picture, hands) that no class leads

Answered = Callable[[str, Mapping[str, int]], None]


def ask_room(card: ModelCard, played: QuizRound, answered: Answered) -> None:
    """Hands per class, and a button that takes the class with most of them; a tie is the class's to decide.

    Args:
        answered: called with the class's answer and the hands that were counted.
    """
    st.caption(
        t("Count hands and type the numbers: Tab leads on, Enter shows the answer. The class answers with what most "
          "hands are for.")
    )  # fmt: skip
    with st.form("quiz-hands-form", border=False):
        for number, name in enumerate(card.class_names, start=1):
            st.number_input(
                t("Hands for {name}", name=plain(t(name))), 0, MOST_HANDS, None, step=1, placeholder="0",
                key=_key(played, number),
            )  # fmt: skip
        st.form_submit_button(
            t("Show the answer"), type="primary", width="stretch", key="quiz-room", on_click=_counted,
            args=(card, played, answered),
        )  # fmt: skip
    held = st.session_state.get(TIED)
    if held is None or held[:2] != (played.number, played.position):
        return
    leading = leaders(held[2])
    if not leading:
        st.warning(t("No hand has been counted yet."), icon=":material/back_hand:")
        return
    st.warning(t("A tie. The class decides with a word:"), icon=":material/balance:")
    for number, name in enumerate(leading, start=1):
        st.button(
            plain(t(name)), key=f"quiz-tie-{number}", width="stretch", on_click=answered, args=(name, held[2])
        )  # fmt: skip


def _key(played: QuizRound, number: int) -> str:
    return f"quiz-hands-{played.position}-{number}"


def _counted(card: ModelCard, played: QuizRound, answered: Answered) -> None:
    """Take the numbers as they stand in the form."""
    hands = {
        name: int(st.session_state.get(_key(played, number)) or 0)
        for number, name in enumerate(card.class_names, start=1)
    }
    leading = leaders(hands)
    if len(leading) == 1:
        st.session_state.pop(TIED, None)
        answered(leading[0], hands)
    else:
        st.session_state[TIED] = (played.number, played.position, hands)
