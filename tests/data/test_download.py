"""Downloads against a server on this machine: whole, cut off, wrong, absent, stopped; nothing is left behind."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from core.data import download
from core.data.download import Archive, download_medmnist, fetch, manual_steps, medmnist_archive
from core.errors import DownloadFailed, SpecInvalid, UnknownKey
from core.registry.datasets import DATASETS

BODY = bytes(range(256)) * 4000
MD5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """/whole, /cut (less than it states), /plain (states no length), anything else: 404."""

    def do_GET(self):
        if self.path not in ("/whole", "/cut", "/plain"):
            self.send_error(404)
            return
        self.server.asked.append(self.path)
        self.send_response(200)
        if self.path != "/plain":
            self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[: len(BODY) // 2] if self.path == "/cut" else BODY)

    def log_message(self, *_args):
        """Quiet."""


@pytest.fixture
def server():
    own = HTTPServer(("127.0.0.1", 0), Handler)
    own.asked = []
    thread = threading.Thread(target=own.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield own
    own.shutdown()
    thread.join()
    own.server_close()


def archive(server, path, md5=MD5):
    return Archive(file_name="some.npz", url=f"http://127.0.0.1:{server.server_port}{path}", md5=md5)


@pytest.mark.parametrize("path", ["/whole", "/plain"])
def test_a_whole_file_arrives_under_its_name(server, tmp_path, path):
    seen = []
    target = fetch(archive(server, path), tmp_path / "new" / "folder", lambda done, total: seen.append((done, total)))
    assert target == tmp_path / "new" / "folder" / "some.npz"
    assert target.read_bytes() == BODY
    assert list(target.parent.iterdir()) == [target]
    assert seen[-1] == (len(BODY), len(BODY) if path == "/whole" else 0)


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    fetch(archive(server, "/whole"), tmp_path)
    fetch(archive(server, "/whole"), tmp_path)
    assert server.asked == ["/whole"]


@pytest.mark.parametrize(
    ("path", "md5", "reason"),
    [("/cut", MD5, "cut off after 512000 of 1024000 bytes"), ("/whole", "0" * 32, "checksum is wrong"),
     ("/none", MD5, "Not Found")],
)  # fmt: skip
def test_a_failure_leaves_nothing_behind_and_says_how_by_hand(server, tmp_path, path, md5, reason):
    with pytest.raises(DownloadFailed, match=reason) as caught:
        fetch(archive(server, path, md5), tmp_path / "new" / "folder")
    assert "By hand: download http://127.0.0.1" in str(caught.value)
    assert md5 in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_file_that_was_there(server, tmp_path):
    (tmp_path / "some.npz").write_bytes(b"older")
    with pytest.raises(DownloadFailed):
        fetch(archive(server, "/cut"), tmp_path)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"older"]


def test_a_server_that_does_not_answer_is_said_to(tmp_path):
    with pytest.raises(DownloadFailed, match="refused"):
        fetch(Archive(file_name="some.npz", url="http://127.0.0.1:9/x", md5=MD5), tmp_path)


def test_an_address_that_is_no_web_address_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(BODY)
    with pytest.raises(DownloadFailed, match="neither http nor https"):
        fetch(Archive(file_name="some.npz", url=(tmp_path / "secret").as_uri(), md5=MD5), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["secret"]


def test_ctrl_c_leaves_nothing_behind(server, tmp_path):
    def stop(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(archive(server, "/whole"), tmp_path / "new", stop)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def package(tmp_path, monkeypatch, server):
    """A `medmnist` package as its authors lay it out: importing it would fail, for want of PyTorch."""
    folder = tmp_path / "site" / "medmnist"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('No module named torch')\n")
    url = f"http://127.0.0.1:{server.server_port}/whole"
    (folder / "info.py").write_text(
        "import os\nos.makedirs('must not run')\n"
        f"INFO = {{'bloodmnist': {{'url': '{url}', 'MD5': '{MD5}', 'url_64': '{url}', 'MD5_64': '{MD5}'}}}}\n"
    )
    monkeypatch.syspath_prepend(str(folder.parent))
    return folder


@pytest.mark.usefixtures("package")
def test_a_medmnist_set_comes_from_the_packages_catalogue(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = download_medmnist("bloodmnist", tmp_path / "data", size_px=64)
    assert path.name == "bloodmnist_64.npz"
    assert path.read_bytes() == BODY
    assert not Path("must not run").exists()


@pytest.mark.usefixtures("package")
def test_a_set_that_the_package_does_not_have_is_named():
    with pytest.raises(DownloadFailed, match=r"no address for pathmnist\.npz"):
        medmnist_archive("pathmnist")


def test_without_the_package_both_ways_out_are_named(monkeypatch):
    monkeypatch.setattr(download.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DownloadFailed, match="pip install --no-deps medmnist") as caught:
        medmnist_archive("bloodmnist")
    assert "zenodo.org" in str(caught.value)


def test_unknown_sets_and_sizes_are_refused():
    with pytest.raises(UnknownKey, match="bloodmnist"):
        medmnist_archive("catmnist")
    with pytest.raises(SpecInvalid, match="28, 64, 128, 224"):
        medmnist_archive("bloodmnist", 512)


@pytest.mark.parametrize("spec", DATASETS.values(), ids=lambda s: s.key)
def test_steps_by_hand_name_source_licence_and_folder(spec, tmp_path):
    text = manual_steps(spec, tmp_path)
    assert all(part in text for part in (spec.source_url, spec.licence, str(tmp_path)))
