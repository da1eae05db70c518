"""The gallery's functions: what is kept of a picture, in which order, and what leaves as PNG and ZIP."""

import io
import zipfile
from datetime import UTC, datetime

import numpy as np
import pytest

from core.data.images import decode_image
from core.store.models import list_models
from core.types import Heatmap
from pages.ui.gallery import file_name, gallery_item, gallery_zip, sheet_png, with_item

TAKEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Result:
    """What a predictor gives back: the last class at 0.9, its map warm in the upper left."""

    def __init__(self, card, empty=False):
        rest = len(card.class_names) - 1
        self.ood = None
        self.probabilities = np.array([0.1 / rest] * rest + [0.9])
        values = np.zeros((64, 64))
        if not empty:
            values[:16, :16] = 1.0
        self.heatmaps = tuple(
            Heatmap(
                image_id="x", class_name=c, method="Grad-CAM", layer="out_relu", grid=(4, 4), values=values,
                is_empty=empty,
            )
            for c in card.class_names
        )  # fmt: skip


@pytest.fixture(scope="module")
def card(models):
    return next(c for c in list_models(models).cards if c.name == "real")


def item_of(card, *, grey=100, empty=False, **changes):
    pixels = np.full((90, 160, 3), grey, dtype=np.uint8)
    given = {"name": "Camera snapshot", "class_name": None, "strength": 0.5, "taken": TAKEN} | changes
    return gallery_item(card, pixels, Result(card, empty), **given)


def test_an_item_holds_the_picture_the_overlay_and_the_sentence(card):
    item = item_of(card)
    picture, overlay = decode_image(item.picture).astype(int), decode_image(item.overlay).astype(int)
    assert picture.shape == overlay.shape == (90, 160, 3)
    assert np.abs(picture - 100).max() <= 3
    assert np.abs(overlay[:8, :8, 2] - picture[:8, :8, 2]).min() > 10  # full heat: half of it is the ramp's end
    assert np.abs(overlay[60:, 100:] - 100).max() <= 3  # cold parts keep their pixels
    assert "gives **Pneumonia 90" in item.sentence
    assert (item.class_name, item.model, item.run_id) == ("Pneumonia", "real", card.run_id)
    assert "upper left" in item.place_words


def test_an_empty_map_leaves_the_picture_as_it_is(card):
    item = item_of(card, empty=True)
    assert item.overlay == item.picture
    assert "The map is empty" in item.map_words


def test_a_large_picture_is_kept_at_the_size_of_a_screen(card):
    item = gallery_item(
        card,
        np.zeros((1500, 2100, 3), np.uint8),
        Result(card),
        name="x",
        class_name="Normal",
        strength=1.0,
        taken=TAKEN,
    )
    assert max(decode_image(item.picture).shape) < 1024
    assert item.class_name == "Normal"


def test_the_newest_comes_first_and_the_oldest_makes_room(card):
    first, second, third = (item_of(card, grey=grey) for grey in (10, 20, 30))
    items, dropped = with_item((), first, 2)
    assert (items, dropped) == ((first,), None)
    items, dropped = with_item(items, second, 2)
    assert (items, dropped) == ((second, first), None)
    items, dropped = with_item(items, third, 2)
    assert (items, dropped) == ((third, second), first)


def test_a_sheet_is_the_overlay_with_its_words_below(card):
    sheet = decode_image(sheet_png(item_of(card)))
    assert sheet.shape[1] == 480  # the narrow overlay is enlarged
    assert sheet.shape[0] > 270 + 60
    assert (sheet[-3:] > 240).all()


def test_the_zip_holds_every_sheet_numbered_from_the_oldest(card):
    items = (item_of(card, grey=30), item_of(card, grey=10))
    with zipfile.ZipFile(io.BytesIO(gallery_zip(items))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == [f"01-{file_name(items[1])}", f"02-{file_name(items[0])}"]
        assert archive.read(names[0]) == sheet_png(items[1])
    assert file_name(items[0]).startswith("medlens-real-20260102-030405-")
