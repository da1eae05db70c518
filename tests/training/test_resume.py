"""A run that was killed goes on from its last epoch, and ends as if nothing had happened."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.store.runs import load_history, load_predictions, run_folder, write_history
from core.training.checkpoint import FILE, Checkpoint

ROOT = Path(__file__).resolve().parents[2]
IDENTITY = {"run_id": "a", "data": "b"}


@pytest.mark.slow
@pytest.mark.keras
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the kills need fork")
def test_ten_kills_at_random_moments_leave_the_metrics_of_an_unbroken_run(tmp_path):
    command = [sys.executable, str(Path(__file__).with_name("kill_and_resume.py")), str(tmp_path)]
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "MEDLENS_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=settings)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["kills"] == 10
    assert told["same"] and all(told["same"])
    assert any(epoch for epoch in told["resumed_after"]), "no kill came after the first epoch"
    assert (told["status"], told["left_behind"]) == ("done", False)


@pytest.mark.slow
@pytest.mark.keras
def test_fine_tuning_goes_on_without_its_first_stage_and_no_epoch_is_lost_or_told_twice(study, frozen, monkeypatch):
    from core.training import strategies
    from core.training.runner import run

    base, network = study
    spec = frozen(
        network, "mlp", strategy="fine_tune", learning_rates=(1e-3, 1e-4), epochs=3, seed=21, trainable_layers=1
    )
    unbroken, broken = base / "unbroken", base / "broken"
    run_id = run(spec, results_folder=unbroken).run_id
    history = broken / run_id / "history.csv"
    rows_while_training = []

    def stop_in_epoch_three(stage, done, total):
        rows_while_training.append(len(history.read_text().splitlines()) - 1 if history.exists() else 0)
        if stage.startswith("epoch 3 ") and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(spec, results_folder=broken, report=stop_in_epoch_three)
    assert set(rows_while_training) >= {1, 2, 3, 4, 5}, "history.csv grows epoch by epoch"
    # as if the kill had come between the line in history.csv and the checkpoint: the epoch is made again
    rows = load_history(run_id, broken)
    write_history(run_id, rows.iloc[[*range(len(rows)), -1]], broken)
    monkeypatch.setattr(strategies, "fit_head_on", lambda *_: pytest.fail("the head was trained again"))
    record = run(spec, results_folder=broken)
    assert record.chosen_settings["resumed_after_epoch"] == 2
    told, expected = load_history(run_id, broken), load_history(run_id, unbroken)
    assert told.drop(columns="seconds").equals(expected.drop(columns="seconds"))
    for split in ("validation", "test"):
        np.testing.assert_array_equal(
            load_predictions(run_id, split, broken).y_prob, load_predictions(run_id, split, unbroken).y_prob
        )
    assert not (run_folder(run_id, broken) / FILE).exists()


@pytest.mark.slow
@pytest.mark.keras
def test_a_run_of_many_settings_says_how_its_training_ended(study):
    from core.training.runner import run

    base, network = study
    spec = replace(
        network.spec, optimizer="adamw", weight_decay=0.01, schedule="cosine", label_smoothing=0.1, mixup=0.2, seed=31
    )
    chosen = run(spec, results_folder=base / "settings").chosen_settings
    assert chosen["epochs_trained"] == 2
    assert chosen["best_epoch"] in (1, 2)
    assert chosen["training_ended"] == "all epochs done"


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    rows = [{"stage": "scratch", "epoch": 1, "loss": 0.1 + 0.2}]
    Checkpoint(tmp_path, IDENTITY).save("scratch", rows, {"training": 1.5}, b"state\nwith lines")
    saved = Checkpoint(tmp_path, IDENTITY).load()
    assert (saved.stage, saved.history, saved.seconds) == ("scratch", rows, {"training": 1.5})
    assert saved.state == b"state\nwith lines"
    Checkpoint(tmp_path, IDENTITY).remove()
    assert Checkpoint(tmp_path, IDENTITY).load() is None


def test_a_checkpoint_of_other_data_or_versions_or_a_damaged_one_counts_as_none(tmp_path):
    checkpoint = Checkpoint(tmp_path, IDENTITY)
    checkpoint.save("scratch", [], {}, b"0123456789")
    assert Checkpoint(tmp_path, {**IDENTITY, "data": "c"}).load() is None
    content = checkpoint.file.read_bytes()
    for damaged in (b"", content[:-1], content[:-1] + b"x", b"{}\n", b"\xff" + content[1:]):
        checkpoint.file.write_bytes(damaged)
        assert checkpoint.load() is None


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    from core.store import atomic

    checkpoint = Checkpoint(tmp_path, IDENTITY)
    checkpoint.save("scratch", [], {}, b"first")
    monkeypatch.setattr(atomic.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        checkpoint.save("scratch", [], {}, b"second")
    assert checkpoint.load().state == b"first"
