"""Runs without their networks: the numbers stay, the record says what is gone, and who needs it is told."""

import shutil

import pytest

from core.errors import RunDamaged
from core.evaluation.report import evaluate_run
from core.store.runs import is_finished, load_artifact, load_predictions, load_record, verify_run
from core.store.slim import slim_run


@pytest.fixture
def run_id(tmp_path, request, monkeypatch):
    """A copy of a shipped run with a fitted head."""
    source = next(
        path for path in sorted((request.config.rootpath / "results").iterdir()) if (path / "head.keras").is_file()
    )
    shutil.copytree(source, tmp_path / source.name)
    monkeypatch.setenv("MEDLENS_RESULTS", str(tmp_path))
    return source.name


def test_the_network_goes_and_every_number_stays(run_id, tmp_path):
    before = load_record(run_id)
    after = slim_run(run_id)
    assert after == load_record(run_id) == verify_run(run_id)
    assert is_finished(run_id)
    assert sorted(path.name for path in (tmp_path / run_id).iterdir()) == sorted([*after.artifacts, "run.json"])
    assert set(after.artifacts) == {"predictions.csv", "history.csv", "seen_images.txt"}
    assert after.artifacts | after.left_out == before.artifacts
    assert after.evaluations == before.evaluations
    parts = load_predictions(run_id, "validation"), load_predictions(run_id, "test")
    assert [len(e.estimates) for e in evaluate_run(*parts)] == [len(e.estimates) for e in before.evaluations]
    assert slim_run(run_id) == after  # twice is once


def test_who_asks_for_what_was_left_out_is_told_so(run_id):
    slim_run(run_id)
    with pytest.raises(RunDamaged, match="left out of this results folder"):
        load_artifact(run_id, "head.keras")


def test_a_run_that_was_changed_is_not_touched(run_id, tmp_path):
    (tmp_path / run_id / "head.keras").write_bytes(b"another network")
    with pytest.raises(RunDamaged, match=r"head\.keras"):
        slim_run(run_id)
    assert (tmp_path / run_id / "head.keras").read_bytes() == b"another network"
    assert "head.keras" in load_record(run_id).artifacts
