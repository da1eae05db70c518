"""The child process that decodes what others sent: reads a job, answers it, waits for the next.

It takes limits upon itself before it reads a byte, has no secrets in its environment and writes no file. What it
says of a file is an answer or one sentence; whatever else goes wrong is told as "damaged", without the error's text.

A message is two lengths (8 bytes each, little endian), a JSON document, and bytes. Of a job: kind, task, frame;
the file. Of an answer: the picture's description or the reason of a refusal; the pixels.
"""

import contextlib
import json
import signal
import struct
import sys
from dataclasses import asdict
from typing import Any, BinaryIO

LENGTHS = struct.Struct("<QQ")
ORPHAN_SECONDS = 30  # beyond the parent's own limit: only a child whose parent was killed ever gets there


def main() -> None:
    """Serve jobs from standard input until it ends. The one argument is {"bytes": address space, "seconds": …}."""
    settings = json.loads(sys.argv[1])
    limited = limit_this_process(settings["bytes"])
    warm_up()
    source, target = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing that a library prints may stand among the answers
    send(target, {"ready": True, "memory_limited": limited}, b"")
    while (job := receive(source)) is not None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, settings["seconds"] + ORPHAN_SECONDS)
        document, pixels = answer(*job)
        del job
        send(target, document, pixels)
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)


def limit_this_process(most_bytes: int) -> bool:
    """Limit memory, forbid files to be written and cores to be dumped. Returns whether memory is limited now."""
    with contextlib.suppress(OSError, ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes this process
    try:
        import resource
    except ImportError:  # Windows
        return False
    for which, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(which, (most, most))
    try:
        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    except (OSError, ValueError):  # macOS may refuse
        return False
    return sys.platform == "linux"


def warm_up() -> None:
    """Import what the first picture needs."""
    import logging
    import warnings

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    import pydicom.pixels  # noqa: F401

    from core.data import dicom, nifti  # noqa: F401


def answer(job: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """The answer to one job; never raises."""
    from core.data.frames import FrameChoice
    from core.errors import ImageRefused
    from core.language import message_of, said, wired

    try:
        return _answer(job["kind"], job["task"], FrameChoice(**job["frame"]), data)
    except ImageRefused as error:
        return {"refused": wired(message_of(error))}, b""
    except MemoryError:
        return {"refused": wired(said("it needs more memory to decode than is allowed; send a smaller picture"))}, b""
    except BaseException:  # noqa: BLE001 - libraries raise a dozen types (Rust's panics are no Exception), and quote the file
        return {"refused": wired(said("the file is damaged or of a kind that is not supported"))}, b""


def _answer(kind: str, task: str, frame: Any, data: bytes) -> tuple[dict[str, Any], bytes]:
    from core.data import dicom, nifti
    from core.language import wired

    if task == "header":
        header = dicom.read_dicom_header(data) if kind == "DICOM" else nifti.read_nifti_header(data)
        return {"header": asdict(header)}, b""
    decoded = dicom.decode_dicom(data, frame) if kind == "DICOM" else nifti.decode_nifti(data, frame)
    document = {
        "header": asdict(decoded.header), "shape": decoded.pixels.shape, "frame": decoded.frame, "axis": decoded.axis,
        "volume": decoded.volume, "note": wired(decoded.note), "facts": dict(decoded.facts),
    }  # fmt: skip
    return document, decoded.pixels.tobytes()


def receive(source: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """The next message, or None at the end of the stream."""
    lengths = source.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    text_length, data_length = LENGTHS.unpack(lengths)
    text = source.read(text_length)
    data = source.read(data_length)
    if len(text) < text_length or len(data) < data_length:
        return None
    return json.loads(text), data


def send(target: BinaryIO, document: dict[str, Any], data: bytes) -> None:
    """Write one message. Raises OSError when nobody reads it."""
    text = json.dumps(document).encode()
    target.write(LENGTHS.pack(len(text), len(data)))
    target.write(text)
    target.write(data)
    target.flush()
