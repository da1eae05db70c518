"""How the quiz stands: the class's score with its interval against each network's on the same pictures; as files."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.evaluation.quiz import Gap, QuizScore, quiz_score
from core.figures.text import interval
from core.language import t
from core.types import Estimate
from pages.ui import state
from pages.ui.blocks import error_box
from pages.ui.presenting import prose_px
from pages.ui.quiz_deck import QuizSource
from pages.ui.quiz_play import begin_again
from pages.ui.quiz_rivals import Rivals, live_rivals, runs_there, stored_rivals
from pages.ui.quiz_round import QuizRound, answers_csv, score_csv


def show_score(source: QuizSource, sources: Mapping[str, QuizSource], played: QuizRound) -> None:
    """How often the class and each network were right so far, with intervals; files and the way back below."""
    fault = st.session_state.pop(f"{state.QUIZ}-fault", None)
    if fault:
        error_box(fault)
    rivals = live_rivals(source, sources, played)
    score = quiz_score(played.answers, rivals.calls)
    if score is None:
        return
    st.subheader(t("The score so far") if not played.over else t("The result"), anchor=False)
    st.table(
        score_table(score, rivals.names), border="horizontal", hide_index=True,
        alt=t("Guesser right {guess}, network right {network}", guess=interval(score.hands or score.guesses),
              network=interval(score.network)),
    )  # fmt: skip
    st.caption(_reading(score), width=prose_px())
    stored = _show_runs(source, played)
    _tools(source, played, score, rivals, stored)


def score_table(score: QuizScore, names: Mapping[str, str]) -> pd.DataFrame:
    """Who, how often right, the share with its interval, and how far the class is ahead of each network.

    Args:
        names: key of a further network -> what it is called.
    """
    room = score.hands is not None
    rows = [(t("The class, by majority") if room else t("Your guesses"), _right(score.guesses), score.guesses, None)]
    if score.hands is not None:
        rows.insert(0, (t("The class, mean share of hands"), _right(score.hands), score.hands, None))
    named = names or {}
    first = t("The network itself") if named else t("The network")
    rows.append((first, _right(score.network), score.network, score.gaps[""]))
    rows += [(named.get(key, key), _right(e), e, score.gaps[key]) for key, e in score.others.items()]
    ahead = t("Class ahead by") if room else t("You ahead by")
    return pd.DataFrame(
        {t("Who"): who, t("Right"): right, t("Share"): interval(e), ahead: gap_words(g)} for who, right, e, g in rows
    )


def _right(estimate: Estimate) -> str:
    """ "9 / 12", or "8.4 / 12" for a sum of shares."""
    right = (estimate.value or 0.0) * estimate.n_images
    text = f"{right:.0f}" if abs(right - round(right)) < 1e-9 else f"{right:.1f}"
    return f"{text} / {estimate.n_images}"


def gap_words(gap: Gap | None) -> str:
    """ "+0.12 (−0.05 to +0.29)"; nothing for the class itself."""
    if gap is None:
        return ""
    return t("{value} ({low} to {high})", value=_signed(gap.value), low=_signed(gap.low), high=_signed(gap.high))


def _signed(value: float) -> str:
    text = f"{value:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text.replace("-", "−")


def _reading(score: QuizScore) -> str:
    both = t(
        "Brackets are 95 % intervals over the pictures. Both were right on {both}, only the guesser on {guess}, only "
        "the network on {network}, neither on {neither}. On so few pictures most differences are chance.",
        both=score.both, guess=score.only_class, network=score.only_network, neither=score.neither,
    )  # fmt: skip
    if score.hands is None:
        return both
    return both + " " + t(
        "The mean share takes every picture alike, however many hands went up; hands on one picture agree, so they "
        "count as fewer answers than they are. “Ahead” compares it with each network picture by picture: an interval "
        "that holds 0 decides nothing."
    )  # fmt: skip


def _show_runs(source: QuizSource, played: QuizRound) -> Rivals:
    """On demand, every stored run that was tested on the same pictures."""
    nothing = Rivals(names={}, calls={})
    records = runs_there(source, played)
    if not records:
        return nothing
    if not st.toggle(t("Stored runs on the same pictures too"), key="quiz-runs"):
        return nothing
    rivals = stored_rivals(records, played)
    score = quiz_score(played.answers, rivals.calls)
    if score is None or not rivals.calls:
        st.caption(t("No stored run was tested on all pictures of this round."))
        return nothing
    room = score.hands is not None
    order = sorted(score.others, key=lambda key: -(score.others[key].value or 0.0))
    st.dataframe(
        pd.DataFrame(
            {
                t("Run"): rivals.names[key], t("Right"): _right(score.others[key]),
                t("Share"): interval(score.others[key]),
                t("Class ahead by") if room else t("You ahead by"): gap_words(score.gaps[key]),
            }
            for key in order
        ),
        hide_index=True, width="stretch", alt=t("Stored runs on the same pictures, the best first"),
    )  # fmt: skip
    return rivals


def _tools(source: QuizSource, played: QuizRound, score: QuizScore, rivals: Rivals, stored: Rivals) -> None:
    """The answers and the score as files, and the way back to the beginning."""
    calls = {**rivals.calls, **stored.calls}
    with st.container(horizontal=True):
        st.download_button(
            t("Answers (CSV)"), answers_csv(played, source.card.class_names, calls), f"medlens-quiz-{played.model}.csv",
            "text/csv", icon=":material/download:", on_click="ignore", key="quiz-csv",
        )  # fmt: skip
        whole = quiz_score(played.answers, calls) or score
        st.download_button(
            t("Score (CSV)"), score_csv(played.model, whole), f"medlens-quiz-{played.model}-score.csv", "text/csv",
            icon=":material/download:", on_click="ignore", key="quiz-score-csv",
        )  # fmt: skip
        st.button(
            t("Start over"), icon=":material/restart_alt:", key="quiz-restart", on_click=begin_again,
            args=(source, played.number),
        )  # fmt: skip
