"""What stands in the folder of a training in the background: `<cache>/jobs/<job id>/`.

    job.json       what was asked, written once
    own.toml       the plan, where it is none of those that ship
    started.json   the process that waits and works, and its place in the queue; anew with every resume
    running.json   the process that trains, once its turn has come
    progress.json  what the training said last
    ended.json     how it ended
    stop           somebody asked it to end
    log.txt        what the command line printed

Names of jobs are times, so that they sort by age; nothing here is needed by a stored run.
"""

import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from core import paths
from core.errors import SpecInvalid, StoreError
from core.language import said
from core.store.atomic import write_text
from core.store.codec import from_json, to_json
from core.store.names import read_limited

REQUEST, STARTED, RUNNING, ENDED = "job.json", "started.json", "running.json", "ended.json"
PROGRESS, STOP, LOG, OWN_PLAN, QUEUE = "progress.json", "stop", "log.txt", "own.toml", "queue.lock"
MAX_FILE_BYTES = 1024**2  # a plan of some hundred runs has 100 kB
JOB_ID = re.compile(r"\d{8}t\d{6}-[0-9a-f]{6}")

Instance = TypeVar("Instance")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What was asked: `arguments` follow the Python interpreter, `run_ids` is the order in which they are trained."""

    schema_version: int
    title: str
    plan: str
    arguments: tuple[str, ...]
    run_ids: tuple[str, ...]
    created_utc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The waiting and working process, and its place: the smaller `queued_ns` (since 1970) comes first."""

    pid: int
    born: str
    queued_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The process that trains, and since when."""

    pid: int
    born: str
    begun_utc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The exit code of the command, and when it ended."""

    exit_code: int
    ended_utc: str


def jobs_folder() -> Path:
    """Where the jobs of this machine lie; every server with the same cache folder shares one queue."""
    return paths.cache_folder() / "jobs"


def new_job_id() -> str:
    """A name that sorts by time and that no other job has."""
    return f"{time.strftime('%Y%m%dt%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def job_folder(job_id: str) -> Path:
    """Where a job lies. Raises SpecInvalid when `job_id` is none."""
    if not JOB_ID.fullmatch(job_id):
        raise SpecInvalid(said("{job_id} is no id of a training in the background.", job_id=repr(job_id)))
    return jobs_folder() / job_id


def put(folder: Path, name: str, value: object) -> None:
    """Write a dataclass beside the others, whole or not at all."""
    write_text(folder / name, to_json(value))


def get(folder: Path, name: str, kind: type[Instance]) -> Instance | None:
    """The dataclass in a file; None where there is none, or none that can be read."""
    try:
        return from_json(kind, read_limited(folder / name, MAX_FILE_BYTES))
    except StoreError:
        return None
