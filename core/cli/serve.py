"""`serve`: pages and HTTP API in one process, or the API alone."""

import os
import runpy
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from core import paths
from core.cli.console import err, fail, guarded

if TYPE_CHECKING:
    from core.serve.https import Certificate

MAX_CONNECTIONS = 512  # the gate bounds what they may send; more are turned away with 503


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8501,
    host: Annotated[
        str, typer.Option(help="Address to listen on; one that other machines reach needs a token.")
    ] = "127.0.0.1",
    api_only: Annotated[bool, typer.Option("--api-only", help="The HTTP API without the pages.")] = False,
    https: Annotated[
        bool, typer.Option("--https", help="Encrypted, with a certificate that this machine makes for itself.")
    ] = False,
    token: Annotated[
        str,
        typer.Option(
            envvar="MEDLENS_TOKEN",
            help="A secret that every request must bring; better set as MEDLENS_TOKEN than typed, where others see it.",
            show_default=False,
            show_envvar=False,
        ),
    ] = "",
) -> None:
    """Serve the app and its HTTP API; /api/docs describes the API."""
    with guarded():
        from core.serve.access import TOKEN_VARIABLE, is_loopback, token_for

        checked = token_for(host, token)
        certificate = _certificate(host, port) if https else None
    if api_only:
        _serve_api(host, port, checked, certificate)
        return
    if checked:
        os.environ[TOKEN_VARIABLE] = checked  # app.py asks for it; the command line of a process is no secret
    arguments = ["run", str(paths.REPOSITORY / "app.py"), "--server.address", host, "--server.port", str(port)]
    if not is_loopback(host):
        # Under whatever name others call this machine: whoever has no token gets nothing.
        arguments += ["--server.allowedHosts", "*"]
    if certificate is not None:
        arguments += ["--server.sslCertFile", str(certificate.certificate), "--server.sslKeyFile", str(certificate.key)]
    sys.argv = ["streamlit", *arguments]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def _certificate(host: str, port: int) -> "Certificate":
    """The certificate of this machine, with a word on what a browser will say. Raises SpecInvalid."""
    from core.serve.https import WHY, own_certificate, own_names

    names = own_names(host)
    found = own_certificate(names, paths.certificate_folder())
    err.print(WHY, markup=False, soft_wrap=True)
    err.print(f"Fingerprint (SHA-256): {found.fingerprint}", markup=False, soft_wrap=True)
    reached = [name for name in names if name not in ("127.0.0.1", "::1", "localhost")]
    if reached and port:
        addresses = ", ".join(f"https://{_shown(name)}:{port}" for name in reached)
        err.print(f"Others reach it at {addresses}", markup=False, soft_wrap=True)
    return found


def _serve_api(host: str, port: int, token: str, certificate: "Certificate | None" = None) -> None:
    import uvicorn

    from core.serve.mount import api_alone

    with _listening(host, port) as listener:
        number = listener.getsockname()[1]
        scheme = "http" if certificate is None else "https"
        err.print(f"MedLens HTTP API: {scheme}://{_shown(host)}:{number}/api/docs (Ctrl-C stops it)", markup=False)
        config = uvicorn.Config(
            api_alone(host, token), access_log=False, server_header=False, lifespan="off", log_level="warning",
            timeout_keep_alive=20, use_colors=False, ws="none", limit_concurrency=MAX_CONNECTIONS,
            ssl_certfile=None if certificate is None else str(certificate.certificate),
            ssl_keyfile=None if certificate is None else str(certificate.key),
        )  # fmt: skip
        with suppress(KeyboardInterrupt):  # uvicorn has finished what was under way and passes the signal on
            uvicorn.Server(config).run(sockets=[listener])


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens; fails with a sentence where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        fail(f"Cannot listen at {host}, port {port}: {error.strerror or error}. Choose another with --port or --host.")
