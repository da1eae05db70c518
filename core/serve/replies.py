"""Replies that need no framework: JSON, an error as one sentence, an incident with a number for the log."""

import json
import logging
import secrets
from collections.abc import Mapping
from typing import Any

from core.errors import MedLensError, RequestRefused

LOG = logging.getLogger("medlens.serve")
JSON_HEADERS = {"content-type": "application/json", "x-content-type-options": "nosniff", "cache-control": "no-store"}

Reply = tuple[int, dict[str, str], bytes]


def to_json(document: object) -> bytes:
    """UTF-8 JSON; everything outside ASCII is escaped, NaN is refused."""
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode("ascii")


def json_reply(status: int, document: object, headers: Mapping[str, str] | None = None) -> Reply:
    """Status, headers and body."""
    return status, {**JSON_HEADERS, **(headers or {})}, to_json(document)


def error_reply(error: BaseException) -> Reply:
    """What a client is told of an error: the sentence of one raised on purpose, an incident of any other.

    The log gets the details; the client gets no traceback, path or text of a foreign library.
    """
    if isinstance(error, RequestRefused):
        if error.status < 500:
            return json_reply(error.status, {"error": str(error)}, error.headers)
        return json_reply(error.status, {"error": str(error), "incident": incident(None)}, error.headers)
    if isinstance(error, MedLensError):
        text = "The model could not answer; the log of the server says why under the number of this incident."
        return json_reply(500, {"error": text, "incident": incident(error)})
    text = "Something went wrong on the server; its log says what under the number of this incident."
    return json_reply(500, {"error": text, "incident": incident(error)})


def incident(error: BaseException | None) -> str:
    """Note an error in the log and return the number under which it stands there."""
    number = secrets.token_hex(4)
    if error is None:
        LOG.warning("incident %s: refused for lack of room", number)
    else:
        LOG.error("incident %s", number, exc_info=error)
    return number


async def send_reply(send: Any, reply: Reply) -> None:
    """Send a reply over ASGI."""
    status, headers, content = reply
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    raw.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content, "more_body": False})
