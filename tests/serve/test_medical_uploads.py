"""DICOM and NIfTI through the API and the scoring of folders and ZIPs: frames, refusals, nothing about a person."""

import io
import json
import logging
import zipfile

import numpy as np
import pytest

from core.data.frames import FrameChoice
from core.data.images import decode_image, encode_png
from core.serve.scoring import score_images

SENTINEL = "ZZPHI7391"


@pytest.fixture(scope="module")
def loop(medical):
    """Five frames of 20 to 100 % brightness; with the fake network P(positive) is the share."""
    return medical.dicom(medical.dataset(np.stack([np.full((32, 32), 51 * n, np.uint8) for n in range(1, 6)])))


def sent(client, content, name="scan.dcm", **fields):
    return client.post("/api/predict", files={"file": (name, content)}, data=fields)


def test_the_middle_frame_is_predicted_and_named(client, loop):
    (answer,) = sent(client, loop).json()["predictions"]
    assert (answer["format"], answer["frame"], answer["frames"]) == ("DICOM", "3", 5)
    assert answer["note"].startswith("Frame 3 of 5, the middle one.")
    assert answer["probabilities"]["Nodule"] == pytest.approx(0.6, abs=1e-3)


def test_any_frame_and_slice_can_be_asked_for(client, loop, medical):
    for number in (1, 5):
        (answer,) = sent(client, loop, frame=str(number)).json()["predictions"]
        assert answer["probabilities"]["Nodule"] == pytest.approx(0.2 * number, abs=1e-3)
    (answer,) = sent(client, medical.nifti(medical.volume), "brain.nii", frame="coronal:7").json()["predictions"]
    assert (answer["format"], answer["frame"], answer["width"], answer["height"]) == ("NIfTI", "coronal:7", 20, 28)
    overlay = client.post("/api/overlay", files={"file": ("scan.dcm", loop)}, data={"frame": "2"})
    assert decode_image(overlay.content).shape == (32, 32, 3)


def test_a_picture_of_another_kind_has_no_frame_in_its_answer(client):
    (answer,) = sent(client, encode_png(np.zeros((32, 32, 3), np.uint8)), "a.png").json()["predictions"]
    assert answer["format"] == "PNG"
    assert not {"frame", "frames", "note"} & set(answer)


@pytest.mark.parametrize("frame", ["first", "-1", "axial", "1;drop"])
def test_a_frame_that_is_not_understood_is_422(client, loop, frame):
    reply = sent(client, loop, frame=frame)
    assert reply.status_code == 422
    assert reply.json() == {"error": reply.json()["error"]} and "axial:42" in reply.json()["error"]


def test_a_frame_that_is_not_there_is_refused_in_its_place(client, loop):
    files = [("files", ("a.dcm", loop)), ("files", ("b.png", encode_png(np.zeros((32, 32, 3), np.uint8))))]
    reply = client.post("/api/predict", files=files, data={"frame": "9"})
    assert reply.status_code == 422
    first, second = (p["error"] for p in reply.json()["predictions"])
    assert first.startswith("a.dcm: it has no frame 9; there are 5") and second.startswith("b.png: a frame can be")


def test_good_files_of_a_batch_go_on_beside_a_cut_off_one(client, loop):
    files = [("files", (f"{n}.dcm", loop[:900] if n == 1 else loop)) for n in range(4)]
    reply = client.post("/api/predict", files=files).json()
    assert [("error" in p) for p in reply["predictions"]] == [False, True, False, False]
    assert reply["refused"] == 1


def test_sixteen_scans_at_once_get_their_own_answers(client, medical):
    from concurrent.futures import ThreadPoolExecutor

    scans = [medical.dicom(medical.dataset(np.full((32, 32), 10 * n, np.uint8))) for n in range(16)]
    with ThreadPoolExecutor(16) as threads:
        replies = list(threads.map(lambda scan: sent(client, scan).json()["predictions"][0], scans))
    for n, reply in enumerate(replies):
        assert reply["probabilities"]["Nodule"] == pytest.approx(10 * n / 255, abs=1e-3)


def test_nothing_of_a_person_is_in_replies_or_logs(client, medical, loop, caplog):
    file = medical.dataset(medical.radiograph, PatientName=SENTINEL, PatientID=SENTINEL, StudyDescription=SENTINEL)
    file.InstitutionName = file.AccessionNumber = file.BodyPartExamined = file.ViewPosition = SENTINEL
    good = medical.dicom(file)
    with caplog.at_level(logging.DEBUG):
        for content in (good, good[:-9], good[:400], good.replace(b"MONOCHROME2", b"MONOCHROME9")):
            for route in ("/api/predict", "/api/overlay", "/video_frame/"):
                reply = client.post(route, files={"file": ("scan.dcm", content)})
                assert SENTINEL not in reply.text + str(reply.headers)
                assert reply.status_code in (200, 422)
    assert SENTINEL not in caplog.text


# ---------------------------------------------------------------- folders and ZIPs


def score(source, out, helpers, **options):
    predictor = helpers.Predictor(helpers.card())
    predictor.probabilities = lambda batch: predictor.run(batch).probabilities
    score_images(source, "fake", out, predictor=predictor, **options)
    rows = [line.split(",") for line in out.read_text(encoding="utf-8").splitlines()[1:]]
    meta = json.loads(out.with_name(out.name + ".meta.json").read_text(encoding="utf-8"))
    return {row[0]: float(row[2]) for row in rows}, meta


def test_a_folder_and_a_zip_of_scans_are_scored_alike(tmp_path, helpers, medical, loop):
    folder = tmp_path / "scans"
    folder.mkdir()
    files = {
        "a.dcm": loop, "IM0001": medical.dicom(medical.dataset(np.full((32, 32), 204, np.uint8))),
        "b.nii.gz": medical.nifti(medical.volume, packed=True), "c.dcm": loop[:700],
    }  # fmt: skip
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        for name, content in files.items():
            (folder / name).write_bytes(content)
            archive.writestr(name, content)
    one, meta = score(folder, tmp_path / "a.csv", helpers)
    other, _ = score(tmp_path / "scans.zip", tmp_path / "b.csv", helpers)
    assert one == other
    assert set(one) == {"a.dcm", "IM0001", "b.nii.gz"}
    assert one["a.dcm"] == pytest.approx(0.6, abs=1e-3) and one["IM0001"] == pytest.approx(0.8, abs=1e-3)
    assert (meta["frame"], meta["n_refused"]) == ("middle", 1)
    assert "c.dcm: the file is cut off" in (tmp_path / "a.csv.refused.csv").read_text(encoding="utf-8")


def test_the_frame_of_a_scoring_is_in_its_sidecar(tmp_path, helpers, loop):
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "a.dcm").write_bytes(loop)
    scores, meta = score(folder, tmp_path / "a.csv", helpers, frame=FrameChoice(5))
    assert scores["a.dcm"] == pytest.approx(1.0, abs=1e-3)
    assert meta["frame"] == "5"


def test_a_zip_sent_to_the_api_is_answered_picture_by_picture(client, loop):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.dcm", loop)
        archive.writestr("notes.txt", "hello")
    first, second = sent(client, stream.getvalue(), "batch.zip").json()["predictions"]
    assert (first["file"], first["frame"]) == ("batch.zip/a.dcm", "3")
    assert second["file"] == "batch.zip/notes.txt" and "plain text" in second["error"]
