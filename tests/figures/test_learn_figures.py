"""Figures of the lessons draw the numbers that they are given, and walls of maps keep every cell."""

import numpy as np
import pandas as pd
import pytest

from core.figures import learn_charts, learn_maps


def test_a_growing_curve_shows_the_points_tried_and_the_whole_one_at_the_end():
    tried = (np.array([0.0, 0.1]), np.array([0.0, 0.5]))
    figure = learn_charts.growing_roc(tried, (0.1, 0.5), whole=((0, 0.1, 1), (0, 0.5, 1)))
    assert list(figure.data[1].x) == [0.0, 0.1]
    assert (figure.data[2].x[0], figure.data[2].y[0]) == (0.1, 0.5)
    done = learn_charts.growing_roc(tried, (1.0, 1.0), whole=((0, 0.1, 1), (0, 0.5, 1)))
    assert list(done.data[1].y) == [0, 0.5, 1]
    assert done.data[1].fill == "tozeroy"


def test_heaps_are_shares_of_their_own_images():
    figure = learn_charts.heaps_figure([0.9, 0.91, 1.0], [0.01] * 300, 0.5, names=("ill", "well"))
    up, down = figure.data
    assert sum(up.y) == pytest.approx(1.0)
    assert sum(down.y) == pytest.approx(-1.0)
    assert sum(up.customdata) == 3
    assert set(up.marker.opacity) == {0.45, 1.0}


def test_learning_curves_end_at_the_epoch_and_mark_the_best_so_far():
    history = pd.DataFrame({"epoch": [1, 2, 3, 4], "loss": [4, 3, 2, 1], "val_loss": [3.0, 1.0, 2.0, 0.5]})
    figure = learn_charts.fitting_figure({"a": history, "b": history, "c": history}, "b", 3)
    training, validation, best = figure.data[-3:]
    assert list(training.x) == [1, 2, 3]
    assert list(validation.y) == [3.0, 1.0, 2.0]
    assert (best.x[0], best.y[0]) == (2, 1.0)
    assert [trace.showlegend for trace in figure.data[:2]] == [True, False]


def test_accuracy_over_prevalence_leaves_out_a_band_without_numbers():
    with_band = learn_charts.prevalence_figure([0.0, 0.5], [0.9, 0.8], [0.85, 0.7], [0.95, 0.9], 0.1)
    without = learn_charts.prevalence_figure([0.0, 0.5], [0.9, 0.8], [np.nan] * 2, [np.nan] * 2, 0.1)
    assert (len(with_band.data), len(without.data)) == (3, 2)
    assert list(without.data[1].y) == [1.0, 0.5]


def test_all_bars_of_a_score_add_up_to_it():
    added = np.linspace(-1, 1.3, 40)
    figure = learn_charts.contributions_figure(added, -0.7, "ill")
    assert len(figure.data[0].y) == 14
    assert sum(figure.data[0].y) == pytest.approx(added.sum() - 0.7)


def test_weights_are_shown_in_the_order_asked_for():
    figure = learn_charts.weights_figure([0.5, -0.2, 0.1], [2, 0], "ill")
    assert list(figure.data[0].y) == [0.1, 0.5]


def test_a_silent_cell_is_dark_and_a_strong_one_bright_rising_all_the_way():
    bright = learn_maps.coloured(np.linspace(0, 1, 64)[None])[0].astype(float) @ [0.2126, 0.7152, 0.0722]
    assert bright[0] < 30
    assert bright[-1] > 200
    assert (np.diff(bright) > -0.6).all()


def test_signs_are_told_apart_by_lightness():
    grey = learn_maps.signed_grey(np.array([[-2.0, 0.0, 2.0]]))[0, :, 0]
    assert grey.tolist() == [0, learn_maps.GREY, 255]
    assert learn_maps.signed_grey(np.zeros((1, 1))).tolist() == [[[learn_maps.GREY] * 3]]


def test_a_filter_of_colours_keeps_them_and_its_zero_is_grey():
    red_up_blue_down = learn_maps.signed_colour(np.array([[[4.0, 0.0, -4.0], [0.0, 0.0, 0.0]]]))
    assert red_up_blue_down.tolist() == [[[255, learn_maps.GREY, 0], [learn_maps.GREY] * 3]]
    grey, coloured = (learn_maps.filter_wall(np.ones((2, 3, 3, *end)), 2) for end in ((), (3,)))
    assert np.array_equal(grey, coloured)


def test_numbers_behind_further_layers_are_not_called_maps():
    figure = learn_charts.contributions_figure([0.5, -0.2], 0.1, "ill", units=True)
    assert list(figure.data[0].x) == ["number 1", "number 2", "constant"]


def test_a_wall_holds_every_picture_in_reading_order():
    pictures = [np.full((2, 2, 3), 40 * n, dtype=np.uint8) for n in range(1, 6)]
    made = learn_maps.wall(pictures, 3, gap_px=1, width_px=31)
    cell = 9 // 2 * 2  # whole blocks only
    assert made.shape == (2 * (cell + 1) + 1, 3 * (cell + 1) + 1, 3)
    assert made[1, 1, 0] == 40
    assert made[1, 2 * (cell + 1) + 1, 0] == 120
    assert made[cell + 2, cell + 2, 0] == 200
