"""Bring your own network: try a foreign file in a process of its own, and make a model folder of it.

The file is never opened in this process: `foreign_child.py` reads, cleans, loads and tries it under limits of memory
and time, and what comes back is JSON and the files of the model, which are checked like any other model's.
"""

import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from core import limits, paths
from core.errors import ModelRefused, StoreError
from core.nn.foreign_answers import ForeignAnswers, positive_of, settled_output
from core.nn.foreign_child import JOB, RESULT, STAGE, memory_words
from core.nn.inspect import InspectedModel
from core.store.atomic import CHUNK_BYTES
from core.store.codec import SCHEMA_VERSION, encode, from_json
from core.store.models import CARD, EXPLAIN, GRAPH, MODEL, model_folder, save_model
from core.types import ModelCard, PreprocessSpec, Threshold

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
UNKNOWN = "not stated"
NO_CUT = "not chosen"  # the rule of a threshold that nobody chose
MAX_RESULT_BYTES = 4 * 1024**2

_turn = threading.Lock()  # one network at a time: each may take 4 GB


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a network gave for four fixed pictures: two of noise, black and white.

    lowest, highest: of the numbers that come out; difference: between Keras and the flat network, of a probability.
    """

    lowest: float
    highest: float
    task: str
    cam_layer: str
    cam_grid: tuple[int, ...]
    difference: float
    same_for_all: bool
    empty_maps: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignReport:
    """A foreign network as it was read and tried."""

    found: InspectedModel
    probe: Probe


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
        raise ModelRefused(f"A model {answers.name!r} exists already. Choose another name, or replace it on purpose.")
    with TemporaryDirectory(prefix="medlens-") as scratch:
        document = _tried(file, answers, Path(scratch), True, report)
        tried, built = _report(document), document["built"]
        files: dict[str, bytes | Path] = {MODEL: (Path(scratch) / MODEL).read_bytes()}
        if built["engine"] != "compiled Keras":
            files |= {name: (Path(scratch) / name).read_bytes() for name in (GRAPH, EXPLAIN)}
        card = _card(answers, tried, built, files)
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
        raise ModelRefused(f"{file.name or file} is no file. Expected is a .keras or .h5 file.")
    if not _turn.acquire(timeout=QUEUE_SECONDS):
        raise ModelRefused("Other networks are being tried at the moment; each takes some gigabytes. Try again later.")
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
            raise ModelRefused(document["refused"])
        if not build or "built" in document:  # stopped while it wrote ONNX graphs: Keras serves the model
            return document
    if code is None:
        raise ModelRefused(f"The network took longer than {seconds[last]:.0f} s ({WORDS[last]}); it was stopped.")
    if code < 0 and last in ("load", "predict", "build"):  # ended by a signal, as TensorFlow ends without memory
        raise ModelRefused(f"{memory_words()} (It ended while {WORDS[last]}.)")
    LOG.warning("a foreign network ended its process (%s, status %s): %s", last, code, _end_of_log(folder))
    raise ModelRefused(f"It could not be read to its end ({WORDS[last]}): the file is damaged, or of an unknown kind.")


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


def _card(
    answers: ForeignAnswers, tried: ForeignReport, built: dict[str, Any], files: dict[str, bytes | Path]
) -> ModelCard:
    found, probe = tried.found, tried.probe
    content = files[MODEL]
    if not isinstance(content, bytes):
        raise StoreError(f"{answers.name}: the network was not read into memory.")
    positive = positive_of(answers, probe.task)
    cut = 0.5
    cuts = {positive: cut} if positive is not None else dict.fromkeys(answers.class_names, cut)
    kind = settled_output(found, answers.output or ("sigmoid" if found.outputs == 1 else ""))
    stated = found.output_kind if found.output_kind != "linear" else f"logits, read by {kind}"
    return ModelCard(
        schema_version=SCHEMA_VERSION,
        name=answers.name,
        title=answers.title or f"{answers.name} (brought along)",
        run_id="",
        architecture=found.architecture or found.name,
        head="its own",
        task=probe.task,  # type: ignore[arg-type]
        class_names=answers.class_names,
        positive_class=positive,
        preprocess=PreprocessSpec(size_px=found.size_px),
        cam_layer=probe.cam_layer,
        threshold=Threshold(values=cuts, rule=NO_CUT, chosen_on="none"),
        temperature=1.0,
        training_data=UNKNOWN,
        training_dataset="",
        n_train_images=0,
        n_train_groups=0,
        synthetic=False,
        estimates=(),
        intended_use="Teaching and research: to look at how a network decides that somebody brought along.",
        limits=_limits(answers, tried),
        licence=UNKNOWN,
        sha256=hashlib.sha256(content).hexdigest(),
        model_bytes=len(content),
        golden_seeds=tuple(built["seeds"]),
        golden_outputs=tuple(tuple(row) for row in built["golden"]),
        feature_mean=(),
        feature_scale=(),
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        engine=built["engine"],
        engine_reason=built["reason"],
        engine_parity=built["parity"],
        other_sha256={name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != MODEL},  # type: ignore[arg-type]
        source_file=found.sha256,
        output_kind=stated,
        tabular_inputs=answers.table,
    )


def _limits(answers: ForeignAnswers, tried: ForeignReport) -> tuple[str, ...]:
    """What nobody knows about this network, one sentence each."""
    found, probe = tried.found, tried.probe
    said = [
        "Not a medical device and not a diagnosis: no decision about a person may rest on it.",
        "Brought along by its user: how good it is has not been measured here, and its training data are not stated.",
        f"Knows only these answers: {', '.join(answers.class_names)}; any other picture gets one of them too. Their "
        "names and order were typed in, and nothing in the file confirms them.",
    ]
    if not answers.pixel_scaling and not found.pixel_sure:
        said.append(f"Its pixel range was guessed: {found.pixel_reason}. With another one its answers would be others.")
    if found.choices:
        said.append(f"Its output {found.output_name} answers here; what else it gives is left out.")
    if probe.same_for_all:
        said.append("It gave the same answer for noise, black and white: it may not look at the picture at all.")
    if probe.empty_maps:
        said.append(f"Its heat maps were empty for every picture that it was tried on (layer {probe.cam_layer}).")
    if probe.cam_layer == "picture":
        said.append("It has no layer with cells of its own: its heat maps are made on the pixels.")
    return tuple(said)


def read_in_pieces(source: Any, target: Path) -> None:
    """Write an open binary file down without holding it in memory twice; over the limit it is refused."""
    written = 0
    with target.open("wb") as sink:
        while piece := source.read(CHUNK_BYTES):
            written += len(piece)
            if written > limits.MAX_MODEL_BYTES:
                raise ModelRefused(f"The file has more than {limits.MAX_MODEL_BYTES / 1e6:,.0f} MB.")
            sink.write(piece)
