"""What reading by score would save: a simulated reading room on the test images of a stored run."""

from collections.abc import Sequence

import streamlit as st

from core.errors import MedLensError
from core.evaluation.reading_room import N_IMAGES, SEEDS, WARM_UP_SHARE, wait_curves, wait_summaries
from core.evaluation.triage import Question, class_questions, urgent_truth
from core.figures import triage as figures
from core.figures.names import evaluation_of, group_field_of
from core.figures.text import counted, estimate_text, percent, the_percent
from core.language import t
from core.registry.datasets import DATASETS
from core.registry.labels import LABEL_SCHEMES, label_scheme
from core.registry.metrics import find_estimate
from core.registry.reading import SPREADS, ReadingRoom
from core.types import RunRecord
from pages.ui import cache, running, triage_cache
from pages.ui.blocks import chart, error_box, plain, prose, split_badges
from pages.ui.triage_list import question_title

NOT_SAID = (
    "It is a count of minutes, not of harm: nobody knows here what a minute costs the ill or the healthy.",
    "Scores are there as soon as a picture is, readers follow the list to the letter and read every picture with the "
    "same care; reading times do not depend on what a picture shows.",
    "Pictures come at one rate, day and night; a morning's rush makes longer lists, on which an order matters more.",
    "Nothing brings a picture forward once it has waited long: at the end of the list a healthy person can wait for "
    "hours.",
    "The pictures are those of this test part. Where others come in, a network does worse than here, and the ill of "
    "another clinic are ill in other ways.",
    "MedLens is no medical device: do not order anybody's pictures by it.",
)


def show_room(records: Sequence[RunRecord]) -> None:
    """Choose a run and what is urgent in it, then move the sliders."""
    record = running.choose_run(records)
    sums = _sums(record)
    questions = {q.name: q for q in (*sums, *_classes(record))}
    name = next(iter(questions)) if len(questions) == 1 else None
    if name is None:
        name = st.selectbox(
            t("Who counts as ill"), list(questions), index=0 if sums else None,
            key=f"room-question-{record.run_id}", placeholder=t("Choose what should be read first"),
            format_func=question_title,
        )  # fmt: skip
    split_badges(record)
    if name is None:
        st.caption(t("This run has several answers: say which of them should be read first."))
        return
    _show_sliders(record, questions[name])


@st.fragment
def _show_sliders(record: RunRecord, question: Question) -> None:
    first, second, third = st.columns(3, gap="large")
    with first:
        readers = st.slider(t("Readers"), 1, 10, 2, key="room-readers")
        minutes = st.slider(t("Minutes a picture, on average"), 0.5, 20.0, 5.0, step=0.5, key="room-minutes")
    with second:
        per_hour = st.slider(t("Pictures that arrive in an hour"), 1, 120, 21, key="room-rate")
        prevalence = st.slider(t("Ill among them"), 1, 50, 10, format="%d %%", key="room-prevalence")
    with third:
        limit = st.slider(t("Too long: more than so many minutes"), 5, 240, 30, step=5, key="room-limit")
        spread = st.selectbox(t("Reading times"), SPREADS, format_func=figures.spread_words, key="room-spread")
    try:
        room = ReadingRoom(
            readers=readers, minutes=minutes, per_hour=per_hour, prevalence=prevalence / 100, spread=spread
        )
        waiting = triage_cache.waiting_times(record, question, room)
    except MedLensError as error:
        error_box(str(error))
        return
    summaries = wait_summaries(waiting, limit)
    seeds = len(SEEDS)
    with st.container(border=True):
        st.markdown(f"#### {figures.waiting_sentence(summaries, seeds)}")
        st.markdown(figures.missed_sentence(summaries))
        st.caption(f"{figures.limit_sentence(summaries)} {figures.bound_sentence(summaries)}")
    chart(
        figures.waiting_figure(wait_curves(waiting, list(figures.LOOKS)), limit, seeds),
        alt=figures.waiting_sentence(summaries, seeds).replace("**", ""),
        key="room-figure",
    )
    st.caption(
        f"{figures.room_sentence(room, room.utilisation)} "
        + t(
            "{seeds} seeds of {count} pictures; the first {share} of each fill the room and are not counted. Bands and "
            "brackets: lowest to highest of the seeds, each with other arrivals, other reading times and other "
            "patients drawn from the test part.",
            seeds=seeds,
            count=f"{N_IMAGES:,}",
            share=percent(WARM_UP_SHARE),
        )
    )
    st.dataframe(
        figures.waiting_table(summaries), hide_index=True, width="stretch", height="content",
        alt=t("Waiting times of each group in each order: half within, nine in ten within, mean, share over the limit"),
    )  # fmt: skip
    st.caption(_data_sentence(record, question, prevalence / 100))
    st.subheader(t("What this does not say"), anchor=False)
    prose("\n".join(f"- {plain(t(line))}" for line in NOT_SAID))


def _sums(record: RunRecord) -> tuple[Question, ...]:
    """What several classes of the run's labels answer together, such as pneumonia of either cause."""
    scheme, dataset = record.spec.label_scheme, record.spec.dataset
    if scheme not in LABEL_SCHEMES or dataset not in DATASETS:
        return ()
    sums = label_scheme(scheme, DATASETS[dataset]).sums
    return tuple(Question(name=name, classes=tuple(classes)) for name, classes in sums.items())


def _classes(record: RunRecord) -> tuple[Question, ...]:
    evaluation = evaluation_of(record)
    positive = evaluation.positive_class if evaluation is not None else None
    return class_questions(record.task, record.class_names, positive)


def _data_sentence(record: RunRecord, question: Question, prevalence: float) -> str:
    pred = cache.predictions(record)
    ill = urgent_truth(pred, question)
    evaluation = evaluation_of(record)
    single = question.classes[0] if len(question.classes) == 1 and record.task != "binary" else None
    found = find_estimate(evaluation, "auc", single) if evaluation is not None else None
    ranks = single is not None or record.task == "binary"
    quality = f" {estimate_text(found, group_field_of(record))}." if found is not None and ranks else ""
    words = t(
        "Ill: labelled {name}. Scores and truth: the test part, {images}, {ill} of them ill ({share}); they are drawn "
        "again to be {prevalence}.",
        name=question_title(question.name), images=counted(len(pred), pred.n_groups, group_field_of(record)),
        ill=f"{int(ill.sum()):,}", share=percent(float(ill.mean())), prevalence=the_percent(prevalence),
    )  # fmt: skip
    return plain(words + quality)
