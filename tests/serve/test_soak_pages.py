"""Memory comes back: what people sent to the pages is gone with their tabs, also where one closes in mid-upload."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

STATM = Path("/proc/self/statm")
ROOT = Path(__file__).resolve().parents[2]
PEOPLE, SENT_MB, START_SECONDS = 10, 12, 60
MOST_SHARE = 0.25  # of what was sent: a server that keeps uploads keeps all of it
BOUNDARY = b"part"


def resident_bytes(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def form_head():
    return b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'


class Visitor:
    """A tab: a session over the page's own WebSocket, with uploads as the browser sends them."""

    def __init__(self, port, websocket):
        from streamlit.proto.BackMsg_pb2 import BackMsg
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        self.port = port
        self.socket = websocket
        asked = BackMsg()
        asked.rerun_script.query_string = "model=phantom-nodule"
        self.socket.send(asked.SerializeToString())
        self.session = ""
        while True:
            told = ForwardMsg()
            told.ParseFromString(self.socket.recv(timeout=60))
            if told.WhichOneof("type") == "new_session":
                self.session = told.new_session.initialize.session_id
            if told.WhichOneof("type") == "script_finished":
                break

    def _request(self, body_bytes):
        """The head of an upload of so many bytes, with the token that the server gives its own pages."""
        with urllib.request.urlopen(f"http://localhost:{self.port}/_stcore/health", timeout=10) as answer:
            cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
        token = cookie.partition("=")[2].strip('"')
        return (
            f"PUT /_stcore/upload_file/{self.session}/{uuid.uuid4()} HTTP/1.1\r\nHost: localhost:{self.port}\r\n"
            f"Content-Length: {body_bytes}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY.decode()}\r\n"
            f"Cookie: {cookie}\r\nX-Xsrftoken: {token}\r\nConnection: close\r\n\r\n"
        ).encode()

    def send_all(self, content):
        """Upload `content`; the status line of the answer."""
        body = form_head() + content + b"\r\n--" + BOUNDARY + b"--\r\n"
        with socket.create_connection(("localhost", self.port), timeout=30) as client:
            client.sendall(self._request(len(body)) + body)
            return client.recv(100).split(b"\r\n")[0]

    def send_half(self, content):
        """Begin to upload `content`, and go in the middle of it."""
        with socket.create_connection(("localhost", self.port), timeout=30) as client:
            client.sendall(self._request(len(content) + 200) + form_head() + content[: len(content) // 2])


@contextmanager
def visitors(port, count):
    """`count` open tabs; all are closed behind it."""
    with ExitStack() as tabs:
        yield [
            Visitor(port, tabs.enter_context(connect(
                f"ws://localhost:{port}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], max_size=None,
                additional_headers={"Origin": f"http://localhost:{port}"},
            )))
            for _ in range(count)
        ]  # fmt: skip


@pytest.fixture
def server(tmp_path):
    """(process id, port, log) of pages and API in one process, which forgets a closed tab after a second."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MEDLENS_")}
    environment["STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL"] = "1"
    log = tmp_path / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "core", "serve", "--port", str(port)], cwd=ROOT, env=environment, stdout=stream,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            wait_until(lambda: _answers(port), START_SECONDS)
            yield process.pid, port, log
        finally:
            process.terminate()
            process.wait(timeout=20)


def _answers(port):
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def wait_until(so, seconds):
    end = time.monotonic() + seconds
    while not so() and time.monotonic() < end:
        time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.skipif(not STATM.is_file(), reason="resident memory is read from /proc")
def test_uploads_are_held_while_their_tabs_are_open_and_gone_afterwards(server):
    pid, port, log = server
    content = os.urandom(SENT_MB * 1_000_000)
    with visitors(port, 3) as warm:
        assert [one.send_all(content) for one in warm] == [b"HTTP/1.1 204 No Content"] * 3
    time.sleep(3)
    before, sent = resident_bytes(pid), PEOPLE * len(content)
    with visitors(port, PEOPLE) as open_tabs:
        assert len({one.session for one in open_tabs}) == PEOPLE
        for one in open_tabs:
            assert one.send_all(content) == b"HTTP/1.1 204 No Content"
            one.send_half(content)
        held = resident_bytes(pid) - before
    wait_until(lambda: resident_bytes(pid) - before < MOST_SHARE * sent, 40)
    left = resident_bytes(pid) - before
    print(f"\n{held / 1e6:.0f} MB held of {sent / 1e6:.0f} MB sent to open tabs, {left / 1e6:.0f} MB afterwards")
    assert held > sent / 2
    assert left < MOST_SHARE * sent
    assert "Traceback" not in log.read_text("utf-8")  # hanging up is no incident
