"""`python -m core data list|check|download`: which data sets there are, whether one is sound, how to get it.

`check` always reads on past faulty images, so that one call shows the counts and everything that is wrong.
"""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from core.cli.console import REFUSED, guarded, out, print_json, progress_report
from core.data.load import folder_of
from core.data.report import DatasetReport
from core.errors import DatasetInvalid, DownloadFailed, MedLensError, SpecInvalid
from core.paths import data_folder
from core.registry.datasets import DATASETS, dataset_spec
from core.registry.medmnist import MEDMNIST

app = typer.Typer(no_args_is_help=True, help="List, check and download data sets.")
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
SHOWN_LINES = 40  # of one list on screen; --json has all of them


@app.command("list")
def list_sets(json_out: Json = False) -> None:
    """The data sets that can be read, and which of them lie in the data folder."""
    entries = [
        {
            "key": spec.key,
            "title": spec.title,
            "modality": spec.modality,
            "label_schemes": list(spec.label_schemes),
            "group_field": spec.group_field,
            "licence": spec.licence,
            "source_url": spec.source_url,
            "synthetic": spec.synthetic,
            "folder": str(folder_of(spec)),
            "present": spec.synthetic or (folder_of(spec).is_dir() and not spec.joins),
        }
        for spec in DATASETS.values()
    ]
    if json_out:
        print_json(entries)
        return
    table = Table(
        Column("key", no_wrap=True), "title", "label schemes", "licence", "here", title=f"Data folder: {data_folder()}"
    )
    for spec, entry in zip(DATASETS.values(), entries, strict=True):
        here = "always" if spec.synthetic else "of others" if spec.joins else "yes" if entry["present"] else "-"
        table.add_row(spec.key, spec.title, ", ".join(spec.label_schemes), spec.licence, here)
    out.print(table)


@app.command()
def check(
    key: Annotated[str, typer.Argument(help="The data set, as `data list` names it.")],
    root: Annotated[Path | None, typer.Option(help="Its folder; without it, the one in the data folder.")] = None,
    scheme: Annotated[str | None, typer.Option(help="Label scheme; without it, the data set's first one.")] = None,
    split: Annotated[str | None, typer.Option(help="group, official or random; official where there is one.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split.")] = 0,
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for the reader; may be repeated.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Faulty images are left out, and that is fine.")] = False,
    json_out: Json = False,
) -> None:
    """Decode every image of a data set and report counts, splits, duplicates and what was refused.

    Exit code 0 only when nothing is wrong (with --skip-bad: nothing but the images listed as refused).
    """
    from core.data.report import check_dataset

    with guarded():
        try:
            with progress_report(key) as progress:
                found = check_dataset(
                    key, root, scheme=scheme, split=split, seed=seed, options=parse_options(option), progress=progress
                )
        except MedLensError as error:
            if json_out:
                problems = error.problems if isinstance(error, DatasetInvalid) else ()
                summary = error.summary if isinstance(error, DatasetInvalid) else str(error)
                print_json({"ok": False, "dataset": key, "error": summary, "problems": list(problems)})
            raise
    wrong = bool(found.problems) or (bool(found.refused) and not skip_bad)
    if json_out:
        print_json({"ok": not wrong, **asdict(found)})
    else:
        print_report(found)
    if wrong:
        raise typer.Exit(REFUSED)


