"""What the Triage page keeps: the simulated reading rooms of stored runs, and the scores near a model's cut."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core import paths
from core.language import t
from core.store.runs import load_predictions
from core.types import Estimate, ModelCard, RunRecord
from pages.ui import cache

if TYPE_CHECKING:
    from core.evaluation.reading_room import Waiting
    from core.evaluation.triage import Question
    from core.registry.reading import ReadingRoom


def waiting_times(record: RunRecord, question: "Question", room: "ReadingRoom") -> "Waiting":
    """The run's test images through a simulated reading room. Raises MedLensError."""
    with st.spinner(t("Reading the lists…")):
        return _waiting_times(record.run_id, question.classes, room, _sums(record), str(paths.results_folder()), record)


@st.cache_resource(max_entries=16, show_spinner=False)  # frozen; 1.5 MB each
def _waiting_times(
    run_id: str,
    classes: tuple[str, ...],
    room: "ReadingRoom",
    sums: tuple[tuple[str, str], ...],
    folder: str,
    _record: RunRecord,
) -> "Waiting":
    from core.evaluation.reading_room import simulate
    from core.evaluation.thresholds import decide
    from core.evaluation.triage import Question, called_by, urgency, urgent_truth

    pred = load_predictions(run_id, "test", Path(folder))
    question = Question(name="", classes=classes)
    threshold = next(e.threshold for e in _record.evaluations if e.split == "test")
    return simulate(
        urgency(pred.y_prob, pred.class_names, question),
        urgent_truth(pred, question),
        called_by(pred, decide(pred, threshold), question),
        pred.groups,
        room,
    )


def cut_band(card: ModelCard, question: "Question") -> tuple[float, float] | None:
    """The scores near a model's cut, from the stored test scores of its run; None where that run is not here."""
    record = next((r for r in cache.finished_runs() if r.run_id == card.run_id), None)
    if record is None or question.cut is None or record.class_names != card.class_names:
        return None
    key = (card.run_id, card.temperature, question.classes, question.cut, question.estimates)
    return _cut_band(*key, _sums(record), str(paths.results_folder()))


@st.cache_data(max_entries=32, show_spinner=False)
def _cut_band(
    run_id: str,
    temperature: float,
    classes: tuple[str, ...],
    cut: float,
    estimates: tuple[Estimate, ...],
    sums: tuple[tuple[str, str], ...],
    folder: str,
) -> tuple[float, float] | None:
    from core.evaluation.calibration import apply_temperature
    from core.evaluation.triage import Question, score_table
    from core.evaluation.triage import cut_band as near

    pred = apply_temperature(load_predictions(run_id, "test", Path(folder)), temperature)
    return near(score_table(pred, Question(name="", classes=classes)), cut, estimates)


def _sums(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """The sha256 of the run's files: what is cached under them cannot be stale."""
    return tuple(sorted(record.artifacts.items()))
