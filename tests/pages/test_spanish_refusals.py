"""What a page refuses is told in the reader's language, though a child process or a cache said it first."""

import io
import json
import shutil
import zipfile

import numpy as np
import pytest

from core.data.images import encode_png
from core.language import speaking
from core.store.runs import list_runs

LAMBDA = {"class_name": "Sequential", "module": "keras", "config": {"name": "s", "layers": [
    {"class_name": "InputLayer", "module": "keras.layers", "config": {"batch_shape": [None, 8, 8, 3], "name": "i"}},
    {"class_name": "Lambda", "module": "keras.layers", "config": {"name": "gift", "function": "x"}}]}}  # fmt: skip
DAMAGED_DICOM = b"\0" * 128 + b"DICM" + b"\2\0\0\0UL\4\0\xff"

pytestmark = pytest.mark.usefixtures("routed")


def refusals(app):
    assert not app.exception
    return " ".join(element.value for element in [*app.error, *app.markdown]).replace("\\", "")


def test_a_broken_picture_is_refused_in_spanish_also_by_the_process_that_reads_dicom(stores, open_at, fake_network):
    app = open_at("predict", model="real", lang="es")
    picture = encode_png(np.full((64, 64, 3), 120, np.uint8))
    app.file_uploader[0].upload("cut.png", picture[:-20]).run()
    assert "cut.png: el archivo está cortado (PNG); se aceptan JPEG" in refusals(app)
    app.file_uploader[0].upload("scan.dcm", DAMAGED_DICOM).run()
    told = refusals(app)
    assert "scan.dcm: el archivo está" in told and "(DICOM); se aceptan JPEG" in told
    assert "the file" not in told


def test_a_network_with_code_in_it_is_refused_in_spanish(stores, open_at):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("config.json", json.dumps(LAMBDA))
        archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n")
    app = open_at("models", lang="es")
    app.file_uploader(key="network").upload("net.keras", packed.getvalue()).run(timeout=60)
    assert (
        "Rechazada por la capa 'gift' (Lambda): lleva código de Python, que podría hacer cualquier cosa en este equipo."
    ) in refusals(app)


def test_a_wrong_row_of_scores_is_refused_in_spanish(stores, open_at, monkeypatch, tmp_path, results):
    shutil.copytree(results[0], tmp_path / "results")
    monkeypatch.setenv("MEDLENS_RESULTS", str(tmp_path / "results"))
    with speaking("es"):  # the tester asks for the options' names outside of the session
        app = open_at("train", lang="es")
        app.selectbox(key="import-dataset").select("chest_xray").run()
        app.text_input(key="import-name").input("Red de la sala").run()
        table = "image_id,y_true,p_Normal,p_Pneumonia\nx,0,2,0"
        app.file_uploader(key="import-test").upload("scores.csv", table.encode()).run()
        next(button for button in app.button if button.label == "Comprobar y añadir").click().run()
        assert "fila 2: '2' no es una probabilidad de Normal; se esperaba un número de 0 a 1" in refusals(app)


def test_a_damaged_run_is_told_in_the_language_of_whoever_looks_at_the_same_listing(results, tmp_path):
    folder = tmp_path / "results"
    shutil.copytree(results[0], folder)
    broken = sorted(path for path in folder.iterdir() if (path / "run.json").exists())[0]
    (broken / "run.json").write_text("{", encoding="utf-8")
    (damaged,) = list_runs(folder).damaged
    assert str(damaged.reason).startswith("not readable as JSON (")
    with speaking("es"):
        assert str(damaged.reason).startswith("no se puede leer como JSON (")


def test_what_is_known_of_a_picture_is_told_in_the_language_of_the_moment(medical):
    """A picture is decoded once, and its reader may change the language afterwards."""
    from core.data.frames import FrameChoice
    from pages.ui.pictures import _picture

    scan = medical.dataset(medical.radiograph, Modality="DX", BodyPartExamined="CHEST", ViewPosition="PA")
    picture = _picture("scan.dcm", medical.dicom(scan), "digest", FrameChoice())
    assert picture.note.startswith("Chest, digital radiography, view PA.")
    with speaking("es"):
        assert picture.note.startswith("Tórax, radiografía digital, proyección PA.")
