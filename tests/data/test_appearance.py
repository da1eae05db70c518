"""What pictures look like in numbers: the numbers themselves, and what they do not depend on."""

import numpy as np
import pytest

from core.data.appearance import LENGTH, appearance, cells, colour_summary

LAYOUT, COLOUR, GREY, TEXTURE, EDGES = (
    slice(0, 144), slice(144, 178), slice(178, 194), slice(194, 198), slice(198, 326),
)  # fmt: skip


def flat(red, green, blue, side=48):
    return np.full((1, side, side, 3), (red, green, blue), np.uint8)


def test_a_flat_grey_picture_has_one_brightness_no_colour_and_no_texture():
    (row,) = appearance(flat(128, 128, 128))
    assert row.shape == (326,) == (LENGTH,)
    np.testing.assert_allclose(row[LAYOUT], 128 / 255, rtol=1e-5)
    np.testing.assert_allclose(row[COLOUR], 0, atol=1e-6)
    assert row[GREY].tolist() == [0.0] * 8 + [1.0] + [0.0] * 7
    np.testing.assert_allclose(row[TEXTURE], np.log(0.5), atol=1e-3)
    np.testing.assert_allclose(row[EDGES], np.sqrt(1 / 8), rtol=1e-5)


def test_colour_is_red_and_blue_against_green():
    (row,) = appearance(flat(200, 100, 50))
    np.testing.assert_allclose(row[COLOUR], [100 / 255] * 16 + [-50 / 255] * 16 + [100 / 255, 50 / 255], rtol=1e-5)


def test_edges_tell_upright_from_lying_lines():
    lines = np.zeros((1, 64, 64, 3), np.uint8)
    lines[:, :, ::8] = lines[:, :, 1::8] = lines[:, :, 2::8] = lines[:, :, 3::8] = 255
    upright, lying = (appearance(p)[0][EDGES].reshape(16, 8) for p in (lines, lines.transpose(0, 2, 1, 3)))
    assert upright[:, 0].min() > 0.9
    assert lying[:, 4].min() > 0.9
    assert upright[:, 4].max() < 0.2


def test_fine_texture_shows_at_the_first_scale_and_is_gone_at_the_third():
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    found = appearance(np.repeat(checks[..., None], 3, axis=2)[None].astype(np.uint8))[0][TEXTURE]
    assert found[0] == pytest.approx(np.log(1020.5), rel=1e-3)  # 4 x 255 on every pixel
    assert found[2] == pytest.approx(np.log(0.5), abs=1e-3)


def test_cells_that_do_not_divide_the_side_still_hold_every_pixel():
    values = np.arange(7 * 7, dtype=np.float64).reshape(7, 7)
    found = cells(values, 2)
    np.testing.assert_allclose(found, [[values[:3, :3].mean(), values[:3, 3:].mean()],
                                       [values[3:, :3].mean(), values[3:, 3:].mean()]])  # fmt: skip


@pytest.mark.parametrize("side", [16, 33, 112, 225])
def test_every_side_gives_as_many_finite_numbers_and_pictures_do_not_mix(side):
    pictures = np.random.default_rng(1).integers(0, 256, (3, side, side, 3)).astype(np.uint8)
    rows = appearance(pictures)
    assert rows.shape == (3, 326)
    assert np.isfinite(rows).all()
    np.testing.assert_array_equal(rows[1], appearance(pictures[1:2])[0])


def test_colour_alone_is_six_numbers_and_they_do_not_know_of_layout():
    picture = flat(200, 100, 50, side=64)
    picture[:, :32] = (100, 100, 100)  # the upper half is grey
    (found,) = colour_summary(appearance(picture))
    expected = [50 / 255, -25 / 255, 50 / 255, 25 / 255, np.log(50.5), np.log(25.5)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(colour_summary(appearance(picture[:, ::-1])), [expected], rtol=1e-4)


def test_grey_is_far_from_the_faintest_colour_of_skin():
    grey, faint = (colour_summary(appearance(flat(*rgb)))[0] for rgb in ((140, 140, 140), (150, 140, 136)))
    assert grey[4] == grey[5] == pytest.approx(np.log(0.5))
    assert faint[4] - grey[4] > 3
