"""The gate in front of pages and HTTP API: what it refuses is refused before a body is read.

An ASGI middleware without any framework, so that the app starts as fast as without an API; FastAPI is imported at
the first request to the API, in a thread.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from starlette.requests import ClientDisconnect

from core import limits
from core.errors import RequestRefused
from core.language import best_language, speaking
from core.serve.access import Access
from core.serve.replies import LOG, error_reply, json_reply, send_reply
from core.serve.signin import SIGN_IN, sign_in, sign_in_page

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

OPEN_PATHS = ("/_stcore/health",)  # says "ok" and nothing else; a watchdog needs no secret for it
LINGER_SECONDS, LINGER_BYTES = 2.0, 8 * 1024**2  # a refused client may finish sending, so that it reads the reply


def is_api(path: str) -> bool:
    """Whether a path is the API's; every other one is the pages'."""
    return path == "/api" or path.startswith(("/api/", "/video_frame/")) or path in ("/health", "/video_frame")


class Gate:
    """Pages and API behind one set of checks.

    Args:
        app: the pages, or None to serve the API alone.
        api: makes the API; called once, at its first request, in a thread.
    """

    def __init__(self, app: Asgi | None, *, access: Access, api: Callable[[], Asgi]) -> None:
        self._pages, self._access, self._make = app, access, api
        self._api: Asgi | None = None
        self._lock = threading.Lock()
        self._room = BodyRoom()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif self._pages is not None:
            await self._pages(scope, receive, send)

    async def _http(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        path, body = scope["path"], Body(receive, self._room)
        reply = Answer(send, body)
        try:
            headers = checked_headers(scope)
            body.expect(headers)
            self._access.check_host(scope, headers)
            if path == SIGN_IN and self._access.token:
                self._access.check_origin(scope["method"], headers)
                with speaking(_language(headers)):
                    await send_reply(reply.send, await sign_in(self._access, scope, headers, body.read))
            elif not self._access.has_token(headers) and path not in OPEN_PATHS:
                if is_api(path) or scope["method"] != "GET" or b"text/html" not in headers.get(b"accept", b""):
                    raise RequestRefused(
                        401,
                        "This server asks for a token: Authorization: Bearer TOKEN.",
                        {"www-authenticate": "Bearer"},
                    )
                with speaking(_language(headers)):
                    await send_reply(reply.send, sign_in_page(401))
            elif is_api(path):
                self._access.check_origin(scope["method"], headers)
                body.check_length(headers)
                if self._api is None:
                    await asyncio.to_thread(self._make_once)
                with speaking(_language(headers)):  # of what is refused; what is answered is English
                    await self._api(scope, body.read, reply.send)  # type: ignore[misc]
            elif self._pages is not None:
                await self._pages(scope, receive, send)
            else:
                raise RequestRefused(404, "There is nothing here; the API lies under /api, see /api/docs.")
        except ClientDisconnect:
            LOG.info("a client hung up while it sent to %s", path)  # nobody is left to answer, and nothing went wrong
        except Exception as error:  # the last place where an error can become a sentence
            if not is_api(path) and not isinstance(error, RequestRefused):
                raise  # of the pages, which have their own way
            if not reply.has_started:  # otherwise the API has answered, and noted it in the log
                await send_reply(reply.send, error_reply(error))
        finally:
            body.forget()

    async def _websocket(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        # the pages judge host and origin of a web socket themselves
        if self._pages is None or not self._access.has_token(dict(scope["headers"])):
            await send({"type": "websocket.close", "code": 1008, "reason": "no token"})
            return
        await self._pages(scope, receive, send)

    def _make_once(self) -> None:
        with self._lock:
            if self._api is None:
                self._api = self._make()


def _language(headers: Mapping[bytes, bytes]) -> str:
    return best_language(headers.get(b"accept-language", b"").decode("latin-1"))


def checked_headers(scope: MutableMapping[str, Any]) -> dict[bytes, bytes]:
    """The headers by lower-case name. Raises RequestRefused when there are too many, or two hosts or lengths."""
    raw = scope["headers"]
    size = sum(len(name) + len(value) for name, value in raw) + len(scope.get("query_string", b""))
    if len(raw) > limits.MAX_REQUEST_HEADERS or size > limits.MAX_REQUEST_HEADER_BYTES:
        raise RequestRefused(431, "The headers of the request are too many or too long.")
    for single in (b"host", b"content-length", b"origin", b"authorization"):
        if sum(name == single for name, _ in raw) > 1:
            raise RequestRefused(400, f"The request has more than one header {single.decode()}.")
    return dict(raw)


class BodyRoom:
    """The memory that bodies of all requests may fill together; used on the event loop only."""

    def __init__(self) -> None:
        self._held = 0

    def take(self, count: int) -> None:
        """Raises RequestRefused when there is no room left."""
        if self._held + count > limits.MAX_BODIES_BYTES:
            raise RequestRefused(
                503, "The server is receiving as much as it can hold; ask again.", {"retry-after": "2"}
            )
        self._held += count

    def give(self, count: int) -> None:
        """Hand back what was taken."""
        self._held -= count


class Body:
    """A request's `receive` that counts: too large, too slow or too much at once raises RequestRefused."""

    def __init__(self, receive: Receive, room: BodyRoom) -> None:
        self._receive, self._room = receive, room
        self._size = 0
        self._deadline = 0.0
        self.is_whole = False

    def expect(self, headers: dict[bytes, bytes]) -> None:
        """Note whether a body will come at all."""
        self.is_whole = headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers

    def check_length(self, headers: dict[bytes, bytes]) -> None:
        """Judge the length that the client states, before anything is read; a false one is found while reading."""
        stated = headers.get(b"content-length", b"0")
        if not stated.isdigit():
            raise RequestRefused(400, "The header Content-Length is no number.")
        if len(stated) > 18 or int(stated) > limits.MAX_REQUEST_BYTES:
            raise self._too_large()

    async def read(self) -> Message:
        """The next message of the request, counted."""
        if self.is_whole:
            return await self._receive()
        loop = asyncio.get_running_loop()
        self._deadline = self._deadline or loop.time() + limits.MAX_BODY_SECONDS
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise RequestRefused(408, "The request came too slowly; nothing was done.") from None
        if message["type"] == "http.request":
            count = len(message.get("body", b""))
            if self._size + count > limits.MAX_REQUEST_BYTES:
                raise self._too_large()
            self._room.take(count)
            self._size += count
        self.is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Read and drop what a refused client still sends, within limits."""
        dropped, end = 0, time.monotonic() + LINGER_SECONDS
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while dropped <= LINGER_BYTES and time.monotonic() < end:
                    message = await self._receive()
                    dropped += len(message.get("body", b""))
                    if message["type"] != "http.request" or not message.get("more_body", False):
                        break
        except TimeoutError:
            LOG.debug("a refused client kept sending")

    def forget(self) -> None:
        """The request is answered: its bytes count no more."""
        self._room.give(self._size)
        self._size = 0

    @staticmethod
    def _too_large() -> RequestRefused:
        return RequestRefused(
            413, f"The request is too large; accepted are up to {limits.MAX_REQUEST_BYTES // 1024**2} MB at once."
        )


class Answer:
    """A request's `send`: who is answered before all was read gets the time to finish sending, and a closed line.

    Without it the operating system could throw the reply away with what still comes in.
    """

    def __init__(self, send: Send, body: Body) -> None:
        self._send, self._body = send, body
        self.has_started = False

    async def send(self, message: Message) -> None:
        """One message of the reply."""
        if message["type"] == "http.response.start":
            self.has_started = True
            if not self._body.is_whole:
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        elif not self._body.is_whole and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._body.drain()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)


def not_found() -> tuple[int, dict[str, str], bytes]:
    """The reply to an address that the API does not have."""
    return json_reply(404, {"error": "The API has no such address; /api/docs lists those it has."})
