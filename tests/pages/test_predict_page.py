"""The Predict page: the three ways in, the sentence with its warning, the map and what moves it."""

import hashlib

import numpy as np
import pytest

from core.data.images import encode_jpeg


@pytest.fixture(scope="module")
def jpeg():
    return encode_jpeg(np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8))


def uploaded(app, *files):
    for name, content in files:
        app.file_uploader[0].upload(name, content)
    return app.run()


def headings(app):
    return [m.value.replace("\u00a0", " ") for m in app.markdown if m.value.startswith("### ")]


def test_an_upload_gets_a_sentence_with_the_score_the_cut_and_the_verdict(stores, open_page, fake_network, jpeg):
    app = uploaded(open_page("predict", model="real"), ("scan.jpg", jpeg))
    assert not app.exception
    (text,) = headings(app)
    assert "gives **Pneumonia 90 %**. That is above its cut of" in text
    assert text.endswith("so it calls this picture **Pneumonia**.")


def test_below_the_cut_the_other_class_is_called(stores, open_page, fake_network, jpeg):
    fake_network.positive = 0.01
    (text,) = headings(uploaded(open_page("predict", model="real"), ("scan.jpg", jpeg)))
    assert "gives **Pneumonia 1 %**. That is below its cut" in text
    assert text.endswith("so it calls this picture **Normal**.")


def test_beside_every_prediction_stands_that_it_is_no_diagnosis(stores, open_page, fake_network, jpeg):
    other = encode_jpeg(np.zeros((64, 64, 3), dtype=np.uint8))
    app = uploaded(open_page("predict", model="real"), ("a.jpg", jpeg), ("b.jpg", other))
    assert len(headings(app)) == 2
    assert sum("This is not a diagnosis" in warning.value for warning in app.warning) == 2


def test_a_file_that_is_no_image_is_named_and_the_others_go_on(stores, open_page, fake_network, jpeg):
    app = uploaded(open_page("predict", model="real"), ("notes.png", b"hello, not a picture"), ("scan.jpg", jpeg))
    (refused,) = [error.value for error in app.error]
    assert "notes" in refused
    assert "accepted are" in refused
    assert len(headings(app)) == 1


def test_the_content_counts_and_not_the_name(stores, open_page, fake_network, jpeg):
    app = uploaded(open_page("predict", model="real"), ("scan.txt", jpeg))
    assert not app.error
    assert len(headings(app)) == 1


def test_moving_the_strength_predicts_nothing_anew(stores, open_page, fake_network, jpeg):
    app = uploaded(open_page("predict", model="real"), ("scan.jpg", jpeg))
    assert fake_network.calls == ["scan.jpg"]
    app.slider[0].set_value(90).run()
    app.get("segmented_control")[0].set_value("Normal").run()
    assert not app.exception
    assert fake_network.calls == ["scan.jpg"]


@pytest.mark.slow
def test_another_method_is_used_only_when_asked_for_and_its_map_says_which(stores, open_page, fake_network, jpeg):
    app = uploaded(open_page("predict", model="real"), ("scan.jpg", jpeg))
    assert fake_network.methods == ["gradcam"]
    (method,) = (box for box in app.selectbox if box.key.startswith("method-"))
    assert method.value == "gradcam"
    method.set_value("occlusion").run()
    assert not app.exception
    assert fake_network.methods == ["gradcam", "occlusion"]
    captions = [caption.value for caption in app.caption]
    assert any("Occlusion for Pneumonia: 7 x 7 places were hidden one after another" in c for c in captions)
    assert any("Zeiler & Fergus 2014" in c.replace("\\", "") for c in captions)
    assert not [toggle for toggle in app.toggle if toggle.key.startswith("other-layer")]  # it weighs no layer


def test_under_the_map_stands_whether_it_can_be_trusted_and_the_same_words_are_its_alt(
    stores, open_page, fake_network, jpeg
):
    app = uploaded(open_page("predict", model="real"), ("scan.jpg", jpeg))
    words = (
        "With the hottest 20 % of the picture blurred away, Pneumonia goes from 90 % to 30 %; with the same shape "
        "blurred at 19 random places, to 85 % on average. No other place cost more, so the network did use what the "
        "map marks."
    )
    said = [m.value.replace("\\", "").replace("\u00a0", " ") for m in app.markdown]
    assert words in said
    assert any("the marked part matters" in text for text in said)
    pictures = [picture.alt.replace("\u00a0", " ") for image in app.image for picture in image.proto.imgs]
    (alt,) = (alt for alt in pictures if alt.startswith("Heat map for Pneumonia"))
    assert alt.endswith(words)
    assert words in [chart.proto.alt.replace("\u00a0", " ") for chart in app.get("plotly_chart")]
    (measured,) = (toggle for toggle in app.toggle if toggle.key.startswith("measured-"))
    measured.set_value(False).run()
    assert words not in [m.value.replace("\\", "").replace("\u00a0", " ") for m in app.markdown]
    assert fake_network.hidden == 1


