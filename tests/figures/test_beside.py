"""A network and its heads on one picture: bars, table and the sentence on how far they agree."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.figures.beside import agreement_words, beside_figure, beside_rows, population_words
from core.store.models import load_card
from core.store.siblings import load_siblings

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture(scope="module")
def shipped():
    card = load_card("chest-xray-pneumonia", MODELS)
    return card, load_siblings(card, MODELS)


ALIKE = np.array([[0.1, 0.7, 0.2], [0.1, 0.8, 0.1], [0.3, 0.5, 0.2], [0.0, 0.995, 0.005], [0.2, 0.6, 0.2]])


def test_agreement_names_the_class_and_the_range(shipped):
    card, _ = shipped
    said = agreement_words(ALIKE, card).replace("\u00a0", " ")
    assert said == "All 5 give the highest probability to Bacterial pneumonia: from 50 % to over 99 %."
    apart = ALIKE.copy()
    apart[2] = [0.1, 0.3, 0.6]
    said = agreement_words(apart, card).replace("\u00a0", " ")
    assert said.startswith("4 of 5 give the highest probability to Bacterial pneumonia; for it they say 30 % to")


def test_every_head_has_a_bar_in_every_row_in_the_order_of_the_table(shipped):
    card, found = shipped
    figure = beside_figure(ALIKE, card, found, card.class_names)
    assert [bar.name for bar in figure.data][:2] == ["The network itself", "MLP (two small layers)"]
    for bar, row in zip(figure.data, ALIKE, strict=True):
        np.testing.assert_allclose(bar.x, row)
        assert list(bar.y) == list(card.class_names)
    assert len({bar.marker.color for bar in figure.data}) == 5
    one = beside_figure(ALIKE, card, found, [card.class_names[2]])
    assert [bar.x[0] for bar in one.data] == list(ALIKE[:, 2])
    rows = beside_rows(card, found)
    assert [row["Decides by"] for row in rows] == [bar.name for bar in figure.data]
    assert rows[0]["AUC on test"] == "0.926 (0.904–0.945)"
    assert list(figure.data[3].textposition) == ["outside", "inside", "outside"], "99 % leaves no room behind the bar"


def test_the_population_is_named_and_a_head_without_a_number_says_so(shipped):
    card, found = shipped
    said = population_words(card, found)
    assert "3,129 images of 1,583 patients of the training part" in said
    assert "1,044 images of 525 patients" in said
    bare = replace(found, siblings=tuple(replace(s, estimates=()) for s in found.siblings))
    assert beside_rows(card, bare)[1]["AUC on test"] == "not measured"
    assert "not measured" in population_words(card, bare)
