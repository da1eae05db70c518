"""What the numbers were measured on: processor, cores, other programs, versions; and a process's peak memory."""

import os
import platform
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

PACKAGES = ("onnxruntime", "tensorflow", "keras", "numpy", "opencv-python-headless", "streamlit", "plotly", "pandas")


def cpu_model() -> str:
    """The processor's own name for itself, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of processor time since the system started (all of it, and our own), and the clock."""

    everybody: float
    own: float
    wall: float


def usage() -> Usage:
    """Processor time used up to now; ended child processes count as our own."""
    system, own = psutil.cpu_times(), os.times()
    waiting = system.idle + getattr(system, "iowait", 0.0) + getattr(system, "steal", 0.0)
    # guest time is part of user time already
    counted_twice = getattr(system, "guest", 0.0) + getattr(system, "guest_nice", 0.0)
    return Usage(sum(system) - waiting - counted_twice, sum(own[:4]), time.monotonic())


def share_of_others(before: Usage, after: Usage, core_count: int) -> float:
    """Share of the cores, in [0, 1], that other programs took between two moments."""
    offered = core_count * (after.wall - before.wall)
    if offered <= 0:
        return 0.0
    taken = (after.everybody - before.everybody) - (after.own - before.own)
    return min(1.0, max(0.0, taken / offered))


def installed(package: str) -> str:
    """Its version, or "" where it is not installed; `tensorflow-cpu` counts as TensorFlow."""
    for name in (package, f"{package}-cpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""


def describe_machine() -> dict[str, object]:
    """Processor, cores and versions, in the order in which they are printed."""
    found: dict[str, object] = {"CPU": cpu_model(), "cores": cores(), "Python": platform.python_version()}
    found.update({name: installed(name) for name in PACKAGES if installed(name)})
    return found


def peak_memory_mb() -> float:
    """Largest resident size of this process since its program started, in MB (10^6 bytes).

    Linux: VmHWM and not `ru_maxrss`, which a child process takes over from the parent that started it.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
