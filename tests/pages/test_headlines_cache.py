"""A thousand runs on the pages: the state of a folder, and headlines that are kept between two starts."""

import shutil

import pytest

from core.store import headlines
from core.store.runs import load_record
from pages.ui import headlines_cache
from pages.ui.cache import folder_state


def test_the_state_of_a_folder_changes_with_every_file_in_it(tmp_path):
    run, seen = tmp_path / "run", []

    def is_new():
        state = folder_state(tmp_path)
        seen.append(state)
        return state not in seen[:-1] and state == folder_state(tmp_path)

    assert is_new()
    run.mkdir()
    assert is_new()
    (run / "run.json").write_text("{}")
    assert is_new()
    (run / "run.json").write_text("{ }")
    assert is_new()
    (run / "run.json").rename(run / "other.json")
    assert is_new()
    (tmp_path / "notes.txt").write_text("a file beside the runs")
    assert is_new()
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")  # hides nothing that comes after it
    assert is_new()
    (run / "other.json").unlink()
    assert is_new()
    shutil.rmtree(run)
    assert is_new()
    assert folder_state(tmp_path / "gone") == folder_state(tmp_path / "gone")
    assert folder_state(tmp_path / "gone") != folder_state(tmp_path / "away")


@pytest.fixture
def copied(results, stores, monkeypatch, tmp_path):
    """A results folder of one's own, small as it is with headlines kept in a file; returns (folder, the file)."""
    folder = tmp_path / "results"
    shutil.copytree(results[0], folder)
    monkeypatch.setenv("MEDLENS_RESULTS", str(folder))
    monkeypatch.setenv("MEDLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(headlines, "FEWEST", 1)
    return folder, headlines.kept_file(folder)


def start_again():
    headlines_cache._KNOWN.clear()
    headlines_cache._run_headlines.clear()
    headlines_cache._whole.clear()


def shown(app):
    """The leaderboard, the curves' numbers, and what is said of damaged and unfinished runs."""
    assert not app.exception and not app.error
    return app.dataframe[0].value, len(app.get("plotly_chart")), [m.value for m in app.markdown]


@pytest.mark.slow
def test_a_start_with_kept_headlines_shows_the_same_page(copied, stores, open_page):
    folder, kept = copied
    start_again()
    first = shown(open_page("compare", task="pneumonia"))
    assert kept.exists() and first[1] == 3  # leaderboard, ROC, precision and recall: drawn from whole records
    start_again()
    second = shown(open_page("compare", task="pneumonia"))
    assert first[0].equals(second[0]) and first[1:] == second[1:]
    shutil.rmtree(folder / stores["dummy"].run_id)
    scores = folder / stores["forest"].run_id / "predictions.csv"
    scores.write_bytes(scores.read_bytes() + b"\n")
    start_again()
    third = shown(open_page("compare", task="pneumonia"))
    assert set(first[0]["Run"]) - set(third[0]["Run"]) == {r for r in first[0]["Run"] if "CNN" not in r}
    assert any("is not the file that was saved" in words for words in third[2])


def test_a_whole_record_is_that_of_the_file(copied, stores):
    start_again()
    listed = headlines_cache.run_headlines().records
    assert {r.run_id for r in headlines_cache.finished_headlines()} < {r.run_id for r in listed}
    assert headlines_cache.whole_runs(listed) == [load_record(r.run_id) for r in listed]
    folder, _ = copied
    record = folder / stores["mlp"].run_id / "run.json"
    record.write_text(record.read_text().replace('"params_total": 1000', '"params_total": 1001'))
    assert headlines_cache.whole(stores["mlp"]).params_total == 1001
