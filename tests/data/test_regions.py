"""Boxes and masks go through the same geometry as their picture."""

import cv2
import numpy as np
import pytest

from core.data.images import encode_png, fit_image
from core.data.regions import fit_region, marked_square, region_of_boxes, region_of_mask
from core.errors import ImageRefused
from core.types import PreprocessSpec


def test_a_box_covers_its_pixels():
    region = region_of_boxes([(0.25, 0.5, 0.5, 0.25)], 8, 4)
    assert np.argwhere(region).tolist() == [[4, 1], [4, 2], [5, 1], [5, 2]]


def test_boxes_are_joined_and_the_smallest_one_still_covers_a_pixel():
    region = region_of_boxes([(0.999, 0.999, 0.0001, 0.0001), (0.0, 0.0, 0.5, 0.5)], 4, 4)
    assert region.sum() == 5
    assert region[3, 3]


@pytest.mark.parametrize(
    ("mode", "rows", "columns"),
    [
        ("stretch", slice(0, 4), slice(0, 2)),  # 8 x 16 pixels to 8 x 8: half the width
        ("pad", slice(2, 4), slice(0, 2)),  # half the size, two rows of black above
        ("crop", slice(0, 4), slice(0, 0)),  # the four left columns are cut off
    ],
)
def test_a_region_is_stretched_padded_or_cut_as_its_picture(mode, rows, columns):
    region = region_of_boxes([(0.0, 0.0, 0.25, 0.5)], 8, 16)
    expected = np.zeros((8, 8), bool)
    expected[rows, columns] = True
    assert (fit_region(region, PreprocessSpec(size_px=8, resize_mode=mode)) == expected).all()


@pytest.mark.parametrize("mode", ["stretch", "pad", "crop"])
def test_a_mark_painted_into_the_picture_lands_where_its_region_does(mode):
    rng = np.random.default_rng(1)
    for _ in range(5):
        height, width = rng.integers(40, 120, 2)
        region = region_of_boxes([(0.3, 0.35, 0.4, 0.3)], int(height), int(width))
        painted = np.repeat((region * np.uint8(255))[..., None], 3, axis=2)
        spec = PreprocessSpec(size_px=32, resize_mode=mode, contrast="equalize")
        seen = fit_image(painted, PreprocessSpec(size_px=32, resize_mode=mode))[..., 0] > 127
        assert seen.any()
        assert (fit_region(region, spec) == seen).all()


def test_a_mark_thinner_than_a_pixel_is_not_lost():
    region = np.zeros((400, 400), bool)
    region[200, 100:300] = True
    fitted = fit_region(region, PreprocessSpec(size_px=20))
    assert np.argwhere(fitted).tolist() == [[10, column] for column in range(5, 15)]


def test_a_mask_file_is_brought_to_the_size_of_its_picture(tmp_path):
    mask = np.zeros((10, 20), np.uint8)
    mask[:5, :10] = 1  # some sets write 1, others 255
    cv2.imwrite(str(tmp_path / "m.png"), np.kron(mask, np.ones((2, 2), np.uint8)))
    region = region_of_mask(tmp_path / "m.png", 100, 200)
    assert region.shape == (100, 200)
    assert region[:50, :100].all()
    assert region.sum() == 5000


def test_a_mask_of_another_shape_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "m.png"), np.zeros((40, 40), np.uint8))
    with pytest.raises(ImageRefused, match="expected the same aspect"):
        region_of_mask(tmp_path / "m.png", 30, 40)


def test_a_picture_and_its_mask_become_squares_of_one_size(tmp_path):
    picture, mask = np.full((30, 60, 3), 200, np.uint8), np.zeros((30, 60, 3), np.uint8)
    mask[:, 30:] = 255
    (tmp_path / "p.png").write_bytes(encode_png(picture))
    (tmp_path / "m.png").write_bytes(encode_png(mask))
    spec = PreprocessSpec(size_px=16)
    square, region = marked_square(str(tmp_path / "p.png"), (), str(tmp_path / "m.png"), spec)
    assert square.shape == (16, 16, 3)
    assert (region == (np.arange(16) >= 8)).all()
    assert not marked_square(str(tmp_path / "p.png"), (), "", spec)[1].any()
