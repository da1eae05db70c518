"""The child processes that decode: limits hold, a broken one is replaced, none stays behind."""

import io
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from core import limits
from core.data import sandbox, sandbox_child
from core.data.images import decode_image
from core.errors import ImageRefused

ROOT = Path(__file__).resolve().parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
JOB = {"kind": "DICOM", "task": "decode", "frame": {"number": None, "axis": None, "volume": None}}


@pytest.fixture(scope="module")
def pool():
    made = sandbox.Pool(2)
    yield made
    made.close()


@pytest.fixture(scope="module")
def scan(medical):
    return medical.dicom(medical.dataset(medical.radiograph, stored=12))


def test_one_child_serves_file_after_file(pool, scan):
    pool.run(JOB, scan)
    (first,) = pool.process_ids()
    for _ in range(5):
        pool.run(JOB, scan)
    assert pool.process_ids() == (first,)


def test_a_refused_file_leaves_the_child_at_work(pool, scan):
    pool.run(JOB, scan)
    before = pool.process_ids()
    with pytest.raises(ImageRefused, match="cut off"):
        pool.run(JOB, scan[:-20])
    assert pool.process_ids() == before


def test_a_child_that_hangs_is_killed_and_replaced(pool, scan, monkeypatch):
    pool.run(JOB, scan)
    (stuck,) = pool.process_ids()
    os.kill(stuck, signal.SIGSTOP)
    monkeypatch.setattr(limits, "MAX_DECODE_SECONDS", 0.3)
    start = time.perf_counter()
    with pytest.raises(ImageRefused, match=r"took longer than 0\.3 s and was stopped"):
        pool.run(JOB, scan)
    assert time.perf_counter() - start < 3
    assert not psutil.pid_exists(stuck)
    monkeypatch.undo()
    document, _ = pool.run(JOB, scan)
    assert document["shape"] == [48, 64]


def test_a_child_that_was_killed_while_idle_is_replaced_unsaid(pool, scan):
    pool.run(JOB, scan)
    (killed,) = pool.process_ids()
    os.kill(killed, signal.SIGKILL)
    time.sleep(0.05)
    document, _ = pool.run(JOB, scan)
    assert document["shape"] == [48, 64]
    assert not psutil.pid_exists(killed)


def test_a_child_that_dies_at_work_costs_one_sentence(pool, scan, monkeypatch):
    pool.run(JOB, scan)
    (stopped,) = pool.process_ids()
    os.kill(stopped, signal.SIGSTOP)
    threading.Timer(0.2, os.kill, (stopped, signal.SIGKILL)).start()
    with pytest.raises(ImageRefused, match="broke down"):
        pool.run(JOB, scan)
    assert pool.process_ids() == ()
    pool.run(JOB, scan)


@linux
def test_memory_is_limited(medical):
    data = medical.nifti(np.zeros((400, 400, 400), np.int16), packed=True)  # 128 MB; a child begins with 150 MB
    small = sandbox.Pool(1, most_bytes=240 * 1024**2)
    try:
        with pytest.raises(ImageRefused, match="needs more memory"):
            small.run(JOB | {"kind": "NIfTI"}, data)
    finally:
        small.close()


@linux
def test_a_child_may_write_no_file_and_knows_no_secret(scan, monkeypatch):
    monkeypatch.setenv("MEDLENS_TOKEN", "very-secret-token")
    fresh = sandbox.Pool(1)
    fresh.run(JOB, scan)
    (pid,) = fresh.process_ids()
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    assert next(line for line in lines if line.startswith("Max file size")).split()[3:5] == ["0", "0"]
    most = str(limits.MAX_DECODER_BYTES)
    assert next(line for line in lines if line.startswith("Max address space")).split()[3:5] == [most, most]
    assert b"very-secret-token" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert "tensorflow" not in Path(f"/proc/{pid}/maps").read_text()
    fresh.close()


def test_more_threads_than_children_all_get_their_own_picture(pool, medical):
    files = [medical.dicom(medical.dataset(np.full((20, 20), n, np.uint8))) for n in range(24)]
    answers = {}

    def ask(n):
        _, raw = pool.run(JOB, files[n])
        answers[n] = set(raw)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == {n: {n} for n in range(24)}
    assert len(pool.process_ids()) <= 2
    pool.close()
    assert pool.process_ids() == ()


