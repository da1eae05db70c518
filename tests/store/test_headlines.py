"""Headlines: those of the records, whatever the file says that keeps them from one start to the next."""

import hashlib
import shutil
from dataclasses import replace

import pytest

from core.store import headlines, runs
from core.store.codec import to_json
from core.store.headlines import headline_of, kept_file, list_headlines
from core.store.runs import list_runs


@pytest.fixture
def folder(tmp_path, stored):
    """Three finished runs of three tasks and a failed one."""
    root = tmp_path / "results"
    for seed, task in enumerate(("binary", "multiclass", "multilabel")):
        stored(task, seed=seed).save(root)
    failed = stored(seed=9)
    runs.save_run(replace(failed.record, status="failed", evaluations=(), failure="out of memory"), folder=root)
    return root


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(headlines, "FEWEST", 2)
    return tmp_path / "cache" / "kept.jsonl"


def truth(folder):
    listing = list_runs(folder)
    return replace(listing, records=tuple(map(headline_of, listing.records)))


def test_a_headline_has_the_test_numbers_and_no_curves(stored):
    record = stored("multiclass").record
    (evaluation,) = headline_of(record).evaluations
    whole = next(e for e in record.evaluations if e.split == "test")
    assert evaluation.curves == () and replace(evaluation, curves=whole.curves) == whole
    assert replace(headline_of(record), evaluations=record.evaluations) == record


def test_the_next_start_reads_the_file_and_no_run(folder, kept, monkeypatch):
    expected = truth(folder)
    assert list_headlines(folder, {}, kept) == expected and len(expected.records) == 4
    monkeypatch.setattr(runs, "load_record", lambda *_: pytest.fail("a run was read"))
    assert list_headlines(folder, {}, kept) == expected


@pytest.mark.parametrize("same_process", [True, False])
def test_a_new_a_changed_a_damaged_and_a_removed_run_are_seen(folder, kept, stored, same_process):
    known = {}
    first, second, third, fourth = list_headlines(folder, known, kept).records
    stored(seed=20).save(folder)
    record = replace(runs.load_record(second.run_id, folder), dataset_fingerprint="another")
    (folder / second.run_id / "run.json").write_text(to_json(record), "utf-8")
    damaged = next(r for r in (third, fourth, first) if r.status == "done")
    scores = folder / damaged.run_id / "predictions.csv"
    scores.write_bytes(scores.read_bytes()[:-2] + b"9\n")
    removed = next(r for r in (third, fourth, first) if r is not damaged)
    shutil.rmtree(folder / removed.run_id)
    listing = list_headlines(folder, known if same_process else {}, kept)
    assert listing == truth(folder)
    found = {r.run_id: r for r in listing.records}
    assert len(found) == 3 and removed.run_id not in found and stored(seed=20).run_id in found
    assert found[second.run_id].dataset_fingerprint == "another"
    assert [d.name for d in listing.damaged] == [damaged.run_id]
    assert "is not the file that was saved" in str(listing.damaged[0].reason)
    assert removed.run_id not in {entry.name for entry in known} or not same_process
    assert list_headlines(folder, {}, kept) == listing


def flipped(content):
    place = content.index(b'"value":0.') + len(b'"value":0.')
    return content[:place] + (b"1" if content[place : place + 1] != b"1" else b"2") + content[place + 1 :]


def resealed(content):
    lines = content.split(b"\n")
    return headlines._digest(b"\n".join(lines[1:])) + b"\n" + b"\n".join(lines[1:])


@pytest.mark.parametrize(
    "broken",
    [
        lambda content: b"",
        lambda content: b"\x00\xff" * 50,
        lambda content: content[: len(content) // 2],
        flipped,
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: resealed(b"\n[]"),
        lambda content: resealed(b'\n{"a": 1}'),
        lambda content: resealed(content.replace(b'"kind"', b'"colour"').replace(b'"status"', b'"colour"')),
        lambda content: resealed(content.replace(b'"run_id":"', b'"run_id":"x')),
    ],
)
def test_a_broken_file_changes_nothing_and_is_put_right(folder, kept, broken):
    expected = list_headlines(folder, {}, kept)
    good = kept.read_bytes()
    kept.write_bytes(broken(good))
    assert list_headlines(folder, {}, kept) == expected == truth(folder)
    assert kept.read_bytes() == good


def test_numbers_of_the_file_count_only_for_the_files_they_are_of(folder, kept):
    expected = list_headlines(folder, {}, kept)
    seen = flipped(kept.read_bytes())
    kept.write_bytes(resealed(seen))
    assert (
        list_headlines(folder, {}, kept) != expected
    )  # the file is read: this shows that the next line shows something
    for run in folder.iterdir():
        (run / "run.json").touch()
    assert list_headlines(folder, {}, kept) == expected


def test_other_code_reads_every_run_again(folder, kept, monkeypatch):
    expected = list_headlines(folder, {}, kept)
    monkeypatch.setattr(headlines, "_readers", lambda: hashlib.sha256(b"another version").digest())
    read = []
    load = runs.load_record
    monkeypatch.setattr(runs, "load_record", lambda *given: read.append(given) or load(*given))
    assert list_headlines(folder, {}, kept) == expected and len(read) == 4


def test_a_disk_that_refuses_is_no_harm(folder, kept, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert list_headlines(folder, {}, kept) == truth(folder)
    (tmp_path / "cache").unlink()
    kept.mkdir(parents=True)
    assert list_headlines(folder, {}, kept) == truth(folder)


def test_a_text_that_is_no_unicode_is_read_from_the_run_each_time(folder, kept, stored):
    odd = stored(seed=30)
    runs.save_run(replace(odd.record, status="failed", evaluations=(), failure="broken \udcff name"), folder=folder)
    for _ in range(2):
        assert list_headlines(folder, {}, kept) == truth(folder)
    assert odd.run_id.encode() not in kept.read_bytes()


def test_few_runs_leave_no_file_and_every_folder_has_its_own(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLENS_CACHE", str(tmp_path / "cache"))
    assert list_headlines(folder, {}, kept_file(folder)) == truth(folder)
    assert not (tmp_path / "cache").exists()
    assert kept_file(folder) != kept_file(tmp_path) and kept_file(folder).is_relative_to(tmp_path / "cache")
    assert list_headlines(tmp_path / "none", {}, None).records == ()
