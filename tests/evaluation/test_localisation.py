"""Heat maps against marks: golden values by hand, chance where chance is due, and no credit for empty maps."""

import numpy as np
import pytest

from core.evaluation.localisation import (
    against_mark,
    against_shortcuts,
    area_share,
    border_mask,
    corner_mask,
    grown,
    heat_inside,
    mean_estimates,
    peak_pixels,
    pointing_hit,
    swapped_hits,
)

HEAT = np.array([[0.0, 1.0, 2.0], [0.0, 5.0, 0.0], [1.0, 0.0, 1.0]])  # 10 in all, hottest in the middle


def region(*rows):
    return np.array([[letter == "x" for letter in row] for row in rows])


@pytest.mark.parametrize(
    ("mark", "hit", "inside", "area"),
    [
        (region("...", ".x.", "..."), 1, 0.5, 1 / 9),
        (region("..x", "...", "..."), 0, 0.2, 1 / 9),
        (region(".xx", ".xx", "..."), 1, 0.8, 4 / 9),  # 1 + 2 + 5 + 0
        (region("x..", "x..", "x.."), 0, 0.1, 3 / 9),
    ],
)
def test_hit_heat_and_area_are_those_counted_by_hand(mark, hit, inside, area):
    assert pointing_hit(HEAT, mark) == hit
    assert heat_inside(HEAT, mark) == pytest.approx(inside)
    assert area_share(mark) == pytest.approx(area)
    found, chance = against_mark(HEAT, mark, (3, 3))
    assert found["energy_ratio"] == pytest.approx(inside / area)
    assert chance["heat_inside"] == chance["pointing_hit"] == pytest.approx(area)


def test_a_map_that_is_even_everywhere_gets_exactly_what_chance_gives():
    mark = np.zeros((12, 12), bool)
    mark[2:7, 3:5] = True
    found, chance = against_mark(np.full((12, 12), 0.7, np.float32), mark, (3, 3))
    assert found == pytest.approx(chance)
    assert found["energy_ratio"] == pytest.approx(1)


def test_an_empty_map_misses_every_mark_and_has_no_heat_in_the_border():
    found, _ = against_mark(np.zeros((6, 6)), np.ones((6, 6), bool), (2, 2))
    assert set(found.values()) == {0.0}
    assert np.isnan(list(against_shortcuts(np.zeros((6, 6)))[0].values())).all()
    assert len(peak_pixels(np.zeros((6, 6)))) == 0


def test_pixels_that_share_the_maximum_share_the_hit():
    heat = np.array([[3.0, 3.0, 3.0, 3.0], [0.0, 1.0, 2.0, 0.0]])
    assert pointing_hit(heat, region("x...", "xxxx")) == 0.25


@pytest.mark.parametrize(
    ("radius", "expected"),
    [
        (1.0, region(".....", "..x..", ".xxx.", "..x..", ".....")),
        (1.5, region(".....", ".xxx.", ".xxx.", ".xxx.", ".....")),  # the diagonal is 1.41 away
        (2.0, region("..x..", ".xxx.", "xxxxx", ".xxx.", "..x..")),
    ],
)
def test_a_region_grows_by_a_disc(radius, expected):
    point = np.zeros((5, 5), bool)
    point[2, 2] = True
    assert (grown(point, radius, radius) == expected).all()


@pytest.mark.parametrize("seed", range(6))
def test_growing_is_the_same_as_measuring_every_distance(seed):
    rng = np.random.default_rng(seed)
    mark = rng.random((int(rng.integers(3, 14)), int(rng.integers(3, 14)))) < 0.06
    mark[rng.integers(len(mark)), 0] = True
    rows_px, columns_px = rng.uniform(0.5, 6, 2)
    rows, columns = np.indices(mark.shape).reshape(2, -1, 1)
    near = ((rows - np.nonzero(mark)[0]) / rows_px) ** 2 + ((columns - np.nonzero(mark)[1]) / columns_px) ** 2 <= 1
    assert (grown(mark, rows_px, columns_px) == near.any(axis=1).reshape(mark.shape)).all()


@pytest.mark.parametrize(("column", "near"), [(4, 1.0), (5, 0.0)])
def test_half_a_cell_beside_the_mark_is_near_and_more_is_not(column, near):
    heat, mark = np.zeros((8, 8)), np.zeros((8, 8), bool)
    heat[3, column] = 1.0
    mark[3, 0:3] = True  # ends in column 2; a map of 2 x 2 cells has cells of 4 px
    found, chance = against_mark(heat, mark, (2, 2))
    assert found["pointing_hit"] == 0
    assert found["pointing_near"] == near
    assert chance["pointing_near"] > chance["pointing_hit"] == 3 / 64


def test_border_and_corners_are_a_tenth_and_a_fifth_of_the_side():
    assert border_mask(10).sum() == 36
    assert corner_mask(10).sum() == 16
    heat = np.zeros((10, 10))
    heat[0, 0], heat[0, 5], heat[5, 5], heat[1, 1] = 1, 2, 4, 1
    found, area = against_shortcuts(heat)
    assert found == pytest.approx({"border_heat": 3 / 8, "corner_heat": 2 / 8})
    assert area == pytest.approx({"border_heat": 0.36, "corner_heat": 0.16})


def test_swapped_hits_are_counted_on_the_marks_of_other_patients_only():
    marks = [np.packbits(np.array(bits, bool)) for bits in (
        [1, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0],
    )]  # fmt: skip
    peaks = [np.array([0]), np.array([1]), np.array([0, 7]), np.array([], int)]
    hits = swapped_hits(peaks, marks, np.array(["a", "a", "b", "c"]))
    # a0: of b and c one has position 0; a1: both have position 1; b: both a have 0, c not, and none has 7; c: empty
    assert hits == pytest.approx([1 / 2, 1, (2 / 3 + 0) / 2, 0])
    assert np.isnan(swapped_hits(peaks[:2], marks[:2], np.array(["a", "a"]))).all()


def test_means_have_intervals_over_groups_and_leave_out_what_is_not_defined():
    values = {"hit": np.array([0.0, 0.0, 1.0, 1.0]), "border": np.array([0.5, np.nan, 0.25, np.nan])}
    hit, border = mean_estimates(values, np.array(["p", "p", "q", "q"]), split="test", unit="patients")
    # two patients: half of the resamples hold both, a quarter each one of them twice
    assert (hit.value, hit.low, hit.high, hit.n_images, hit.n_groups) == (0.5, 0.0, 1.0, 4, 2)
    assert hit.method == "bootstrap over patients, 1000 resamples"
    assert (border.value, border.low, border.high, border.n_images) == (0.375, 0.25, 0.5, 2)


def test_an_interval_is_that_of_the_mean_of_a_normal_sample():
    drawn = np.random.default_rng(0).normal(3, 2, 400)
    (found,) = mean_estimates({"m": drawn}, np.arange(400), split="test", unit="images")
    half = 1.96 * drawn.std() / 20
    assert found.low == pytest.approx(found.value - half, abs=0.03)
    assert found.high == pytest.approx(found.value + half, abs=0.03)


def test_one_group_gives_a_value_without_an_interval_and_nothing_gives_none():
    (one,) = mean_estimates({"m": np.array([1.0, 0.0])}, np.array(["a", "a"]), split="test", unit="patients")
    assert (one.value, one.low, one.high) == (0.5, None, None)
    (none,) = mean_estimates({"m": np.full(3, np.nan)}, np.arange(3), split="test", unit="patients")
    assert (none.value, none.low, none.n_images, none.n_groups) == (None, None, 0, 0)