def test_a_child_is_renewed_after_many_files(pool, scan, monkeypatch):
    monkeypatch.setattr(sandbox, "FILES_PER_CHILD", 2)
    pool.run(JOB, scan)
    (first,) = pool.process_ids()
    pool.run(JOB, scan)
    assert pool.process_ids() == ()
    assert not psutil.pid_exists(first)


def test_no_child_outlives_its_process(tmp_path, scan):
    (tmp_path / "scan.dcm").write_bytes(scan)
    script = (
        "import sys; from pathlib import Path; from core.data.images import decode_image"
        "; from core.data import sandbox\n"
        "decode_image(Path(sys.argv[1])); print(*sandbox._pool().process_ids(), flush=True)\n"
        "assert not {'pydicom', 'nibabel'} & set(sys.modules); sys.argv[2:] and input()"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "scan.dcm")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    assert not psutil.pid_exists(int(done.stdout))
    killed = subprocess.Popen([*command, "wait"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    child = int(killed.stdout.readline())
    assert psutil.pid_exists(child)
    killed.kill()
    killed.communicate()
    deadline = time.monotonic() + 5
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_child_whose_parent_is_gone_ends_by_an_alarm_of_its_own(scan, monkeypatch):
    alarms, stream, answers = [], io.BytesIO(), io.BytesIO()
    sandbox_child.send(stream, JOB, scan)
    stream.seek(0)
    monkeypatch.setattr(sandbox_child, "limit_this_process", lambda most: True)
    monkeypatch.setattr(sandbox_child, "warm_up", lambda: None)
    monkeypatch.setattr(signal, "setitimer", lambda which, seconds: alarms.append((which, seconds)))
    monkeypatch.setattr(sys, "argv", ["-c", '{"bytes": 1, "seconds": 7}'])
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=answers))
    sandbox_child.main()
    assert alarms == [(signal.ITIMER_REAL, 7 + sandbox_child.ORPHAN_SECONDS), (signal.ITIMER_REAL, 0)]
    answers.seek(0)
    assert sandbox_child.receive(answers)[0]["ready"] is True
    assert sandbox_child.receive(answers)[0]["shape"] == [48, 64]


def test_started_from_another_folder_nothing_of_that_folder_is_imported(tmp_path, scan, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    (tmp_path / "pydicom.py").write_text("raise SystemExit('the wrong pydicom')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])  # as `python -c` and `python -m` begin
    fresh = sandbox.Pool(1)
    fresh.run(JOB, scan)
    fresh.close()


def test_where_memory_cannot_be_limited_the_log_says_so_once(scan, monkeypatch, caplog):
    monkeypatch.setattr(sandbox, "_warned", False)
    hello = ({"ready": True, "memory_limited": False}, b"")
    real = sandbox.receive
    answers = iter([hello, hello])
    monkeypatch.setattr(sandbox, "receive", lambda stream: real(stream) and next(answers))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            sandbox._Child(limits.MAX_DECODER_BYTES).close()
    assert [r.message for r in caplog.records if "does not limit the memory" in r.message] != []
    assert len(caplog.records) == 1


def test_without_the_resource_module_a_child_goes_on_unlimited(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(sandbox_child.signal, "signal", lambda *_: None)
    assert sandbox_child.limit_this_process(1) is False


def test_a_missing_library_is_named(monkeypatch, scan):
    monkeypatch.setattr(sandbox, "_BOOT", "import not_there")
    with pytest.raises(ImageRefused, match="check that pydicom and nibabel are installed"):
        sandbox.Pool(1).run(JOB, scan)


def test_nothing_but_dicom_and_nifti_starts_a_child(tmp_path, scan):
    from core.data.images import encode_png

    sandbox.close_children()
    decode_image(encode_png(np.zeros((20, 20, 3), np.uint8)))
    assert not sandbox._POOLS
    decode_image(scan)
    assert sandbox._POOLS
