"""Closed tabs are forgotten in time.

Streamlit keeps a closed tab for `server.disconnectedSessionTTL` seconds, so that a lost connection can come back. What
is older it drops only when the next tab comes or goes: on a machine that nobody visits any more the pictures of the
last visitor would stay all night. A thread looks every now and then instead.
"""

import logging
import threading
import time
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime import Runtime

LOOKS_PER_LIFE = 4  # of a closed tab: it is gone a quarter of its time late, at the most
LEAST_SECONDS = 0.5
THREAD = "forget-closed-tabs"

_log = logging.getLogger("medlens.pages")
_starting = threading.Lock()


def forget_closed_tabs() -> None:
    """Start the thread, one in a process however often this is called; outside of a server there is nothing to do."""
    if not runtime.exists() or type(runtime.get_instance()) is not Runtime:  # a stand-in of tests has no tabs
        return
    with _starting:
        if any(thread.name == THREAD for thread in threading.enumerate()):
            return
        seconds = max(LEAST_SECONDS, float(st.get_option("server.disconnectedSessionTTL")) / LOOKS_PER_LIFE)
        threading.Thread(target=_look_again, args=(seconds,), name=THREAD, daemon=True).start()


def _look_again(seconds: float) -> None:
    while True:
        time.sleep(seconds)
        if not runtime.exists():
            return
        try:
            server: Any = runtime.get_instance()
            # the store of sessions belongs to the server's loop; other threads must not touch it
            server._get_async_objs().eventloop.call_soon_threadsafe(drop_expired, server)
        except (AttributeError, RuntimeError):  # another Streamlit inside, or a server that is just going down
            _log.warning("Closed tabs are dropped only when the next one comes or goes.", exc_info=True)
            return


def drop_expired(server: Any) -> int:
    """Drop the sessions of a `streamlit.runtime.Runtime` whose time is over, uploads and all; how many there were.

    To be called in the server's loop.
    """
    expired = server._session_mgr._session_storage._cache.expire()
    for _, stored in expired:
        stored.session.shutdown()
    return len(expired)
