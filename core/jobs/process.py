"""Whether a process that was started earlier still lives, and how it is asked to end.

A process is known by its id and its birth together: the system gives an id anew once its process is gone, and a
signal must never reach a stranger.
"""

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
STATE, START_TICKS = 0, 19  # of the fields behind the name in /proc/<pid>/stat (proc(5) counts them as 3 and 22)
DEAD = ("Z", "X")  # ended; a zombie only waits for its parent to look


@dataclass(frozen=True, slots=True)
class Process:
    """A process by its id and the mark of its birth; it leads a session of its own."""

    pid: int
    born: str

    @property
    def lives(self) -> bool:
        """Whether this very process is there."""
        return birth_of(self.pid) == self.born


def this_process() -> Process:
    """The process that asks."""
    return process_of(os.getpid())


def process_of(pid: int) -> Process:
    """The process under `pid` now; its birth is "" when it is gone already."""
    return Process(pid, birth_of(pid) or "")


def birth_of(pid: int) -> str | None:
    """A text that no other process of this machine has with the same id, or None when none lives under `pid`."""
    try:
        fields = (PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        boot = (PROC / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None if (PROC / "self" / "stat").exists() else _birth_by_ps(pid)
    return None if fields[STATE] in DEAD else f"{boot} {fields[START_TICKS]}"


def _birth_by_ps(pid: int) -> str | None:
    """Where there is no /proc (macOS)."""
    command = ["ps", "-o", "state=,lstart=", "-p", str(pid)]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(command, capture_output=True, text=True, timeout=5).stdout.split(maxsplit=1)
        if len(said) == 2 and not said[0].startswith(DEAD):
            return said[1].strip()
    return None


def signal_session(leader: Process, members: tuple[Process, ...], *, now: bool) -> bool:
    """SIGTERM (or SIGKILL with `now`) to all processes of the session that `leader` began.

    Args:
        members: others known to be in it; one that lives is enough, so that a killed leader leaves no orphan.
    Returns: False when nobody of them lives, and nothing was sent.
    """
    if not any(process.lives for process in (leader, *members)):
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader.pid, signal.SIGKILL if now else signal.SIGTERM)
    return True
