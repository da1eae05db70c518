"""Decode DICOM and NIfTI files in child processes that have limits on memory and time, and nothing to lose.

A few warm children wait for files; each serves one at a time. A child that takes too long is killed and replaced, as
is one that broke down: the file is refused in a sentence, and every other file is unaffected. Children start when
the first such file comes, import no TensorFlow, and end with this process, however it ends.
Where the platform cannot limit memory (Windows, macOS) the limits on sizes still hold, and the log says so once.
"""

import atexit
import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, cast

import cv2
import numpy as np

from core import limits
from core.data.containers import ImageHeader
from core.data.frames import Decoded, FrameChoice
from core.data.sandbox_child import receive, send
from core.errors import ImageRefused
from core.language import heard, said

START_SECONDS = 60.0  # a busy machine with a cold disk; usually half a second
PIPE_BYTES = 1024**2  # what Linux allows everyone
FILES_PER_CHILD = 2_000  # then a fresh one: what a library leaks is gone with it
_BOOT = "import json, sys; sys.path[:] = json.loads(sys.argv[2]); from core.data.sandbox_child import main; main()"
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR", "TEMP", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_log = logging.getLogger(__name__)


def header_in_child(data: bytes, kind: str) -> ImageHeader:
    """What a file says of itself; `kind` is "DICOM" or "NIfTI". Raises ImageRefused with the bare reason."""
    document, _ = _pool().run({"kind": kind, "task": "header", "frame": asdict(FrameChoice())}, data)
    return _header(document)


def decode_in_child(data: bytes, kind: str, choice: FrameChoice) -> Decoded:
    """One frame of a file as uint8 (H, W, 3) RGB, with the words about it. Raises ImageRefused with the bare reason."""
    document, raw = _pool().run({"kind": kind, "task": "decode", "frame": asdict(choice)}, data)
    pixels = np.frombuffer(raw, np.uint8).reshape(document["shape"])
    rgb = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB) if pixels.ndim == 2 else pixels.copy()
    return Decoded(
        pixels=rgb, header=_header(document), frame=document["frame"], axis=document["axis"],
        volume=document["volume"], note=heard(document["note"]), facts=document["facts"],
    )  # fmt: skip


def close_children() -> None:
    """End all waiting children; the next file starts new ones."""
    with _LOCK:
        pools = list(_POOLS.values())
        _POOLS.clear()
    for pool in pools:
        pool.close()


def _header(document: dict[str, Any]) -> ImageHeader:
    fields = document["header"]
    return ImageHeader(**{**fields, "slices": tuple((axis, count) for axis, count in fields["slices"])})


