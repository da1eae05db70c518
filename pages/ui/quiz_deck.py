"""The pictures of a quiz: drawn phantoms, or the test part of a data set at hand, with the network that answers them.

No network here was trained on a picture that it is asked about: phantoms come from seeds of the quiz's own, and of a
data set only images that the model's own run kept for its test part.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core import paths
from core.evaluation.quiz import QuizPicture, mixed_deck
from core.registry.datasets import DATASETS
from core.registry.labels import LABEL_SCHEMES
from core.types import ModelCard, RunRecord
from pages.ui import cache

DECK = 12  # pictures of a round: a quarter of an hour with a class
QUIZ_SEED = 610_000  # plus the round; phantom runs have other seeds, and `quiz_sources` refuses one that has not
PATIENTS = 120  # drawn on paper only; enough for half a deck with a nodule, which one image in ten has
SHOWN_PX = 448  # of a phantom: sharp on a wall; the network gets the same picture


@dataclass(frozen=True, slots=True, kw_only=True)
class QuizSource:
    """A kind of pictures and the network that answers them; `record` is its run where that is stored."""

    card: ModelCard
    record: RunRecord | None

    @property
    def synthetic(self) -> bool:
        """Whether the pictures are drawn."""
        return self.card.training_dataset in DATASETS and DATASETS[self.card.training_dataset].synthetic


def quiz_sources(
    cards: Sequence[ModelCard], records: Sequence[RunRecord], at_hand: Sequence[str]
) -> dict[str, QuizSource]:
    """Model name -> source, phantoms first: one class a picture, and a known truth for pictures it never saw."""
    runs, found = {record.run_id: record for record in records}, []
    for card in cards:
        if card.task == "multilabel" or card.tabular_inputs:
            continue
        source = QuizSource(card=card, record=runs.get(card.run_id))
        if _drawn_anew(source) or _has_test_part(source, at_hand):
            found.append(source)
    return {source.card.name: source for source in sorted(found, key=lambda s: (not s.synthetic, s.card.name))}


def _drawn_anew(source: QuizSource) -> bool:
    """Can phantoms be drawn for it that its run has not seen?"""
    seed = 0 if source.record is None else source.record.spec.dataset_options.get("seed", 0)
    return source.synthetic and _scheme(source.card) is not None and int(seed) < QUIZ_SEED


def _has_test_part(source: QuizSource, at_hand: Sequence[str]) -> bool:
    """Does its run say which pictures of a data set at hand it kept for the test part?"""
    card, record = source.card, source.record
    return record is not None and record.class_names == card.class_names and card.training_dataset in at_hand


def _scheme(card: ModelCard) -> str | None:
    """The label scheme that gives a data set's pictures the classes of a card."""
    keys = DATASETS[card.training_dataset].label_schemes
    return next((key for key in keys if LABEL_SCHEMES[key].class_names == card.class_names), None)


def deck(source: QuizSource, number: int) -> tuple[QuizPicture, ...]:
    """The pictures of round `number`, the classes in equal parts as far as there are pictures. Raises MedLensError."""
    record = source.record
    run = "" if record is None else record.run_id
    return _deck(source.card.name, source.card.sha256, run, str(paths.data_folder()), number, source)


@st.cache_resource(max_entries=16, show_spinner=False)
def _deck(
    name: str, sha256: str, run_id: str, folder: str, number: int, _source: QuizSource
) -> tuple[QuizPicture, ...]:
    rng = np.random.default_rng([QUIZ_SEED, number])
    if _source.synthetic:
        return mixed_deck(_phantoms(_source.card, number), rng, DECK)
    return mixed_deck(_test_part(_source), rng, DECK)


def _phantoms(card: ModelCard, number: int) -> list[QuizPicture]:
    """One image of each drawn patient of the round."""
    from core.data.labelling import apply_scheme
    from core.data.load import load_table
    from core.registry.labels import label_scheme

    options = {"patients": PATIENTS, "seed": QUIZ_SEED + number, "size_px": SHOWN_PX}
    table = load_table(card.training_dataset, options=options)
    labelled = apply_scheme(table, label_scheme(str(_scheme(card)), table.spec), min_per_class=1)
    last = ~labelled.rows["group"].duplicated(keep="last").to_numpy()  # the image in which a nodule has grown most
    return [
        QuizPicture(str(row.image_id), str(row.path), labelled.scheme.class_names[int(y)])
        for row, y in zip(labelled.rows[last].itertuples(), labelled.y_true[last], strict=True)
    ]


def _test_part(source: QuizSource) -> list[QuizPicture]:
    """One test image of each patient, as far as it lies in the data folder."""
    if source.record is None:
        return []
    test = cache.predictions(source.record, "test")
    rows = cache.dataset_table(source.card.training_dataset).rows
    files = dict(zip(rows["image_id"].astype(str), rows["path"].astype(str), strict=True))
    pictures, groups = [], set()
    for image_id, group, y in zip(test.image_ids, test.groups, test.y_true, strict=True):
        if str(image_id) in files and group not in groups:
            groups.add(group)
            pictures.append(QuizPicture(str(image_id), files[str(image_id)], test.class_names[int(y)]))
    return pictures


@st.cache_resource(max_entries=32, show_spinner=False)
def picture_of(path: str) -> np.ndarray:
    """The pixels at `path`, uint8 (H, W, 3). Raises ImageRefused."""
    from core.data.sources import read_image

    return read_image(path)


@st.cache_resource(max_entries=64, show_spinner=False)
def planted_boxes(path: str, kind: str) -> tuple[tuple[float, float, float, float], ...]:
    """Where findings of a kind were planted in a phantom, in fractions; nothing for a picture that is no phantom."""
    from core.data.phantom import draw_phantom
    from core.data.phantom_path import is_phantom, parse_phantom_path

    if not is_phantom(path):
        return ()
    address = parse_phantom_path(path)
    phantom = draw_phantom(address.seed, address.patient, address.image, address.size_px)
    return tuple(box[1:] for box in phantom.boxes if box[0] == kind.lower())
