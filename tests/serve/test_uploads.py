"""What may come in as a picture or a name: odd file names, broken files of every kind; never more than a refusal."""

import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from core.data.images import encode_jpeg, encode_png

NAMES = [
    "plain.png", "../x.png", "../../../etc/passwd", "/etc/passwd", "..\\..\\x", "C:\\Users\\x.png", "\\\\host\\share",
    "a" * 300, "a" * 1500 + ".png", "a b.png", " leading", "trailing ", ".", "..", ".hidden", "CON", "NUL.png",
    "aux.jpg", "-rf", "--help", "$(id).png", "`id`.png", "; rm -rf /", "| cat", "a&b=c", "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>.png", "'; DROP TABLE runs;--", '"quoted".png', "{{7*7}}", "%s%s%n", "%2e%2e%2fx",
    "=cmd|' /C calc'!A0", "Müller^Hans.png", "患者.png", "😀.png", "\u202egnp.exe", "a\u0000b.png", "tab\there",
    "a\u200bb", "\ufeffbom.png", "percent%00.png",
]  # fmt: skip


def form(name, content):
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').encode()
    return (
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="' + escaped
        + b'"\r\nContent-Type: image/png\r\n\r\n' + content + b"\r\n--B--\r\n"
    )  # fmt: skip


def post(client, name, content, path="/api/predict"):
    return client.post(path, content=form(name, content), headers={"content-type": "multipart/form-data; boundary=B"})


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_an_odd_file_name_comes_back_as_text_and_does_nothing(client, helpers, name):
    answer = post(client, name, helpers.picture(204))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.content.isascii()
    (one,) = answer.json()["predictions"]
    # python-multipart keeps the last part of a Windows path, as browsers of old sent whole ones
    kept = name.rsplit("\\", 1)[-1] if name[1:3] == ":\\" or name[:2] == "\\\\" else name
    assert one["file"] == kept
    assert one["probabilities"]["Nodule"] == pytest.approx(0.8)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_refusal_shows_a_name_without_what_could_rewrite_the_sentence(client, name):
    answer = post(client, name, b"no picture")
    assert answer.status_code == 422
    sentence = answer.json()["error"]
    assert sentence.isprintable() and len(sentence) < 400


def test_a_name_that_is_no_utf_8_is_shown_as_far_as_it_goes(client, helpers):
    content = form("NAME", helpers.picture(204)).replace(b"NAME", b"\xff\xfe.png")
    answer = client.post("/api/predict", content=content, headers={"content-type": "multipart/form-data; boundary=B"})
    assert answer.json()["predictions"][0]["file"] == "\ufffd\ufffd.png"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb_png(side=20_000):
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def saved(format_name, **options):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(stream, format_name, **options)
    return stream.getvalue()


NOISE = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
JPEG, PNG = encode_jpeg(NOISE), encode_png(NOISE)
BROKEN = {
    "empty": b"",
    "one byte": b"\x00",
    "text": b"hello",
    "html": b"<!doctype html><script>alert(1)</script>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "pdf": b"%PDF-1.7\n",
    "program": b"MZ" + bytes(200),
    "elf": b"\x7fELF" + bytes(200),
    "zip": b"PK\x03\x04" + bytes(200),
    "gzip": b"\x1f\x8b" + bytes(200),
    "dicom": bytes(128) + b"DICM" + bytes(200),
    "nifti": struct.pack("<i", 348) + bytes(344),
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(200),
    "pickle": b"\x80\x04\x95" + bytes(50),
    "json": b'{"image": "x"}',
    "noise": NOISE.tobytes(),
    "jpeg cut at a tenth": JPEG[: len(JPEG) // 10],
    "jpeg cut at a half": JPEG[: len(JPEG) // 2],
    "jpeg without its end": JPEG[:-20],
    "png cut at a half": PNG[: len(PNG) // 2],
    "png with a wrong sum": PNG[:-30] + bytes(30),
    "png signature only": PNG[:8],
    "png bomb": bomb_png(),
    "png of no size": bomb_png(0),
    "too small": encode_png(np.zeros((8, 8, 3), np.uint8)),
    "too narrow": encode_png(np.zeros((16, 800, 3), np.uint8)),
    "gif cut": saved("GIF")[:20],
    "tiff cut": saved("TIFF")[:60],
    "webp cut": saved("WEBP")[:30],
    "bmp cut": saved("BMP")[:40],
    "icon": saved("ICO"),
}


@pytest.mark.parametrize("path", ["/api/predict", "/api/overlay", "/video_frame/"])
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_or_foreign_file_is_refused_in_one_sentence_that_names_it(client, predictor, path, kind):
    answer = post(client, "upload.png", BROKEN[kind], path)
    assert answer.status_code == 422
    sentence = answer.json()["error"]
    assert sentence.startswith("upload.png: ")
    assert "Traceback" not in answer.text and "site-packages" not in answer.text and "0x" not in answer.text
    assert predictor.runs == 0


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_live_frame_is_refused_in_one_sentence(client, predictor, kind):
    answer = client.post("/api/live", content=BROKEN[kind], headers={"content-type": "image/jpeg"})
    assert answer.status_code == 422
    assert set(answer.json()) == {"error"}
    assert predictor.runs == 0


def test_mutated_pictures_are_answered_or_refused_and_never_a_fault(client):
    rng = np.random.default_rng(7)
    for seed in (JPEG, PNG):
        for _ in range(60):
            data = bytearray(seed)
            for at in rng.integers(0, len(data), 4):
                data[at] = rng.integers(0, 256)
            answer = client.post("/api/live", content=bytes(data), headers={"content-type": "image/jpeg"})
            assert answer.status_code in (200, 422)
            json.loads(answer.text)
