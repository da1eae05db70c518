"""What the commands share: messages on standard error, one JSON document on standard output, exit codes, progress."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from core.errors import DatasetInvalid, MedLensError
from core.training.progress import Report

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


@contextmanager
def progress_report(title: str) -> Iterator[Report]:
    """A report that draws one bar on standard error: the stage, how much is done, and the time left."""
    columns = (
        TextColumn("{task.description}"), BarColumn(bar_width=28), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=err, transient=True) as bar:
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
