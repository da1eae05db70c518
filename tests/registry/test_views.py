"""The eight sides of a square, and what has been turned over comes back."""

import numpy as np
import pytest

from core.errors import UnknownKey
from core.registry.views import AS_IT_IS, VIEWS, View, views_of

SQUARE = np.arange(2 * 4 * 4 * 3).reshape(2, 4, 4, 3)


@pytest.mark.parametrize("view", VIEWS["eight"])
def test_what_a_view_turns_over_comes_back(view):
    np.testing.assert_array_equal(view.back(view.of(SQUARE)), SQUARE)
    maps = SQUARE[..., 0]
    np.testing.assert_array_equal(view.back(view.of(maps)), maps)


def test_eight_views_are_eight_different_pictures_and_the_first_is_the_picture_itself():
    seen = {view.of(SQUARE).tobytes() for view in views_of("eight")}
    assert len(seen) == 8
    for key, views in VIEWS.items():
        assert views[0] == AS_IT_IS, key
        assert set(views) <= set(VIEWS["eight"]), key


def test_a_view_by_hand():
    """Columns backwards; and the quarter turn: rows and columns change places, then columns run backwards."""
    picture = np.array([[[1, 2], [3, 4]]])
    assert View(mirrored=True).of(picture).tolist() == [[[2, 1], [4, 3]]]
    assert View(upside_down=True).of(picture).tolist() == [[[3, 4], [1, 2]]]
    assert View(swapped=True, mirrored=True).of(picture).tolist() == [[[3, 1], [4, 2]]]
    assert View(swapped=True, mirrored=True).back(np.array([[[3, 1], [4, 2]]])).tolist() == picture.tolist()


def test_unknown_views_are_named():
    with pytest.raises(UnknownKey, match=r"Unknown views 'nine'. Known: .*one"):
        views_of("nine")
