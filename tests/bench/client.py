"""A client of the HTTP API on one connection that stays open, and the forms that it sends."""

import http.client
import json
from collections.abc import Mapping

from settings import MeasurementFailed

BOUNDARY = "medlens-bench-5f1c0e"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
JPEG = {"Content-Type": "image/jpeg"}


def form(picture: bytes, file_name: str, **fields: str) -> bytes:
    """The body of a form with one JPEG as "file" and text fields; its headers are FORM."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\n'
    return b"".join([*parts, head.encode(), b"Content-Type: image/jpeg\r\n\r\n", picture, _end()])


def _end() -> bytes:
    return f"\r\n--{BOUNDARY}--\r\n".encode()


class Client:
    """One connection to a server on this machine."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The body of the answer. Raises MeasurementFailed when it is not a 200."""
        self._connection.request("POST", path, body, dict(headers))
        return self._read(path)

    def get(self, path: str) -> dict:
        """The JSON document at `path`."""
        self._connection.request("GET", path)
        found: dict = json.loads(self._read(path))
        return found

    def _read(self, path: str) -> bytes:
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise MeasurementFailed(f"{path} answered {answer.status}: {content[:200].decode('utf-8', 'replace')}")
        return content

    def predict(self, picture: bytes, model: str, file_name: str = "picture.jpg", explain: str = "maps") -> bytes:
        """POST /api/predict of one picture."""
        return self.post("/api/predict", form(picture, file_name, model=model, explain=explain), FORM)

    def close(self) -> None:
        self._connection.close()
