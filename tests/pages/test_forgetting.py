"""Closed tabs are dropped when their time is over, and only those. The served app is tried in tests/serve."""

import inspect
import time
from types import SimpleNamespace
from unittest.mock import MagicMock

from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.runtime import Runtime
from streamlit.runtime.session_manager import SessionInfo
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

from pages.ui import forgetting
from pages.ui.forgetting import drop_expired


def stored(name, ended):
    session = SimpleNamespace(id=name, shutdown=lambda: ended.append(name))
    return SessionInfo(client=None, session=session, script_run_count=1)


def test_a_session_is_shut_down_when_its_time_is_over_and_the_others_stay():
    ended, storage = [], MemorySessionStorage(ttl_seconds=0.2)
    server = SimpleNamespace(_session_mgr=SimpleNamespace(_session_storage=storage))
    storage.save(stored("first", ended))
    assert drop_expired(server) == 0
    time.sleep(0.25)
    assert storage._cache._data  # without a look it would still be there
    storage._cache._expirations["late"] = time.monotonic() + 60
    storage._cache._data["late"] = stored("late", ended)
    assert drop_expired(server) == 1
    assert ended == ["first"]
    assert [one.session.id for one in storage.list()] == ["late"]


def test_what_is_asked_of_streamlit_is_there():
    assert callable(Runtime._get_async_objs)
    assert "self._session_storage = session_storage" in inspect.getsource(WebsocketSessionManager.__init__)


def test_outside_of_a_server_and_for_a_stand_in_of_one_no_thread_starts(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a thread was started")

    monkeypatch.setattr(forgetting.threading, "Thread", refuse)
    forgetting.forget_closed_tabs()
    monkeypatch.setattr(forgetting.runtime, "exists", lambda: True)
    monkeypatch.setattr(forgetting.runtime, "get_instance", lambda: MagicMock(spec=Runtime))
    forgetting.forget_closed_tabs()
