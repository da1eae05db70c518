"""Bring your own network: try a foreign file in a process of its own, and make a model folder of it.

The file is never opened in this process: `foreign_child.py` reads, cleans, loads and tries it under limits of memory
and time, and what comes back is JSON and the files of the model, which are checked like any other model's.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from core import limits, paths
from core.errors import ModelRefused
from core.language import heard, said
from core.nn.foreign_answers import ForeignAnswers
from core.nn.foreign_card import ForeignReport, Probe, foreign_card
from core.nn.foreign_child import JOB, RESULT, STAGE, memory_words
from core.nn.inspect import InspectedModel
from core.store.atomic import CHUNK_BYTES
from core.store.codec import encode, from_json
from core.store.models import CARD, EXPLAIN, GRAPH, MODEL, model_folder, save_model
from core.types import ModelCard

LOG = logging.getLogger("medlens.foreign")
Report = Callable[[str], None]
# seconds for each stage; what is not the network's own work has room for a slow machine
SECONDS = MappingProxyType(
    {"start": 30.0, "inspect": 30.0, "load": limits.MODEL_LOAD_SECONDS, "predict": limits.MODEL_PREDICT_SECONDS,
     "build": 60.0, "export": 120.0}
)  # fmt: skip
WORDS = MappingProxyType(
    {"start": "starting", "inspect": "reading the file", "load": "loading it in a process of its own",
     "predict": "trying it on four pictures", "build": "laying it out", "export": "writing ONNX graphs"}
)  # fmt: skip
LOG_FILE = "log.txt"
QUICK_SECONDS, BYTES_A_SECOND = 8.0, 20e6  # to inspect: a small file that takes longer never ends (HDF5 in a circle)
KEPT = ("PATH", "LANG", "SYSTEMROOT", "LD_LIBRARY_PATH")  # of the environment
QUEUE_SECONDS = 300.0  # as long as one network may take at the most
WAIT_SECONDS = 0.05
MAX_RESULT_BYTES = 4 * 1024**2

_turn = threading.Lock()  # one network at a time: each may take 4 GB


def check_model(
    file: Path, *, size_px: int | None = None, take: str = "", report: Report | None = None
) -> ForeignReport:
    """Read a `.keras` or `.h5` file, load it in a limited process and try it on fixed pictures.

    Args:
        size_px: side of the picture, for networks that take any.
        take: which of several outputs answers; the first that can, where it is not said.
        report: is told in words what is going on.
    Raises: ModelRefused, in one sentence.
    """
    with TemporaryDirectory(prefix="medlens-") as folder:
        answers = ForeignAnswers(name="check", size_px=size_px, take=take)
        return _report(_tried(file, answers, Path(folder), False, report))


def add_model(
    file: Path,
    answers: ForeignAnswers,
    folder: Path | None = None,
    *,
    replace: bool = False,
    report: Report | None = None,
) -> ModelCard:
    """Make a folder in models/ of a foreign network: every page, command and the API have it from then on.

    Raises: ModelRefused in one sentence; ModelError when the name is no model name, or is taken.
    """
    target = model_folder(answers.name, folder)
    if not replace and (target / CARD).exists():
        raise ModelRefused(
            said(
                "A model {name} exists already. Choose another name, or replace it on purpose.", name=repr(answers.name)
            )
        )
    with TemporaryDirectory(prefix="medlens-") as scratch:
        document = _tried(file, answers, Path(scratch), True, report)
        tried, built = _report(document), document["built"]
        files: dict[str, bytes | Path] = {MODEL: (Path(scratch) / MODEL).read_bytes()}
        if built["engine"] != "compiled Keras":
            files |= {name: (Path(scratch) / name).read_bytes() for name in (GRAPH, EXPLAIN)}
        card = foreign_card(answers, tried, built, files)
        save_model(card, files, folder, replace=replace)
    return card


def _report(document: dict[str, Any]) -> ForeignReport:
    return ForeignReport(
        found=from_json(InspectedModel, json.dumps(document["found"])),
        probe=from_json(Probe, json.dumps(document["probe"])),
    )


def _tried(file: Path, answers: ForeignAnswers, folder: Path, build: bool, report: Report | None) -> dict[str, Any]:
    """The result of the child process. Raises ModelRefused."""
    if not file.is_file():
        raise ModelRefused(said("{name} is no file. Expected is a .keras or .h5 file.", name=file.name or file))
    if not _turn.acquire(timeout=QUEUE_SECONDS):
        raise ModelRefused(
            said("Other networks are being tried at the moment; each takes some gigabytes. Try again later.")
        )
    try:
        return _in_child(file, answers, folder, build, report)
    finally:
        _turn.release()


def _in_child(file: Path, answers: ForeignAnswers, folder: Path, build: bool, report: Report | None) -> dict[str, Any]:
    job = {"file": str(file.resolve()), "build": build, "answers": encode(answers)}
    (folder / JOB).write_text(json.dumps(job), encoding="utf-8")
    seconds = {**SECONDS, "inspect": min(SECONDS["inspect"], QUICK_SECONDS + file.stat().st_size / BYTES_A_SECOND)}
    last, code = _run(folder, report, seconds)
    result = folder / RESULT
    if result.is_file() and result.stat().st_size <= MAX_RESULT_BYTES:
        document: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        if "refused" in document:
            raise ModelRefused(heard(document["refused"]))
        if not build or "built" in document:  # stopped while it wrote ONNX graphs: Keras serves the model
            return document
    if code is None:
        raise ModelRefused(
            said(
                "The network took longer than {seconds:.0f} s ({words}); it was stopped.",
                seconds=seconds[last], words=said(WORDS[last]),
            )
        )  # fmt: skip
    if code < 0 and last in ("load", "predict", "build"):  # ended by a signal, as TensorFlow ends without memory
        raise ModelRefused(said("{memory} (It ended while {words}.)", memory=memory_words(), words=said(WORDS[last])))
    LOG.warning("a foreign network ended its process (%s, status %s): %s", last, code, _end_of_log(folder))
    raise ModelRefused(
        said(
            "It could not be read to its end ({words}): the file is damaged, or of an unknown kind.",
            words=said(WORDS[last]),
        )
    )


def _run(folder: Path, report: Report | None, seconds: Mapping[str, float]) -> tuple[str, int | None]:
    """(the last stage, the exit status, None when it was stopped for time) of the child process."""
    # nothing of this process' environment goes along: no tokens, no folders of the user
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"HOME": str(folder), "TMPDIR": str(folder), "KERAS_HOME": str(folder), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "core.nn.foreign_child", str(folder)]
    with (folder / LOG_FILE).open("wb") as log:
        process = subprocess.Popen(
            command, cwd=paths.REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    last, since = "start", time.monotonic()
    try:
        while process.poll() is None:
            stage = _last_stage(folder)
            if stage != last:
                last, since = stage, time.monotonic()
                if report is not None:
                    report(WORDS[stage])
            if time.monotonic() - since > seconds[last]:
                return last, None
            time.sleep(WAIT_SECONDS)
        return _last_stage(folder), process.returncode
    finally:
        _stop(process)


def _end_of_log(folder: Path) -> str:
    """The last line of what the child process said, for this program's own log."""
    lines = (folder / LOG_FILE).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "nothing was said"


def _last_stage(folder: Path) -> str:
    try:
        lines = (folder / STAGE).read_text(encoding="utf-8").split()
    except OSError:  # not written yet
        return "start"
    return lines[-1] if lines and lines[-1] in SECONDS else "start"


def _stop(process: subprocess.Popen) -> None:
    if process.poll() is not None:
        return
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)  # the process leads its own group
    else:
        process.kill()
    process.wait()


def read_in_pieces(source: Any, target: Path) -> None:
    """Write an open binary file down without holding it in memory twice; over the limit it is refused."""
    written = 0
    with target.open("wb") as sink:
        while piece := source.read(CHUNK_BYTES):
            written += len(piece)
            if written > limits.MAX_MODEL_BYTES:
                raise ModelRefused(said("The file has more than {most:,.0f} MB.", most=limits.MAX_MODEL_BYTES / 1e6))
            sink.write(piece)
