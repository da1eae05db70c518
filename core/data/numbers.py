"""A table of numbers beside pictures: one row for each picture, its columns named as the network's card names them.

Every problem is found before anything is predicted, and named with the row of the file that it stands in.
"""

import csv
import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core import limits
from core.errors import DatasetInvalid, ImageRefused, SpecInvalid
from core.types import ModelCard, TabularInput

FILE = "file"  # the column that names the picture: as on the command line, or its name alone


Numbers = Mapping[Path, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class NumberTable:
    """The numbers of many pictures, by what stands in the column `file`; `sha256` is that of the table's file."""

    name: str
    rows: Mapping[str, tuple[float, ...]]
    sha256: str

    def of(self, image_id: str, *, alone: bool) -> tuple[float, ...]:
        """The numbers of a picture, by its path with slashes, or by its name where no other picture has that name.

        Raises: ImageRefused when there is no row for it.
        """
        short = PurePosixPath(image_id).name
        found = self.rows.get(image_id) or (self.rows.get(short) if alone else None)
        if found is None:
            raise ImageRefused(f"{image_id} has no row in {self.name}.")
        return found


def numbers_beside(card: ModelCard, table: Path | None, files: Sequence[Path]) -> Numbers:
    """As `read_numbers` for a model; nothing for one that takes a picture alone.

    Raises: SpecInvalid when a table is missing, or given for nothing; DatasetInvalid.
    """
    _check_wanted(card, table)
    return {} if table is None else read_numbers(table, card.tabular_inputs, files)


def table_beside(card: ModelCard, table: Path | None) -> NumberTable | None:
    """As `number_table` for a model; None for one that takes a picture alone. Raises as `numbers_beside`."""
    _check_wanted(card, table)
    return None if table is None else number_table(table, card.tabular_inputs)


def _check_wanted(card: ModelCard, table: Path | None) -> None:
    names = ", ".join(item.name for item in card.tabular_inputs)
    if table is None and names:
        raise SpecInvalid(f"{card.name} also takes {names} for each picture: --table FILE.csv with file, {names}.")
    if table is not None and not names:
        raise SpecInvalid(f"{card.name} takes a picture alone; --table is for networks that take numbers beside it.")


def read_numbers(table: Path, inputs: Sequence[TabularInput], files: Sequence[Path]) -> Numbers:
    """The numbers of each picture, in the order of `inputs`, from a CSV file with commas or semicolons.

    Args:
        inputs: what the network takes; a value outside the range of its input is a problem.
        files: the pictures; rows of others are not looked at.
    Raises: DatasetInvalid with every problem: missing or surplus columns, a picture without a row or with two, a value
        that is no number or out of range.
    """
    known = _known(table, inputs)
    problems: list[str] = []
    found: dict[Path, tuple[float, ...]] = {}
    names = [file.name for file in files]
    for file in files:
        matching = known.get(str(file)) or (known.get(file.name, []) if names.count(file.name) == 1 else [])
        if len(matching) != 1:
            problems.append(_several(file.name, matching) if matching else f"{file.name} has no row")
            continue
        number, row = matching[0]
        found[file] = tuple(_value(row[item.name], item, number, problems) for item in inputs)
    _stop_at(table, problems)
    return found


def number_table(table: Path, inputs: Sequence[TabularInput]) -> NumberTable:
    """Every row of such a file. Raises: DatasetInvalid with every problem, as `read_numbers`."""
    problems: list[str] = []
    found: dict[str, tuple[float, ...]] = {}
    for key, rows in _known(table, inputs).items():
        if len(rows) > 1:
            problems.append(_several(key, rows))
        number, row = rows[0]
        found[key] = tuple(_value(row[item.name], item, number, problems) for item in inputs)
    _stop_at(table, problems)
    return NumberTable(table.name, found, hashlib.sha256(table.read_bytes()).hexdigest())


def _several(name: str, rows: Sequence[tuple[int, object]]) -> str:
    return f"{name} stands in rows {', '.join(str(number) for number, _ in rows)}"


def _stop_at(table: Path, problems: Sequence[str]) -> None:
    if problems:
        raise DatasetInvalid(f"{table.name}: {len(problems)} problems with the numbers beside the pictures.", problems)


def _known(table: Path, inputs: Sequence[TabularInput]) -> dict[str, list[tuple[int, dict[str, str]]]]:
    """(row of the file, values by column) of each row, by what stands in its column `file`."""
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
    return known


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
