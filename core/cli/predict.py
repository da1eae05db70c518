"""`predict`: a shipped model answers image files, with heat maps over them where they are asked for."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from core.cli.console import REFUSED, err, guarded, out, print_json, progress_report
from core.errors import ImageRefused
from core.registry.explanations import EXPLANATIONS, GRADCAM, explanation
from core.types import Heatmap

OVERLAY_STRENGTH = 0.6  # as the Predict page starts with
DISCLAIMER = "Research and teaching only: not a medical device, not a diagnosis."


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
