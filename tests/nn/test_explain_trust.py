"""The numbers of the trust strip on a network made by hand: it looks at one place, or at none."""

import numpy as np
import pytest
from scipy import stats

from core.nn.explain_trust import DRAWS, SHARE, agreement, hiding, hot_part

SIDE = 40


def picture():
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[4:12, 20:28] = 250
    return image


def brightest_spot(batch):
    """P(class 1) is the mean brightness of the place where the spot is, of 255."""
    seen = batch[:, 4:12, 20:28, 0].mean(axis=(1, 2)) / 255
    return np.stack([1 - seen, seen], axis=1)


def heat_at(rows, columns):
    heat = np.zeros((SIDE, SIDE))
    heat[rows, columns] = 1.0
    return heat


def test_a_map_of_the_place_that_counts_falls_further_than_anywhere_else():
    calls = []

    def counted(batch):
        calls.append(len(batch))
        return brightest_spot(batch)

    found = hiding(counted, picture(), heat_at(slice(4, 12), slice(20, 28)), 1)
    assert calls == [DRAWS + 2]
    assert found.before == pytest.approx(250 / 255)
    assert found.hot < 0.5
    assert found.share == pytest.approx(64 / 1600)  # less than a fifth is warm
    assert found.beaten == DRAWS
    assert found.mean_elsewhere > 0.8
    assert found == hiding(brightest_spot, picture(), heat_at(slice(4, 12), slice(20, 28)), 1)


def test_a_map_of_another_place_does_not():
    found = hiding(brightest_spot, picture(), heat_at(slice(28, 40), slice(0, 12)), 1)
    assert found.hot == found.before
    assert found.beaten == 0


def test_hidden_parts_have_the_shape_of_the_hot_one_wherever_they_are():
    seen = []

    def watch(batch):
        seen.extend(batch)
        return np.full((len(batch), 2), 0.5)

    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    found = hiding(watch, image, np.add.outer(np.arange(SIDE), np.arange(SIDE)) / (2 * SIDE), 0)
    assert found.share == pytest.approx(SHARE)
    changed = [(one != image).any(axis=2).sum() for one in seen[1:]]
    assert (seen[0] == image).all()
    assert max(changed) <= SHARE * image[..., 0].size
    assert min(changed) > 0.9 * SHARE * image[..., 0].size  # a blur leaves a pixel here and there as it was
    assert found.beaten == 0


def test_the_hottest_fifth_is_a_fifth_and_never_cold():
    heat = np.arange(100.0).reshape(10, 10)
    assert hot_part(heat).sum() == 20
    assert hot_part(heat)[8:].all()
    assert hot_part(np.zeros((10, 10))).sum() == 0
    assert hot_part(np.ones((10, 10))).sum() == 20


def test_agreement_is_spearmans_with_the_overlap_of_the_hottest_fifths():
    rng = np.random.default_rng(0)
    first, second = rng.random((10, 10)).round(1), rng.random((10, 10)).round(1)  # with ties
    found = agreement(first, second, (10, 10))
    assert found.rank_correlation == pytest.approx(stats.spearmanr(first.ravel(), second.ravel()).statistic, abs=1e-12)
    shared = (hot_part(first) & hot_part(second)).sum()
    assert (found.overlap, found.by_chance, found.cells) == (shared / 20, 0.2, 100)
    same = agreement(first, first, (10, 10))
    assert same.rank_correlation == pytest.approx(1)
    assert same.overlap == 1.0


def test_maps_are_compared_on_the_coarser_cells():
    fine = np.zeros((12, 12))
    fine[::2, ::2] = 1.0  # every cell of 2 x 2 has the same mean
    assert agreement(fine, np.arange(144.0).reshape(12, 12), (6, 6)).rank_correlation is None
    spot = np.zeros((SIDE, SIDE))
    spot[:10, :10] = 1.0
    moved = np.roll(spot, 20, axis=1)
    apart = agreement(spot, moved, (4, 4))
    assert (apart.overlap, apart.cells) == (0.0, 16)
    assert apart.rank_correlation == pytest.approx(-1 / 15)
    assert agreement(np.ones((224, 224)), spot[:, :], (7, 7)).rank_correlation is None


def test_an_uneven_grid_loses_no_pixel():
    heat = np.zeros((23, 23))
    heat[22, 22] = 1.0
    found = agreement(heat, heat, (7, 5))
    assert (found.rank_correlation, found.cells) == (pytest.approx(1), 35)
