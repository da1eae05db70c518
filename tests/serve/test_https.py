"""A certificate that this machine signs for itself: for its names, kept while it is good, and never half there."""

import shutil
import socket
import ssl
import stat
import subprocess
import threading

import pytest

from core.errors import SpecInvalid
from core.serve import https
from core.serve.https import CERTIFICATE, KEY, fingerprint_of, own_certificate, own_names

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("https") / "new"
    return folder, own_certificate(["localhost", "127.0.0.1", "::1", "ward-7.example.org"], folder)


@needs_openssl
def test_a_client_that_trusts_it_talks_to_localhost_and_to_no_other_name(made):
    _, certificate = made
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate.certificate, certificate.key)
    trusting = ssl.create_default_context(cafile=str(certificate.certificate))

    def greeted(name):
        near, far = socket.socketpair()
        answered = threading.Thread(target=lambda: _answer(server, far))
        answered.start()
        try:
            near.settimeout(10)
            with trusting.wrap_socket(near, server_hostname=name) as secure:
                return secure.recv(5)
        finally:
            answered.join(10)

    assert greeted("localhost") == b"hello"
    assert greeted("127.0.0.1") == b"hello"
    with pytest.raises(ssl.SSLCertVerificationError):
        greeted("elsewhere.example.org")


def _answer(context, connection):
    try:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.sendall(b"hello")
    except OSError:  # the client refuses the name and hangs up
        connection.close()


@needs_openssl
def test_the_key_is_for_its_owner_alone_and_the_fingerprint_is_that_of_openssl(made):
    folder, certificate = made
    assert stat.S_IMODE(certificate.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    shown = subprocess.run(
        ["openssl", "x509", "-in", certificate.certificate, "-noout", "-fingerprint", "-sha256", "-ext",
         "subjectAltName"], capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert certificate.fingerprint in shown
    assert "DNS:ward-7.example.org" in shown and "IP Address:127.0.0.1" in shown


@needs_openssl
def test_it_is_kept_while_it_is_good_and_made_anew_for_other_names_or_after_damage(made, monkeypatch):
    folder, first = made
    names = ["localhost", "127.0.0.1", "::1", "ward-7.example.org"]
    assert own_certificate(names, folder) == first
    second = own_certificate([*names, "10.0.0.7"], folder)
    assert second.fingerprint != first.fingerprint
    (folder / CERTIFICATE).write_text("torn", encoding="utf-8")
    third = own_certificate([*names, "10.0.0.7"], folder)
    assert third.fingerprint not in (first.fingerprint, second.fingerprint)
    monkeypatch.setattr(https, "LEAST_SECONDS", (https.DAYS + 1) * 86400)  # as if it ended soon
    assert own_certificate([*names, "10.0.0.7"], folder).fingerprint != third.fingerprint
    assert sorted(path.name for path in folder.iterdir()) == [CERTIFICATE, KEY, "names.txt"]


def test_without_openssl_the_sentence_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SpecInvalid, match=r"openssl .* is not installed here\. Install it"):
        own_certificate(["localhost"], tmp_path / "new")
    assert not list((tmp_path / "new").iterdir())


def test_an_openssl_that_fails_is_quoted(monkeypatch, tmp_path):
    (tmp_path / "openssl").write_text("#!/bin/sh\necho 'unknown option -addext' >&2\nexit 1\n", encoding="utf-8")
    (tmp_path / "openssl").chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / "openssl"))
    with pytest.raises(SpecInvalid, match=r"unknown option -addext\. Version 1\.1\.1 or newer"):
        own_certificate(["localhost"], tmp_path / "new")


def test_what_is_no_certificate_has_no_fingerprint(tmp_path):
    (tmp_path / "x.pem").write_text("torn", encoding="utf-8")
    with pytest.raises(SpecInvalid, match="is no certificate"):
        fingerprint_of(tmp_path / "x.pem")


def test_the_names_are_those_of_the_address_or_of_this_machine(monkeypatch):
    monkeypatch.setattr(https, "_addresses", lambda: ["192.168.1.5"])
    monkeypatch.setattr(socket, "gethostname", lambda: "ward_7,IP:9.9.9.9")
    assert own_names("127.0.0.1") == ["localhost", "127.0.0.1", "::1"]
    assert own_names("10.0.0.7") == ["localhost", "127.0.0.1", "::1", "10.0.0.7"]
    assert own_names("0.0.0.0") == ["localhost", "127.0.0.1", "::1", "192.168.1.5"], "a name that is none is left out"
