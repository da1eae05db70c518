"""What the API answers: probabilities, verdicts, maps, overlays, batches; documents that a client can rely on."""

import base64
import tomllib
from pathlib import Path

import numpy as np
import pytest

from core.data.images import decode_image, encode_jpeg
from core.errors import ModelDamaged
from core.figures.text import NOT_A_DIAGNOSIS
from core.serve import api

ROOT = Path(__file__).resolve().parents[2]


def predict(client, *pictures, **fields):
    files = [("files", (f"{i}.png", data, "image/png")) for i, data in enumerate(pictures)]
    return client.post("/api/predict", files=files, data=fields)


def test_health_says_what_is_loaded_and_the_version_of_the_project(client):
    answer = client.get("/health")
    assert answer.status_code == 200
    assert set(answer.json()) == {"status", "version", "tensorflow_loaded", "models_loaded"}
    assert answer.json()["status"] == "ok"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert answer.json()["version"] == project["project"]["version"]


def test_models_come_by_name_with_classes_cuts_and_limits(client):
    answer = client.get("/api/models").json()
    assert [m["name"] for m in answer["models"]] == ["fake", "three"]
    first = answer["models"][0]
    assert first["classes"] == ["Clear", "Nodule"]
    assert first["threshold"] == {"cuts": {"Nodule": 0.5}, "rule": "fixed:0.5", "chosen_on": "validation"}
    assert first["limits"] == ["Not for people."]
    assert answer["notice"] == NOT_A_DIAGNOSIS


@pytest.mark.parametrize(("red", "verdict", "decided"), [(204, "positive", ["Nodule"]), (51, "negative", ["Clear"])])
def test_one_picture_gets_probabilities_and_the_verdict_of_the_cut(client, helpers, red, verdict, decided):
    answer = predict(client, helpers.picture(red)).json()
    assert answer["notice"] == NOT_A_DIAGNOSIS
    assert answer["engine"] == "fake"
    assert answer["preprocessing"] == {"size_px": 32, "resize_mode": "stretch", "contrast": "none"}
    (one,) = answer["predictions"]
    # 204 / 255 = 0.8, 51 / 255 = 0.2
    assert one["probabilities"] == pytest.approx({"Clear": 1 - red / 255, "Nodule": red / 255})
    assert (one["verdict"], one["decided"]) == (verdict, decided)
    assert (one["file"], one["width"], one["height"]) == ("0.png", 64, 64)
    assert "overlay" not in one and "maps" not in one


def test_a_model_without_a_positive_class_gives_no_verdict_but_a_decision(client, helpers):
    answer = predict(client, helpers.picture(255), model="three").json()
    assert answer["predictions"][0]["verdict"] is None
    assert answer["predictions"][0]["decided"] == ["C"]


def test_a_batch_keeps_its_order_and_puts_the_sentence_of_a_refusal_in_its_place(client, helpers):
    reds = [10, 60, 110, 160, 210]
    pictures = [helpers.picture(red) for red in reds]
    pictures[2] = b"no picture at all"
    answer = predict(client, *pictures)
    assert answer.status_code == 200
    found = answer.json()["predictions"]
    assert [p["file"] for p in found] == [f"{i}.png" for i in range(5)]
    assert set(found[2]) == {"file", "error"} and "2.png" in found[2]["error"]
    kept = [p["probabilities"]["Nodule"] for i, p in enumerate(found) if i != 2]
    assert kept == pytest.approx([red / 255 for red in reds if red != 110])
    assert answer.json()["refused"] == 1


def test_a_request_whose_pictures_are_all_refused_is_a_client_error_in_one_sentence(client):
    answer = predict(client, b"nothing", b"")
    assert answer.status_code == 422
    assert answer.json()["error"] == answer.json()["predictions"][0]["error"]


def test_a_refusal_is_english_unless_the_request_asks_for_spanish(client):
    english = predict(client, b"").json()["error"]
    assert english.endswith("the file is empty; accepted are JPEG, PNG, BMP, TIFF, WebP, GIF, DICOM and NIfTI.")
    spanish = client.post("/api/predict", files={"file": ("a.png", b"")}, headers={"accept-language": "es-AR,es;q=0.9"})
    assert spanish.json()["error"].startswith("a.png: el archivo está vacío; se aceptan JPEG")
    assert spanish.json()["notice"].startswith("This is not a diagnosis.")


