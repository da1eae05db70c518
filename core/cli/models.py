"""`export`, `evaluate`: a run becomes a model, and a model answers a whole data set.

`models localise`: where a model's heat maps lie, against experts' boxes and masks.
"""

from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import guarded, out, print_json, progress_report
from core.errors import SpecInvalid

app = typer.Typer(no_args_is_help=True, help="Look into a shipped model.")


def export(
    run_id: Annotated[str, typer.Argument(help="A finished CNN+MLP run in results/.")],
    name: Annotated[str, typer.Argument(help="Name of the new folder in models/.")],
    rule: Annotated[
        str | None, typer.Option(help="How its cuts are chosen on validation, such as sensitivity:0.95; as its run's.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over a model of that name.")] = False,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Turn a stored run into models/NAME: one Keras graph with its card, reloaded and compared."""
    with guarded():
        from core.training.exporting import export_run

        card, folder = export_run(run_id, name, rule=rule, replace=replace)
        if json_out:
            print_json(
                {"name": card.name, "run_id": card.run_id, "sha256": card.sha256, "model_bytes": card.model_bytes}
            )
        else:
            out.print(
                f"{card.name}: {card.title}, {card.model_bytes / 1e6:.1f} MB, in models/{folder.name}.", markup=False
            )


def evaluate(
    model: Annotated[str, typer.Argument(help="A folder in models/.")],
    dataset: Annotated[str, typer.Argument(help="A data set key, as in `data list`.")],
    root: Annotated[Path | None, typer.Option(help="Folder of the data set.")] = None,
    split: Annotated[str, typer.Option(help="test: the test part only; all: every labelled image.")] = "test",
    label_map: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="RAW=CLASS for raw labels that are named otherwise; repeatable, the rest is dropped."
        ),
    ] = None,
    question: Annotated[
        str | None, typer.Option("--sum", help="One of the card's sums of classes, judged alone, such as Pneumonia.")
    ] = None,
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for the reader; repeatable.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out unreadable rows, by name.")] = False,
    scores: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use the scores that `score` wrote; the network is not loaded.")
    ] = None,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Score a shipped model on a labelled folder: external validation, with the estimates of a run."""
    with guarded():
        from core.cli.data import parse_options
        from core.training.external import evaluate_model

        _check_split(split)
        with progress_report(f"{model} on {dataset}") as report:
            result = evaluate_model(
                model,
                dataset,
                root,
                split=split,
                label_map=label_map or [],
                question=question,
                skip_bad=skip_bad,
                options=parse_options(option),
                scores=scores,
                report=report,
            )
        if json_out:
            print_json(result.document())
            return
        for line in result.lines():
            out.print(line, markup=False, soft_wrap=True)


@app.callback()
def models() -> None:
    """Look into a shipped model."""


@app.command()
def localise(
    name: Annotated[str, typer.Argument(help="A folder in models/.")],
    dataset: Annotated[str, typer.Argument(help="A data set with boxes or masks, as in `data list`.")],
    root: Annotated[Path | None, typer.Option(help="Folder of the data set.")] = None,
    split: Annotated[str, typer.Option(help="test: the test part only; all: every image.")] = "test",
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="NAME", help="Take this class's map, the likelier of several; repeatable."),
    ] = None,
    label_map: Annotated[
        list[str] | None, typer.Option("--map", help="RAW=CLASS for raw labels that are named otherwise; repeatable.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many images, drawn with --seed.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of that draw.")] = 0,
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for the reader; repeatable.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out unreadable rows, by name.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Put the result on the model's card.")] = False,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Measure where a model's heat maps lie: inside experts' boxes or masks, or in borders and corners."""
    with guarded():
        from core.cli.data import parse_options
        from core.store.models import save_localisation
        from core.training.localising import localise_model

        _check_split(split)
        with progress_report(f"{name} on {dataset}") as report:
            result = localise_model(
                name, dataset, root, split=split, classes=classes or [], label_map=label_map or [], limit=limit,
                seed=seed, skip_bad=skip_bad, options=parse_options(option), report=report,
            )  # fmt: skip
        if write:
            save_localisation(name, result.record)
        if json_out:
            print_json({**result.document(), "written": write})
            return
        for line in result.lines():
            out.print(line, markup=False, soft_wrap=True)
        if write:
            out.print(f"Written to the card of {name}.", markup=False)


@app.command()
def gate(
    name: Annotated[str, typer.Argument(help="A folder in models/ that comes from a run in results/.")],
    root: Annotated[Path | None, typer.Option(help="Folder of the data set that it was trained on.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out unreadable rows, by name.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Put the gate beside the model and on its card.")] = False,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Fit the gate for pictures unlike the training images, and the band of scores that a person should read."""
    with guarded():
        from core.store.codec import encode
        from core.store.models import save_gate
        from core.training.gating import gate_model

        with progress_report(f"the gate of {name}") as report:
            result = gate_model(name, root, skip_bad=skip_bad, report=report)
        if write:
            save_gate(result.card, result.content)
        if json_out:
            print_json(
                {
                    "model": name,
                    "ood": encode(result.record),
                    "referral": encode(result.card.referral),
                    "bytes": len(result.content),
                    "written": write,
                }
            )
            return
        for line in result.lines():
            out.print(line, markup=False, soft_wrap=True)
        if write:
            out.print(f"Written beside {name}: {len(result.content) / 1000:.0f} kB.", markup=False)


@app.command()
def trace(
    name: Annotated[str, typer.Argument(help="A small network in models/, such as phantom-nodule.")],
    phantom: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Which drawn picture, as phantom://SEED/PATIENT/IMAGE.")
    ] = "",
    json_out: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Store one drawn picture's way through a small network beside it, stage by stage, for the Learn page."""
    with guarded():
        from core.data.phantom_path import parse_phantom_path
        from core.nn.trace import EXAMPLE, trace_model
        from core.store.traces import save_trace

        made = trace_model(name, parse_phantom_path(phantom) if phantom else EXAMPLE)
        path = save_trace(made)
        stated = {c: float(p) for c, p in zip(made.class_names, made.probabilities, strict=True)}
        if json_out:
            print_json({"model": name, "phantom": made.phantom, "probabilities": stated, "bytes": path.stat().st_size})
        else:
            words = ", ".join(f"{c} {p:.3f}" for c, p in stated.items())
            out.print(
                f"models/{name}/{path.name}: {made.phantom} through {len(made.stages)} stages ({words}), "
                f"{path.stat().st_size / 1000:.0f} kB.", markup=False, soft_wrap=True,
            )  # fmt: skip


def _check_split(split: str) -> None:
    if split not in ("test", "all"):
        raise SpecInvalid(f"--split is {split!r}; expected test or all.")
