"""From `streamlit run app.py` to the first answer of its health check."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from statistics import median

from report import Goal, Row
from settings import ROOT, MeasurementFailed, Settings, child_environment
from timing import described

GOAL = Goal("at most", 4.0)
LONGEST_SECONDS = 60
PAUSE_SECONDS = 0.02


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def start_once() -> float:
    """Seconds until the app answers. Raises MeasurementFailed when it ends or stays silent for a minute."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--server.headless", "true"], cwd=ROOT, env=child_environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not _healthy(f"http://127.0.0.1:{port}/_stcore/health"):
            if process.poll() is not None:
                raise MeasurementFailed(f"the app ended with {process.returncode} before it answered")
            if time.perf_counter() - started > LONGEST_SECONDS:
                raise MeasurementFailed(f"the app did not answer within {LONGEST_SECONDS} s")
            time.sleep(PAUSE_SECONDS)
        return time.perf_counter() - started
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def measure(settings: Settings) -> list[Row]:
    """Start the app several times, each on a free port, and stop it again."""
    seconds = [start_once() for _ in range(settings.rounds(3, 2))]
    return [Row("App start until the health check answers", median(seconds), "s", described(seconds, " s"), GOAL)]
