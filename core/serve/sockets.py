"""Replies that leave at once.

asyncio switches Nagle's algorithm off only for sockets that were made with the protocol TCP by name; the listening
socket that Streamlit 1.67 hands to uvicorn was not. Header and body of a reply are two writes, so that every reply
would wait 40 ms for the client's delayed acknowledgement (uvicorn issue 3149).
"""

import asyncio
import socket
from typing import Any


def send_at_once() -> None:
    """From now on uvicorn's connections send every write at once. Calling it again changes nothing."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as Protocol

    made = Protocol.connection_made
    if getattr(made, "sends_at_once", False):
        return

    def connection_made(self: Any, transport: asyncio.Transport) -> None:
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made(self, transport)

    connection_made.sends_at_once = True  # type: ignore[attr-defined]
    Protocol.connection_made = connection_made  # type: ignore[assignment, method-assign]
