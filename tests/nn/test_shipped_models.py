"""The models in this repository: whole, small enough, reproducible, and looking where the finding is."""

from pathlib import Path

import numpy as np
import pytest

from core.data.phantom import draw_phantom
from core.evaluation.decision import decided_classes
from core.store.models import list_models, verify_model
from core.store.runs import load_record

pytestmark = pytest.mark.keras
MODELS = Path(__file__).resolve().parents[2] / "models"
NAMES = [card.name for card in list_models(MODELS).cards]
UNSEEN_SEED = 1234  # the shipped models learnt from phantoms of seed 7


def test_the_two_shipped_models_are_there_and_nothing_is_damaged():
    assert set(NAMES) >= {"phantom-nodule", "chest-xray-pneumonia"}
    assert list_models(MODELS).damaged == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_model_is_whole_reproduces_its_golden_outputs_and_comes_from_a_stored_run(name):
    from core.nn.serving import GOLDEN_TOLERANCE, Predictor

    card = verify_model(name, MODELS)
    assert card.model_bytes <= 25e6
    assert Predictor.load(name, MODELS).golden_difference <= GOLDEN_TOLERANCE
    record = load_record(card.run_id, MODELS.parent / "results")
    assert record.class_names == card.class_names
    assert record.status == "done"


@pytest.fixture(scope="module")
def nodules():
    """(pixels, nodule boxes) of phantoms with a nodule that no training has seen."""
    found = []
    for patient in range(400):
        phantom = draw_phantom(UNSEEN_SEED, patient, 0)
        if "nodule" in phantom.tokens:
            found.append((phantom.pixels, [box[1:] for box in phantom.boxes if box[0] == "nodule"]))
        if len(found) == 30:
            break
    return found


def near(row, column, boxes, side, cells):
    """Is a pixel of the (side, side) map in a box, or within one cell of one?"""
    margin = side / cells
    return any(
        x * side - margin <= column <= (x + w) * side + margin and y * side - margin <= row <= (y + h) * side + margin
        for x, y, w, h in boxes
    )


def test_the_map_of_the_phantom_model_peaks_at_the_planted_nodule(nodules):
    from core.nn.serving import Predictor

    predictor = Predictor.load("phantom-nodule", MODELS)
    found, pointed, by_chance = 0, 0, []
    for pixels, boxes in nodules:
        result = predictor.predict(pixels)
        heat = result.heatmaps[1]
        if decided_classes(result.probabilities, predictor.card) != ("Nodule",):
            continue
        found += 1
        side, cells = heat.values.shape[0], heat.grid[0]
        pointed += near(*np.unravel_index(heat.values.argmax(), heat.values.shape), boxes, side, cells)
        places = np.random.default_rng(found).integers(0, side, (200, 2))
        by_chance.append(np.mean([near(r, c, boxes, side, cells) for r, c in places]))
    assert found >= 0.7 * len(nodules)
    assert pointed >= 0.7 * found
    assert np.mean(by_chance) < 0.25  # so that 0.7 is no gift
