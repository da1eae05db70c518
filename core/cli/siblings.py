"""`models siblings`: fit heads of scikit-learn beside a shipped network."""

from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import guarded, out, print_json, progress_report


def siblings(
    name: Annotated[str, typer.Argument(help="A folder in models/ that comes from a run in results/.")],
    root: Annotated[Path | None, typer.Option(help="Folder of the data set that it was trained on.")] = None,
    head: Annotated[
        list[str] | None,
        typer.Option(help="mlp, logistic_regression, random_forest or gradient_boosting; repeatable, all without it."),
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out unreadable rows, by name.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Put the heads beside the model.")] = False,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Fit heads of scikit-learn on a model's own features, so that the same picture can be put to all of them."""
    with guarded():
        from core.store.codec import encode
        from core.store.siblings import save_siblings
        from core.training.siblings import KEYS, fit_siblings

        with progress_report(f"heads beside {name}") as report:
            result = fit_siblings(name, root, keys=tuple(head or KEYS), skip_bad=skip_bad, report=report)
        total = save_siblings(name, result.found, result.files)[1] if write else 0
        if json_out:
            print_json({"model": name, "siblings": encode(result.found), "written": write})
            return
        for line in result.lines():
            out.print(line, markup=False, soft_wrap=True)
        if write:
            out.print(f"Written beside {name}; its folder has {total / 1e6:.1f} MB now.", markup=False)
