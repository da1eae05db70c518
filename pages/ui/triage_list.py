"""The reading list of a batch: what is urgent, the rows in their new order, and the same as a file."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from core import limits
from core.errors import MedLensError
from core.evaluation.triage import (
    CALLED,
    NEAR,
    NOT_CALLED,
    NOT_READ,
    UNLIKE,
    Arrival,
    Place,
    Question,
    card_questions,
    order_batch,
)
from core.figures import sentences
from core.figures.doubts import seen_kind
from core.figures.text import GAP, NOT_A_DIAGNOSIS, counted, interval, listing, plural
from core.language import t, tn
from core.store.scores import guarded_text
from core.store.tables import csv_line
from core.types import Estimate, ModelCard
from pages.ui import state, triage_cache
from pages.ui.batch import PHANTOMS, BatchFile, Scored, gather, score_batch
from pages.ui.blocks import disclaimer, error_box, plain, prose

ROW_PX = 56
HEIGHT_PX = 620
NAMED = 5  # pictures in a sentence; the list flags them all
FLAG_WORDS = {UNLIKE: "unlike its training images", NEAR: "near the cut", NOT_READ: "not read"}
CSV_COLUMNS = (
    "place", "arrived", "moved", "file", "score", "side", "flags", "cut", "sensitivity", "sensitivity_low",
    "sensitivity_high", "specificity", "specificity_low", "specificity_high", "reason", "urgent", "model", "run_id",
    "created_utc", "notice",
)  # fmt: skip


def choose_question(card: ModelCard) -> Question | None:
    """What comes first; asked of a person where the model has several answers and no sum says which are urgent."""
    questions = {q.name: q for q in card_questions(card)}
    if len(questions) == 1:
        return next(iter(questions.values()))
    name = st.selectbox(
        t("What is urgent"), list(questions), index=0 if card.sums else None, key=f"triage-question-{card.name}",
        placeholder=t("Choose what should be read first"), format_func=question_title,
        help=t("The score is the sum of the probabilities of everything that counts as urgent."),
    )  # fmt: skip
    return questions.get(str(name))


def question_title(name: str) -> str:
    """A question's name, a class or "anything but" one, in the reader's language."""
    but = name.removeprefix("anything but ")
    return t(name) if but == name else t("anything but {class_name}", class_name=t(but))


def choose_batch() -> list[BatchFile]:
    """Files, ZIPs and phantoms, in the order they came, with a button that clears them."""
    turn = st.session_state.get(state.TRIAGE_ROUND, 0)
    uploads = st.file_uploader(
        t("Drop the pictures that wait to be read, several at once, or a ZIP of them"),
        accept_multiple_files=True,
        max_upload_size=limits.MAX_LIST_BYTES // 1024**2,
        help=t(
            "Up to {most} pictures. They stay in the memory of this session and are never stored.",
            most=limits.MAX_LIST_FILES,
        ),
        key=f"triage-uploads-{turn}",
    )
    with st.container(horizontal=True):
        st.button(
            t("Fill with {count} phantoms", count=PHANTOMS), icon=":material/draw:", on_click=_fill, key="triage-fill"
        )
        st.button(t("Clear the list"), icon=":material/delete:", on_click=clear_list, key="triage-clear")
    with st.spinner(t("Taking the files in…")):
        files, problems = gather(uploads, phantoms=bool(st.session_state.get(state.TRIAGE_PHANTOMS)))
    for problem in problems:
        error_box(problem)
    return files


def clear_list() -> None:
    """Forget every picture, score and thumbnail of the list."""
    st.session_state[state.TRIAGE_ROUND] = st.session_state.get(state.TRIAGE_ROUND, 0) + 1
    for key in (state.TRIAGE, state.TRIAGE_PHANTOMS):
        st.session_state.pop(key, None)


def _fill() -> None:
    st.session_state[state.TRIAGE_PHANTOMS] = True


def show_list(card: ModelCard, question: Question, files: Sequence[BatchFile]) -> None:
    """The batch by urgency, what is said beside it, and its download."""
    try:
        scored = score_batch(card, files)
    except MedLensError as error:
        error_box(str(error))
        return
    band = triage_cache.cut_band(card, question)
    arrivals = [
        Arrival(name=file.name, probabilities=one.probabilities, reason=one.reason, unlike=one.unlike)
        for file, one in zip(files, scored, strict=True)
    ]
    places = order_batch(arrivals, card, question, band)
    for synthetic in sorted({file.synthetic for file in files}):
        mismatch = sentences.mismatch_sentence(card, synthetic=synthetic)
        if mismatch:
            st.error(mismatch, icon=":material/link_off:")
    read = [place for place in places if place.place is not None]
    _show_refused([place for place in places if place.place is None])
    if read:
        _show_unlike(card, [place for place in read if UNLIKE in place.flags])
        prose(_headline(read, question))
        st.dataframe(
            list_frame(read, scored, question),
            hide_index=True,
            height=min(HEIGHT_PX, ROW_PX * len(read) + 40),
            row_height=ROW_PX,
            width="stretch",
            column_config={
                t("Read"): st.column_config.NumberColumn(width=50, pinned=True, help=t("Place on the new list")),
                t("Picture"): st.column_config.ImageColumn(width=70, help=t("Double-click to enlarge")),
                t("Moved"): st.column_config.TextColumn(width=70, help=t("Places forward or back, against arrival")),
                t("File"): st.column_config.TextColumn(width=120),
                t("Score"): st.column_config.ProgressColumn(
                    format="%.3f",
                    min_value=0.0,
                    max_value=1.0,
                    width=110,
                    help=t("Probability of {name}", name=plain(question_title(question.name))),
                ),
                t("Side"): st.column_config.TextColumn(
                    width=84, help=t("Whether the network calls it {name}", name=plain(question_title(question.name)))
                ),
                t("At this cut"): st.column_config.TextColumn(
                    width=180,
                    help=t(
                        "How far its side of the cut can be trusted: of a called picture the specificity, of one that "
                        "is not called the sensitivity, with 95 % interval, on the model's test images"
                    ),
                ),
                t("Flag"): st.column_config.TextColumn(width=110),
            },
            alt=t(
                "{count} pictures, the most urgent first: place, picture, score, move, file, side, flags",
                count=len(read),
            ),
        )
        _show_point(card, question, band)
    st.download_button(
        t("Download the list (CSV)"), data=lambda: list_csv(places, card, question, datetime.now(UTC)),
        file_name=f"medlens-reading-list-{card.name}.csv", mime="text/csv", icon=":material/download:",
        on_click="ignore", key="triage-csv",
    )  # fmt: skip
    disclaimer()


def list_frame(read: Sequence[Place], scored: Sequence[Scored], question: Question) -> pd.DataFrame:
    """The rows that have a score, as shown. Names are cells of text, never Markdown."""
    return pd.DataFrame(
        {
            t("Read"): place.place,
            t("Picture"): scored[place.arrival].thumb,
            t("Score"): place.score,
            t("Moved"): moved_words(place.moved),
            t("File"): place.name,
            t("Side"): t(CALLED) if place.called else t(NOT_CALLED),
            t("Flag"): ", ".join(t(FLAG_WORDS[flag]) for flag in place.flags if flag in FLAG_WORDS),
            t("At this cut"): _trust_words(question, bool(place.called)),
        }
        for place in read
    )


def moved_words(moved: int) -> str:
    """ "▲ 12" forward, "▼ 3" back, "=" where nothing changed."""
    return "=" if moved == 0 else f"{'▲' if moved > 0 else '▼'} {abs(moved)}"


def list_csv(places: Sequence[Place], card: ModelCard, question: Question, created: datetime) -> str:
    """The list as CSV, refused files at its end; no cell begins as a spreadsheet's formula does."""
    lines = [csv_line(CSV_COLUMNS)]
    point = [_estimate(question, metric) for metric in ("sensitivity", "specificity")]
    numbers = [value for e in point for value in ((e.value, e.low, e.high) if e is not None else (None, None, None))]
    for place in places:
        side = None if place.called is None else CALLED if place.called else NOT_CALLED
        texts = (place.name, side, "|".join(f for f in place.flags if f in FLAG_WORDS), place.reason)
        name, shown_side, flags, reason = (None if text is None else guarded_text(text) for text in texts)
        lines.append(
            csv_line([
                place.place, place.arrival + 1, place.moved if place.place is not None else None, name, place.score,
                shown_side, flags, question.cut, *numbers, reason, guarded_text(question.name), card.name, card.run_id,
                created.isoformat(timespec="seconds"), NOT_A_DIAGNOSIS,
            ])
        )  # fmt: skip
    return "".join(lines)


