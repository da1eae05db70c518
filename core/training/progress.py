"""What a long job tells while it runs: a stage, how much is done, and of how much.

The training code calls a `Report`; whoever started the job (command line, page, test) draws it.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

from core.store.atomic import write_text

Report = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """A report that nobody reads."""


def report_to_file(path: Path, every_seconds: float = 1.0) -> Report:
    """A report that keeps the last thing told in a small JSON file, for a reader in another process.

    Written when the stage changes, when it is done, and otherwise at most once in `every_seconds`.
    """
    last_stage, last_time = "", float("-inf")

    def report(stage: str, done: int, total: int) -> None:
        nonlocal last_stage, last_time
        now = time.monotonic()
        if stage != last_stage or done == total or now - last_time >= every_seconds:
            last_stage, last_time = stage, now
            write_text(path, json.dumps({"stage": stage, "done": done, "total": total}))

    return report
