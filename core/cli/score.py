"""`score`: a folder or ZIP of images through a model into one CSV or Parquet file, resumable after any kill."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from core.cli.console import REFUSED, STOPPED, err, guarded, out, print_json
from core.store.scores import beside
from core.training.progress import Report


def score(
    source: Annotated[Path, typer.Argument(metavar="DIR|ZIP", help="A folder (all levels) or a ZIP of images.")],
    model: Annotated[str, typer.Option(help="A folder in models/.")],
    out_file: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write: .csv or .parquet.")],
    batch_size: Annotated[int, typer.Option(min=1, help="Images that pass the network at once.")] = 16,
    restart: Annotated[bool, typer.Option("--restart", help="Throw away what an earlier call wrote there.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many files of the sorted list.")] = None,
    frame: Annotated[str, typer.Option(help="Of DICOM and NIfTI files: 12, or axial:40; else the middle one.")] = "",
    table: Annotated[
        Path | None,
        typer.Option(help="CSV with a column file and one for each number that the network takes beside the picture."),
    ] = None,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Score images of any number; what cannot be read is listed in FILE.refused.csv. A second call goes on."""
    with guarded():
        from core.data.frames import parse_frame
        from core.serve.scoring import score_images

        choice = parse_frame(frame)

        try:
            with score_progress(model) as report:
                summary = score_images(
                    source, model, out_file, batch_size=batch_size, restart=restart, limit=limit, frame=choice,
                    table=table, report=report,
                )  # fmt: skip
        except KeyboardInterrupt:
            words = ["python", "-m", "core", "score", str(source), "--model", model, "--out", str(out_file)]
            words += ["--batch-size", str(batch_size)] if batch_size != 16 else []
            words += ["--limit", str(limit)] if limit is not None else []
            words += ["--frame", frame] if frame else []
            words += ["--table", str(table)] if table else []
            err.print("Stopped. What was scored is kept; go on with:", markup=False)
            err.print(f"  {shlex.join(words)}", markup=False, soft_wrap=True)
            raise typer.Exit(STOPPED) from None
        meta, refused = summary.meta, beside(out_file, ".refused.csv")
        if json_out:
            print_json(
                {
                    "file": str(out_file),
                    "refused_file": str(refused),
                    "model": meta.model,
                    "engine": meta.engine,
                    "n_files": meta.n_files,
                    "n_scored": meta.n_scored,
                    "n_refused": meta.n_refused,
                    "n_before": summary.n_before,
                    "seconds": summary.seconds,
                    "images_per_second": summary.images_per_second,
                    "notice": meta.notice,
                }
            )
        else:
            before = f", {summary.n_before:,} of them before" if summary.n_before else ""
            out.print(
                f"{out_file}: {meta.n_scored:,} of {meta.n_files:,} files scored by {meta.model} ({meta.engine}), "
                f"{summary.images_per_second:.0f} a second{before}.",
                markup=False, soft_wrap=True,
            )  # fmt: skip
            out.print(meta.notice, markup=False, soft_wrap=True)
        if meta.n_refused:
            err.print(f"{meta.n_refused:,} refused: see {refused}", style="red", markup=False, soft_wrap=True)
    if meta.n_refused:
        raise typer.Exit(REFUSED)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} images/s" if task.speed else "")


@contextmanager
def score_progress(title: str) -> Iterator[Report]:
    """A bar on standard error with the rate of this call and the time left."""
    columns = (
        TextColumn("{task.description}"), BarColumn(bar_width=28), MofNCompleteColumn(), _Rate(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(title, total=None)
        current = ""

        def report(stage: str, done: int, total: int) -> None:
            nonlocal current
            if stage != current:  # what was done before this call is no part of the rate
                current = stage
                bar.reset(task, total=total if total > 1 else None, completed=done, description=f"{title}: {stage}")
            else:
                bar.update(task, completed=done, total=total)

        yield report
