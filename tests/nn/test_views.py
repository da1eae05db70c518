"""The mean over views, with an engine of NumPy whose answers can be followed by hand."""

import numpy as np

from core.nn.runtime import Output
from core.nn.views import run_views
from core.registry.views import views_of

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 3)).astype(np.uint8)


class ByHand:
    """Logits: the first and the last cell of the first row. Maps: the picture's own channels. Features: the first."""

    name = "by hand"

    def run(self, pixels, *, maps=False, table=None):
        assert pixels.flags["C_CONTIGUOUS"]
        grey = pixels[..., 0].astype(float)
        logits = np.stack([grey[:, 0, 0], grey[:, 0, -1]], axis=1)
        cams = pixels[..., :2].transpose(0, 3, 1, 2).astype(float) if maps else None
        return Output(logits=logits, probabilities=logits / 255, cams=cams, features=grey[:, 0])


def likely(logits):
    return logits / 100


def test_logits_are_means_over_the_corners_that_the_views_bring_up():
    grey = PICTURES[..., 0].astype(float)
    output = run_views(ByHand(), views_of("four"), PICTURES, likely)
    corners = grey[:, [0, 0, -1, -1], [0, -1, 0, -1]].mean(axis=1)
    np.testing.assert_allclose(output.logits, np.stack([corners, corners], axis=1))
    np.testing.assert_allclose(output.probabilities, output.logits / 100)
    assert output.cams is None


def test_maps_are_turned_back_before_their_mean_and_features_are_those_of_the_picture():
    for key in ("mirrored", "four", "eight"):
        output = run_views(ByHand(), views_of(key), PICTURES, likely, maps=True)
        np.testing.assert_allclose(output.cams, PICTURES[..., :2].transpose(0, 3, 1, 2))
        np.testing.assert_array_equal(output.features, PICTURES[:, 0, :, 0])


def test_one_view_is_the_engine_s_own_answer():
    output = run_views(ByHand(), views_of("one"), PICTURES, likely, maps=True)
    np.testing.assert_array_equal(output.probabilities, output.logits / 255)
