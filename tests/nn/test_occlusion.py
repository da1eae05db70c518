"""Occlusion by hand: what is covered, what falls, and where it is drawn."""

import numpy as np
import pytest

from core.errors import ExplanationFailed
from core.nn import occlusion
from core.nn.occlusion import occlusion_maps

SIDE = 24  # patches of 4 pixels, every 2: 11 x 11 places


def spot(batch):
    """Column 0 is the share of white in a square at rows 4-8, columns 14-18; column 1 the rest of 1."""
    share = batch[:, 4:8, 14:18].astype(np.float64).mean(axis=(1, 2, 3)) / 255
    return np.stack([share, 1 - share], axis=1)


def picture():
    """Black, with the square in white: its mean colour is 255 * 16 / 576, rounded 7."""
    made = np.zeros((SIDE, SIDE, 3), np.uint8)
    made[4:8, 14:18] = 255
    return made


def test_the_drop_is_the_share_that_was_covered():
    found = occlusion_maps(picture(), spot)
    assert found.drops.shape == (2, 11, 11)
    assert found.patch_px == 4
    np.testing.assert_allclose(found.base, [1, 0])
    # the patch at rows 4-8 and columns 14-18 is place (2, 7): white becomes the mean colour 7
    assert found.drops[0, 2, 7] == pytest.approx(1 - 7 / 255)
    assert found.drops[1, 2, 7] == pytest.approx(-(1 - 7 / 255)), "what speaks against a class has a drop below 0"
    assert found.drops[0, 2, 6] == pytest.approx((1 - 7 / 255) / 2), "half of the square is covered"
    assert (found.drops[0, 5:] == 0).all()


def test_the_map_is_warm_on_the_square_and_cold_where_nothing_was_lost():
    cells = occlusion_maps(picture(), spot).cells(SIDE)
    assert cells.shape == (2, SIDE, SIDE)
    row, column = np.unravel_index(cells[0].argmax(), cells[0].shape)
    assert 4 <= row < 8 and 14 <= column < 18
    assert (cells[0][12:] == 0).all() and (cells[0][:, :10] == 0).all()


def test_it_works_in_turns_and_covers_the_last_border(monkeypatch):
    whole = occlusion_maps(picture(), spot)
    monkeypatch.setattr(occlusion, "BATCH_BYTES", 5 * picture().nbytes)
    np.testing.assert_array_equal(occlusion_maps(picture(), spot).drops, whole.drops)
    odd = np.zeros((31, 31, 3), np.uint8)
    odd[30, 30] = 255
    corner = occlusion_maps(odd, lambda batch: batch[:, 30, 30, :1] / 255)
    assert corner.drops[0, -1, -1] == 1
    assert np.count_nonzero(corner.drops) == 1


def test_what_cannot_be_covered_or_answers_nothing_is_refused():
    with pytest.raises(ExplanationFailed, match="a square picture"):
        occlusion_maps(np.zeros((24, 30, 3), np.uint8), spot)
    with pytest.raises(ExplanationFailed, match="not finite"):
        occlusion_maps(picture(), lambda batch: np.full((len(batch), 1), np.nan))
