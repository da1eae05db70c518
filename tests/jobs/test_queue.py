"""Trainings in the background: they outlive who starts them, one works at a time, a stop is heard, a resume goes on."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from core.errors import SpecInvalid
from core.jobs import files, process, queue
from core.jobs.choices import own_runs, plan_of
from core.jobs.following import log_tail, progress
from core.store.codec import run_id_of
from core.store.runs import save_run
from core.types import Predictions, RunRecord

ROOT = Path(__file__).resolve().parents[2]
# stands for the command line: says that it works, and does until the file that it is given is there
UNTIL = "import pathlib, sys, time\nprint('at work', flush=True)\nwhile not pathlib.Path(sys.argv[1]).exists():\n"
UNTIL += "    time.sleep(0.02)\nsys.exit(int(pathlib.Path(sys.argv[1]).read_text() or 0))"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MEDLENS_RESULTS", str(tmp_path / "results"))
    yield tmp_path
    for job in queue.jobs():
        queue.stop(job.job_id, now=True)


def begin(flag):
    return queue.start_command("A training", "own", ["a-run"], ["-c", UNTIL, str(flag)])


def state(job_id):
    return next(job for job in queue.jobs() if job.job_id == job_id).state


def wait_for(job_id, *states, seconds=20.0):
    end = time.monotonic() + seconds
    while (found := state(job_id)) not in states:
        assert time.monotonic() < end, f"{found}, expected {states}: {log_tail(queue.jobs()[0])}"
        time.sleep(0.05)
    return found


def test_the_second_waits_for_the_first_and_goes_on_when_that_is_done(cache):
    first, second = begin(cache / "first"), begin(cache / "second")
    wait_for(first, "running")
    found = {job.job_id: job for job in queue.jobs()}
    assert (found[first].ahead, found[second].ahead) == (0, 1)
    assert found[second].state == "waiting"
    while "at work" not in log_tail(found[first]):  # the time limit of the whole test ends this
        time.sleep(0.05)
    with pytest.raises(SpecInvalid, match="under way"):
        queue.resume(first)
    with pytest.raises(SpecInvalid, match="stop it first"):
        queue.forget(first)
    (cache / "first").touch()
    wait_for(first, "done")
    wait_for(second, "running")
    # a stop reaches the command through its session; what it left can be queued again
    queue.stop(second)
    wait_for(second, "stopped")
    (cache / "second").write_text("1")
    queue.resume(second)
    assert wait_for(second, "failed") == "failed"
    queue.forget(second)
    assert [job.job_id for job in queue.jobs()] == [first]


def test_a_job_outlives_the_process_that_started_it_and_a_waiting_one_can_be_stopped(cache):
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom core.jobs import queue\n"
    code += f"print(queue.start_command('t', 'own', ['a-run'], ['-c', {UNTIL!r}, {str(cache / 'flag')!r}]))"
    job_id = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    wait_for(job_id, "running")
    waiting = begin(cache / "never")
    queue.stop(waiting)
    wait_for(waiting, "stopped")
    (cache / "flag").touch()
    wait_for(job_id, "done")


def test_a_killed_job_is_lost_and_a_recycled_process_id_is_not_taken_for_it(cache):
    job_id = begin(cache / "flag")
    wait_for(job_id, "running")
    queue.stop(job_id, now=True)
    folder = files.job_folder(job_id)
    wait_for(job_id, "stopped")
    (folder / files.STOP).unlink()
    assert state(job_id) == "lost"
    # our own process id under another birth: alive, but not this job
    files.put(folder, files.STARTED, files.Started(pid=os.getpid(), born="another", queued_ns=1))
    assert state(job_id) == "lost"
    assert not process.signal_session(process.Process(os.getpid(), "another"), (), now=True)
    assert process.this_process().lives


def test_the_log_is_shown_without_the_folders_of_the_machine(cache):
    job_id = begin(cache / "flag")
    (cache / "flag").touch()
    wait_for(job_id, "done")
    folder = files.job_folder(job_id)
    text = f"3/6 runs, see {cache}/results/a/run.json and /home/someone/secret dir/x.csv\n"
    text += "\x1b[31mred\x1b[0m ~/data/y 1/2\n"
    (folder / files.LOG).write_text(text, encoding="utf-8")
    said = log_tail(queue.jobs()[0])
    assert str(cache) not in said
    assert "someone" not in said
    assert said.endswith("red …/y 1/2")
    assert said.startswith("3/6 runs, see ")


@pytest.mark.parametrize("name", ["../elsewhere", "", "20260101t000000-zzzzzz", "a/b"])
def test_a_job_id_leads_into_no_other_folder(name):
    with pytest.raises(SpecInvalid):
        files.job_folder(name)


def test_progress_counts_stored_runs_and_reads_the_epochs_so_far(cache):
    job_id = begin(cache / "flag")
    (cache / "flag").touch()
    wait_for(job_id, "done")
    run = cache / "results" / "a-run"
    run.mkdir(parents=True)
    (run / "history.csv").write_text(
        "stage,epoch,seconds,loss,val_loss\nscratch,1,0.5,0.7,0.8\nscratch,2,0.5,0.6,0.7\n"
    )
    (files.job_folder(job_id) / files.PROGRESS).write_text('{"stage": "epoch 3 of at most 9", "done": 4, "total": 8}')
    found = progress(queue.jobs()[0])
    assert (found.stored, found.failed, found.current) == ((), (), "a-run")
    assert (found.stage, found.done, found.total) == ("epoch 3 of at most 9", 4, 8)
    assert found.history["val_loss"].tolist() == [0.8, 0.7]


def store(spec):
    """A finished run of `spec` with two test images."""
    run_id = run_id_of(spec)
    names = ("No nodule", "Nodule")
    scores = Predictions(
        run_id=run_id, split="test", task="binary", class_names=names, positive_class="Nodule",
        image_ids=np.array(["a", "b"]), groups=np.array(["a", "b"]), y_true=np.array([0, 1]),
        y_prob=np.array([[0.9, 0.1], [0.2, 0.8]]),
    )  # fmt: skip
    record = RunRecord(
        schema_version=1, run_id=run_id, spec=spec, status="done", created_utc="2026-01-01T00:00:00+00:00",
        class_names=names,
    )  # fmt: skip
    save_run(record, [scores])
    return run_id


def test_a_plan_started_here_is_the_command_lines_own_work(cache):
    # both runs are stored already, so that the command has nothing to train, and ends within seconds
    specs = own_runs("phantom", "phantom_nodule", "compact_cnn", ["linear", "mlp"], "scratch", epochs=1, seed=3)
    ids = [store(spec) for spec in specs]
    job_id = queue.start("Tiny", "own.toml", ids, own_plan=plan_of(specs, "Tiny"))
    assert wait_for(job_id, "done", "failed", "lost", seconds=120) == "done", log_tail(queue.jobs()[0])
    found = progress(queue.jobs()[0])
    assert (found.stored, found.current) == (tuple(ids), "")
    said = log_tail(queue.jobs()[0])
    assert f"2/2 {ids[1]}: done (stored already)" in said
    assert (cache / "results" / "leaderboard.csv").is_file()


def test_what_a_run_tells_is_left_in_a_file_for_the_page(tmp_path, monkeypatch):
    from core.cli.console import plan_bars

    monkeypatch.setenv("MEDLENS_PROGRESS", str(tmp_path / "progress.json"))
    with plan_bars("A plan", 1) as bars:
        bars.begin("1/1 a-run")
        bars.report("reading the data set", 0, 1)
        bars.report("features of the train part", 1, 9)
        bars.report("features of the train part", 2, 9)  # too soon after the one before to be written
        assert json.loads((tmp_path / "progress.json").read_text())["done"] == 1
        bars.report("features of the train part", 9, 9)
    told = json.loads((tmp_path / "progress.json").read_text())
    assert told == {"stage": "features of the train part", "done": 9, "total": 9}