def _headline(read: Sequence[Place], question: Question) -> str:
    called = [place for place in read if place.called]
    first = t(
        "**{pictures}** of {count} called {name}",
        pictures=plural(len(called), "picture"), count=len(read), name=plain(question_title(question.name)),
    )  # fmt: skip
    if not called:
        return t("{first}; the list is ordered by score all the same.", first=first)
    before = sorted(place.arrival for place in read)
    at = [before.index(place.arrival) + 1 for place in called]
    return t(
        "{first}. In the order of arrival the last of them would have been read as number {before}; by score it is "
        "number {now}.",
        first=first, before=max(at), now=max(int(place.place or 0) for place in called),
    )  # fmt: skip


def _show_refused(refused: Sequence[Place]) -> None:
    if not refused:
        return
    with st.container(border=True):
        words = tn(
            "{n} file has no score and no place: look at it yourself.",
            "{n} files have no score and no place: look at them yourself.",
            len(refused),
        )
        st.markdown(f":material/error: **{words}**")
        with st.container(height=180 if len(refused) > 4 else "content", border=False):
            st.markdown("\n".join(f"- {plain(place.reason)}" for place in refused))


def _show_unlike(card: ModelCard, unlike: Sequence[Place]) -> None:
    """They keep the place of their score: the network cannot say that they may wait, nor that they may not."""
    if not unlike:
        return
    names = plain(listing([place.name for place in unlike[:NAMED]]))
    rest = t(" and {count} more", count=len(unlike) - NAMED) if len(unlike) > NAMED else ""
    words = tn(
        "**{n} picture does not look like the {kind} that this network has seen**: {names}. Its score may mean "
        "nothing: look at it yourself, wherever it stands on the list.",
        "**{n} pictures do not look like the {kind} that this network has seen**: {names}. Their scores may mean "
        "nothing: look at them yourself, wherever they stand on the list.",
        len(unlike), kind=plain(seen_kind(card)), names=names + rest,
    )  # fmt: skip
    st.warning(words, icon=":material/help:")


