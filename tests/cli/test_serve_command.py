"""`serve` on the command line: what it hands to the server, and what it refuses before anything listens."""

import runpy
import socket
import sys

import pytest
from typer.testing import CliRunner

from core import paths
from core.__main__ import app

TOKEN = "a-token-of-some-length"


@pytest.fixture
def handed(monkeypatch):
    """The command line that Streamlit would see; nothing is started."""
    seen = []
    monkeypatch.delenv("MEDLENS_TOKEN", raising=False)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(runpy, "run_module", lambda name, **options: seen.append((name, list(sys.argv), options)))
    return seen


def call(*arguments, **environment):
    return CliRunner().invoke(app, ["serve", *arguments], env=environment)


def test_it_explains_itself():
    result = call("--help")
    assert result.exit_code == 0
    for option in ("--port", "--host", "--api-only", "--token"):
        assert option in result.output


def test_it_serves_this_machine_by_default(handed):
    assert call("--port", "8600").exit_code == 0
    ((name, line, _options),) = handed
    assert name == "streamlit"
    assert line[1:] == [
        "run",
        str(paths.REPOSITORY / "app.py"),
        "--server.address",
        "127.0.0.1",
        "--server.port",
        "8600",
    ]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_another_address_needs_a_token(handed, host):
    refused = call("--host", host)
    assert refused.exit_code == 1
    assert "no token is set" in refused.output and "Traceback" not in refused.output
    assert handed == []
    assert call("--host", host, "--api-only").exit_code == 1


@pytest.mark.parametrize("by_option", [True, False])
def test_a_token_opens_another_address_and_never_stands_on_a_command_line(handed, monkeypatch, by_option):
    monkeypatch.setenv("MEDLENS_TOKEN", "" if by_option else TOKEN)
    arguments = ["--host", "0.0.0.0", *(["--token", TOKEN] if by_option else [])]
    assert CliRunner().invoke(app, ["serve", *arguments]).exit_code == 0
    ((_name, line, _options),) = handed
    assert TOKEN not in " ".join(line)
    assert line[-2:] == ["--server.allowedHosts", "*"]


def test_a_short_token_is_refused(handed):
    refused = call("--token", "short")
    assert refused.exit_code == 1 and "16 or more" in refused.output
    assert handed == []


def test_a_port_in_use_is_one_sentence(handed):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = call("--api-only", "--port", str(taken.getsockname()[1]))
    assert refused.exit_code == 1
    assert "Cannot listen" in refused.output and "Traceback" not in refused.output


def test_with_https_the_server_gets_a_certificate_and_the_person_its_fingerprint(handed, monkeypatch, tmp_path):
    from core.serve import https

    found = https.Certificate(tmp_path / "c.pem", tmp_path / "k.pem", "AB:CD")
    monkeypatch.setattr(https, "own_certificate", lambda names, folder: found)
    result = call("--https", "--port", "8600")
    assert result.exit_code == 0
    ((_name, line, _options),) = handed
    assert line[-4:] == ["--server.sslCertFile", str(found.certificate), "--server.sslKeyFile", str(found.key)]
    assert "AB:CD" in result.stderr and "or over HTTPS only" in result.stderr


def test_https_without_openssl_leaves_with_one_sentence(handed, monkeypatch, tmp_path):
    import shutil

    monkeypatch.setenv("MEDLENS_HTTPS", str(tmp_path / "https"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    refused = call("--https")
    assert refused.exit_code == 1 and "is not installed here" in refused.stderr
    assert handed == []
