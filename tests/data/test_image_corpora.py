"""Public collections of awkward images, where they are: PngSuite, EXIF orientations, Pillow's crash files."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from core import limits
from core.data.images import decode_image
from core.errors import ImageRefused

BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data"
CORPORA = Path(os.environ.get("MEDLENS_SHARED", "") or BESIDE).parent / "corpora"

pytestmark = pytest.mark.shared


@pytest.fixture
def files_of():
    def find(folder, pattern):
        found = sorted((CORPORA / folder).glob(pattern))
        if not found:
            pytest.skip(f"{CORPORA / folder} is not there; MEDLENS_SHARED names the data folder beside it")
        return found

    return find


def test_pngsuite_decodes_but_for_its_corrupt_files(files_of, monkeypatch):
    monkeypatch.setattr(limits, "MIN_IMAGE_SIDE_PX", 1)  # some of its files have one pixel
    for path in files_of("pngsuite", "*.png"):
        if path.name.startswith("x"):
            with pytest.raises(ImageRefused):
                decode_image(path)
        else:
            assert decode_image(path).dtype == np.uint8, path.name


@pytest.mark.parametrize("kind", ["landscape", "portrait"])
def test_eight_orientations_show_one_picture(files_of, kind):
    pictures = [decode_image(path).astype(float) for path in files_of("exif-orientation", f"{kind}_*.jpg")]
    assert len(pictures) == 8
    for picture in pictures[1:]:
        assert picture.shape == pictures[0].shape
        # each file has its number drawn on it, and was compressed by itself
        assert np.corrcoef(picture.ravel(), pictures[0].ravel())[0, 1] > 0.9


def test_crash_files_are_refused_or_decoded_at_once(files_of):
    for path in files_of("pillow-crash", "*"):
        start = time.perf_counter()
        try:
            assert decode_image(path).ndim == 3
        except ImageRefused as error:
            assert path.name[:20] in str(error)
        assert time.perf_counter() - start < 5, path.name
