"""How a frame or slice is written, and that files with one picture take none."""

import numpy as np
import pytest

from core.data.frames import FrameChoice, chosen_number, frame_words, parse_frame
from core.data.images import decode_picture, encode_png
from core.errors import ImageRefused, SpecInvalid


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("", FrameChoice()),
        (" 12 ", FrameChoice(12)),
        ("axial:40", FrameChoice(40, "axial")),
        ("Coronal:10:2", FrameChoice(10, "coronal", 2)),
        ("sagittal:", FrameChoice(None, "sagittal")),
    ],
)
def test_a_choice_is_read_as_people_write_it(text, choice):
    assert parse_frame(text) == choice
    assert parse_frame(choice.text) == choice


@pytest.mark.parametrize(
    "text", ["x", "-1", "1.5", "axial", "12:axial", "oblique:3", "1" * 50, "axial:1:2:3", "\u0661"]
)
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(SpecInvalid, match="such as axial:42"):
        parse_frame(text)


@pytest.mark.parametrize(("count", "middle"), [(1, 1), (2, 1), (3, 2), (5, 3), (200, 100)])
def test_the_middle_of_some(count, middle):
    assert chosen_number(None, count, "frame") == middle


def test_words_say_what_was_not_chosen():
    assert frame_words(3, 5, None) == "Frame 3 of 5, the middle one."
    assert frame_words(1, 2, None) == "Frame 1 of 2, the first."
    assert frame_words(3, 5, 3) == "Frame 3 of 5."
    assert frame_words(1, 1, None, "Axial slice") == "Axial slice 1 of 1."


def test_a_file_with_one_picture_has_a_first_frame_and_no_other():
    png = encode_png(np.zeros((20, 20, 3), np.uint8))
    assert decode_picture(png, "a.png", FrameChoice(1)).chosen == ""
    for choice in (FrameChoice(2), FrameChoice(1, "axial"), FrameChoice(volume=1)):
        with pytest.raises(ImageRefused, match="a frame can be chosen of DICOM and NIfTI files only"):
            decode_picture(png, "a.png", choice)
