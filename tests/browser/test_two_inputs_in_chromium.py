"""A network that also takes numbers: its form on the Predict page, and what the numbers change."""

import pytest

from core.data.images import encode_jpeg
from core.data.phantom import draw_phantom
from core.types import TabularInput

pytestmark = pytest.mark.keras
WAIT_MS = 90_000  # the server loads TensorFlow for this network


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A models folder with a network of a picture and two numbers, added as `models add` adds it.

    Its weights are chosen: the picture weighs little, and the older, the likelier is the second class.
    """
    import numpy as np

    from core.nn.backend import keras
    from core.nn.foreign import add_model
    from core.nn.foreign_answers import ForeignAnswers

    layers, folder = keras.layers, tmp_path_factory.mktemp("two")
    keras.utils.set_random_seed(2)
    image, numbers = keras.Input((24, 24, 3)), keras.Input((2,))
    x = layers.Conv2D(4, 3, activation="relu", name="cells")(layers.Rescaling(1 / 255)(image))
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.Rescaling(1 / 100)(numbers)])
    last = layers.Dense(2, activation="softmax")
    network = keras.Model([image, numbers], last(x))
    last.set_weights([np.array([[0.2, 0.0]] * 4 + [[-2.0, 2.0], [0.0, 0.0]]), np.array([1.0, -1.0])])
    network.save(folder / "upload.keras")
    answers = ForeignAnswers(
        name="two", title="Two inputs", class_names=("Clear", "Opacity"), positive_class="Opacity",
        table=(TabularInput(name="age", low=0, high=110), TabularInput(name="sex")),
    )  # fmt: skip
    add_model(folder / "upload.keras", answers, folder / "models")
    return folder / "models"


def enter(page, **numbers):
    for name, value in numbers.items():
        page.get_by_role("spinbutton", name=name).fill(str(value))
    page.get_by_role("button", name="Use these").click()


@pytest.mark.slow
def test_it_answers_once_all_numbers_are_entered_and_answers_anew_when_one_changes(models, serve_app, visit, tmp_path):
    (tmp_path / "chest.jpg").write_bytes(encode_jpeg(draw_phantom(5, 1, 0, 256).pixels))
    with serve_app(MEDLENS_MODELS=str(models)) as address:
        page = visit(f"{address}/predict?model=two")
        answer = page.get_by_role("heading", name="The network gives")
        page.locator('input[type="file"]').first.set_input_files(str(tmp_path / "chest.jpg"))
        page.get_by_text("chest.jpg").first.wait_for(timeout=30_000)
        assert page.get_by_role("spinbutton", name="age").get_attribute("placeholder") == "0 to 110"
        enter(page, age=5)  # sex is missing
        visit.settle(page)
        page.get_by_text("answers once all of them are entered").wait_for(timeout=10_000)
        assert answer.count() == 0

        enter(page, age=5, sex=1)
        answer.filter(has_text="Clear").wait_for(timeout=WAIT_MS)
        visit.settle(page)
        assert page.get_by_text("answers once all of them are entered").count() == 0
        page.locator('img[alt^="Heat map for"]').first.wait_for(timeout=30_000)

        enter(page, age=105)
        answer.filter(has_text="calls this picture Opacity").wait_for(timeout=WAIT_MS)
        assert page.get_by_test_id("stException").count() == 0
        assert not page.foreign and not page.faults
