"""How the API is put up: beside the pages in one process, or alone.

Streamlit is not imported here; the pages come in as an ASGI application.
"""

from collections.abc import Sequence

from starlette.middleware import Middleware

from core.errors import SpecInvalid
from core.serve.access import Access, token_for
from core.serve.gate import Asgi, Gate
from core.serve.sockets import send_at_once


def api_middleware(address: str, hosts: Sequence[str] = ()) -> list[Middleware]:
    """The gate as the one middleware of `st.App`: it answers the API's addresses and lets the pages' through.

    Args:
        address: where the server listens.
        hosts: names under which it may be called.
    Raises: SystemExit with a sentence when other machines could connect and there is no token.
    """
    try:
        access = Access(token_for(address), tuple(hosts))
    except SpecInvalid as error:
        raise SystemExit(str(error)) from error
    send_at_once()
    return [Middleware(Gate, access=access, api=make_api)]


def api_alone(address: str, token: str = "") -> Gate:
    """The API without pages, as an ASGI application. Raises SpecInvalid as `token_for` does."""
    access = Access(token_for(address, token))
    send_at_once()
    return Gate(None, access=access, api=make_api)


def make_api() -> Asgi:
    """The API; FastAPI is imported here, at the first request."""
    from core.serve.api import create_api

    return create_api()
