"""How much a request may bring: bodies with and without a length, slow ones, all at once; forms of too many parts."""

import contextlib
import json
import socket
import threading
import time

import numpy as np
import pytest

from core import limits
from core.data.images import encode_png
from core.errors import RequestRefused
from core.serve.gate import Body, BodyRoom

HEAD = "POST /api/live?model=fake HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
MB = 1024**2


def answer_to(address, head, body=(), *, timeout=10):
    """Send a head and pieces of a body until the server has answered; (status, document)."""
    with socket.create_connection(address, timeout=timeout) as connection:
        # a server that has refused may close while we send
        with contextlib.suppress(ConnectionError):
            connection.sendall(head.encode() + b"\r\n")
            for piece in body:
                connection.sendall(piece)
        received = b""
        with contextlib.suppress(ConnectionError):
            while chunk := connection.recv(65536):
                received += chunk
                if received.endswith(b"}"):
                    break
    head, _, text = received.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), json.loads(text)


def chunked(data, size=65536):
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield b"0\r\n\r\n"


@pytest.fixture
def small_limits(monkeypatch):
    monkeypatch.setattr(limits, "MAX_REQUEST_BYTES", MB)
    monkeypatch.setattr(limits, "MAX_BODIES_BYTES", 3 * MB)


def test_a_stated_length_over_the_limit_is_refused_before_anything_is_read(address):
    status, document = answer_to(address, HEAD + f"Content-Length: {limits.MAX_REQUEST_BYTES + 1}\r\n")
    assert status == 413
    assert f"{limits.MAX_REQUEST_BYTES // MB} MB" in document["error"]


def test_a_body_without_a_length_is_counted_while_it_comes(address, predictor, small_limits):
    status, document = answer_to(address, HEAD + "Transfer-Encoding: chunked\r\n", chunked(bytes(MB + 1)))
    assert (status, set(document)) == (413, {"error"})
    assert predictor.runs == 0


def test_an_endless_body_ends_with_the_limit(address, small_limits):
    def endless():
        end = time.monotonic() + 5
        while time.monotonic() < end:
            yield b"10000\r\n" + bytes(65536) + b"\r\n"

    started = time.monotonic()
    assert answer_to(address, HEAD + "Transfer-Encoding: chunked\r\n", endless())[0] == 413
    assert time.monotonic() - started < 4


def test_a_chunked_picture_within_the_limit_is_answered(address, helpers, small_limits):
    status, document = answer_to(
        address, HEAD + "Transfer-Encoding: chunked\r\n", chunked(helpers.picture(204), size=100)
    )
    assert status == 200
    assert document["probabilities"][1] == pytest.approx(0.8)


@pytest.mark.parametrize("length", ["x", "-1", "1e3", "9" * 30])
def test_a_length_that_is_no_number_is_a_client_error(address, length):
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall((HEAD + f"Content-Length: {length}\r\n\r\n").encode())
        assert connection.recv(4096).split(b" ", 2)[1] in (b"400", b"413")


def test_a_body_that_comes_too_slowly_is_given_up(address, monkeypatch):
    monkeypatch.setattr(limits, "MAX_BODY_SECONDS", 0.2)
    status, document = answer_to(address, HEAD + "Content-Length: 100\r\n", [b"some"])
    assert status == 408
    assert "too slowly" in document["error"]


def test_a_client_that_leaves_in_the_middle_harms_nobody(address, helpers):
    for _ in range(5):
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall((HEAD + "Content-Length: 1000\r\n\r\nhalf").encode())
    picture = helpers.picture(51)
    assert answer_to(address, HEAD + f"Content-Length: {len(picture)}\r\n", [picture])[0] == 200