@pytest.mark.slow
def test_two_more_checks_are_made_when_their_part_is_opened(stores, open_page, fake_network, jpeg, monkeypatch):
    from dataclasses import replace

    from pages.ui import door

    asked = []

    def random_maps(name, prepared, *, method, layer, table):
        asked.append((method, layer))
        maps = fake_network.predict(name, prepared, "random").heatmaps
        return (tuple(replace(one, values=np.roll(one.values, 32, axis=1)) for one in maps),) * 2

    monkeypatch.setattr(door, "random_maps", random_maps)
    app = open_page("predict", model="real")
    app.file_uploader[0].upload("scan.jpg", jpeg)
    app.run()
    assert fake_network.methods == ["gradcam"]
    checks = f"checks-real-{hashlib.blake2b(jpeg, digest_size=16).hexdigest()}"
    app.session_state[checks] = True
    app.run()
    assert not app.exception
    said = [m.value.replace("\\", "").replace("\u00a0", " ") for m in app.markdown]
    assert any(text.startswith("Occlusion agrees: rank correlation 1.00 over 49 cells") for text in said)
    (button,) = (b for b in app.button if b.label == "Compare with random weights")
    button.click().run()
    app.session_state[checks] = True  # AppTest forgets what is open
    app.run()
    assert asked == [("gradcam", "")]
    said = [m.value.replace("\\", "") for m in app.markdown]
    assert any("With random weights the map is another one" in text for text in said)


def test_many_pictures_are_not_measured_unasked(stores, open_page, fake_network):
    files = [(f"{i}.jpg", encode_jpeg(np.full((64, 64, 3), 20 * i, np.uint8))) for i in range(4)]
    app = uploaded(open_page("predict", model="real"), *files)
    assert not app.exception
    assert (len(fake_network.calls), fake_network.hidden) == (4, 0)


def test_an_empty_map_says_so(stores, open_page, fake_network, jpeg):
    fake_network.empty = True
    app = uploaded(open_page("predict", model="real"), ("scan.jpg", jpeg))
    assert any("The map is empty" in info.value for info in app.info)
    assert not any("overlay" in button.label for button in app.get("download_button"))


def test_the_grid_of_the_map_is_stated(stores, open_page, fake_network, jpeg):
    app = uploaded(open_page("predict", model="real"), ("scan.jpg", jpeg))
    assert any("7 x 7 cells of the layer" in caption.value for caption in app.caption)
    assert any(caption.value == "low attention" for caption in app.caption)


def test_more_than_two_classes_are_ranked_without_a_cut(stores, open_page, fake_network, jpeg):
    app = uploaded(open_page("predict", model="three"), ("scan.jpg", jpeg))
    (text,) = headings(app)
    assert "gives **Viral pneumonia 90 %**, more than to any other of its 3 answers" in text
    assert any("there is no cut" in caption.value for caption in app.caption)


@pytest.mark.slow
def test_a_phantom_is_no_picture_for_a_network_of_real_images(stores, open_page, fake_network):
    app = open_page("predict", model="real")
    app.session_state["source"] = ":material/collections: Samples"
    app.run()
    sample = next(b for b in app.button if b.key.startswith("sample-phantom"))
    sample.click().run()
    assert not app.exception
    assert any("drawn phantom" in error.value for error in app.error)


def test_a_network_of_phantoms_says_so_on_a_real_picture(stores, open_page, fake_network, jpeg):
    app = uploaded(open_page("predict", model="drawn"), ("scan.jpg", jpeg))
    assert any("trained on drawn phantoms only" in error.value for error in app.error)


def test_the_camera_is_not_asked_for_before_its_tab_is_open(stores, open_page):
    app = open_page("predict")
    assert not app.camera_input
    app.session_state["source"] = ":material/photo_camera: Camera"
    app.run()
    assert len(app.camera_input) == 1
    assert any("HTTPS" in caption.value for caption in app.caption)


def test_the_card_says_on_what_it_was_trained_and_how_good_it_is(stores, open_page):
    app = open_page("predict", model="real")
    words = " ".join(m.value for m in app.markdown).replace("\\", "")
    assert (
        "Tells Normal from Pneumonia. Trained on Chest X-ray pneumonia (Kermany): 300 images of 150 patients." in words
    )
    assert "test, 160 images of 80 patients" in words
    assert "Not for people." in words


def test_a_model_of_real_images_is_shown_first(stores, open_page):
    assert open_page("predict").selectbox(key="model-select").value == "real"


def test_a_file_name_is_shown_letter_by_letter(stores, open_page, fake_network, jpeg):
    app = uploaded(open_page("predict", model="real"), ("**x** <img src=q> [a](b).jpg", jpeg))
    assert any(r"\*\*x\*\* \<img src\=q\> \[a\]\(b\)\.jpg" in caption.value for caption in app.caption)


def test_a_picture_that_the_network_cannot_take_shows_one_sentence(stores, open_page, fake_network, jpeg, monkeypatch):
    from core.errors import ModelDamaged
    from pages.ui import door

    def broken(*_args, **_kwargs):
        raise ModelDamaged("real answers its golden images differently from its card")

    monkeypatch.setattr(door, "predict", broken)
    app = uploaded(open_page("predict", model="real"), ("scan.jpg", jpeg))
    assert not app.exception
    assert [error.value for error in app.error] == ["real answers its golden images differently from its card"]


def test_a_large_picture_is_shown_small_and_predicted_whole(stores, open_page, fake_network):
    large = encode_jpeg(np.full((2400, 1800, 3), 120, dtype=np.uint8))
    app = uploaded(open_page("predict", model="real"), ("large.jpg", large))
    assert not app.exception
    assert fake_network.shapes == [(2400, 1800, 3)]
    (kept,) = app.session_state["decoded"].values()
    assert max(kept.shown.shape) < 1024
