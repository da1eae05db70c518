"""Rows of the benchmark: a number, its goal, whether it is reached and how it was measured; as table and JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

NARROWEST = 110  # columns; a pipe has no width of its own


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound in the unit of its row: "at least" or "at most" `limit`."""

    sense: Literal["at least", "at most"]
    limit: float

    def reached_by(self, value: float) -> bool:
        return value >= self.limit if self.sense == "at least" else value <= self.limit


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number. Without a goal it stands for information."""

    what: str
    value: float
    unit: str
    how: str
    goal: Goal | None = None

    @property
    def reached(self) -> bool | None:
        return None if self.goal is None else self.goal.reached_by(self.value)

    def as_json(self) -> dict[str, object]:
        goal = None if self.goal is None else {"sense": self.goal.sense, "limit": self.goal.limit}
        return {
            "what": self.what, "value": self.value, "unit": self.unit, "goal": goal, "reached": self.reached,
            "how": self.how,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    """A measurement that could not be made, and why."""

    name: str
    reason: str


def number_text(value: float, unit: str) -> str:
    """ "1.04 ×", "1.28 s", "183 MB": as many digits as the measurement is good for."""
    digits = 0 if unit in ("MB", "") else 2
    return f"{value:.{digits}f} {unit}".strip()


def goal_text(row: Row) -> str:
    """ "≤ 1.30 ×", or a dash where nothing is asked."""
    if row.goal is None:
        return "–"
    sign = "≥" if row.goal.sense == "at least" else "≤"
    return f"{sign} {number_text(row.goal.limit, row.unit)}"


def reached_text(row: Row) -> str:
    """ "yes", "no", or a dash for a row without a goal."""
    return {True: "yes", False: "no", None: "–"}[row.reached]


def table_of(rows: Sequence[Row]) -> Table:
    """The rows as one table, in the order given."""
    table = Table(show_lines=False, pad_edge=False)
    table.add_column("what")
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("goal", justify="right", no_wrap=True)
    table.add_column("reached", no_wrap=True)
    table.add_column("how", style="dim")
    colors = {True: "green", False: "red", None: "dim"}
    for row in rows:
        table.add_row(
            Text(row.what),
            Text(number_text(row.value, row.unit)),
            Text(goal_text(row)),
            Text(reached_text(row), style=colors[row.reached]),
            Text(row.how),
        )
    return table


def print_report(
    console: Console, machine: Mapping[str, object], rows: Sequence[Row], failures: Sequence[Failure]
) -> None:
    """Machine, table, and what could not be measured."""
    console.print(Text("   ".join(f"{name} {value}" for name, value in machine.items())))
    if rows:
        console.print(table_of(rows))
    for failure in failures:
        console.print(Text(f"{failure.name} could not be measured: {failure.reason}", style="red"))


def make_console() -> Console:
    """A console that leaves the table its width, also in a pipe."""
    console = Console()
    return console if console.width >= NARROWEST else Console(width=NARROWEST)
