"""Whom else the class is held against, on the pictures it has answered: heads, other models, stored runs.

None of them was trained on these pictures: heads stand on the training part of the model's own run, other models
and runs count only where all pictures of the round are in their own test part, or are drawn anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from core.errors import MedLensError
from core.evaluation.decision import decided_classes
from core.figures.beside import head_names
from core.figures.names import model_title, run_titles
from core.language import t
from core.types import ModelCard, RunRecord
from pages.ui import cache, door, quiz_deck
from pages.ui.blocks import error_box
from pages.ui.quiz_deck import QuizSource
from pages.ui.quiz_round import QuizRound

MOST_MODELS = 3  # beside the first: so many stay in memory together


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """Key -> the name to show, and key -> the decision for each answered picture, in their order."""

    names: Mapping[str, str]
    calls: Mapping[str, Sequence[str]]


def live_rivals(source: QuizSource, sources: Mapping[str, QuizSource], played: QuizRound) -> Rivals:
    """The heads beside the model, and other models of the same classes; each picture is asked about once a round."""
    others = _other_models(source, sources, played)
    paths = {picture.image_id: picture.path for picture in played.deck}
    new = [answer.image_id for answer in played.answers if answer.image_id not in played.others]
    if new:
        try:
            with st.spinner(t("Asking each of them…")):
                for image_id in new:
                    pixels = quiz_deck.picture_of(paths[image_id])
                    played.others[image_id] = _heads(source.card, pixels) | {
                        other.card.name: _decided(other.card, pixels) for other in others
                    }
        except MedLensError as error:
            error_box(str(error))
    asked = [played.others.get(answer.image_id, {}) for answer in played.answers]
    common = [key for key in (asked[0] if asked else {}) if all(key in answers for answers in asked)]
    names = _head_titles(source.card) | {other.card.name: model_title(other.card.title) for other in others}
    return Rivals(
        names={key: names.get(key, key) for key in common},
        calls={key: [answers[key] for answers in asked] for key in common},
    )


def _other_models(source: QuizSource, sources: Mapping[str, QuizSource], played: QuizRound) -> list[QuizSource]:
    card, found = source.card, []
    for other in sources.values():
        same = other.card.class_names == card.class_names and other.card.training_dataset == card.training_dataset
        if other.card.name == card.name or not same:
            continue
        if other.synthetic or (other.record is not None and _tested_on(other.record, played) is not None):
            found.append(other)
    return found[:MOST_MODELS]


def _heads(card: ModelCard, pixels: np.ndarray) -> dict[str, str]:
    """What each head beside the model decides for; nothing where there are none. Raises MedLensError."""
    from core.serve.beside import beside_answer, has_siblings

    answer = beside_answer(card.name, pixels) if has_siblings(card) else None
    if answer is None:
        return {}
    return {
        # every head has a cut of its own, chosen as the network's was
        sibling.key: decided_classes(row, replace(card, threshold=sibling.threshold))[0]
        for sibling, row in zip(answer.found.siblings, answer.probabilities[1:], strict=True)
    }


def _head_titles(card: ModelCard) -> dict[str, str]:
    from core.store.siblings import load_siblings

    try:
        found = load_siblings(card)
    except MedLensError:  # what is wrong with them has been said where they were asked
        return {}
    if found is None:
        return {}
    return {sibling.key: name for sibling, name in zip(found.siblings, head_names(found)[1:], strict=True)}


def _decided(card: ModelCard, pixels: np.ndarray) -> str:
    from core.data.images import fit_image

    probabilities, _ = door.scores(card.name, fit_image(pixels, card.preprocess)[None])
    return decided_classes(probabilities[0], card)[0]


def runs_there(source: QuizSource, played: QuizRound) -> list[RunRecord]:
    """Finished runs with the same data set and classes, which may have been tested on the pictures of the round."""
    if source.synthetic or not played.answers:
        return []
    card = source.card
    return [
        record for record in cache.finished_runs()
        if record.spec.dataset == card.training_dataset and record.class_names == card.class_names
        and record.run_id != card.run_id
    ]  # fmt: skip


def stored_rivals(records: Sequence[RunRecord], played: QuizRound) -> Rivals:
    """Those of `records` whose test part holds every picture of the round, with their stored decisions."""
    calls = {}
    for record in records:
        decided = _tested_on(record, played)
        if decided is not None:
            calls[record.run_id] = [decided[answer.image_id] for answer in played.answers]
    titles = run_titles([record for record in records if record.run_id in calls])
    return Rivals(names={key: titles[key] for key in calls}, calls=calls)


def _tested_on(record: RunRecord, played: QuizRound) -> dict[str, str] | None:
    """Image -> the run's decision, for the pictures of the round; None where one is not in its test part."""
    from core.evaluation.thresholds import decide

    try:
        scores = cache.predictions(record, "test")
    except MedLensError:  # its page says what is wrong with it
        return None
    threshold = next((e.threshold for e in record.evaluations if e.split == "test"), None)
    rows = {str(image_id): number for number, image_id in enumerate(scores.image_ids)}
    if threshold is None or any(picture.image_id not in rows for picture in played.deck):
        return None
    decisions = decide(scores, threshold)
    return {
        picture.image_id: scores.class_names[int(decisions[rows[picture.image_id]])] for picture in played.deck
    }  # fmt: skip