def test_maps_come_for_every_class_from_one_pass_as_their_cells(client, helpers, predictor):
    (one,) = predict(client, helpers.picture(204), explain="maps").json()["predictions"]
    assert predictor.runs == 1
    assert set(one["maps"]) == {"Clear", "Nodule"}
    warm = one["maps"]["Nodule"]
    assert (warm["rows"], warm["columns"], warm["is_empty"]) == (4, 4, False)
    assert warm["values"][0] == [1.0, 0.5, 0.0, 0.0]  # 0.5 and 0.25, scaled by their maximum
    assert one["maps"]["Clear"]["is_empty"] is True
    assert "overlay" not in one


def test_gradcam_brings_an_overlay_that_is_warm_where_the_map_is_and_untouched_elsewhere(client, helpers):
    (one,) = predict(client, helpers.picture(40), explain="gradcam").json()["predictions"]
    assert one["overlay"]["class"] == "Nodule"
    drawn = decode_image(base64.b64decode(one["overlay"]["png_base64"]))
    assert drawn.shape == (64, 64, 3)
    assert (drawn[40:, 40:] == (40, 0, 0)).all()
    assert drawn[4, 4].sum() > 200


def test_the_overlay_of_a_class_with_an_empty_map_is_the_picture_itself(client, helpers):
    (one,) = predict(client, helpers.picture(40), explain="gradcam", target="Clear").json()["predictions"]
    assert one["overlay"]["is_empty"] is True
    assert (decode_image(base64.b64decode(one["overlay"]["png_base64"])) == (40, 0, 0)).all()


def test_the_overlay_route_answers_the_same_picture_as_png(client, helpers):
    picture = helpers.picture(40)
    direct = client.post("/api/overlay", files={"file": picture})
    assert direct.headers["content-type"] == "image/png"
    assert direct.headers["medlens-notice"] == NOT_A_DIAGNOSIS
    (one,) = predict(client, picture, explain="gradcam").json()["predictions"]
    assert direct.content == base64.b64decode(one["overlay"]["png_base64"])


def test_the_overlay_of_a_cropping_model_leaves_what_it_did_not_see(client):
    wide = np.full((64, 128, 3), 90, np.uint8)
    answer = client.post("/api/overlay", files={"file": encode_jpeg(wide, 100)}, data={"model": "three"})
    drawn = decode_image(answer.content).astype(int)
    assert np.abs(drawn[:, :32] - 90).max() <= 2  # the square that was cut out begins at column 32
    assert np.abs(drawn[:16, 32:48] - 90).max() > 40


def test_a_live_frame_gets_probabilities_in_class_order_and_one_map(client, helpers):
    answer = client.post("/api/live?model=fake", content=helpers.picture(204), headers={"content-type": "image/png"})
    document = answer.json()
    assert answer.status_code == 200
    assert set(document) == {
        "model", "engine", "classes", "probabilities", "positive_class", "threshold", "sums", "verdict", "map",
        "fitted", "server_ms", "out_of_distribution", "refer",
    }  # fmt: skip
    assert (document["out_of_distribution"], document["refer"]) == (None, False)
    assert document["classes"] == ["Clear", "Nodule"]
    assert document["probabilities"] == pytest.approx([0.2, 0.8])
    assert (document["threshold"], document["verdict"], document["fitted"]) == (0.5, "positive", "stretch")
    assert document["map"]["class"] == "Nodule"
    assert document["map"]["values"][0] == [1.0, 0.5, 0.0, 0.0]
    assert answer.headers["medlens-notice"] == NOT_A_DIAGNOSIS


