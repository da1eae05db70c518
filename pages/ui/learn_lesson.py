"""The frame of a lesson: a title, one idea, something to move, what it shows, and what to ask the class."""

from collections.abc import Sequence

import streamlit as st

from core.language import t
from core.registry.lessons import LESSONS
from pages.ui import state
from pages.ui.presenting import presenting, prose_px
from pages.ui.tours import checked_tour, in_words, query_of, tour_keys


def lesson_titles() -> dict[str, str]:
    """Lesson key -> its short name, in the order of a course and in the reader's language."""
    titles = {
        "network": t("Pixels to probability"),
        "roc": t("ROC, point by point"),
        "overfitting": t("Overfitting"),
        "imbalance": t("The accuracy paradox"),
        "gradcam": t("Grad-CAM in five steps"),
    }
    return {key: titles[key] for key in LESSONS}


def choose_lesson() -> str:
    """The lesson of the link or of the buttons; both always say the same."""
    titles, widget, seen = lesson_titles(), f"{state.LESSON}-choice", f"{state.LESSON}-seen"
    asked = st.query_params.get(state.LESSON)
    kept = st.session_state.get(f"{state.LESSON}-kept", LESSONS[0])
    chosen = asked if asked in titles and asked != st.session_state.get(seen) else kept
    st.session_state[widget] = st.session_state[f"{state.LESSON}-kept"] = chosen
    if not presenting():  # there the link chooses, and the room sees one lesson
        st.segmented_control(
            t("Lesson"), list(titles), format_func=titles.__getitem__, required=True, wrap=True, key=widget,
            on_change=_took, args=(widget,),
        )  # fmt: skip
    if asked != chosen:
        st.query_params[state.LESSON] = chosen
    st.session_state[seen] = chosen
    return str(chosen)


def _took(widget: str) -> None:
    st.session_state[f"{state.LESSON}-kept"] = st.session_state[widget]


def lesson_head(title: str, idea: str) -> None:
    """The lesson's name, and its one idea in one sentence."""
    (st.title if presenting() else st.header)(title, anchor=False)  # in a room there is no other title
    st.markdown(f"**{idea}**", width=prose_px())


def ask_the_class(questions: Sequence[str]) -> None:
    """What to ask before the next click."""
    with st.container(border=True):
        st.markdown(f":material/record_voice_over: **{t('Ask the class')}**")
        st.markdown("\n".join(f"- {question}" for question in questions), width=prose_px())


def tour_starts() -> None:
    """The tours that ship, each with the link that starts it; one that leads nowhere says why."""
    from core.errors import SpecInvalid

    st.header(t("Tours for a room"), anchor="tours")
    st.markdown(
        t(
            "A tour opens page after page in the presenter's view: big type, no menus, one sentence to say at each "
            "step. Next and Back are on screen and on PageDown and PageUp, as a presenter's remote control sends them; "
            "every step is a link that can be bookmarked."
        ),
        width=prose_px(),
    )
    with st.grid(3, min_column_width=260, gap="medium"):
        for key in tour_keys():
            with st.container(border=True):
                try:
                    tour = checked_tour(key)
                except SpecInvalid as error:
                    st.caption(str(error))
                    continue
                st.markdown(f"**{in_words(tour.title)}**")
                st.caption(in_words(tour.summary))
                label = t("Start: {steps} steps, {minutes} minutes", steps=len(tour.steps), minutes=tour.minutes)
                st.page_link(
                    f"pages/{tour.steps[0].page}.py", label=label, icon=":material/slideshow:",
                    query_params=query_of(tour, 1),
                )  # fmt: skip
