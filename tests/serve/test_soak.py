"""Memory comes back: what the API held while it answered is free again, also where a client hangs up in mid-upload."""

import os
import socket
from pathlib import Path

import pytest

from core.data.images import encode_jpeg
from core.data.phantom import draw_phantom
from core.serve.models import ShippedModels

STATM = Path("/proc/self/statm")
SIDE, SETTLED, PREDICTIONS, EACH = 512, 80, 220, 8
MOST_SHARE = 0.05  # of the pixels that passed: a server that keeps pictures keeps all of them


def resident_bytes():
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def shipped(monkeypatch):
    """The models of the repository, whatever the environment says."""
    monkeypatch.setenv("MEDLENS_MODELS", str(Path(__file__).resolve().parents[2] / "models"))
    return ShippedModels()


def hang_up(address):
    """Begin to send a picture of 4 MB, and go after a quarter of it."""
    head = (
        "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
    )
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(head.encode() + b"x" * 1_000_000)


@pytest.mark.skipif(not STATM.is_file(), reason="resident memory is read from /proc")
def test_three_hundred_predictions_and_uploads_that_broke_off_leave_no_memory_behind(shipped, helpers, caplog):
    pictures = [encode_jpeg(draw_phantom(5, patient, 0, SIDE).pixels) for patient in range(4)]

    def ask(client, number):
        data = {"model": "phantom-nodule", "explain": "maps" if number % 4 == 0 else "none"}
        answer = client.post("/api/predict", files=[("files", ("a.jpg", pictures[number % 4]))], data=data)
        return answer.json()["predictions"][0]["probabilities"]["Nodule"]

    def passes(client, count):
        given = []
        for number in range(count):
            given.append(ask(client, number))
            if number % EACH == 0:
                hang_up((client.base_url.host, client.base_url.port))
        return given

    with helpers.client(shipped) as client:
        first, before = passes(client, SETTLED), resident_bytes()
        settled = client.get("/health").json()["models_loaded"]  # with those of earlier tests of this process
        later = passes(client, PREDICTIONS)
        grown = resident_bytes() - before
        loaded = client.get("/health").json()["models_loaded"]
    passed = PREDICTIONS * SIDE * SIDE * 3
    print(
        f"\n{grown / 1e6:.1f} MB more after {PREDICTIONS} predictions, in which {passed / 1e6:.0f} MB of pixels passed"
    )
    assert grown < MOST_SHARE * passed
    assert not [record for record in caplog.records if record.name == "medlens.serve"]  # hanging up is no incident
    assert loaded == settled and "phantom-nodule" in loaded  # one copy serves all
    assert later == pytest.approx(first[:4] * (PREDICTIONS // 4))  # nothing of one picture stays for the next
