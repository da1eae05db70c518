"""The sign-in page of a server that asks for a token: one field, no script, nothing from another server."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from core.errors import RequestRefused
from core.language import spoken, t
from core.serve.access import COOKIE, Access
from core.serve.replies import Reply

SIGN_IN = "/api/sign-in"
MAX_FORM_BYTES = 4096  # a token and its name
_PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>MedLens: {title}</title>
<style>body{{font:1rem system-ui,sans-serif;max-width:24rem;margin:15vh auto;padding:0 1rem}}
input,button{{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;margin:.4rem 0}}</style>
<h1>MedLens</h1><p>{line}</p>
<form method="post" action="/api/sign-in"><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>{button}</button></form></html>
"""


def sign_in_page(status: int, line: str = "") -> Reply:
    """The form as a reply, in the language that is spoken. `line` is trusted text; what to enter by default."""
    line = line or t("Enter the token that the person who runs this server gave you.")
    headers = {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
    }
    words = {"language": spoken(), "title": t("sign in"), "line": line, "button": t("Sign in")}
    return status, headers, _PAGE.format(**words).encode()


async def sign_in(
    access: Access,
    scope: MutableMapping[str, Any],
    headers: Mapping[bytes, bytes],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
) -> Reply:
    """The form on GET; on POST the cookie and the way to the pages, or the form again.

    Raises: RequestRefused when the form is too long or the method is another.
    """
    if scope["method"] == "GET":
        return sign_in_page(200)
    if scope["method"] != "POST":
        raise RequestRefused(405, "Sign in with POST.", {"allow": "GET, POST"})
    form, more = b"", True
    while more:
        message = await receive()
        form += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
        if len(form) > MAX_FORM_BYTES:
            raise RequestRefused(413, "The form is too long.")
    given = parse_qs(form.decode("latin-1"), max_num_fields=4).get("token", [""]) if form.count(b"&") < 4 else [""]
    if not access.is_token(given[0].encode("latin-1", "replace")):
        return sign_in_page(401, t("That is not the token of this server."))
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    cookie = f"{COOKIE}={access.cookie()}; Path=/; HttpOnly; SameSite=Strict{secure}"
    return 303, {"location": "/", "set-cookie": cookie, "cache-control": "no-store"}, b""
