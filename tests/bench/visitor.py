"""A visitor of the pages without a browser: the web socket of a Streamlit session, opened pages, a dropped picture."""

import http.client
import time
from http.cookies import SimpleCookie
from typing import Any

from settings import MeasurementFailed

XSRF = "_streamlit_xsrf"
LONGEST_SECONDS = 120


class Visitor:
    """One session of the app on `port`; use it with `contextlib.closing`."""

    def __init__(self, port: int) -> None:
        from websockets.sync.client import connect

        self.port = port
        self._socket = connect(
            f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=None  # type: ignore[list-item]
        )  # fmt: skip
        self._session, self._page = "", ""
        self._pages: dict[str, str] = {}
        self.uploader = ""  # id of the last file uploader seen
        self.headings: list[str] = []  # of the last run of the script
        self.errors: list[str] = []

    def close(self) -> None:
        self._socket.close()

    def open(self, url_path: str = "") -> float:
        """Open a page by its address; seconds until its script has finished."""
        if url_path and not self._pages:
            self._run()
        if url_path and url_path not in self._pages:
            raise MeasurementFailed(f"the app has no page {url_path!r}; it has {', '.join(self._pages)}")
        self._page = self._pages.get(url_path, "")
        return self._run()

    def drop(self, picture: bytes, name: str) -> float:
        """Drop one picture on the uploader of the page that is open; seconds until the script has finished."""
        from streamlit.proto.Common_pb2 import UploadedFileInfo

        started = time.perf_counter()
        urls = self._upload_urls(name)
        self._put(urls.upload_url, picture, name)
        info = UploadedFileInfo(name=name, size=len(picture), file_id=urls.file_id, file_urls=urls)
        self._run(info)
        return time.perf_counter() - started

    def _run(self, dropped: Any = None) -> float:
        from streamlit.proto.BackMsg_pb2 import BackMsg

        message = BackMsg()
        message.rerun_script.page_script_hash = self._page
        if dropped is not None:
            widget = message.rerun_script.widget_states.widgets.add()
            widget.id = self.uploader
            widget.file_uploader_state_value.uploaded_file_info.append(dropped)
        self.headings, self.errors = [], []
        started = time.perf_counter()
        self._socket.send(message.SerializeToString())
        while not self._read():
            pass
        return time.perf_counter() - started

    def _receive(self) -> Any:
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        message = ForwardMsg()
        message.ParseFromString(self._socket.recv(timeout=LONGEST_SECONDS))  # type: ignore[arg-type]
        return message

    def _read(self) -> bool:
        """Take in one message; True when the script has finished."""
        message = self._receive()
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._session = message.new_session.initialize.session_id
        elif kind == "navigation":
            self._pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._see(message.delta.new_element)
        return bool(kind == "script_finished")

    def _see(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        if kind == "file_uploader":
            self.uploader = element.file_uploader.id
        elif kind == "exception":
            self.errors.append(element.exception.message)
        elif kind == "markdown" and element.markdown.body.startswith("### "):
            self.headings.append(element.markdown.body)

    def _upload_urls(self, name: str) -> Any:
        from streamlit.proto.BackMsg_pb2 import BackMsg

        message = BackMsg()
        message.file_urls_request.request_id = "1"
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self._session
        self._socket.send(message.SerializeToString())
        while True:
            answer = self._receive()
            if answer.WhichOneof("type") == "file_urls_response":
                return answer.file_urls_response.file_urls[0]

    def _put(self, url: str, picture: bytes, name: str) -> None:
        from client import FORM, form

        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_SECONDS)
        try:
            connection.request("GET", "/_stcore/health")
            answer = connection.getresponse()
            answer.read()
            cookie = SimpleCookie(answer.getheader("set-cookie", ""))
            token = cookie[XSRF].value if XSRF in cookie else ""
            headers = {**FORM, "Cookie": f"{XSRF}={token}", "X-Xsrftoken": token}
            connection.request("PUT", url, form(picture, name), headers)
            answer = connection.getresponse()
            if answer.status >= 300:
                raise MeasurementFailed(f"the upload was answered {answer.status}: {answer.read()[:200]!r}")
        finally:
            connection.close()
