"""`models check` and `models add`: look at a network from outside, and make a model of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import err, guarded, out, print_json
from core.errors import SpecInvalid
from core.registry.pixels import RANGES
from core.types import TabularInput

if TYPE_CHECKING:
    from core.nn.foreign import ForeignReport

File = Annotated[Path, typer.Argument(metavar="FILE", help="A .keras file, or a legacy .h5 file of a whole model.")]
Size = Annotated[int | None, typer.Option("--size", help="Side of the picture in pixels, where the network takes any.")]
Which = Annotated[str, typer.Option(help="Of a network with several outputs, the name of the one that answers.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def check(file: File, size: Size = None, which: Which = "", json_out: Json = False) -> None:
    """Read a network without running it, then load it in a limited process and try it on four pictures."""
    with guarded():
        from core.nn.foreign import check_model
        from core.store.codec import encode

        report = check_model(file, size_px=size, take=which, report=_say)
        if json_out:
            print_json(encode(report))
            return
        for line in words(report):
            out.print(line, markup=False, soft_wrap=True)


def add(
    file: File,
    name: Annotated[str, typer.Option(help="Name of the new folder in models/.")],
    classes: Annotated[str, typer.Option(help="Class names, separated by commas, in the order of the outputs.")],
    title: Annotated[str, typer.Option(help="What a reader sees.")] = "",
    pixels: Annotated[
        str, typer.Option(help="Pixel range: inside, unit, minus_one_one, imagenet_torch or imagenet_caffe.")
    ] = "",
    positive: Annotated[str | None, typer.Option(help="Of two classes, the one that is looked for.")] = None,
    output: Annotated[str, typer.Option(help="softmax or sigmoid, for a network that ends in logits.")] = "",
    cam_layer: Annotated[str, typer.Option(help="Layer that heat maps are made from.")] = "",
    table: Annotated[
        str, typer.Option(help="Numbers beside the picture, in order: age,sex or age:0:110,sex:0:1 with their range.")
    ] = "",
    size: Size = None,
    which: Which = "",
    replace: Annotated[bool, typer.Option("--replace", help="Write over a model of that name.")] = False,
    json_out: Json = False,
) -> None:
    """Make models/NAME of a network from outside: every page and command has it from then on."""
    with guarded():
        from core.nn.foreign import add_model
        from core.nn.foreign_answers import ForeignAnswers

        answers = ForeignAnswers(
            name=name, title=title, class_names=tuple(part.strip() for part in classes.split(",")),
            pixel_scaling=pixels, positive_class=positive, output=output, cam_layer=cam_layer,
            table=parse_table(table), size_px=size, take=which,
        )  # fmt: skip
        card = add_model(file, answers, replace=replace, report=_say)
        if json_out:
            print_json({"name": card.name, "engine": card.engine, "sha256": card.sha256, "limits": list(card.limits)})
            return
        out.print(f"models/{card.name}: {card.title}. It runs on {card.engine}.", markup=False, soft_wrap=True)
        for line in ([card.engine_reason] if card.engine_reason else []) + list(card.limits):
            out.print(f"  - {line}", markup=False, soft_wrap=True)


def parse_table(text: str) -> tuple[TabularInput, ...]:
    """ "age:0:110,sex" as named numbers with their ranges. Raises SpecInvalid."""
    found = []
    for part in text.split(",") if text.strip() else []:
        name, *bounds = (piece.strip() for piece in part.split(":"))
        try:
            low, high = (float(bound) for bound in bounds) if bounds else (None, None)
        except ValueError as error:
            raise SpecInvalid(f"--table {part!r}: expected NAME or NAME:LOW:HIGH, such as age:0:110.") from error
        found.append(TabularInput(name=name, low=low, high=high))
    return tuple(found)


def words(report: "ForeignReport") -> list[str]:
    """What was found in a network, line by line."""
    found, probe = report.found, report.probe
    inputs = ", ".join(f"{item.name} {item.role} {item.shape}" for item in found.inputs)
    kinds = ", ".join(f"{count} {kind}" for kind, count in list(found.layer_kinds.items())[:6])
    saved = f"saved by Keras {found.keras_version}" if found.keras_version else "of an unknown version of Keras"
    others = [f"{one.name} ({one.units} numbers, {one.kind})" for one in found.choices]
    return [
        f"{found.name}: {saved}, {found.file_bytes / 1e6:.1f} MB, sha256 {found.sha256[:12]}",
        f"takes       {inputs}; pictures of {found.size_px} px, {'grey' if found.channels == 1 else 'colour'}",
        f"gives       {found.outputs} numbers, last activation {found.output_kind}; "
        f"on four pictures {probe.lowest:.3g} to {probe.highest:.3g}",
        f"layers      {found.layers:,} ({kinds}), {found.parameters:,} parameters",
        f"pixels      {found.pixel_scaling}: {RANGES[found.pixel_scaling]} "
        f"({'stated' if found.pixel_sure else 'guessed'}: {found.pixel_reason})",
        f"heat maps   {probe.cam_layer}, {' x '.join(map(str, probe.cam_grid))} cells"
        + ("; empty for all four pictures" if probe.empty_maps else ""),
        *([f"outputs     {', '.join(others)}; seen is {found.output_name}, --which takes another"] if others else []),
        f"still open  {found.class_count} class names"
        + (f", {found.table_columns} numbers beside the picture" if found.table_columns else ""),
    ]


def _say(stage: str) -> None:
    err.print(stage, style="dim", markup=False)
