"""What is refused before a body is read: foreign hosts and origins, missing tokens, too many or too long headers."""

import json
import socket

import pytest

from core import limits
from core.errors import SpecInvalid
from core.serve.access import Access, is_loopback, token_for

LIVE = "/api/live?model=fake"


async def pages(scope, receive, send):
    """What stands for the pages: says "page" to requests and accepts every web socket."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"page"})


def exchange(address, *pieces, timeout=10):
    """Send bytes as they are; (status, JSON or text) of the reply."""
    with socket.create_connection(address, timeout=timeout) as connection:
        for piece in pieces:
            connection.sendall(piece)
        received = b""
        while True:
            try:
                chunk = connection.recv(65536)
            except ConnectionResetError:
                break
            received += chunk
            head, split, body = received.partition(b"\r\n\r\n")
            if not chunk or (split and (b" 101 " in head or len(body) >= stated_length(head))):
                break
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body.decode(errors="replace")


def stated_length(head):
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 10**9


def error_of(answer):
    """The sentence of a refusal; the reply holds nothing else."""
    status, text = answer
    document = json.loads(text)
    assert set(document) <= {"error", "incident"} and "Traceback" not in text
    return status, document["error"]


@pytest.mark.parametrize("host", ["localhost", "localhost:8501", "127.0.0.1:1", "[::1]:8501", "LOCALHOST."])
def test_this_machine_is_called_by_its_own_names(client, host):
    assert client.get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil.example:8501", "127.0.0.1.evil.example", "user@localhost",
     "localhost/x", "localhost:no", "", "2130706433.evil", "192.168.1.5"],
)  # fmt: skip
def test_a_foreign_host_name_is_refused_so_that_no_name_can_be_rebound(client, host):
    answer = client.get("/health", headers={"host": host})
    assert answer.status_code == 403
    assert set(answer.json()) == {"error"}


def test_names_can_be_allowed_with_their_subdomains():
    access = Access("", ("MedLens.example", "*.hospital.example"))
    scope = {"type": "http", "server": ("127.0.0.1", 8501)}
    for name in (b"medlens.example:80", b"a.hospital.example", b"localhost"):
        access.check_host(scope, {b"host": name})
    for name in (b"hospital.example", b"ahospital.example", b"other.example"):
        with pytest.raises(Exception, match="host name"):
            access.check_host(scope, {b"host": name})


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"origin": "http://localhost.evil.example"},
        {"origin": "https://127.0.0.1"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/api/live?model=fake", "/video_frame/", "/api/predict", "/api/overlay"])
def test_a_page_of_another_origin_cannot_post(client, helpers, predictor, headers, path):
    answer = client.post(path, content=helpers.picture(1), headers={"content-type": "image/png", **headers})
    assert answer.status_code == 403
    assert "another origin" in answer.json()["error"]
    assert predictor.runs == 0


def test_the_own_page_and_programs_that_are_no_browser_can_post(client, helpers):
    address = str(client.base_url).rstrip("/")
    for headers in ({"origin": address, "sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {}):
        answer = client.post(LIVE, content=helpers.picture(1), headers={"content-type": "image/png", **headers})
        assert answer.status_code == 200


def test_default_ports_count_as_the_same_origin():
    access = Access()
    access.check_origin("POST", {b"host": b"localhost", b"origin": b"http://localhost:80"})
    access.check_origin("POST", {b"host": b"localhost:443", b"origin": b"https://localhost"})
    with pytest.raises(Exception, match="another origin"):
        access.check_origin("POST", {b"host": b"localhost:8080", b"origin": b"https://localhost"})


def test_no_reply_invites_another_origin_to_read_it(client):
    answer = client.get("/api/models", headers={"origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_with_a_token_every_address_asks_for_it_before_it_reads_the_body(helpers, shared, predictor):
    with helpers.client(shared[0], token=helpers.token, pages=pages) as client:
        address = (client.base_url.host, client.base_url.port)
        wrong = ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {helpers.token}"},
                 {"cookie": f"medlens={helpers.token}"}, {"authorization": f"Bearer {helpers.token}x"})  # fmt: skip
        for path in ("/health", "/api/models", "/api/docs", "/api/nothing", "/", "/_stcore/host-config"):
            for headers in wrong:
                answer = client.get(path, headers=headers)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
        # two bytes of a promised megabyte are enough to be turned away
        head = b"POST /api/live HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 1000000\r\n\r\nab"
        assert error_of(exchange(address, head))[0] == 401
        assert predictor.runs == 0
        right = {"authorization": f"bearer {helpers.token}"}
        assert client.get("/api/models", headers=right).status_code == 200
        assert client.get("/", headers=right).text == "page"
        assert client.get("/_stcore/health").text == "page"  # a watchdog may ask


def test_a_person_signs_in_with_a_form_and_gets_a_cookie_that_does_not_hold_the_token(helpers, shared):
    with helpers.client(shared[0], token=helpers.token, pages=pages) as client:
        page = client.get("/", headers={"accept": "text/html"})
        assert page.status_code == 401 and "<form" in page.text and "<script" not in page.text
        assert "Enter the token" in page.text
        spanish = client.get("/", headers={"accept": "text/html", "accept-language": "es-MX,es;q=0.9,en;q=0.8"})
        assert 'lang="es"' in spanish.text and "Escriba la clave" in spanish.text
        assert client.post("/api/sign-in", data={"token": "wrong"}).status_code == 401
        assert "medlens" not in client.cookies
        answer = client.post("/api/sign-in", data={"token": helpers.token})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and helpers.token not in cookie
        assert client.get("/").text == "page"
        assert client.get("/api/models").status_code == 200
        foreign = client.post("/api/sign-in", data={"token": helpers.token}, headers={"origin": "https://evil.example"})
        assert foreign.status_code == 403
        assert client.post("/api/sign-in", content=b"token=" + b"x" * 5000).status_code == 413


def test_a_web_socket_without_the_token_is_not_opened(helpers, shared):
    head = ("GET /_stcore/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n")  # fmt: skip
    with helpers.served(shared[0], token=helpers.token, pages=pages) as address:
        assert exchange(address, head.format("").encode())[0] == 403
        cookie = Access(helpers.token).cookie()
        assert exchange(address, head.format(f"Cookie: a=b; medlens={cookie}\r\n").encode(), timeout=2)[0] == 101


@pytest.mark.parametrize("bound", ["0.0.0.0", "192.168.1.5", "::", "10.0.0.1", "example.org", ""])
def test_a_server_that_others_reach_starts_only_with_a_token(bound, monkeypatch, helpers):
    monkeypatch.delenv("MEDLENS_TOKEN", raising=False)
    with pytest.raises(SpecInvalid, match="MEDLENS_TOKEN"):
        token_for(bound)
    assert token_for(bound, helpers.token) == helpers.token
    monkeypatch.setenv("MEDLENS_TOKEN", helpers.token)
    assert token_for(bound) == helpers.token


@pytest.mark.parametrize("bound", ["127.0.0.1", "localhost", "::1", "127.0.0.2", "::ffff:127.0.0.1"])
def test_this_machine_alone_needs_none(bound, monkeypatch):
    monkeypatch.delenv("MEDLENS_TOKEN", raising=False)
    assert is_loopback(bound)
    assert token_for(bound) == ""


@pytest.mark.parametrize("weak", ["short", "x" * 15, "passwörter-sind-lang", "a\nb" * 10])
def test_a_token_that_can_be_guessed_or_sent_by_no_header_is_refused(weak):
    with pytest.raises(SpecInvalid, match="printable ASCII"):
        token_for("127.0.0.1", weak)


def test_without_a_token_only_connections_of_this_machine_are_answered():
    """uvicorn can be told another address than the one that was checked at the start."""
    access = Access()
    with pytest.raises(Exception, match="only with a token"):
        access.check_host({"type": "http", "server": ("192.168.1.5", 8501)}, {b"host": b"localhost"})


def test_too_many_or_too_long_headers_are_refused(client):
    many = {f"x-{number}": "1" for number in range(limits.MAX_REQUEST_HEADERS)}
    assert client.get("/health", headers=many).status_code == 431
    long = {"x-long": "x" * limits.MAX_REQUEST_HEADER_BYTES}
    assert client.get("/health", headers=long).status_code == 431


@pytest.mark.parametrize("twice", ["Origin: http://localhost", "Authorization: Bearer x"])
def test_a_header_that_decides_something_may_not_come_twice(address, twice):
    answer = exchange(address, f"GET /health HTTP/1.1\r\nHost: localhost\r\n{twice}\r\n{twice}\r\n\r\n".encode())
    assert error_of(answer)[0] == 400


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/nothing", "/api/predict/", "/api/../health", "/api/models/../../etc/passwd",
     "/api/models/%2e%2e/%2e%2e/etc/passwd", "/api/%00", "/api/models\\..\\..", "/video_frame/x", "/nothing"],
)  # fmt: skip
def test_an_unknown_address_is_a_json_404(address, path):
    status, sentence = error_of(exchange(address, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()))
    assert status == 404
    assert "/api/docs" in sentence


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/predict"), ("DELETE", "/api/models"), ("PUT", "/health")])
def test_a_wrong_method_is_a_json_405(client, method, path):
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert set(answer.json()) == {"error"}


def test_pages_behind_the_gate_are_left_alone(helpers, shared):
    with helpers.client(shared[0], pages=pages) as client:
        for path in ("/", "/compare", "/apidocs", "/healthy", "/_stcore/health", "/video_frames"):
            assert client.get(path).text == "page"
        assert client.get("/health").json()["status"] == "ok"
        # an upload to a page is the pages' own affair: they have their own limit and their own check of the sender
        assert client.post("/_stcore/upload_file/a/b", content=b"x").text == "page"
