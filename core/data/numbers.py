"""A table of numbers beside pictures: one row for each picture, its columns named as the network's card names them.

Every problem is found before anything is predicted, and named with the row of the file that it stands in.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from core import limits
from core.errors import DatasetInvalid, SpecInvalid
from core.types import ModelCard, TabularInput

FILE = "file"  # the column that names the picture: as on the command line, or its name alone


Numbers = Mapping[Path, tuple[float, ...]]


def numbers_beside(card: ModelCard, table: Path | None, files: Sequence[Path]) -> Numbers:
    """As `read_numbers` for a model; nothing for one that takes a picture alone.

    Raises: SpecInvalid when a table is missing, or given for nothing; DatasetInvalid.
    """
    names = ", ".join(item.name for item in card.tabular_inputs)
    if table is None and names:
        raise SpecInvalid(f"{card.name} also takes {names} for each picture: --table FILE.csv with file, {names}.")
    if table is not None and not names:
        raise SpecInvalid(f"{card.name} takes a picture alone; --table is for networks that take numbers beside it.")
    return {} if table is None else read_numbers(table, card.tabular_inputs, files)


def read_numbers(table: Path, inputs: Sequence[TabularInput], files: Sequence[Path]) -> Numbers:
    """The numbers of each picture, in the order of `inputs`, from a CSV file with commas or semicolons.

    Args:
        inputs: what the network takes; a value outside the range of its input is a problem.
        files: the pictures; rows of others are not looked at.
    Raises: DatasetInvalid with every problem: missing or surplus columns, a picture without a row or with two, a value
        that is no number or out of range.
    """
    header, rows = _rows(table)
    expected = [FILE, *(item.name for item in inputs)]
    wrong = [f"the column {name!r} is missing" for name in expected if name not in header]
    wrong += [f"the column {name!r} is none of the network's" for name in header if name not in expected]
    wrong += [f"the column {name!r} stands there twice" for name in sorted({n for n in header if header.count(n) > 1})]
    if wrong:
        raise DatasetInvalid(f"{table.name}: its columns are not {', '.join(expected)}.", wrong)
    known: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for number, row in rows:
        known.setdefault(row[FILE], []).append((number, row))
    problems: list[str] = []
    found: dict[Path, tuple[float, ...]] = {}
    names = [file.name for file in files]
    for file in files:
        matching = known.get(str(file)) or (known.get(file.name, []) if names.count(file.name) == 1 else [])
        if len(matching) != 1:
            places = ", ".join(str(number) for number, _ in matching)
            problems.append(f"{file.name} stands in rows {places}" if matching else f"{file.name} has no row")
            continue
        number, row = matching[0]
        values = [_value(row[item.name], item, number, problems) for item in inputs]
        found[file] = tuple(values)
    if problems:
        raise DatasetInvalid(f"{table.name}: {len(problems)} problems with the numbers beside the pictures.", problems)
    return found


def _rows(table: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """(column names, (row of the file, values by column) of each row); the head is row 1."""
    try:
        if table.stat().st_size > limits.MAX_CSV_BYTES:
            raise DatasetInvalid(
                f"{table.name} has more than {limits.MAX_CSV_BYTES / 1e6:.0f} MB; expected is a table."
            )
        text = table.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DatasetInvalid(f"{table.name} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise DatasetInvalid(f"{table.name} is no text in UTF-8; expected is a CSV file.") from error
    first = text.split("\n", 1)[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise DatasetInvalid(f"{table.name} is no CSV file: {error}.") from error
    header = [name.strip() for name in lines[0]] if lines else []
    ragged = [
        f"row {number} has {len(line)} values, expected are {len(header)}"
        for number, line in enumerate(lines[1:], 2)
        if line and len(line) != len(header)
    ]
    if not any(header) or ragged:
        raise DatasetInvalid(f"{table.name}: not every row fits its head.", ragged or ["the head is missing"])
    rows = [
        (number, dict(zip(header, (value.strip() for value in line), strict=True)))
        for number, line in enumerate(lines[1:], 2)
        if line
    ]
    return header, rows


def _value(text: str, item: TabularInput, number: int, problems: list[str]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        problems.append(f"row {number}: {item.name} is {text[:40]!r}, which is no number (written as 12.5)")
        return math.nan
    low = -math.inf if item.low is None else item.low
    high = math.inf if item.high is None else item.high
    if not low <= value <= high:
        problems.append(f"row {number}: {item.name} is {value:g}, expected are {low:g} to {high:g}")
    return value
