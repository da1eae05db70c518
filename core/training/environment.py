"""What a run's numbers were computed with: versions, processor, commit, memory."""

import os
import platform
import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from core.paths import REPOSITORY
from core.types import Environment


def environment() -> Environment:
    """Versions and machine, without any name that would tell whose machine it is."""
    keras = sys.modules.get("keras")
    backend = str(keras.backend.backend()) if keras else ""  # the heads of scikit-learn alone need no Keras
    return Environment(
        python=platform.python_version(),
        keras=version("keras"),
        backend=backend,
        numpy=version("numpy"),
        sklearn=version("scikit-learn"),
        cpu=_cpu_model(),
        cores=os.cpu_count() or 1,
        commit=_commit(),
    )


def peak_memory_bytes() -> int:
    """Largest resident size of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)  # Linux counts kilobytes, macOS bytes


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The short commit of the code, or "" outside a checkout."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