@app.command()
def download(
    key: Annotated[str, typer.Argument(help="The data set, as `data list` names it.")],
    name: Annotated[str, typer.Option(help="medmnist: which set, such as pneumoniamnist.")] = "",
    size: Annotated[int, typer.Option(help="medmnist: image side in px: 28, 64, 128 or 224.")] = 28,
    root: Annotated[Path | None, typer.Option(help="Folder to put it into; without it, the data folder.")] = None,
    json_out: Json = False,
) -> None:
    """Fetch a public data set, or say how to get it by hand (exit code 1)."""
    from core.data.download import download_medmnist, manual_steps

    with guarded():
        try:
            spec = dataset_spec(key)
            if key != "medmnist":
                raise DownloadFailed(manual_steps(spec, root))
            if not name:
                raise SpecInvalid(f"Which MedMNIST set? Give --name, one of {', '.join(MEDMNIST)}.")
            with progress_report(f"{name}, bytes") as progress:
                path = download_medmnist(name, root, size_px=size, progress=partial(progress, "downloading"))
        except MedLensError as error:
            if json_out:
                print_json({"ok": False, "dataset": key, "error": str(error)})
            raise
    if json_out:
        print_json({"ok": True, "dataset": key, "path": str(path)})
    else:
        out.print(f"{path}\nCheck it: python -m core data check medmnist --root {path}", markup=False, soft_wrap=True)


def parse_options(texts: list[str] | None) -> dict[str, int | float | str]:
    """Options of a reader from "NAME=VALUE"; whole and decimal numbers become numbers. Raises SpecInvalid."""
    options: dict[str, int | float | str] = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise SpecInvalid(f"Option {text!r} has another form than NAME=VALUE.")
        options[name] = _number_or_text(value)
    return options


def _number_or_text(value: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def print_report(found: DatasetReport) -> None:
    """A report on standard output: the counts, then what is wrong, then what is worth knowing."""
    size = " x ".join("-".join(map(str, sorted({px[0], px[2]}))) for px in (found.widths_px, found.heights_px))
    out.print(f"{found.title}: {found.n_images} images of {found.n_groups} groups ({found.group_field}), {size} px, "
              f"fingerprint {found.fingerprint}", markup=False, soft_wrap=True)  # fmt: skip
    labels = Table("label", "images", "published", title="Labels of the source")
    for label, count in found.labels.items():
        labels.add_row(escape(label), str(count), str(found.expected.get(label, "")))
    out.print(labels)
    if found.splits:
        classes = list(found.splits[0].images_per_class)
        title = f"Scheme {found.scheme}, split {found.split_kind}, seed {found.seed}"
        parts = Table("part", "images", "groups", *map(escape, classes), title=title)
        for part in found.splits:
            per_class = (str(part.images_per_class[name]) for name in classes)
            parts.add_row(part.split, str(part.n_images), str(part.n_groups), *per_class)
        out.print(parts)
    if found.audit is not None:
        out.print(f"In several parts: {found.audit.groups_in_several_splits} groups, "
                  f"{found.audit.images_in_several_splits} identical images", markup=False)  # fmt: skip
    for reason, count in found.dropped.items():
        out.print(f"Left out: {count} images, {reason}", markup=False, soft_wrap=True)
    for title, sentences in (("Wrong", found.problems), ("Refused", found.refused),
                             ("Warnings", found.warnings), ("Notes", found.notes)):  # fmt: skip
        _print_list(title, sentences)
    if not found.problems and not found.refused:
        out.print("Nothing is wrong.")


def _print_list(title: str, sentences: tuple[str, ...]) -> None:
    if sentences:
        out.print(f"{title} ({len(sentences)}):", markup=False)
    for sentence in sentences[:SHOWN_LINES]:
        out.print(f"  - {sentence}", markup=False, soft_wrap=True)
    if len(sentences) > SHOWN_LINES:
        out.print(f"  - and {len(sentences) - SHOWN_LINES} more (--json lists all)", markup=False)


@app.command()
def presets(
    folder: Annotated[Path, typer.Argument(help="Where the strips go, one JPEG a preset (pages/ui/presets).")],
) -> None:
    """Draw what each preset of random changes does to a picture, as the Data page shows it."""
    with guarded():
        from core.nn.augment_sheet import preset_sheet
        from core.registry.augmentations import AUGMENTATIONS
        from core.store.atomic import write_bytes

        for preset in AUGMENTATIONS.values():
            write_bytes(folder / f"{preset.key}.jpg", preset_sheet(preset.changes))
        out.print(f"{len(AUGMENTATIONS)} strips written to {folder}", markup=False, soft_wrap=True)
