"""What the commands share: messages on standard error, one JSON document on standard output, exit codes, progress."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from core.errors import DatasetInvalid, MedLensError
from core.training.progress import Report, report_to_file, silent

OK, REFUSED, STOPPED = 0, 1, 130

err = Console(stderr=True, highlight=False)
out = Console(highlight=False)


def print_json(document: object) -> None:
    """The one JSON document of a command called with --json."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n")


def fail(message: str) -> NoReturn:
    """Say what is wrong and leave with exit code 1."""
    err.print(message, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(REFUSED)


@contextmanager
def guarded() -> Iterator[None]:
    """Turn errors raised on purpose into one message and exit code 1, and Ctrl-C or SIGTERM into exit code 130."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except DatasetInvalid as error:
        fail(error.full_text())
    except MedLensError as error:
        fail(str(error))
    except KeyboardInterrupt:
        err.print(
            "Stopped. What was finished is kept; the same command goes on from there.", markup=False, soft_wrap=True
        )
        raise typer.Exit(STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, previous)


def _bars() -> Progress:
    columns = (
        TextColumn("{task.description}"), BarColumn(bar_width=28), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    return Progress(*columns, console=err, transient=True)


@contextmanager
def progress_report(title: str) -> Iterator[Report]:
    """A report that draws one bar on standard error: the stage, how much is done, and the time left."""
    with _bars() as bar:
        task = bar.add_task(title, total=None)
        current = ""

        def report(stage: str, done: int, total: int) -> None:
            nonlocal current
            if stage != current:
                current = stage
                bar.reset(task, total=total, completed=done, description=f"{title}: {stage}")
            else:
                bar.update(task, completed=done, total=total)

        yield report


class PlanBars:
    """Bars below each other: the runs of a plan, the epochs of the run under way, and the stage or epoch in it."""

    def __init__(self, bar: Progress, title: str, runs: int, told: Report = silent) -> None:
        self._bar = bar
        self._told = told
        self._plan = bar.add_task(title, total=runs)
        self._epochs = bar.add_task("", total=None, visible=False)
        self._stage = bar.add_task("", total=None)
        self._current = ""

    def begin(self, name: str) -> None:
        """The next run is under way."""
        self._current = ""
        self._bar.reset(self._epochs, visible=False)
        self._bar.remove_task(self._stage)  # a bar with a total cannot be given none again
        self._stage = self._bar.add_task(name, total=None)

    def report(self, stage: str, done: int, total: int) -> None:
        """What the run tells; it can be handed on as a `Report`."""
        self._told(stage, done, total)
        if stage.startswith("training ("):
            self._bar.update(self._epochs, completed=done, total=total, description=f"  {stage}, epochs", visible=True)
        elif stage != self._current:
            self._current = stage
            self._bar.reset(self._stage, total=total, completed=done, description=f"  {stage}")
        else:
            self._bar.update(self._stage, completed=done, total=total)

    def end(self) -> None:
        """The run is over, well or not."""
        self._bar.advance(self._plan)


@contextmanager
def plan_bars(title: str, runs: int) -> Iterator[PlanBars]:
    """Bars on standard error for `runs` runs; they are gone afterwards.

    Where the environment names a file in MEDLENS_PROGRESS, what is told stands there too (core/jobs/worker.py).
    """
    file = os.environ.get("MEDLENS_PROGRESS", "").strip()
    with _bars() as bar:
        yield PlanBars(bar, title, runs, report_to_file(Path(file)) if file else silent)
