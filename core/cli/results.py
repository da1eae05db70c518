"""`python -m core results slim|import`: hand a results folder on without its networks; take scores from outside."""

from pathlib import Path
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


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV: image_id,y_true,p_<class>,… or of MedMNIST's evaluator.")],
    dataset: Annotated[str, typer.Option(help="The data set, as `data list` names it.")],
    name: Annotated[str, typer.Option(help="What the network is called, such as 'ResNet-50 of the ward'.")],
    task: Annotated[str | None, typer.Option(help="Label scheme; without it, the data set's first one.")] = None,
    validation: Annotated[
        Path | None, typer.Option(help="A CSV of validation scores, which choose the threshold; without it, 0.5.")
    ] = None,
    against: Annotated[
        str, typer.Option(help="A stored run whose test images these are, or none; without it, one is looked for.")
    ] = "",
    medmnist: Annotated[str, typer.Option(help="medmnist: which set, where the file's name does not say it.")] = "",
    json_out: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Store scores of a network trained elsewhere as a run that joins every comparison."""
    with guarded():
        from core import limits
        from core.registry.datasets import dataset_spec
        from core.registry.labels import AS_IS
        from core.serve.results import Stated, import_scores
        from core.store.names import read_limited

        schemes = dataset_spec(dataset).label_schemes or (AS_IS,)
        stated = Stated(dataset=dataset, scheme=task or schemes[0], name=name, against=against, medmnist=medmnist)
        data = read_limited(file, limits.MAX_IMPORT_BYTES)
        more = None if validation is None else read_limited(validation, limits.MAX_IMPORT_BYTES)
        record = import_scores(data, file.name, stated, validation=more)
        if json_out:
            print_json({"run_id": record.run_id, **record.chosen_settings})
            return
        from core.cli.benchmark import headline

        out.print(f"{record.run_id}: {headline(record)}", markup=False, soft_wrap=True)
        out.print(
            f"Its images were compared with: {record.chosen_settings['checked_against']}.", markup=False, soft_wrap=True
        )