def test_bodies_together_fill_only_so_much_memory(address, small_limits, helpers):
    """Four slow senders of 0.9 MB each share a room of 3 MB; the room is free again when they have gone."""
    head = (HEAD + f"Content-Length: {MB}\r\n\r\n").encode()
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(socket.create_connection(address, timeout=10)) for _ in range(3)]
        for sender in senders:
            sender.sendall(head + bytes(int(0.95 * MB)))
        time.sleep(0.3)
        status, document = answer_to(address, HEAD + f"Content-Length: {MB}\r\n", [bytes(MB)])
        assert status == 503
        assert set(document) == {"error", "incident"}
    # what was held is free again: nearly a megabyte is read, and refused because it is no picture
    end = time.monotonic() + 5
    while answer_to(address, HEAD + f"Content-Length: {int(0.95 * MB)}\r\n", [bytes(int(0.95 * MB))])[0] != 422:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_client_that_is_still_sending_can_finish_and_reads_why_it_was_refused(address):
    """Most clients give up at a line that is closed under them, and never look for a reply."""
    for _ in range(5):
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall((HEAD + f"Content-Length: {limits.MAX_REQUEST_BYTES + 1}\r\n\r\n").encode())
            for _ in range(4):
                connection.sendall(bytes(MB))
            assert connection.recv(4096).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("length", [b"x", b"-1", b"1e3", b"9" * 30, b"\xb2", b""])
def test_a_length_is_judged_whatever_the_server_in_front_lets_through(length):
    body = Body(None, BodyRoom())
    with pytest.raises(RequestRefused):
        body.check_length({b"content-length": length})
    body.check_length({b"content-length": b"100"})
    body.check_length({})


def test_what_was_taken_is_given_back():
    room = BodyRoom()
    room.take(limits.MAX_BODIES_BYTES)
    with pytest.raises(RequestRefused):
        room.take(1)
    room.give(limits.MAX_BODIES_BYTES)
    room.take(1)


def part(name, content=b"x", file=None):
    file = "" if file is None else f'; filename="{file}"'
    return f'--B\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"


def post_form(client, *parts, end=b"--B--\r\n", path="/api/predict", kind="multipart/form-data; boundary=B"):
    return client.post(path, content=b"".join(parts) + end, headers={"content-type": kind})


def test_ten_thousand_parts_are_refused_at_once(client):
    started = time.monotonic()
    assert post_form(client, *[part("a")] * 10_000).status_code == 413
    assert post_form(client, *[part("file", b"x", "a.png")] * 10_000).status_code == 413
    assert time.monotonic() - started < 2


def test_a_batch_may_have_only_so_many_files(client, helpers, predictor):
    files = [part("files", helpers.picture(1), "a.png")] * (limits.MAX_FILES_PER_REQUEST + 1)
    answer = post_form(client, *files)
    assert answer.status_code == 413
    assert str(limits.MAX_FILES_PER_REQUEST) in answer.json()["error"]
    assert predictor.runs == 0


GOOD = encode_png(np.full((32, 32, 3), 90, np.uint8))  # so that only the fault of the form is left to refuse
FILE = part("file", GOOD, "a.png")
HEADERS = FILE[5 : FILE.index(GOOD)]
FORMS = {
    "empty": b"",
    "nothing but the end": b"--B--\r\n",
    "no end": FILE,
    "half an end": FILE + b"--B",
    "cut in the head": b"--B\r\nContent-Disposition: form-da",
    "cut before the empty line": b"--B\r\n" + HEADERS[:-2],
    "no name": FILE.replace(b'; name="file"', b"") + b"--B--\r\n",
    "no disposition": b"--B\r\nContent-Type: image/png\r\n\r\n" + GOOD + b"\r\n--B--\r\n",
    "no headers": b"--B\r\n\r\n" + GOOD + b"\r\n--B--\r\n",
    "another disposition": FILE.replace(b"form-data", b"attachment") + b"--B--\r\n",
    "letters behind the boundary": FILE.replace(b"--B\r\n", b"--Bxx\r\n") + b"--B--\r\n",
    "endless head": b"--B\r\nX: " + b"y" * 100_000 + b"\r\n" + HEADERS + GOOD + b"\r\n--B--\r\n",
    "another boundary": FILE.replace(b"--B", b"--C") + b"--C--\r\n",
    "a field only": part("model", b"fake") + b"--B--\r\n",
    "a file in another field": FILE + part("image", GOOD, "b.png") + b"--B--\r\n",
    "a huge field": part("note", b"x" * 2000) + FILE + b"--B--\r\n",
    "the empty file of a browser": part("file", b"", "") + b"--B--\r\n",
}


