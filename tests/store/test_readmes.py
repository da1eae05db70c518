"""The column dictionaries name every field that is written, and no other."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from core.evaluation.curves import MOST_POINTS
from core.evaluation.localisation import MARK_MEASURES, SHORTCUT_MEASURES, SWAPPED
from core.store.leaderboard import COLUMNS
from core.types import Evaluation, LocalisationRecord, ModelCard, RunRecord

REPOSITORY = Path(__file__).resolve().parents[2]


def _section(text: str, heading: str) -> str:
    return text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def _first_cells(section: str) -> set[str]:
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


@pytest.fixture(scope="module")
def results() -> str:
    return (REPOSITORY / "results" / "README.md").read_text(encoding="utf-8")


def test_every_leaderboard_column_is_explained(results):
    assert _first_cells(_section(results, "leaderboard.csv")) == set(COLUMNS)


def test_every_field_of_a_record_is_explained(results):
    record, evaluation = _section(results, "run.json").split("Each entry of `evaluations`:")
    assert {f.name for f in fields(RunRecord)} - _first_cells(record) == {"failure"}
    assert "`failure` says why" in record
    named = {"split", "task", "class_names", "positive_class"}  # as in the record itself
    assert {f.name for f in fields(Evaluation)} - _first_cells(evaluation) == named
    assert f"at most {MOST_POINTS} points" in evaluation


def test_every_field_of_a_card_is_explained():
    text = (REPOSITORY / "models" / "README.md").read_text(encoding="utf-8")
    assert _first_cells(_section(text, "card.json")) == {f.name for f in fields(ModelCard)}


def test_every_field_and_every_measure_of_heat_maps_is_explained():
    text = (REPOSITORY / "models" / "README.md").read_text(encoding="utf-8")
    section = _section(text, "Entries of localisation")
    assert _first_cells(section) == {f.name for f in fields(LocalisationRecord)}
    measures = {line.split(" ")[1] for line in section.split("| measure | meaning |")[1].splitlines()[2:] if line}
    assert measures == {*MARK_MEASURES, *SHORTCUT_MEASURES, SWAPPED}
