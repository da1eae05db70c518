"""The quiz on screen: guess, then the truth, the network's answer and its map. The score stands in quiz_score.py."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from core.errors import MedLensError
from core.evaluation.decision import decided_classes
from core.evaluation.quiz import QuizAnswer
from core.figures.overlay import blend, draw_boxes, heat_on_picture, shrink
from core.figures.text import percent
from core.language import t, tn
from pages.ui import door, quiz_deck, state
from pages.ui.blocks import disclaimer, error_box, plain
from pages.ui.presenting import presenting
from pages.ui.quiz_deck import QuizSource
from pages.ui.quiz_room import ask_room
from pages.ui.quiz_round import QuizRound

OVERLAY = 0.6
SHOWN_PX = 640


def current_round(source: QuizSource) -> QuizRound:
    """The round that this session plays with `source`; another source begins a new one. Raises MedLensError."""
    played = st.session_state.get(state.QUIZ)
    if not isinstance(played, QuizRound) or played.model != source.card.name:
        played = QuizRound(model=source.card.name, number=1, deck=quiz_deck.deck(source, 1))
        st.session_state[state.QUIZ] = played
    return played


def begin_again(source: QuizSource, number: int) -> None:
    """Round `number`, with pictures of its own."""
    st.session_state[state.QUIZ] = QuizRound(model=source.card.name, number=number, deck=quiz_deck.deck(source, number))


def show_picture(source: QuizSource, played: QuizRound, *, hands: bool) -> None:
    """The picture on screen, and what belongs beside it: the question, or the answer."""
    picture = played.picture
    try:
        pixels = quiz_deck.picture_of(picture.path)
    except MedLensError as error:
        error_box(str(error))
        st.button(t("Next picture"), key="quiz-skip", on_click=played.skip)
        return
    place = t("Picture {number} of {count}", number=played.position + 1, count=len(played.deck))
    if played.revealed:
        _show_answer(source, played, pixels, place)
        return
    seen, asked = st.columns([3, 2], gap="large")
    with seen:
        st.image(shrink(pixels, SHOWN_PX), width="stretch", alt=t("{place}: the picture to judge", place=place))
    with asked:
        st.subheader(place, anchor=False)
        st.markdown(t("**What does this picture show?** Guess before the network does."))
        if hands:
            ask_room(source.card, played, lambda guess, counted: _guess(source, played, pixels, guess, counted))
        else:
            _ask_one(source, played, pixels)


def _ask_one(source: QuizSource, played: QuizRound, pixels: np.ndarray) -> None:
    """A button per class, on the keys 1, 2, 3 ..."""
    for number, name in enumerate(source.card.class_names, start=1):
        st.button(
            plain(t(name)), key=f"quiz-guess-{number}", shortcut=str(number) if number < 10 else None, width="stretch",
            on_click=_guess, args=(source, played, pixels, name, {}),
        )  # fmt: skip
    st.caption(t("Keys 1 to {n} answer, N goes on.", n=min(9, len(source.card.class_names))))


def _guess(source: QuizSource, played: QuizRound, pixels: np.ndarray, guess: str, hands: Mapping[str, int]) -> None:
    """Ask the network and take both answers; a fault shows its sentence on the page."""
    try:
        result = door.predict(source.card.name, pixels, played.picture.image_id)
    except MedLensError as error:
        st.session_state[f"{state.QUIZ}-fault"] = str(error)
        return
    network = decided_classes(result.probabilities, source.card)[0]
    stated = float(result.probabilities[source.card.class_names.index(network)])
    st.session_state[f"{state.QUIZ}-maps"] = result.heatmaps
    played.answer(guess, network, stated, hands)


def _show_answer(source: QuizSource, played: QuizRound, pixels: np.ndarray, place: str) -> None:
    card, answer = source.card, played.answers[-1]
    maps = {m.class_name: m for m in st.session_state.get(f"{state.QUIZ}-maps", ())}
    # of two classes the map of the sought one says more than that of its absence
    shown_class = card.positive_class or answer.network
    small = shrink(pixels, SHOWN_PX)
    boxes = quiz_deck.planted_boxes(played.picture.path, answer.truth)
    truth, looked, said = st.columns([2, 2, 2], gap="medium")
    with truth:
        st.image(
            draw_boxes(small, boxes), width="stretch", caption=t("The truth: {name}", name=t(answer.truth)),
            alt=t("The picture, showing {name}", name=t(answer.truth)),
        )  # fmt: skip
    with looked:
        heatmap = maps.get(shown_class)
        if heatmap is None or heatmap.is_empty:
            st.caption(t("The network has no map for {name} here: nothing spoke for it.", name=plain(t(shown_class))))
        else:
            heat = heat_on_picture(heatmap.values, card.preprocess, *small.shape[:2])
            st.image(
                blend(small, heat, OVERLAY), width="stretch",
                caption=t("Where the network looked for {name}", name=t(shown_class)),
                alt=t("Heat map for {name} over the same picture", name=t(shown_class)),
            )  # fmt: skip
    with said:
        st.subheader(place, anchor=False)
        _line(answer.guess == answer.truth, _guess_words(answer))
        _line(
            answer.network == answer.truth,
            t(
                "Network: **{name}**, which it gives {share}",
                name=plain(t(answer.network)),
                share=percent(answer.stated),
            ),
        )
        if card.task == "binary" and card.positive_class is not None:
            cut = dict(card.threshold.values)[card.positive_class]
            st.caption(
                t("It says “{name}” from a score of {cut} on, chosen on validation images.",
                  name=plain(t(card.positive_class)), cut=percent(cut))
            )  # fmt: skip
        st.button(
            t("Next picture") if played.position + 1 < len(played.deck) else t("The result"), type="primary",
            shortcut="N", icon=":material/arrow_forward:", width="stretch", key="quiz-next", on_click=played.onward,
        )  # fmt: skip
        if not presenting():  # whose bar says it already
            disclaimer()


def _guess_words(answer: QuizAnswer) -> str:
    name = plain(t(answer.guess))
    if not answer.hands:
        return t("You: **{name}**", name=name)
    return t(
        "The class: **{name}**, {hands} of {all} hands",
        name=name, hands=answer.hands.get(answer.guess, 0), all=sum(answer.hands.values()),
    )  # fmt: skip


def _line(right: bool, text: str) -> None:
    """Right or wrong in a sign and a word, never in colour alone."""
    word = t("right") if right else t("wrong")
    st.markdown(f"{':material/check_circle:' if right else ':material/cancel:'} {text}: {word}.")


def show_end(source: QuizSource, played: QuizRound) -> None:
    """After the last picture: again, with others."""
    st.success(
        tn("The round is over: {n} picture.", "The round is over: {n} pictures.", len(played.answers)),
        icon=":material/flag:",
    )
    st.button(
        t("Another round, with other pictures"), type="primary", shortcut="N", key="quiz-again", on_click=begin_again,
        args=(source, played.number + 1),
    )  # fmt: skip
