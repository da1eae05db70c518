"""A process of the app or of the API alone, on a free port: started, asked after, and stopped again."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from settings import ROOT, MeasurementFailed, child_environment

LONGEST_SECONDS = 60
PAUSE_SECONDS = 0.02
APP_HEALTH, API_HEALTH = "/_stcore/health", "/health"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `start_seconds` is the time until it first answered."""

    port: int
    process: psutil.Process
    start_seconds: float

    def processor_seconds(self) -> float:
        """Processor time used by all its threads up to now."""
        times = self.process.cpu_times()
        return times.user + times.system

    def resident_mb(self) -> float:
        """Resident memory now, in MB (10^6 bytes)."""
        return self.process.memory_info().rss / 1e6

    def has_mapped(self, library: str) -> bool | None:
        """Whether a file of that name lies in its memory; None where the system does not tell."""
        maps = Path(f"/proc/{self.process.pid}/maps")
        return library in maps.read_text(encoding="utf-8", errors="replace") if maps.is_file() else None


@contextmanager
def app_process(environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """The app with pages and API, as `streamlit run app.py` starts it."""
    command = ["-m", "streamlit", "run", "app.py", "--server.headless", "true", "--server.port"]
    with _started(command, APP_HEALTH, environment) as server:
        yield server


@contextmanager
def api_process(environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """The API alone, as `python -m core serve --api-only` starts it."""
    with _started(["-m", "core", "serve", "--api-only", "--port"], API_HEALTH, environment) as server:
        yield server


@contextmanager
def _started(arguments: list[str], health: str, environment: Mapping[str, str] | None) -> Iterator[Server]:
    """Raises MeasurementFailed when the process ends or stays silent for a minute."""
    port = free_port()
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments, str(port)], cwd=ROOT, env=child_environment(**(environment or {})),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not _answers(port, health):
            if process.poll() is not None:
                raise MeasurementFailed(f"the server ended with {process.returncode} before it answered")
            if time.perf_counter() - started > LONGEST_SECONDS:
                raise MeasurementFailed(f"the server did not answer within {LONGEST_SECONDS} s")
            time.sleep(PAUSE_SECONDS)
        yield Server(port, psutil.Process(process.pid), time.perf_counter() - started)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def copy_models(folder: Path, name: str, count: int) -> list[str]:
    """`count` models in `folder`, all of them the shipped model `name`, under names of their own; returns these."""
    from core.store.codec import to_json
    from core.store.models import CARD, load_card, model_folder

    shipped, card = model_folder(name, ROOT / "models"), load_card(name, ROOT / "models")
    names = [name if number == 0 else f"{name}-{number + 1}" for number in range(count)]
    for copy in names:
        shutil.copytree(shipped, folder / copy)
        (folder / copy / CARD).write_text(to_json(replace(card, name=copy)), encoding="utf-8")
    return names


def own_processor_seconds() -> float:
    """Processor time used by this process up to now, without its children."""
    return sum(os.times()[:2])
