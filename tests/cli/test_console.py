"""Bars of a plan: how many runs are over, which epoch it is, and how far the epoch has come."""

import io

import pytest
from rich.console import Console

from core.cli import console


@pytest.fixture
def shown(monkeypatch):
    """What a terminal would show, as text."""
    text = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=text, width=120, force_terminal=True, highlight=False))
    return text


def bars_now(bars):
    return {t.description.strip(): (t.completed, t.total) for t in bars._bar.tasks if t.visible}


def test_plan_epochs_and_batches_have_a_bar_each(shown):
    with console.plan_bars("Two networks", 2) as bars:
        bars.begin("1/2 first")
        assert bars_now(bars) == {"Two networks": (0, 2), "1/2 first": (0, None)}
        bars.report("epoch 3 of at most 8", 5, 40)
        bars.report("training (scratch)", 2, 8)
        bars.report("epoch 3 of at most 8", 6, 40)
        assert bars_now(bars) == {
            "Two networks": (0, 2), "training (scratch), epochs": (2, 8), "epoch 3 of at most 8": (6, 40),
        }  # fmt: skip
        bars.end()
        bars.begin("2/2 second")
        assert bars_now(bars) == {"Two networks": (1, 2), "2/2 second": (0, None)}
    assert "Two networks" in shown.getvalue()
