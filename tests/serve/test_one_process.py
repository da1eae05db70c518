"""Pages and API in one process, as `python -m core serve` starts them from any folder; and the API without pages."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from streamlit.web.server.app_discovery import discover_asgi_app

from core.data.images import encode_jpeg
from core.data.phantom import draw_phantom
from core.serve.mount import api_alone, api_middleware

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


@contextmanager
def started(folder, *arguments, environment=None):
    """`python -m core serve` in another working folder; yields a client of it once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MEDLENS_")}
    command = [sys.executable, "-m", "core", "serve", "--port", str(port), *arguments]
    process = subprocess.Popen(
        command, cwd=folder, env={**kept, "PYTHONPATH": str(ROOT), **(environment or {})},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    end = time.monotonic() + START_SECONDS
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            while True:
                try:
                    client.get("/health")
                    break
                except httpx.TransportError:
                    assert process.poll() is None and time.monotonic() < end, process.stderr.read()
                    time.sleep(0.05)
            yield client
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def frame():
    """A drawn chest as JPEG."""
    return encode_jpeg(draw_phantom(3, 1, 0, 224).pixels)


def check_answers(client, frame):
    """All predictions of one picture agree, whichever address is asked."""
    live = client.post("/api/live?model=phantom-nodule", content=frame, headers={"content-type": "image/jpeg"})
    document = live.json()
    assert live.status_code == 200, live.text
    by_class = dict(zip(document["classes"], document["probabilities"], strict=True))
    batch = client.post("/api/predict", files={"file": frame}, data={"model": "phantom-nodule"}).json()
    assert batch["predictions"][0]["probabilities"] == pytest.approx(by_class)
    for path in ("/video_frame/", "/video_frame"):
        found = client.post(path, params={"model": "phantom-nodule"}, files={"file": frame}).json()["detections"]
        assert {d["class"]: d["confidence"] for d in found} == pytest.approx(by_class)
    assert client.get("/health").json()["models_loaded"] == ["phantom-nodule"]


def test_pages_and_api_come_from_one_process_in_any_folder(tmp_path, frame):
    with started(tmp_path) as client:
        assert client.get("/_stcore/health").text == "ok"
        for page in ("/", "/compare", "/run"):
            answer = client.get(page)
            assert answer.status_code == 200 and "<title>" in answer.text
        shipped = sorted(card.parent.name for card in (ROOT / "models").glob("*/card.json"))
        assert [m["name"] for m in client.get("/api/models").json()["models"]] == shipped
        check_answers(client, frame)
        assert client.get("/api/nothing").status_code == 404
        foreign = client.post("/video_frame/", files={"file": frame}, headers={"origin": "https://evil.example"})
        assert foreign.status_code == 403


def test_the_api_alone_answers_the_same_with_a_token_and_brings_no_streamlit(tmp_path, frame):
    token = "a-token-of-some-length"
    watch = tmp_path / "sitecustomize.py"  # a process that imports Streamlit ends at once
    watch.write_text("import sys\nsys.modules['streamlit'] = None\n", encoding="utf-8")
    environment = {"MEDLENS_TOKEN": token, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    with started(tmp_path, "--api-only", environment=environment) as client:
        assert client.get("/health").status_code == 401
        client.headers["authorization"] = f"Bearer {token}"
        assert client.get("/").status_code == 404
        check_answers(client, frame)


def test_streamlit_finds_the_application_in_app_py():
    found = discover_asgi_app(ROOT / "app.py")
    assert found.import_string == "app:app"


def test_putting_the_api_up_imports_no_fastapi():
    code = (
        "import sys\nfrom core.serve.mount import api_middleware\napi_middleware('127.0.0.1')\n"
        "heavy = {'fastapi', 'pydantic', 'cv2', 'pandas', 'plotly', 'streamlit', 'onnxruntime', 'tensorflow'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


def test_app_py_does_not_start_for_others_without_a_token(monkeypatch):
    monkeypatch.delenv("MEDLENS_TOKEN", raising=False)
    with pytest.raises(SystemExit, match="no token is set"):
        api_middleware("0.0.0.0")
    assert len(api_middleware("127.0.0.1", ["localhost"])) == 1
    api_alone("0.0.0.0", "a-token-of-some-length")


def test_replies_leave_at_once(client):
    """With Nagle's algorithm on, every reply on an open connection waits 40 ms."""
    client.get("/health")
    seconds = []
    for _ in range(8):
        begun = time.perf_counter()
        client.get("/health")
        seconds.append(time.perf_counter() - begun)
    assert min(seconds) < 0.03
