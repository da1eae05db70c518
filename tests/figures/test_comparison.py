"""The comparison as one file: what it holds, that it loads nothing, that names from outside stay letters."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.figures.comparison import DRAWN, comparison_report
from core.figures.comparison_html import comparison_html
from core.figures.text import NOT_A_DIAGNOSIS, interval
from core.registry.metrics import find_estimate
from core.store.reproduce import command, plan_text
from core.store.runs import list_runs

WRITTEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def runs(request):
    records = list_runs(request.config.rootpath / "results").records
    return [r for r in records if r.spec.label_scheme == "pneumonia_cause" and r.spec.split == "auto"][:8]


def report(records, **changes):
    titles = changes.pop("titles", {r.run_id: f"title {i}" for i, r in enumerate(records)})
    made_by = {r.run_id: (command(r.spec, r.run_id), plan_text(r.spec, r.run_id)) for r in records}
    settings = {"versions": {"MedLens": "1.2"}, "created": WRITTEN, "verdict": ("A beats B.",)} | changes
    return comparison_report(records, titles, made_by=made_by, **settings)


def test_every_run_has_its_row_its_source_and_its_plan_and_the_floor_is_not_drawn(runs):
    made = report(runs)
    assert len(made.rows) == len(made.sources) == len(runs)
    assert any(r.spec.head == "dummy" for r in runs)
    for run, row, source in zip(runs, made.rows, made.sources, strict=True):
        test = next(e for e in run.evaluations if e.split == "test")
        assert row[1] == interval(find_estimate(test, "auc"), 3)
        assert f"{test.n_images:,} images of {test.n_groups:,} patients" in row
        assert run.run_id in source.facts.values() and f'architecture = "{run.spec.architecture}"' in source.plan
    matrices = [d.title for d in made.drawings if d.title.startswith("Decisions")]
    real = [f"title {i}" for i, r in enumerate(runs) if r.spec.head != "dummy"]
    assert matrices == [f"Decisions: {title}" for title in real[:DRAWN]]
    assert [d.title for d in report(runs, drawn=[runs[0].run_id]).drawings if "Decisions" in d.title] == [
        "Decisions: title 0"
    ]


def test_a_random_split_is_warned_of(runs):
    leaking = replace(runs[0], audit=replace(runs[0].audit, split_kind="random"))
    assert len(report([leaking, *runs[1:]]).warnings) == 1
    assert report(runs).warnings == ()


def test_the_file_loads_nothing_is_small_and_keeps_hostile_names_as_letters(runs):
    hostile = '</script><img src=x onerror="alert(1)">'
    titles = {r.run_id: f"{hostile}{i}" for i, r in enumerate(runs)}
    html = comparison_html(report(runs, titles=titles, verdict=(hostile,)))
    assert len(html.encode()) < 5_000_000
    assert "onerror" in html and "<img src=x" not in html
    assert not re.search(r'(src|href)\s*=\s*"(?!data:)', html)
    assert "default-src 'none'" in html.replace("&#x27;", "'") and NOT_A_DIAGNOSIS in html
    specs = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html, flags=re.S)
    assert len(specs) == len(report(runs).drawings)
    assert all(json.loads(spec)["data"] for spec in specs)
    assert html == comparison_html(report(runs, titles=titles, verdict=(hostile,)))
