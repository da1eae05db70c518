"""Heat over pictures: cold parts untouched, sizes and places right, nothing written into what came in."""

import numpy as np
import pytest

from core.figures import overlay
from core.figures.sheet import MIN_WIDTH, captioned_overlay
from core.types import PreprocessSpec


def picture(height=40, width=60):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_where_there_is_no_heat_the_picture_keeps_its_pixels():
    heat = np.zeros((40, 60))
    heat[:, 30:] = 1.0
    blended = overlay.blend(picture(), heat, 1.0)
    assert (blended[:, :30] == picture()[:, :30]).all()
    assert (blended[:, 30:] == np.rint(overlay.heat_ramp()[255])).all()


def test_strength_nought_changes_nothing_and_the_input_is_never_written():
    given, heat = picture(), np.full((40, 60), 0.5)
    before = given.copy()
    assert (overlay.blend(given, heat, 0.0) == before).all()
    overlay.blend(given, heat, 1.0)
    assert (given == before).all()


def test_half_heat_at_half_strength_is_a_quarter_of_the_colour():
    black = np.zeros((1, 1, 3), dtype=np.uint8)
    got = overlay.blend(black, np.array([[0.5]]), 0.5)[0, 0]
    assert got.tolist() == np.rint(overlay.heat_ramp()[128] * 0.25).astype(int).tolist()


def test_resizing_keeps_the_centre_of_mass_and_the_range():
    values = np.zeros((7, 7))
    values[2, 5] = 1.0
    large = overlay.resize_map(values, 224, 224)
    assert large.shape == (224, 224)
    assert large.min() >= 0 and large.max() <= 1
    rows, columns = np.mgrid[0:224, 0:224]
    assert (large * rows).sum() / large.sum() == pytest.approx(2.5 * 32 - 0.5, abs=0.5)
    assert (large * columns).sum() / large.sum() == pytest.approx(5.5 * 32 - 0.5, abs=0.5)


def test_resizing_two_cells_to_four_is_worked_by_hand():
    # centres of the new cells lie at -0.25, 0.25, 0.75, 1.25 of the old ones; the outer two are held at the edge
    assert overlay.resize_map(np.array([[0.0, 1.0]]), 1, 4).tolist() == [[0.0, 0.25, 0.75, 1.0]]


@pytest.mark.parametrize("mode", ["stretch", "pad", "crop"])
def test_a_map_lies_over_the_same_place_of_the_original_as_of_the_square(mode):
    from core.data.images import fit_image

    given = np.zeros((100, 200, 3), dtype=np.uint8)
    given[40:60, 90:110] = 255  # a mark in the middle, seen by every mode
    spec = PreprocessSpec(size_px=64, resize_mode=mode)
    heat = fit_image(given, spec)[..., 0] / 255
    placed = overlay.heat_on_picture(heat, spec, 100, 200)
    assert placed.shape == (100, 200)
    assert placed[44:56, 94:106].min() > 0.8
    assert placed[:, :80].max() < 0.05
    assert placed[:30].max() < 0.05


def test_a_large_picture_is_shrunk_by_averaging_and_a_small_one_is_left():
    checker = np.indices((64, 64)).sum(axis=0) % 2 * 255
    large = np.repeat(checker[..., None], 3, axis=2).astype(np.uint8)
    shrunk = overlay.shrink(large, 32)
    assert shrunk.shape == (32, 32, 3)
    assert set(np.unique(shrunk)) == {128}  # 127.5 rounds to even
    assert overlay.shrink(large, 64) is large


def test_a_box_is_framed_and_the_inside_stays():
    grey = np.full((100, 100, 3), 90, dtype=np.uint8)
    framed = overlay.draw_boxes(grey, ((0.2, 0.3, 0.4, 0.5),))
    assert framed[30, 40].tolist() == [255, 214, 64]
    assert framed[50, 20].tolist() == [255, 214, 64]
    assert (framed[40:70, 30:50] == 90).all()
    assert (grey == 90).all()


def test_a_box_over_the_edge_is_cut_there():
    grey = np.full((50, 50, 3), 90, dtype=np.uint8)
    assert overlay.draw_boxes(grey, ((-0.2, 0.5, 2.0, 2.0),)).shape == grey.shape


def test_the_outline_of_a_mask_lies_on_its_border():
    mask = np.zeros((60, 60))
    mask[20:40, 20:40] = 255
    grey = np.full((60, 60, 3), 90, dtype=np.uint8)
    drawn = (overlay.draw_outline(grey, mask) != 90).any(axis=2)
    assert drawn[20, 30] and drawn[30, 39]
    assert not drawn[25:35, 25:35].any()
    assert not drawn[:20].any()


@pytest.mark.parametrize(
    ("rows", "columns", "place"),
    [((0, 10), (0, 10), "upper left"), ((50, 60), (25, 35), "lower centre"), ((25, 35), (25, 35), "centre")],
)
def test_the_words_say_where_a_map_is_warm(rows, columns, place):
    heat = np.zeros((60, 60))
    heat[slice(*rows), slice(*columns)] = 1.0
    assert f"in the {place} of the picture" in overlay.attention_words(heat, is_empty=False)
    assert "on 3 % of it" in overlay.attention_words(heat, is_empty=False)


def test_an_empty_map_has_its_own_words():
    assert overlay.attention_words(np.zeros((5, 5)), is_empty=True) == "no part of the picture"


def test_the_sheet_holds_the_overlay_the_bar_and_the_words():
    sheet = captioned_overlay(picture(200, 100), ["This is not a diagnosis. " * 5], 0.6)
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] == MIN_WIDTH
    assert sheet.shape[0] > 2 * MIN_WIDTH + 60  # 200 x 100 enlarged, then bar and text
    below = sheet[2 * MIN_WIDTH :]
    assert (below.min(axis=2) < 80).any()  # ink


def test_of_two_warm_places_the_warmer_one_is_named_and_not_the_middle():
    heat = np.zeros((60, 60))
    heat[25:35, 0:8] = 0.8
    heat[25:35, 52:60] = 1.0
    assert "in the middle right of the picture" in overlay.attention_words(heat, is_empty=False)
