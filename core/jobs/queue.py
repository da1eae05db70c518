"""Trainings in the background: start, list, stop, resume and forget them; one works at a time, the others wait.

A job is a folder (core/jobs/files.py) and a process that outlives the page that started it. What it trains and stores
is what `python -m core benchmark` trains and stores: the same command, the same files.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from core import paths
from core.errors import SpecInvalid
from core.jobs import files
from core.jobs.process import Process, process_of, signal_session
from core.language import said
from core.store.codec import SCHEMA_VERSION

State = Literal["waiting", "running", "stopping", "done", "failed", "stopped", "lost"]
ALIVE: tuple[State, ...] = ("waiting", "running", "stopping")
MOST_KEPT = 20  # ended jobs; their runs stay in results/
MOST_WAITING = 10  # a queue longer than a night is a mistake

_STARTED: list[subprocess.Popen[bytes]] = []  # of this process, looked after so that none stays as a zombie


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One training in the background as it stands now.

    `state`: "lost" is a process that is gone without a word (the machine was switched off); "failed" is one whose
    command ended with an error. `ahead`: how many jobs are worked on before this one; 0 for the one under way.
    """

    job_id: str
    request: files.JobRequest
    state: State
    ahead: int
    begun_utc: str
    ended_utc: str

    @property
    def folder(self) -> Path:
        return files.job_folder(self.job_id)


def can_run_here() -> bool:
    """Whether this system has sessions and locks as the queue needs them (Windows has not)."""
    return sys.platform != "win32"


def jobs() -> tuple[Job, ...]:
    """Every job, the newest first; folders that cannot be read are passed over."""
    for child in list(_STARTED):
        if child.poll() is not None:
            _STARTED.remove(child)
    living = [folder for folder in _folders() if _lives(folder)]
    order = sorted(living, key=_place)
    found = []
    for folder in _folders():
        request = files.get(folder, files.REQUEST, files.JobRequest)
        if request is not None:
            found.append(_job(folder, request, order))
    return tuple(sorted(found, key=lambda job: job.job_id, reverse=True))


def start(title: str, plan: str, run_ids: Sequence[str], *, own_plan: str | None = None) -> str:
    """Queue a training and return its job id; it begins at once when no other is under way.

    Args:
        plan: a shipped plan by key; with `own_plan` only its name for people.
        own_plan: the text of a plan that does not ship.
    Raises: SpecInvalid when the system cannot do it, or ten are waiting already.
    """
    arguments = ("-m", "core", "benchmark", plan)
    return start_command(title, plan, run_ids, arguments, own_plan=own_plan)


def start_command(
    title: str, plan: str, run_ids: Sequence[str], arguments: Sequence[str], *, own_plan: str | None = None
) -> str:
    """As `start`, with what follows the Python interpreter given; an own plan's file takes the place of `plan`."""
    if not can_run_here():
        raise SpecInvalid(
            said("Training in the background needs Linux or macOS. Use the command in a terminal instead.")
        )
    if sum(job.state in ALIVE for job in jobs()) >= MOST_WAITING:
        raise SpecInvalid(
            said("{most_waiting} trainings are waiting already; let some end, or stop them.", most_waiting=MOST_WAITING)
        )
    job_id = files.new_job_id()
    folder = paths.ensure_folder(files.job_folder(job_id))
    if own_plan is not None:
        file = folder / files.OWN_PLAN
        file.write_text(own_plan, encoding="utf-8")
        arguments = [str(file) if argument == plan else argument for argument in arguments]
    request = files.JobRequest(
        schema_version=SCHEMA_VERSION, title=title, plan=plan, arguments=tuple(arguments), run_ids=tuple(run_ids),
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip
    files.put(folder, files.REQUEST, request)
    _spawn(folder)
    _forget_old()
    return job_id


def stop(job_id: str, *, now: bool = False) -> None:
    """Ask a job to end: its run keeps what is finished and can go on from there. `now` kills it."""
    folder = files.job_folder(job_id)
    started = files.get(folder, files.STARTED, files.Started)
    if started is None:
        return
    (folder / files.STOP).touch()
    running = files.get(folder, files.RUNNING, files.Running)
    members = () if running is None else (Process(running.pid, running.born),)
    signal_session(Process(started.pid, started.born), members, now=now)


def resume(job_id: str) -> None:
    """Queue a job that ended, at the end of the line; stored runs are skipped, the broken one goes on.

    Raises: SpecInvalid when it is still alive, or not there.
    """
    folder = files.job_folder(job_id)
    if files.get(folder, files.REQUEST, files.JobRequest) is None:
        raise SpecInvalid(said("There is no training {job_id} any more.", job_id=job_id))
    if _lives(folder):
        raise SpecInvalid(said("This training is still under way."))
    for name in (files.STOP, files.ENDED, files.RUNNING, files.PROGRESS):
        (folder / name).unlink(missing_ok=True)
    _spawn(folder)


def forget(job_id: str) -> None:
    """Remove the folder of a job that is not alive; its runs stay. Raises SpecInvalid when it is alive."""
    folder = files.job_folder(job_id)
    if _lives(folder):
        raise SpecInvalid(said("This training is still under way; stop it first."))
    shutil.rmtree(folder, ignore_errors=True)


def is_next(folder: Path) -> bool:
    """Whether no living job stands before the one in `folder`."""
    mine = _place(folder)
    return not any(_place(other) < mine for other in _folders(folder.parent) if other != folder and _lives(other))


def _spawn(folder: Path) -> None:
    with (folder / files.LOG).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "core.jobs.worker", str(folder)], stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, cwd=paths.REPOSITORY, start_new_session=True,
        )  # fmt: skip
    _STARTED.append(child)
    process = process_of(child.pid)
    started = files.Started(pid=process.pid, born=process.born, queued_ns=time.time_ns())
    files.put(folder, files.STARTED, started)


def _folders(root: Path | None = None) -> list[Path]:
    root = root or files.jobs_folder()
    try:
        return sorted(entry for entry in root.iterdir() if files.JOB_ID.fullmatch(entry.name))
    except OSError:
        return []


def _place(folder: Path) -> tuple[int, str]:
    """Where a job stands in the queue; one that has not written it down yet stands last."""
    started = files.get(folder, files.STARTED, files.Started)
    return (started.queued_ns if started is not None else sys.maxsize, folder.name)


def _lives(folder: Path) -> bool:
    if (folder / files.ENDED).exists():
        return False
    known = (files.get(folder, files.STARTED, files.Started), files.get(folder, files.RUNNING, files.Running))
    return any(Process(one.pid, one.born).lives for one in known if one is not None)


def _job(folder: Path, request: files.JobRequest, order: Sequence[Path]) -> Job:
    running = files.get(folder, files.RUNNING, files.Running)
    ended = files.get(folder, files.ENDED, files.Ended)
    asked_to_stop = (folder / files.STOP).exists()
    state: State
    if folder in order:
        state = "stopping" if asked_to_stop else "waiting" if running is None else "running"
    elif ended is not None and ended.exit_code == 0:
        state = "done"
    elif asked_to_stop:
        state = "stopped"
    else:
        state = "lost" if ended is None else "failed"
    return Job(
        job_id=folder.name, request=request, state=state, ahead=order.index(folder) if folder in order else 0,
        begun_utc=running.begun_utc if running is not None else "",
        ended_utc=ended.ended_utc if ended is not None else "",
    )  # fmt: skip


def _forget_old() -> None:
    ended = [job for job in jobs() if job.state not in ALIVE]
    for job in ended[MOST_KEPT:]:
        forget(job.job_id)