def test_a_live_frame_can_ask_for_another_class_or_gets_the_most_probable_one(client, helpers):
    headers = {"content-type": "image/png"}
    other = client.post("/api/live?model=fake&target=Clear", content=helpers.picture(9), headers=headers).json()
    assert other["map"]["class"] == "Clear"
    top = client.post("/api/live?model=three", content=helpers.picture(250), headers=headers).json()
    assert (top["map"]["class"], top["threshold"], top["verdict"]) == ("C", None, None)


@pytest.mark.parametrize("path", ["/video_frame/", "/video_frame", "/video_frame/?model=fake"])
def test_the_published_interface_answers_exactly_its_detections(client, helpers, path):
    answer = client.post(path, files={"file": ("frame.jpg", helpers.picture(204), "image/jpeg")})
    assert answer.status_code == 200
    assert set(answer.json()) == {"detections"}
    found = answer.json()["detections"]
    assert [set(d) for d in found] == [{"class", "confidence"}] * 2
    assert [d["class"] for d in found] == ["Nodule", "Clear"]
    assert [d["confidence"] for d in found] == pytest.approx([0.8, 0.2])


def test_the_documentation_lists_every_address_and_needs_no_other_server(client):
    schema = client.get("/api/openapi.json").json()
    page = client.get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path in ("/health", "/api/models", "/api/predict", "/api/overlay", "/api/live", "/video_frame/", "/api/docs"):
        assert path in schema["paths"] and path in page.text
    assert "<script" not in page.text and "http://" not in page.text and "https://" not in page.text


def test_a_model_that_fails_is_an_incident_in_the_log_and_one_sentence_outside(client, helpers, predictor, caplog):
    for failure in (ModelDamaged("fake: /srv/models/fake/model.onnx is broken"), RuntimeError("/srv/secret")):
        predictor.fails = failure
        answer = predict(client, helpers.picture(10))
        assert answer.status_code == 500
        assert set(answer.json()) == {"error", "incident"}
        assert "/srv" not in answer.text and "Traceback" not in answer.text
        assert answer.json()["incident"] in caplog.text


def test_the_api_of_a_server_without_models_says_so(helpers):
    with helpers.client(helpers.Models()) as client:
        assert client.get("/api/models").json()["models"] == []
        answer = client.post("/video_frame/", files={"file": helpers.picture(1)})
        assert answer.status_code == 404
        assert "no model" in answer.json()["error"]


def test_the_strength_that_overlays_begin_with_is_the_one_that_the_documentation_names(client):
    schema = client.get("/api/openapi.json").json()
    fields = schema["paths"]["/api/predict"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert fields["properties"]["strength"]["default"] == api.answers.STRENGTH
    assert tuple(fields["properties"]["explain"]["enum"]) == api.answers.EXPLANATIONS


def test_a_reply_names_the_method_and_the_layer_of_its_maps(client, helpers):
    (one,) = predict(client, helpers.picture(40), explain="maps").json()["predictions"]
    assert one["explanation"] == {"method": "Grad-CAM", "layer": "out"}


def test_other_methods_come_from_the_engine_and_those_that_bring_tensorflow_are_refused(client, helpers, predictor):
    asked = []

    class FakeExplainer:
        def loads_tensorflow(self, key):
            return key == "layercam"

        def maps(self, image, key):
            asked.append((key, image.shape))
            values = np.zeros((2, 32, 32))
            values[1, :8, 8:16] = 0.4  # the cell (0, 1) of 4 x 4
            return values, (4, 4)

    predictor.explainer = FakeExplainer()
    (one,) = predict(client, helpers.picture(40), explain="occlusion").json()["predictions"]
    assert asked == [("occlusion", (32, 32, 3))]
    assert one["explanation"] == {"method": "Occlusion", "layer": None}
    warm = one["maps"]["Nodule"]
    assert (warm["rows"], warm["columns"], warm["values"][0]) == (4, 4, [0.0, 1.0, 0.0, 0.0])
    assert one["maps"]["Clear"]["is_empty"] is True
    assert one["overlay"]["class"] == "Nodule"
    refused = predict(client, helpers.picture(40), explain="layercam")
    assert (refused.status_code, "without TensorFlow" in refused.json()["error"]) == (422, True)
    assert predict(client, helpers.picture(40), explain="smoothgrad").status_code == 422
