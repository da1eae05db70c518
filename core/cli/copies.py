"""`python -m core data duplicates`: copies and near copies in a data set, and which of them cross its splits."""

from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import guarded, out, print_json, progress_report

SHOWN_PAIRS = 40  # on screen; --json has all of them


def duplicates(
    key: Annotated[str, typer.Argument(help="The data set, as `data list` names it.")],
    root: Annotated[Path | None, typer.Option(help="Its folder; without it, the one in the data folder.")] = None,
    scheme: Annotated[str | None, typer.Option(help="Label scheme; without it, the data set's first one.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split.")] = 0,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Decode every image and list pairs that look alike: equal pixels, or saved anew at another size or quality."""
    with guarded():
        from core.data.copies import find_copies
        from core.data.load import load_table
        from core.registry.labels import AS_IS, label_scheme

        table = load_table(key, root, policy="skip")
        chosen = label_scheme(scheme or (*table.spec.label_schemes, AS_IS)[0], table.spec)
        with progress_report(key) as progress:
            found = find_copies(table, chosen, seed=seed, progress=lambda done, total: progress("looking", done, total))
        columns = [c for c in found.pairs.columns if not c.endswith("_path")]
        if json_out:
            print_json(
                {
                    "dataset": key, "images": found.n_images, "unreadable": found.n_unreadable,
                    "split_kind": found.split_kind, "pairs": found.pairs[columns].to_dict("records"),
                }
            )  # fmt: skip
            return
        group = table.spec.group_field.split(" (")[0]
        lines = [
            f"{table.spec.title}: {len(found.pairs):,} pairs of {found.n_images:,} images look alike, "
            f"{found.count('identical'):,} of them pixel by pixel.",
            f"{found.between_groups:,} stand under two of the {group} identities, "
            f"{found.count('labels_differ'):,} under different labels.",
            f"In two parts of a split: {found.count('across'):,} ({found.split_kind}, seed {seed}); "
            f"{found.count('across_random'):,} if it were random.",
        ]
        out.print("\n".join(lines), markup=False, soft_wrap=True)
        notable = found.pairs[found.pairs["across"] | ~found.pairs["same_group"] | found.pairs["labels_differ"]]
        for row in notable.head(SHOWN_PAIRS).to_dict("records"):
            near = f"{row['distance']} of 64 bits, likeness {row['likeness']:.3f}"
            what = "equal pixels" if row["identical"] else near
            marks = [
                "" if row["same_group"] else f"another {group}", "labels differ" if row["labels_differ"] else "",
                f"{row['first_split']} and {row['second_split']}" if row["across"] else "",
            ]  # fmt: skip
            out.print(f"  {row['first']} ({row['first_label']}), {row['second']} ({row['second_label']}): {what}; "
                      + ", ".join(filter(None, marks)), markup=False, soft_wrap=True)  # fmt: skip
        if len(notable) > SHOWN_PAIRS:
            out.print(f"  and {len(notable) - SHOWN_PAIRS} more (--json lists all)", markup=False)
