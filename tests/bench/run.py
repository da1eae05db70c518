"""Speed of MedLens as ratios measured within one run: `make bench`, or `python tests/bench/run.py`.

Exit code 0 when everything could be measured, reached or not; 1 when a measurement could not be made.
It needs no network and no data: phantoms, random weights and generated runs, in a temporary folder.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parents[1]):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import answering  # noqa: E402 - the path above comes first
import bulk  # noqa: E402
import crowding  # noqa: E402
import extraction  # noqa: E402
import holding  # noqa: E402
import machine  # noqa: E402
import opening  # noqa: E402
import prediction  # noqa: E402
import report  # noqa: E402
import starting  # noqa: E402
import training  # noqa: E402
import waking  # noqa: E402
from settings import Settings  # noqa: E402

QUIET = 0.1  # above this share of the cores for others, a missed goal says little

# What needs no TensorFlow here comes first: later its threads live beside the processes of the app.
MEASUREMENTS: Mapping[str, Callable[[Settings], list[report.Row]]] = {
    "start": starting.measure,
    "compare": opening.measure,
    "cold": waking.measure,
    "memory": holding.measure,
    "crowd": crowding.measure,
    "score": bulk.measure,
    "predict": prediction.measure,
    "api": answering.measure,
    "features": extraction.measure,
    "train": training.measure,
}


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/bench/run.py", description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows as JSON")
    parser.add_argument("--only", action="append", choices=tuple(MEASUREMENTS), help="this one; may be repeated")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a rough answer")
    parser.add_argument("--full", action="store_true", help=f"score {bulk.ALL_IMAGES:,} images, not {bulk.IMAGES:,}")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, write JSON where asked; returns the exit code."""
    asked = arguments(argv)
    console = report.make_console()
    before = machine.usage()
    described = machine.describe_machine()
    rows: dict[str, list[report.Row]] = {}
    failures: list[report.Failure] = []
    for name, measure in MEASUREMENTS.items():
        if asked.only and name not in asked.only:
            continue
        with (
            console.status(f"measuring {name} …"),
            tempfile.TemporaryDirectory(prefix="medlens-bench-", ignore_cleanup_errors=True) as folder,
        ):
            try:
                rows[name] = measure(Settings(Path(folder), quick=asked.quick, full=asked.full))
            except Exception as error:  # noqa: BLE001 - one that fails must not take the others with it
                failures.append(report.Failure(name, f"{type(error).__name__}: {error}"))
    after = machine.usage()
    seconds, others = after.wall - before.wall, machine.share_of_others(before, after, machine.cores())
    report.print_report(console, described, [row for part in rows.values() for row in part], failures)
    console.print(f"Measured in {seconds:.0f} s. {others_text(others)}", highlight=False)
    if asked.json:
        document = {
            "machine": described,
            "share_of_others": others,
            "quick": asked.quick,
            "full": asked.full,
            "seconds": seconds,
            "rows": [{"name": name, **row.as_json()} for name, part in rows.items() for row in part],
            "failures": [{"name": failure.name, "reason": failure.reason} for failure in failures],
        }
        asked.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if failures else 0


def others_text(share: float) -> str:
    """How busy the machine was with other work: it makes seconds longer, and ratios rougher."""
    text = f"Other programs took {share:.0%} of the cores meanwhile"
    return f"{text}: seconds are too long, ratios rough." if share > QUIET else f"{text}."


if __name__ == "__main__":
    sys.exit(main())