@pytest.mark.parametrize("path", ["/api/predict", "/api/overlay", "/video_frame/"])
@pytest.mark.parametrize("name", FORMS)
def test_a_broken_form_is_a_client_error_in_one_sentence(client, predictor, path, name):
    answer = post_form(client, end=FORMS[name], path=path)
    assert 400 <= answer.status_code < 500
    assert len(answer.json()["error"]) > 20
    assert predictor.runs == 0


def test_the_form_that_the_broken_ones_are_made_from_is_answered(client):
    assert post_form(client, FILE).status_code == 200
    long = "x" * 70
    kind = f"multipart/form-data; boundary={long}"
    assert post_form(client, end=whole(long), kind=kind).status_code == 200
    assert post_form(client, end=whole(long + "x"), kind=kind + "x").status_code == 400


def whole(boundary):
    """The good form with another boundary."""
    return (FILE + b"--B--\r\n").replace(b"--B", b"--" + boundary.encode())


@pytest.mark.parametrize(
    "kind",
    ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=", "text/plain; boundary=B",
     "multipart/form-data; boundary=" + "x" * 71, "application/x-www-form-urlencoded", "image/png"],
)  # fmt: skip
def test_a_body_of_another_kind_is_a_client_error(client, helpers, kind):
    answer = post_form(client, part("file", helpers.picture(1), "a.png"), kind=kind)
    assert answer.status_code in (400, 415)


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data; boundary=B", "application/json"])
def test_a_live_frame_is_the_picture_itself(client, helpers, kind):
    answer = client.post("/api/live", content=helpers.picture(1), headers={"content-type": kind})
    assert answer.status_code == 415


def test_a_preamble_and_an_epilogue_mean_nothing(client, helpers):
    whole = b"ignored\r\n" + part("file", helpers.picture(204), "a.png")
    answer = post_form(client, whole, end=b"--B--\r\nignored")
    assert answer.json()["predictions"][0]["probabilities"]["Nodule"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("path", "fields", "status", "words"),
    [
        ("/api/predict", {"model": "nothing"}, 404, "fake, three"),
        ("/api/predict", {"model": "../fake"}, 404, "fake, three"),
        ("/api/predict", {"explain": "lime"}, 422, "none, maps, gradcam"),
        ("/api/predict", {"explain": "gradcam", "target": "Nothing"}, 404, "Clear, Nodule"),
        ("/api/predict", {"explain": "gradcam", "strength": "2"}, 422, "0 to 1"),
        ("/api/predict", {"explain": "gradcam", "strength": "nan"}, 422, "0 to 1"),
        ("/api/predict", {"explain": "gradcam", "strength": "strong"}, 422, "0 to 1"),
        ("/api/overlay", {"target": "Nothing"}, 404, "Clear, Nodule"),
        ("/video_frame/?model=nothing", {}, 404, "fake, three"),
    ],
)
def test_a_wrong_option_is_a_client_error_that_names_the_right_ones(client, helpers, path, fields, status, words):
    answer = client.post(path, files={"file": helpers.picture(1)}, data=fields)
    assert answer.status_code == status
    assert words in answer.json()["error"]


@pytest.mark.parametrize("query", ["model=nothing", "model=fake&target=Nothing", "model=%2e%2e%2ffake", "model=%00"])
def test_a_live_frame_for_an_unknown_model_or_class_names_the_known_ones(client, helpers, query):
    answer = client.post(f"/api/live?{query}", content=helpers.picture(1), headers={"content-type": "image/png"})
    assert answer.status_code == 404
    assert "Known: " in answer.json()["error"]


def test_one_picture_means_one(client, helpers):
    files = [("file", helpers.picture(1)), ("file", helpers.picture(2))]
    for path in ("/video_frame/", "/api/overlay"):
        assert client.post(path, files=files).status_code == 422


def test_threads_of_refused_requests_do_not_pile_up(address, small_limits):
    before = threading.active_count()
    for _ in range(20):
        answer_to(address, HEAD + f"Content-Length: {2 * MB}\r\n")
    assert threading.active_count() <= before + 2


def test_a_file_field_that_was_left_empty_is_no_picture_and_stands_in_nobodys_way(client):
    empty = part("file", b"", "")
    assert "no picture in the form" in post_form(client, empty).json()["error"]
    assert len(post_form(client, empty, FILE).json()["predictions"]) == 1
