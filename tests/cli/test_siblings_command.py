"""`models siblings`: says how good each head is, and writes only when it is told to."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.__main__ import app
from core.store.models import load_card
from core.store.siblings import load_siblings

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture
def asked(monkeypatch):
    """What the command asks for; the heads that ship stand for fitted ones."""
    from core.store import siblings as store
    from core.training import siblings as training

    said = {"fitted": [], "saved": []}
    card = load_card("phantom-nodule", MODELS)

    def fit(name, root, *, keys, skip_bad, report):
        said["fitted"].append((name, root, keys, skip_bad))
        return training.SiblingResult(card, load_siblings(card, MODELS), {})

    monkeypatch.setattr(training, "fit_siblings", fit)
    monkeypatch.setattr(store, "save_siblings", lambda name, *_: (said["saved"].append(name), 1_800_000))
    return said


def test_it_shows_each_head_with_its_interval_and_writes_nothing_unasked(asked):
    done = CliRunner().invoke(app, ["models", "siblings", "phantom-nodule"])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "3,313 training images of 1,440 groups" in lines[0]
    assert lines[1].split() == [
        "the",
        "network",
        "itself",
        "AUC",
        "0.957",
        "(0.914–0.988),",
        "test,",
        "1,104",
        "images",
    ]
    assert [line.split("AUC")[0].strip() for line in lines[2:]] == [
        "mlp", "logistic regression", "random forest", "gradient boosting"
    ]  # fmt: skip
    assert asked["saved"] == []


def test_heads_are_chosen_one_by_one_and_written_on_demand(asked):
    done = CliRunner().invoke(
        app, ["models", "siblings", "phantom-nodule", "--head", "mlp", "--head", "random_forest", "--write", "--json"]
    )
    assert done.exit_code == 0, done.output
    ((_, root, keys, skip_bad),) = asked["fitted"]
    assert (root, keys, skip_bad) == (None, ("mlp", "random_forest"), False)
    assert asked["saved"] == ["phantom-nodule"]
    document = json.loads(done.stdout)
    assert document["written"] is True and len(document["siblings"]["siblings"]) == 4
