"""The README's table of speed is a measured one: every row with a goal, as it stands in measured.json."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
MEASURED = json.loads((HERE / "measured.json").read_text(encoding="utf-8"))
README = (HERE.parents[1] / "README.md").read_text(encoding="utf-8")


def table_rows(text):
    lines = text.split("| what | reach | measured | reached |", 1)[1].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[: _length(lines)]]


def _length(lines):
    return next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))


def expected_rows():
    for row in MEASURED["rows"]:
        if row["goal"] is not None:
            unit = row["unit"]
            digits = 0 if unit in ("MB", "") else 2
            shown, limit = (f"{value:.{digits}f} {unit}".strip() for value in (row["value"], row["goal"]["limit"]))
            yield [row["what"], f"{row['goal']['sense']} {limit}", shown, "yes" if row["reached"] else "**no**"]


def test_the_table_of_the_readme_is_the_measured_one():
    assert table_rows(README) == list(expected_rows())


def test_the_readme_names_the_machine_and_how_busy_it_was():
    text = " ".join(README.split())
    assert f"{MEASURED['machine']['CPU']}, {MEASURED['machine']['cores']} cores" in text
    assert f"other programs took {MEASURED['share_of_others']:.0%} of the cores" in text


def test_nothing_was_left_out_or_measured_roughly():
    assert MEASURED["failures"] == []
    assert MEASURED["quick"] is False
