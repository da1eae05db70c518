"""What a person drops on the Predict page: a DICOM file, and files that are none beside one that is."""

import re

import numpy as np
import pytest

from core.data.images import encode_jpeg
from core.data.phantom import draw_phantom


@pytest.fixture(scope="module")
def folder(tmp_path_factory, medical):
    """scan.dcm of 12 stored bits with a window, notes.png that is a text, cut.jpg that ends in the middle, good.jpg."""
    root = tmp_path_factory.mktemp("dropped")
    pixels = draw_phantom(5, 1, 0, 512).pixels
    raw = 1000 + 8 * pixels[..., 0].astype(np.uint16)  # the window below gives back the phantom's own grey values
    file = medical.dataset(raw, stored=12, WindowCenter=2020.5, WindowWidth=2041, Modality="DX", PatientName="DOE^JANE")
    (root / "scan.dcm").write_bytes(medical.dicom(file))
    jpeg = encode_jpeg(pixels)
    (root / "good.jpg").write_bytes(jpeg)
    (root / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (root / "notes.png").write_text("hello, not a picture", encoding="utf-8")
    return root


def drop(page, *files):
    page.locator('input[type="file"]').first.set_input_files([str(file) for file in files])


def answers(page):
    return page.get_by_role("heading", name="The network gives")


def refusals(page):
    """The red boxes, but for the one that every picture gets which is no phantom: the network knows phantoms only."""
    return page.get_by_test_id("stAlertContentError").filter(has_not_text="was trained on drawn phantoms only")


def share(heading):
    """The percentage in "The network gives Nodule 42 %"."""
    return int(re.search(r"(\d+)\s*%", heading).group(1))


@pytest.mark.slow
def test_a_dicom_of_sixteen_bits_gets_the_answer_and_the_map_of_the_same_picture_as_jpeg(app, visit, folder):
    page = visit(f"{app}/predict?model=phantom-nodule")
    drop(page, folder / "scan.dcm", folder / "good.jpg")
    answers(page).nth(1).wait_for(timeout=60_000)
    visit.settle(page)
    dicom, jpeg = (share(text) for text in answers(page).all_inner_texts())
    assert abs(dicom - jpeg) <= 2  # a JPEG of it is not quite the same picture
    assert page.locator('img[alt^="Heat map for"]').count() == 2
    words = page.locator('[data-testid="stMain"]').inner_text()
    assert "scan.dcm" in words and "DOE" not in words and "JANE" not in words
    assert page.get_by_text("This is not a diagnosis").count() >= 2
    assert refusals(page).count() == 0
    assert not page.foreign and not page.faults


@pytest.mark.slow
def test_bad_files_get_one_sentence_each_and_the_good_one_beside_them_goes_on(app, visit, folder):
    page = visit(f"{app}/predict?model=phantom-nodule")
    drop(page, folder / "notes.png", folder / "cut.jpg", folder / "good.jpg")
    answers(page).first.wait_for(timeout=60_000)
    visit.settle(page)
    said = [text.removeprefix("error").strip() for text in refusals(page).all_inner_texts()]  # the icon's name
    assert len(said) == 2 and all("Traceback" not in text and "\n" not in text for text in said)
    assert said[0].startswith("notes.png: the file is plain text") and "accepted are JPEG, PNG" in said[0]
    assert said[1].startswith("cut.jpg: the file is cut off")
    assert answers(page).count() == page.locator('img[alt^="Heat map for"]').count() == 1
    assert page.get_by_test_id("stException").count() == 0
    assert not page.foreign and not page.faults
