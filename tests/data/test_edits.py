"""Pictures changed on purpose: each change by hand, the original untouched, the same bytes every time."""

import numpy as np
import pytest

from core.data.edits import CORNERS, FILLS, Edit, blurred, edited, hidden, patch_mask
from core.errors import SpecInvalid


def noise(height=40, width=60, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_no_change_gives_the_same_pixels_in_a_new_array():
    picture = noise()
    made = edited(picture, Edit())
    np.testing.assert_array_equal(made, picture)
    assert not np.shares_memory(made, picture)


def test_light_and_contrast_are_what_they_say_and_stop_at_black_and_white():
    picture = np.array([[[0, 100, 200]]], np.uint8)
    assert edited(picture, Edit(brightness=0.2)).tolist() == [[[51, 151, 251]]]
    assert edited(picture, Edit(brightness=0.5)).tolist() == [[[128, 228, 255]]]  # 127.5 is rounded to even
    # (value - 127.5) * 2 + 127.5
    assert edited(picture, Edit(contrast=2.0)).tolist() == [[[0, 72, 255]]]


def test_a_quarter_turn_is_a_quarter_turn_and_a_cut_leaves_the_middle():
    picture = noise(40, 40)
    np.testing.assert_array_equal(edited(picture, Edit(rotation_degrees=90)), np.rot90(picture))
    np.testing.assert_array_equal(edited(noise(), Edit(crop=0.1)), noise()[4:36, 6:54])
    assert edited(noise(16, 16), Edit(crop=0.45)).shape == (2, 2, 3)


@pytest.mark.parametrize("fill", FILLS)
def test_a_patch_hides_its_pixels_and_no_other(fill):
    picture = noise()
    made = edited(picture, Edit(patches=((0.5, 0.25, 0.25, 0.5),), fill=fill))
    inside = np.zeros((40, 60), bool)
    inside[10:30, 30:45] = True
    np.testing.assert_array_equal(made[~inside], picture[~inside])
    if fill == "black":
        assert made[inside].max() == 0
    elif fill == "mean":
        np.testing.assert_array_equal(made[inside], np.tile(np.rint(picture.mean(axis=(0, 1))), (300, 1)))
    else:
        assert made[inside].std() < 12 < picture[inside].std()


def test_patches_that_reach_beyond_the_picture_are_cut_and_may_be_drawn_backwards():
    assert patch_mask(((-1.0, -1.0, 1.5, 1.25),), 4, 4).sum() == 2  # one row, two columns
    np.testing.assert_array_equal(patch_mask(((0.5, 0.5, -0.5, -0.5),), 8, 8), patch_mask(((0, 0, 0.5, 0.5),), 8, 8))


def test_a_blur_keeps_how_bright_a_region_is_and_loses_a_spot():
    picture = np.zeros((112, 112, 3), np.uint8)
    picture[:, 56:] = 200
    picture[50:58, 20:28] = 255
    made = blurred(picture)
    assert made.shape == picture.shape
    assert made[54, 24].max() < 60
    assert made[54, 110, 0] > 150
    np.testing.assert_array_equal(hidden(picture, np.zeros((112, 112), bool)), picture)


@pytest.mark.parametrize("corner", CORNERS)
def test_a_letter_stands_in_its_corner(corner):
    picture = np.zeros((200, 300, 3), np.uint8)
    made = edited(picture, Edit(marker="L", corner=corner))
    rows, columns = np.nonzero(made[..., 0])
    assert made.max() == 255
    assert 12 <= np.ptp(rows) <= 24  # about 9 % of 200 px, as the font has it
    assert (rows.max() < 40) == corner.startswith("upper")
    assert (columns.max() < 50) == corner.endswith("left")
    assert rows.min() > 0 and columns.max() < 299


@pytest.mark.parametrize(
    "wrong",
    [{"contrast": float("nan")}, {"crop": 0.5}, {"brightness": 2}, {"fill": "paint"}, {"corner": "middle"},
     {"marker": "LEFT"}, {"marker": "\u00e9"}, {"patches": ((0, 0, float("inf"), 1),)}],
)  # fmt: skip
def test_what_is_no_change_is_refused(wrong):
    with pytest.raises(SpecInvalid):
        Edit(**wrong)
