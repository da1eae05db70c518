"""Who may ask: the host, the origin and the token of a request, judged from its headers alone.

A server without a token answers this machine only. Nothing here reads a body.
"""

import hashlib
import hmac
import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core import limits
from core.errors import RequestRefused, SpecInvalid

TOKEN_VARIABLE = "MEDLENS_TOKEN"
COOKIE = "medlens"
READING = ("GET", "HEAD", "OPTIONS")

Headers = Mapping[bytes, bytes]


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches a server at `address`."""
    if address.lower() in ("localhost", "localhost."):
        return True
    try:
        parsed = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def token_for(address: str, given: str = "") -> str:
    """The token that a server at `address` asks for: `given`, else `MEDLENS_TOKEN`; empty for none.

    Raises: SpecInvalid when there is none and other machines could connect, or it can be guessed.
    """
    token = given or os.environ.get(TOKEN_VARIABLE, "").strip()
    if token and (len(token) < limits.MIN_TOKEN_LENGTH or not token.isascii() or not token.isprintable()):
        raise SpecInvalid(
            f"The token must have {limits.MIN_TOKEN_LENGTH} or more printable ASCII characters. This makes a good one: "
            'python -c "import secrets; print(secrets.token_urlsafe(24))"'
        )
    if not token and not is_loopback(address):
        raise SpecInvalid(
            f"At the address {address!r} other machines could use this server, and no token is set. "
            f"Set {TOKEN_VARIABLE} (or --token) to a secret of {limits.MIN_TOKEN_LENGTH} or more characters, "
            "or serve at 127.0.0.1."
        )
    return token


@dataclass(frozen=True, slots=True)
class Access:
    """What a request must bring.

    token: empty when none is asked for. hosts: names under which the server may be called, "*" and
    "*.example.org" included; those of this machine always may. Empty with a token: any.
    """

    token: str = ""
    hosts: tuple[str, ...] = ()

    def check_host(self, scope: Mapping[str, Any], headers: Headers) -> None:
        """Raises RequestRefused when the server was reached under a name or at an address that is not its own."""
        bound = (scope.get("server") or ("", None))[0]
        if not self.token and scope.get("type") == "http" and not is_loopback(bound):
            raise RequestRefused(403, f"This server answers other machines only with a token; set {TOKEN_VARIABLE}.")
        name = _host_name(headers.get(b"host", b""))
        if (self.hosts or not self.token) and not (is_loopback(name) or _matches(name, self.hosts)):
            raise RequestRefused(403, "This server is not called by that host name; use localhost or its own name.")

    def check_origin(self, method: str, headers: Headers) -> None:
        """Raises RequestRefused when a web page of another origin sends something (browsers name the origin)."""
        if method in READING:
            return
        if headers.get(b"sec-fetch-site", b"") in (b"cross-site", b"same-site"):
            raise RequestRefused(403, "A web page of another origin may not send requests to this server.")
        origin = headers.get(b"origin")
        if origin is None:  # no browser: a script, curl, another program
            return
        if _authority(origin) != _authority(b"//" + headers.get(b"host", b""), origin):
            raise RequestRefused(403, "A web page of another origin may not send requests to this server.")

    def has_token(self, headers: Headers) -> bool:
        """Whether the request brings the token, as `Authorization: Bearer` or as the cookie of the sign-in page."""
        if not self.token:
            return True
        scheme, _, value = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer":
            return self.is_token(value.strip())
        cookies = (c.strip().partition(b"=") for c in headers.get(b"cookie", b"").split(b";"))
        expected = self.cookie().encode()
        return any(name == COOKIE.encode() and hmac.compare_digest(value, expected) for name, _, value in cookies)

    def is_token(self, value: bytes) -> bool:
        """Compare in a time that does not depend on where the two differ."""
        return hmac.compare_digest(value, self.token.encode())

    def cookie(self) -> str:
        """What the sign-in page's cookie holds: derived from the token, which it does not reveal."""
        return hmac.new(self.token.encode(), b"MedLens sign-in", hashlib.sha256).hexdigest()


def _host_name(host: bytes) -> str:
    """The name in a Host header without port, lower case; empty when it is malformed."""
    try:
        parsed = urlsplit("//" + host.decode("ascii"))
        _ = parsed.port  # raises where it is no number
    except ValueError:  # UnicodeDecodeError included
        return ""
    if parsed.username is not None or parsed.path or parsed.query or parsed.fragment:
        return ""
    return (parsed.hostname or "").rstrip(".")


def _matches(name: str, allowed: Sequence[str]) -> bool:
    patterns = [a.strip().lower().strip("[]").rstrip(".") for a in allowed]
    return bool(name) and any(
        p in ("*", name) or (p.startswith("*.") and name.endswith(p[1:])) for p in patterns
    )  # fmt: skip


def _authority(url: bytes, scheme_of: bytes = b"") -> tuple[str, int | None] | None:
    """(host, port) of an address, the port filled in from the scheme; None when it has none, as "null"."""
    try:
        parsed = urlsplit(url.decode("ascii").lower())
        port = parsed.port
        scheme = parsed.scheme or urlsplit(scheme_of.decode("ascii").lower()).scheme
    except ValueError:
        return None
    if not parsed.hostname:
        return None
    return parsed.hostname, port if port is not None else {"http": 80, "https": 443}.get(scheme)
