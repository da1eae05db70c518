"""`python -m core.jobs.worker FOLDER`: wait for the turn of one job, run its command, write down how it ended.

One training at a time: the worker holds the lock of the queue, and so does the command that it starts, so that not
even a killed worker lets two of them run. SIGTERM is passed on (it goes to the whole session); a command that does
not end within GRACE_SECONDS is killed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from core import paths
from core.jobs import files
from core.jobs.process import process_of
from core.jobs.queue import is_next

POLL_SECONDS = 0.3
GRACE_SECONDS = 30.0  # the epoch's last batch is finished, and the record written
NICENESS = 5  # whoever looks at a page comes first
PROGRESS_VARIABLE = "MEDLENS_PROGRESS"
STOPPED = 130  # the command line's own exit code for a stop
SECRETS = ("MEDLENS_TOKEN",)  # of the server; a training needs none


class _Stop:
    """Whether somebody asked for the end, and since when."""

    def __init__(self) -> None:
        self.since: float | None = None

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        self.since = self.since or time.monotonic()

    def overdue(self) -> bool:
        return self.since is not None and time.monotonic() - self.since > GRACE_SECONDS


def main(folder: Path) -> int:
    """Wait, run, write down; returns the exit code of the command."""
    request = files.get(folder, files.REQUEST, files.JobRequest)
    if request is None:
        return 1
    stop = _Stop()
    signal.signal(signal.SIGTERM, stop)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    with (folder.parent / files.QUEUE).open("ab") as lock:
        code = _run(folder, request, lock, stop) if _wait_for_turn(folder, lock, stop) else STOPPED
    ended = files.Ended(exit_code=code, ended_utc=_now())
    files.put(folder, files.ENDED, ended)
    return code


def _wait_for_turn(folder: Path, lock: BinaryIO, stop: _Stop) -> bool:
    """Whether the turn came before a stop; the lock is then held until `lock` is closed."""
    import fcntl

    while stop.since is None:
        if is_next(folder):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
        time.sleep(POLL_SECONDS)
    return False


def _run(folder: Path, request: files.JobRequest, lock: BinaryIO, stop: _Stop) -> int:
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
    environment[PROGRESS_VARIABLE] = str(folder / files.PROGRESS)
    with (folder / files.LOG).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, *request.arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            cwd=paths.REPOSITORY, env=environment, pass_fds=(lock.fileno(),),
        )  # fmt: skip
        process = process_of(child.pid)
        files.put(folder, files.RUNNING, files.Running(pid=process.pid, born=process.born, begun_utc=_now()))
        if stop.since is not None:  # the signal came between two steps, before there was a child to get it
            child.terminate()
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return child.wait(POLL_SECONDS)
            if stop.overdue():
                child.kill()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
