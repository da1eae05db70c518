"""`export`, `predict`, `evaluate`: a run becomes a model, and a model answers images or a whole data set.

`models localise`: where a model's heat maps lie, against experts' boxes and masks.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from core.cli.console import REFUSED, err, guarded, out, print_json, progress_report
from core.errors import ImageRefused, SpecInvalid
from core.registry.explanations import EXPLANATIONS, GRADCAM, explanation
from core.types import Heatmap

OVERLAY_STRENGTH = 0.6  # as the Predict page starts with
app = typer.Typer(no_args_is_help=True, help="Look into a shipped model.")
DISCLAIMER = "Research and teaching only: not a medical device, not a diagnosis."


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


def predict(
    files: Annotated[list[Path], typer.Argument(help="Image files.")],
    model: Annotated[str, typer.Option(help="A folder in models/.")],
    explain: Annotated[Path | None, typer.Option(help="Folder for heat maps over the images, one PNG each.")] = None,
    method: Annotated[str, typer.Option(help=f"How they are made: {', '.join(EXPLANATIONS)}.")] = GRADCAM,
    layer: Annotated[str, typer.Option(help="Layer whose cells are weighed; the card's by default.")] = "",
    frame: Annotated[str, typer.Option(help="Of DICOM and NIfTI files: 12, or axial:40; else the middle one.")] = "",
    table: Annotated[
        Path | None,
        typer.Option(help="CSV with a column file and one for each number that the network takes beside the picture."),
    ] = None,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Predict image files; those that cannot be read are refused by name, the others go on."""
    with guarded():
        from core.data.frames import parse_frame
        from core.data.images import decode_picture
        from core.data.numbers import numbers_beside
        from core.evaluation.decision import decided_classes
        from core.nn.serving import Predictor

        choice = parse_frame(frame)
        asked = {} if (method, layer) == (GRADCAM, "") else {"method": explanation(method).key, "layer": layer}
        predictor = Predictor.load(model)
        card, answers, refused = predictor.card, [], {}
        numbers = numbers_beside(card, table, files)
        with progress_report("predicting") as report:
            for number, file in enumerate(files):
                report("images", number, len(files))
                try:
                    picture = decode_picture(file, frame=choice)
                except ImageRefused as error:
                    refused[str(file)] = str(error)
                    continue
                beside = numbers.get(file, ())
                result = predictor.predict(
                    picture.pixels, explain is not None, image_id=file.name, table=beside, **asked
                )
                answer: dict[str, object] = {
                    "file": str(file),
                    "probabilities": dict(zip(card.class_names, map(float, result.probabilities), strict=True)),
                    "verdict": list(decided_classes(result.probabilities, card)),
                    "frame": picture.chosen or None,
                    "note": picture.note,
                }
                if explain is not None:
                    answer["overlay"] = str(_write_overlay(explain, number, file, result, card))
                    answer["explanation"] = _made_by(result.heatmaps[0])
                answers.append(answer)
        if json_out:
            print_json(
                {
                    "model": card.name,
                    "threshold": dict(card.threshold.values),
                    "notice": DISCLAIMER,
                    "predictions": answers,
                    "refused": refused,
                }
            )
        else:
            _print_predictions(answers, card.class_names)
        for reason in refused.values():
            err.print(reason, style="red", markup=False, soft_wrap=True)
    if refused:
        raise typer.Exit(REFUSED)


def _made_by(heatmap: Heatmap) -> dict[str, str | None]:
    """As the HTTP API says it: the method, and the layer, null for a method that weighs none."""
    return {"method": heatmap.method, "layer": heatmap.layer or None}


def _write_overlay(folder: Path, number: int, file: Path, result, card) -> Path:  # type: ignore[no-untyped-def]
    from core.data.images import encode_png
    from core.figures.overlay import blend

    folder.mkdir(parents=True, exist_ok=True)
    top = int(np.argmax(result.probabilities))
    positive = card.class_names.index(card.positive_class) if card.positive_class else top
    # a number in front keeps two files of the same name apart
    target = folder / f"{number:04d}-{file.stem}-{card.class_names[positive].lower().replace(' ', '-')}.png"
    target.write_bytes(encode_png(blend(result.prepared, result.heatmaps[positive].values, OVERLAY_STRENGTH)))
    return target


def _print_predictions(answers: list[dict], class_names: tuple[str, ...]) -> None:
    table = Table(box=None)
    table.add_column("file", overflow="fold")
    table.add_column("verdict")
    for name in class_names:
        table.add_column(name, justify="right")
    for answer in answers:
        verdict = ", ".join(answer["verdict"]) or "none"
        name = answer["file"] + (f" ({answer['frame']})" if answer["frame"] else "")
        table.add_row(name, verdict, *(f"{p:.3f}" for p in answer["probabilities"].values()))
    out.print(table)
    out.print(DISCLAIMER)


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
