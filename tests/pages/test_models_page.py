"""The Models page asks for what a file cannot say; Predict asks for the numbers that a network takes."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from core.errors import ModelRefused
from core.nn.inspect import InspectedInput, InspectedModel
from core.nn.inspect_outputs import InspectedOutput
from core.store.models import list_models, save_model
from core.types import TabularInput

FOUND = InspectedModel(
    kind="keras", keras_version="3.10.0", name="net", outputs=2, class_count=2, output_kind="linear", layers=4,
    inputs=(InspectedInput(name="image", shape=(8, 8, 1), role="image"),
            InspectedInput(name="t", shape=(2,), role="table")),
    layer_kinds={"Dense": 2}, parameters=655, activations=9, stored_numbers=9, size_px=8, channels=1, architecture="",
    pixel_scaling="minus_one_one", pixel_reason="there is no layer for it, and mobilenet is mostly trained so",
    pixel_sure=False, cam_layer="c", cam_grid=(4, 4), class_names=("class 1", "class 2"), sha256="0", file_bytes=1,
)  # fmt: skip
PROBE = SimpleNamespace(lowest=-0.5, highest=0.5, same_for_all=False, empty_maps=True, cam_layer="c", cam_grid=(4, 4))


@pytest.fixture
def network(monkeypatch, stores):
    """What the page sends away; `said` collects it, and a file that holds "bad" is refused."""
    from pages.ui import blocks, models

    said = SimpleNamespace(stated=[], checked=0, found=FOUND)

    def check(upload, report, take=""):
        if b"bad" in upload.getvalue():
            raise ModelRefused("Refused because of the layer 'x' (Lambda): it carries Python code.")
        report("trying it on four pictures")
        said.checked += 1
        outputs = {"finding": 3, "ill": 2}
        found = replace(said.found, output_name=take, class_count=outputs[take]) if take else said.found
        return SimpleNamespace(found=found, probe=PROBE)

    def add(upload, stated, report):
        said.stated.append(stated)
        if len(stated["class_names"]) != 2:
            raise ModelRefused("The network gives 2 numbers, and 1 class names are given.")
        return SimpleNamespace(name="net", title="Mine", engine="ONNX Runtime", limits=("Not a medical device.",))

    # the tester forgets at every run that the router has run, and the page starts again without the click
    monkeypatch.setattr(blocks, "through_router", lambda: None)
    monkeypatch.setattr(models, "check_upload", check)
    monkeypatch.setattr(models, "add_upload", add)
    return said


def words(app):
    return " ".join(str(element.value) for element in [*app.markdown, *app.caption, *app.success, *app.error])


def press(app, label):
    next(button for button in app.button if button.label == label).click().run()


def test_a_network_is_read_asked_about_and_added(network, open_page):
    app = open_page("models")
    app.file_uploader(key="network").upload("net.keras", b"some network").run()
    shown = " ".join(map(str, app.table[0].value["value"]))
    assert "mobilenet is mostly trained so" in shown
    assert "empty for all four pictures" in shown
    fields = {field.label: field for field in (*app.text_input, *app.text_area)}
    fields["Name of the folder"].input("net")
    fields["2 class names, one a line, in the order of the outputs"].input("Normal\nOpacity\n")
    fields["2 numbers beside the picture, one a line: name, lowest, highest"].input("age, 0, 110\nsex")
    fields["Class that is looked for"].input("Opacity")
    pixels, output = (next(box for box in app.selectbox if word in box.label) for word in ("Pixel range", "logits"))
    assert pixels.value == "minus_one_one"
    output.select("sigmoid")
    press(app, "Add this network")
    assert not app.exception
    assert network.stated == [
        {"name": "net", "title": "", "class_names": ("Normal", "Opacity"), "pixel_scaling": "minus_one_one",
         "output": "sigmoid", "positive_class": "Opacity",
         "table": (TabularInput(name="age", low=0, high=110), TabularInput(name="sex"))}
    ]  # fmt: skip
    assert "Mine is on every page now" in words(app)
    assert network.checked == 1, "a file is tried once a session, not at every click"


def test_of_several_outputs_one_is_chosen_and_goes_with_the_answers(network, open_page):
    choices = (InspectedOutput(name="finding", units=3, kind="softmax"), InspectedOutput(name="ill", units=2, kind="x"))
    network.found = replace(FOUND, inputs=FOUND.inputs[:1], output_name="finding", class_count=3, choices=choices)
    app = open_page("models")
    app.file_uploader(key="network").upload("net.keras", b"some network").run()
    assert any(area.label.startswith("3 class names") for area in app.text_area)
    app.selectbox(key="network-output").select("ill").run()
    (classes,) = (area for area in app.text_area if area.label.startswith("2 class names"))
    classes.input("Healthy\nIll")
    press(app, "Add this network")
    assert [(said["take"], said["class_names"]) for said in network.stated] == [("ill", ("Healthy", "Ill"))]
    assert not app.exception


def test_where_nobody_may_add_one_the_page_says_so_and_takes_no_file(network, open_page, monkeypatch):
    monkeypatch.setenv("MEDLENS_MODELS_ADD", "off")
    app = open_page("models")
    assert "switched off on this server" in " ".join(str(element.value) for element in app.info)
    assert not app.file_uploader


def test_what_is_refused_shows_its_sentence(network, open_page):
    app = open_page("models")
    app.file_uploader(key="network").upload("net.keras", b"bad network").run()
    assert [error.value for error in app.error] == [
        r"Refused because of the layer 'x' \(Lambda\)\: it carries Python code\."
    ] or "Python code" in words(app)
    assert not app.text_input


def test_answers_that_do_not_fit_show_their_sentence(network, open_page):
    app = open_page("models")
    app.file_uploader(key="network").upload("net.keras", b"some network").run()
    press(app, "Add this network")
    assert "1 class names are given" in words(app)


def test_a_network_of_two_inputs_gets_a_form_and_answers_once_it_is_filled(
    stores, open_page, fake_network, monkeypatch, tmp_path
):
    from core import paths
    from pages.ui import door

    card = list_models(paths.models_folder()).cards[0]
    numbers = (TabularInput(name="age", low=0, high=110), TabularInput(name="sex", low=0, high=1))
    content = (paths.models_folder() / card.name / "model.keras").read_bytes()
    save_model(
        replace(card, name="two", title="Two inputs", tabular_inputs=numbers, other_sha256={}),
        {"model.keras": content}, tmp_path / "models",
    )  # fmt: skip
    monkeypatch.setenv("MEDLENS_MODELS", str(tmp_path / "models"))
    given = []
    plain_predict = fake_network.predict

    def predict(name, pixels, image_id, *, method="gradcam", layer="", table=()):
        given.append(table)
        return plain_predict(name, pixels, image_id, method=method, layer=layer)

    monkeypatch.setattr(door, "predict", predict)
    from core.data.images import encode_png
    from core.data.phantom import draw_phantom

    app = open_page("predict")
    app.file_uploader[0].upload("a.png", encode_png(draw_phantom(1, 0, 0).pixels)).run()
    assert given == []
    assert "once all of them are entered" in words(app)
    age, sex = app.number_input
    age.set_value(60.0)
    sex.set_value(1.0)
    press(app, "Use these")
    assert given == [(60.0, 1.0)]
    assert not app.exception
