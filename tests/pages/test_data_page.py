"""The Data page on a small data set of its own: who is in it, its pictures, its copies; and what leakage does."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.data.phantom import draw_phantom

pytestmark = pytest.mark.usefixtures("routed")


@pytest.fixture
def lesions(stores, monkeypatch, tmp_path):
    """HAM10000's layout with ten lesions; one picture stands again, scaled, under another lesion."""
    root = tmp_path / "data" / "ham10000"
    (root / "HAM10000_images_part_1").mkdir(parents=True)
    (root / "HAM10000_images_part_2").mkdir()
    rows = []
    for number in range(12):
        picture = draw_phantom(4, number, 0, 96).pixels
        if number == 11:
            first = Image.open(root / "HAM10000_images_part_1" / "ISIC_0000000.jpg")
            picture = np.asarray(first.resize((80, 80)))
        Image.fromarray(picture).save(root / "HAM10000_images_part_1" / f"ISIC_{number:07d}.jpg", quality=92)
        rows.append((f"HAM_{max(number, 1):07d}", f"ISIC_{number:07d}", ("nv", "mel")[number % 2], "histo",
                     40 + number, ("male", "female", "")[number % 3], "back"))  # fmt: skip
    columns = ["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "HAM10000_metadata.csv", index=False)
    monkeypatch.setenv("MEDLENS_DATA", str(tmp_path / "data"))


def words(app):
    shown = [*app.markdown, *app.caption, *app.warning, *app.success]
    return " ".join(element.value for element in shown).replace("\\", "")


def test_who_is_in_it_its_pictures_and_its_copies(lesions, open_page):
    app = open_page("data", dataset="ham10000")
    assert not app.exception
    assert not app.error
    said = words(app)
    assert "9 % of the lesions have more than one image, and 17 % of all images are theirs; one has 2." in said.replace(
        "\u00a0", " "
    )
    assert "the median is 46" in said or "the median is 45" in said
    titles = [header.value for header in app.subheader]
    assert {"Age", "Sex", "Place of the lesion", "Images per lesion"} <= set(titles)
    before = [picture.proto.imgs[0].url for picture in app.image]
    app.button(key="wall-more-ham10000").click().run()
    assert [picture.proto.imgs[0].url for picture in app.image] != before
    app.button(key="look-ham10000").click().run()
    said = words(app)
    assert "1 pair of 12 images looks alike, 0 of them to the last pixel." in said
    assert "1 pair stands under two different identities (lesion)." in said
    assert "2 identities" in said or "two identities" in said
    assert "96 x 96 px (11), 80 x 80 px (1)" in said
    alts = [picture.alt for image in app.image for picture in image.proto.imgs]
    assert all(alts)
    assert sum("ISIC_0000011" in alt for alt in alts) >= 1


def test_what_a_random_split_pretends_is_a_difference_with_its_interval(stores, open_page):
    # the fixture's random run (strength 4.0) is far better than the same head with patients kept apart (2.5)
    app = open_page("data")
    said = words(app)
    assert "these are on Chest X-ray pneumonia (Kermany)" in said
    assert "A random split would have pretended an AUC of" in said
    assert "37 patients stand in more than one part" in said
    assert float(app.metric[0].value) > 0


def test_without_such_runs_the_page_says_how_to_make_them(empty_stores, open_page):
    app = open_page("data")
    assert "python -m core benchmark leakage" in [code.value for code in app.code]