def _show_point(card: ModelCard, question: Question, band: tuple[float, float] | None) -> None:
    found = [e for e in (_estimate(question, m) for m in ("sensitivity", "specificity")) if e is not None]
    parts = [t("No cut: the most probable answer counts.")]
    if question.cut is not None:
        parts = [t("Cut {value}.", value=f"{question.cut:.3f}")]
    if found:
        shares = listing([f"{t(e.metric)} {interval(e)}" for e in found])
        images = counted(found[0].n_images, found[0].n_groups, sentences.group_field(card))
        parts.append(
            t("With it {shares} ({part}, {images}).", shares=shares, part=t(found[0].split), images=images)
        )  # fmt: skip
    if band is not None:
        parts.append(
            t(
                "Near the cut: scores from {low} to {high}. The model's test images cannot tell the cuts between them "
                "from its own, so such a picture could as well be on the other side.",
                low=f"{band[0]:.3f}",
                high=f"{band[1]:.3f}",
            )
        )
    elif question.cut is not None:
        parts.append(t("Which scores are near the cut is not known: the run of this model is not here."))
    parts.append(
        t(
            "A low score is no all-clear: every picture is still read, and a finding that the network misses is read "
            "late."
        )
    )
    if card.ood is None:
        parts.append(
            t("This model has no gate: whether a picture is of the kind that it was trained on is not checked.")
        )
    st.caption(plain(" ".join(parts)))


def _trust_words(question: Question, called: bool) -> str:
    estimate = _estimate(question, "specificity" if called else "sensitivity")
    return "" if estimate is None else f"{t(estimate.metric)} {interval(estimate)}".replace(" ", GAP)


def _estimate(question: Question, metric: str) -> Estimate | None:
    return next((e for e in question.estimates if e.metric == metric), None)
