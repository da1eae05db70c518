"""A request's body as bytes, and multipart forms taken apart in memory: no picture of a patient touches the disk.

Cutting at the boundary is one search per part, so that no body, however odd, costs more than reading it.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect

from core import limits
from core.data.frames import FRAME_RULE, FrameChoice, parse_frame
from core.errors import RequestRefused, SpecInvalid

MAX_BOUNDARY_LENGTH = 70  # RFC 2046, section 5.1.1
_BROKEN = "The form is damaged or cut off; expected multipart/form-data as browsers and curl -F send it."


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a form: the name as the client gave it (untrusted, maybe empty) and its content."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """Files in the order they came in, and the text fields; of several with one name the last counts."""

    files: tuple[Upload, ...]
    fields: Mapping[str, str]


def frame_field(form: Form) -> FrameChoice:
    """The field `frame`: which frame or slice of DICOM and NIfTI files. Raises RequestRefused (422)."""
    try:
        return parse_frame(form.fields.get("frame", ""))
    except SpecInvalid as error:
        raise RequestRefused(422, f"The field frame takes {FRAME_RULE}.") from error


async def read_body(stream: AsyncIterator[bytes]) -> bytes:
    """All of a body; its size has been limited by the gate.

    Raises: RequestRefused (400) when the client hangs up before its end: no fault of the server, and not in its log.
    """
    try:
        return b"".join([chunk async for chunk in stream])
    except ClientDisconnect:
        raise RequestRefused(400, "The request broke off before its end; nothing was done.") from None


def parse_form(content_type: str, body: bytes, file_fields: tuple[str, ...]) -> Form:
    """A multipart/form-data body.

    Args:
        content_type: the header, which names the boundary.
        file_fields: names under which files are accepted.
    Raises: RequestRefused (415, 400, 413 or 422), one sentence.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise RequestRefused(
            415, f"Send a form (multipart/form-data) with the picture in the field {file_fields[0]!r}."
        )
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= MAX_BOUNDARY_LENGTH:
        raise RequestRefused(400, _BROKEN)
    files: list[Upload] = []
    fields: dict[str, str] = {}
    for head, start, end in _parts(body, b"\r\n--" + boundary):
        name, file_name = _disposition(head)
        if file_name is None and name not in file_fields:
            if end - start > limits.MAX_FIELD_BYTES:
                raise RequestRefused(413, f"A field of the form has more than {limits.MAX_FIELD_BYTES} bytes.")
            fields[name] = body[start:end].decode("utf-8", "replace")
            continue
        if name not in file_fields:
            raise RequestRefused(422, f"Send the picture in the field {file_fields[0]!r}; there is a file in another.")
        if len(files) == limits.MAX_FILES_PER_REQUEST:
            raise RequestRefused(413, f"Accepted are up to {limits.MAX_FILES_PER_REQUEST} files at once.")
        files.append(Upload(file_name or "", body[start:end]))
    return Form(tuple(files), fields)


def _parts(body: bytes, delimiter: bytes) -> list[tuple[bytes, int, int]]:
    """(headers, start, end of the content) of every part. Raises RequestRefused when the form is cut off."""
    if body.startswith(delimiter[2:]):
        at = len(delimiter) - 2
    else:  # a preamble, which means nothing
        at = body.find(delimiter) + len(delimiter)
        if at < len(delimiter):
            raise RequestRefused(400, _BROKEN)
    found: list[tuple[bytes, int, int]] = []
    while not body.startswith(b"--", at):
        if len(found) == limits.MAX_FORM_PARTS:
            raise RequestRefused(413, f"The form has more than {limits.MAX_FORM_PARTS} parts.")
        line_end = body.find(b"\r\n", at, at + limits.MAX_PART_HEADER_BYTES)
        if line_end < 0 or body[at:line_end].strip(b" \t"):
            raise RequestRefused(400, _BROKEN)
        # a part without headers begins with the empty line itself
        head_end = body.find(b"\r\n\r\n", line_end, line_end + limits.MAX_PART_HEADER_BYTES)
        if head_end < 0:
            raise RequestRefused(400, _BROKEN)
        start = head_end + 4
        end = body.find(delimiter, head_end + 2)
        if end < 0:
            raise RequestRefused(400, _BROKEN)
        found.append((body[line_end + 2 : head_end], start, max(start, end)))
        at = end + len(delimiter)
    return found


def _disposition(head: bytes) -> tuple[str, str | None]:
    """The name of a part, and its file name where it has one."""
    for line in head.split(b"\r\n"):
        field, _, value = line.partition(b":")
        if field.strip().lower() == b"content-disposition":
            kind, options = parse_options_header(value.decode("latin-1"))
            if kind != b"form-data" or b"name" not in options:
                break
            file_name = options.get(b"filename")
            return _text(options[b"name"]), None if file_name is None else _text(file_name)
    raise RequestRefused(400, _BROKEN)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
