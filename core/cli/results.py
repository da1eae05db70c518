"""`python -m core results slim`: a results folder that is handed on without the networks that it no longer needs."""

from typing import Annotated

import typer

from core.cli.console import REFUSED, err, guarded, out, print_json
from core.errors import MedLensError

app = typer.Typer(no_args_is_help=True, help="Look after stored runs.")


@app.callback()
def _group() -> None:
    """With a callback, a group of one command keeps the command's name."""


@app.command()
def slim(
    run_ids: Annotated[list[str], typer.Argument(help="Finished runs in results/.")],
    json_out: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Remove what finished runs fitted, networks and heads: numbers, predictions and curves stay as they are."""
    with guarded():
        from core.store.slim import slim_run

        removed: dict[str, list[str]] = {}
        failed: dict[str, str] = {}
        for run_id in run_ids:
            try:
                removed[run_id] = sorted(slim_run(run_id).left_out)
            except MedLensError as error:
                failed[run_id] = str(error)
                err.print(str(error), style="red", markup=False, soft_wrap=True)
        if json_out:
            print_json({"left_out": removed, "failed": failed})
        else:
            for run_id, names in removed.items():
                out.print(f"{run_id}: without {', '.join(names) or 'nothing'}", markup=False, soft_wrap=True)
    if failed:
        raise typer.Exit(REFUSED)
