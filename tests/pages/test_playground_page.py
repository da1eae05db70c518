"""The playground: a shipped network beside itself on a changed picture, in words and pictures."""

import pytest

from pages.ui.playground import boxes_of


def widget(kind, start):
    (found,) = (w for w in kind if w.key.startswith(start))
    return found


def words(app):
    return [m.value.replace("\\", "").replace("\u00a0", " ") for m in app.markdown]


@pytest.fixture
def played(stores, open_page, fake_network):
    """The page with a phantom chosen, and the network of the fixture."""
    app = open_page("playground", model="drawn")
    assert app.title[0].value == "Playground"
    assert any("Nothing chosen yet" in caption.value for caption in app.caption)
    app.session_state["source"] = ":material/collections: Samples"
    app.run()
    next(b for b in app.button if b.key.startswith("sample-phantom")).click().run()
    assert not app.exception
    return app


def test_a_change_goes_through_the_network_and_is_said_in_words(played, fake_network):
    app = played
    assert any(text.startswith("### Nothing is changed yet: **Nodule 90 %**") for text in words(app))
    assert len(fake_network.calls) == 1
    (height, width, _) = fake_network.shapes[0]
    assert any("This is not a diagnosis" in warning.value for warning in app.warning)

    fake_network.positive = 0.2
    widget(app.slider, "play-crop").set_value(10).run()
    widget(app.slider, "play-bright").set_value(20).run()
    assert not app.exception
    assert fake_network.shapes[-1] == (height - 2 * round(height / 10), width - 2 * round(width / 10), 3)
    said = words(app)
    assert "### **Nodule** falls from 90 % to **20 %** (−70 points)." in said
    below = "Changed: brightness +20 % and 10 % cut from each side. The answer changes from Nodule to **"
    assert any(text.startswith(below) for text in said)
    figures = app.get("plotly_chart")
    assert len(figures) == 2
    untouched, changed = (figure.proto.alt.replace("\u00a0", " ") for figure in figures)
    assert "untouched Heat: strongest in the upper left" in untouched
    assert "Nodule falls from 90 % to 20 %" in changed
    captions = [caption.value.replace("\\", "") for caption in app.caption]
    assert any("Grad-CAM for Nodule: 7 x 7 cells of the layer out_relu" in caption for caption in captions)

    calls = len(fake_network.calls)
    widget(app.toggle, "play-maps").set_value(False).run()
    assert not any("CAM for" in caption.value for caption in app.caption)
    widget(app.button, "play-again").click().run()
    assert any(text.startswith("### Nothing is changed yet") for text in words(app))
    assert len(fake_network.calls) == calls + 1  # the change once more, without its map; the untouched one is kept


@pytest.mark.slow
def test_a_picture_comes_along_from_the_predict_page(stores, open_page, fake_network):
    app = open_page("predict", model="drawn")
    app.session_state["source"] = ":material/collections: Samples"
    app.run()
    next(b for b in app.button if b.key.startswith("sample-phantom")).click().run()
    widget(app.button, "play-").click().run()
    assert app.session_state["played"].digest
    app.switch_page("pages/playground.py").run()  # AppTest does not follow st.switch_page; a browser does
    assert not app.exception
    assert app.title[0].value == "Playground"
    assert any(text.startswith("### Nothing is changed yet") for text in words(app))
    assert not app.file_uploader
    next(b for b in app.button if b.label == "Another picture").click().run()
    assert app.file_uploader


@pytest.mark.parametrize(
    ("drawn", "boxes"),
    [
        ([{"x": [0.25, 0.75], "y": [0.5, 0.25]}], ((0.25, 0.25, 0.5, 0.25),)),
        ([{"x": [-1, 0.5], "y": [0.5, 2]}], ((0.0, 0.5, 0.5, 0.5),)),
        ([{"x": [0.5, 0.5], "y": [0, 1]}, {"x": [0], "y": [0, 1]}, {"x": ["a", "b"], "y": [0, 1]}, {}, None], ()),
        (None, ()),
    ],
)
def test_boxes_that_were_drawn_become_parts_of_the_picture(drawn, boxes):
    assert boxes_of({"box": drawn}) == boxes