class Pool:
    """Up to `size` children of this process. Safe between threads: who finds all of them at work waits."""

    def __init__(self, size: int, most_bytes: int = limits.MAX_DECODER_BYTES) -> None:
        self._places = threading.BoundedSemaphore(size)
        self._idle: list[_Child] = []
        self._lock = threading.Lock()
        self._most_bytes = most_bytes

    def run(self, job: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        """The answer to one job: a document and bytes. Raises ImageRefused with the bare reason."""
        with self._places:
            child = self._taken()
            try:
                document, raw = child.ask(job, data, limits.MAX_DECODE_SECONDS)
            except BaseException:
                child.kill()
                raise
            if child.served < FILES_PER_CHILD:
                with self._lock:
                    self._idle.append(child)
            else:
                child.close()
        if "refused" in document:
            raise ImageRefused(heard(document["refused"]))
        return document, raw

    def process_ids(self) -> tuple[int, ...]:
        """Of the children that wait for work."""
        with self._lock:
            return tuple(child.pid for child in self._idle)

    def close(self) -> None:
        """End the waiting children; those at work end with their file."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.close()

    def _taken(self) -> "_Child":
        """A living child, the one that worked last if there is one."""
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if child is None:
                return _Child(self._most_bytes)
            if child.lives():
                return child
            child.kill()


class _Child:
    """One process and its two pipes. For one thread at a time."""

    def __init__(self, most_bytes: int) -> None:
        settings = json.dumps({"bytes": most_bytes, "seconds": limits.MAX_DECODE_SECONDS})
        # the paths of this process, whatever way it was started and installed; never the folder it happens to stand in
        where = json.dumps([str(Path(__file__).resolve().parents[2]), *filter(None, sys.path)])
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        # one thread: each more would take address space, and the other cores belong to other files
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        # glibc keeps 64 MB for the next file: taking them anew for each costs 30 ms of 75 for 4 megapixels
        environment |= {"MALLOC_MMAP_THRESHOLD_": str(32 * 1024**2), "MALLOC_TRIM_THRESHOLD_": str(64 * 1024**2)}
        self.served = 0
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BOOT, settings, where],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
        self._input = cast(BinaryIO, self._process.stdin)
        self._output = cast(BinaryIO, self._process.stdout)
        for stream in (self._input, self._output):
            _widen(stream)
        try:
            hello = self._within(START_SECONDS, lambda: receive(self._output))
        except BaseException:
            self.kill()
            raise
        if hello is None:
            self.kill()
            raise ImageRefused(
                said("the decoder for such files does not start here; check that pydicom and nibabel are installed")
            )
        if not hello[0]["memory_limited"]:
            _say_once_that_memory_is_not_limited()

    @property
    def pid(self) -> int:
        return self._process.pid

    def lives(self) -> bool:
        return self._process.poll() is None

    def ask(self, job: dict[str, Any], data: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        """The answer to one job. Raises ImageRefused when there is none; the child is of no use then."""

        def exchange() -> tuple[dict[str, Any], bytes] | None:
            try:
                send(self._input, job, data)
                return receive(self._output)
            except (OSError, ValueError):  # it ended while it was spoken to
                return None

        found = self._within(seconds, exchange)
        if found is None:
            raise ImageRefused(said("decoding it broke down: it is damaged, or needs more memory than is allowed"))
        self.served += 1
        return found

    def kill(self) -> None:
        """End the process at once and collect it, so that none stays behind as a zombie."""
        self._process.kill()
        self.close()

    def close(self) -> None:
        """Let the process end by itself: its input ends. Waits for it."""
        for stream in (self._input, self._output):
            with contextlib.suppress(OSError):  # what was not sent is lost, on purpose
                stream.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _within(self, seconds: float, action: Any) -> Any:
        """The result of `action`, which the process' end interrupts. Raises ImageRefused when time was up."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        clock = threading.Timer(seconds, end)
        clock.daemon = True
        clock.start()
        try:
            result = action()
        finally:
            clock.cancel()
        if late.is_set():
            raise ImageRefused(
                said(
                    "decoding it took longer than {seconds:g} s and was stopped; send a smaller picture, or "
                    "try again when the computer is less busy",
                    seconds=seconds,
                )
            )
        return result


def _widen(pipe: BinaryIO) -> None:
    """Let a pipe hold a megabyte: a picture then changes processes a few times on its way and not a hundred times."""
    with contextlib.suppress(ImportError, AttributeError, OSError):  # Linux alone, up to a limit of the system
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


_POOLS: dict[int, Pool] = {}  # by process: a fork must not speak into its parent's pipes
_LOCK = threading.Lock()


def _pool() -> Pool:
    with _LOCK:
        if os.getpid() not in _POOLS:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
            _POOLS.clear()
            _POOLS[os.getpid()] = Pool(min(max(cores, 1), limits.MAX_DECODERS))
            atexit.register(close_children)
        return _POOLS[os.getpid()]


def _say_once_that_memory_is_not_limited() -> None:
    global _warned
    if not _warned:
        _warned = True
        _log.warning("This platform does not limit the memory of the processes that decode DICOM and NIfTI files.")


_warned = False
