"""Atomic writing: a kill at any moment leaves the old version or the new one."""

import os
import signal
import subprocess
import sys
import time

import pytest

from core.store import atomic


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_bytes_and_text_arrive_as_given(tmp_path):
    atomic.write_bytes(tmp_path / "new" / "a.bin", b"\x00\r\n\xff")
    atomic.write_text(tmp_path / "b.txt", "ä\r\nb\n")
    assert (tmp_path / "new" / "a.bin").read_bytes() == b"\x00\r\n\xff"
    assert (tmp_path / "b.txt").read_bytes() == "ä\r\nb\n".encode()
    assert _names(tmp_path) == ["b.txt", "new"]


@pytest.mark.parametrize("failing", ["replace", "fsync"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_between_write_and_rename_leaves_the_old_version(tmp_path, monkeypatch, failing, error):
    target = tmp_path / "a.txt"
    atomic.write_text(target, "old")

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(type(error)):
        atomic.write_text(target, "new")
    assert target.read_text() == "old"
    assert _names(tmp_path) == ["a.txt"]


def test_of_several_files_none_is_replaced_when_one_cannot_be_written(tmp_path, monkeypatch):
    atomic.write_together(tmp_path, {"a": b"1", "b": b"1", "run.json": b"1"}, last="run.json")
    real, calls = os.fsync, []

    def full_disk(handle):
        calls.append(handle)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        atomic.write_together(tmp_path, {"a": b"2", "b": b"2", "run.json": b"2"}, last="run.json")
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"1"}
    assert _names(tmp_path) == ["a", "b", "run.json"]


def test_the_file_that_vouches_for_the_others_is_renamed_last(tmp_path, monkeypatch):
    order, real = [], os.replace

    def watch(source, target, **kwargs):
        order.append(os.path.basename(target))  # noqa: PTH119 - pathlib would call what is watched here
        real(source, target, **kwargs)

    monkeypatch.setattr(os, "replace", watch)
    atomic.write_together(tmp_path, {"a": b"", "run.json": b"", "z": b""}, last="run.json")
    assert order == ["a", "z", "run.json"]


def test_a_file_can_be_copied_in(tmp_path):
    (tmp_path / "source").write_bytes(b"x" * (atomic.CHUNK_BYTES + 5))
    atomic.write_together(tmp_path / "out", {"copy": tmp_path / "source"}, last="copy")
    assert (tmp_path / "out" / "copy").read_bytes() == (tmp_path / "source").read_bytes()


def test_a_killed_process_leaves_the_old_version_and_only_temporary_names(tmp_path):
    target = tmp_path / "a.txt"
    atomic.write_text(target, "old")
    code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from core.store import atomic\n"
        "def wait(*args, **kwargs):\n"
        "    print('written', flush=True)\n"
        "    time.sleep(60)\n"
        "os.replace = wait\n"
        "atomic.write_text(Path(sys.argv[1]), 'new')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "written"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert target.read_text() == "old"
    left = [path for path in tmp_path.iterdir() if path != target]
    assert len(left) == 1 and atomic.is_temporary(left[0]) and left[0].name.startswith(".")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no lock that ends with the process")
def test_two_writers_of_one_folder_take_turns(tmp_path):
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from core.store.atomic import only_writer\n"
        "with only_writer(Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(0.6)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "held"
    started = time.perf_counter()
    with atomic.only_writer(tmp_path):
        waited = time.perf_counter() - started
    process.wait()
    process.stdout.close()
    assert waited > 0.3
