"""Score files: what was written comes back to the last bit, what contradicts itself is named, no kill loses a row."""

import contextlib
import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import PredictionsInvalid, RunFinished, SpecInvalid, StoreError
from core.store import score_writer
from core.store.atomic import is_temporary
from core.store.score_writer import ScoreWriter
from core.store.scores import RefusedFile, ScoreMeta, ScoreTable, beside, guarded_text, load_refused, load_scores
from core.types import PreprocessSpec, Threshold

META = ScoreMeta(
    model="chest", run_id="run-1", model_sha256="ab" * 32, engine="ONNX Runtime", task="binary",
    class_names=("Normal", "Pneumonia"), positive_class="Pneumonia", preprocess=PreprocessSpec(size_px=32),
    temperature=1.25, threshold=Threshold(values={"Pneumonia": 0.1 + 0.2}, rule="youden", chosen_on="validation"),
    source="/images", source_digest="", listing="sorted", limit=None, n_files=0,
    created_utc="2026-01-01T00:00:00+00:00",
)  # fmt: skip
NAMES = ["=1+1.png", "a/b, c.png", "bad.txt", 'd "e".png', "ü ￼.png", "z.png"]
FORMULAS = ["=1", "+1", "-1", "@x", "＝1", "'", "'=1", "plain"]


def outcome(name):
    """The row, or the refusal, that the file `name` gets; the numbers use all digits of a float."""
    if name.endswith(".txt"):
        return RefusedFile(name, f"{name}: plain text.")
    p = (sum(name.encode()) % 97) / 97
    return (name, [1 - p, p], META.class_names[int(p >= 0.3)], 640, 480)


def write(path, names=NAMES, *, batch=2, stop_after=None, meta=META, restart=False):
    """Score `names` as `core.serve.scoring` does, up to `stop_after` batches."""
    with ScoreWriter.open(path, meta, lambda: list(names), batch_size=batch, restart=restart) as writer:
        assert writer.done % batch == 0 or writer.done == len(writer.names)  # whole batches, so that sums stay the same
        for number, at in enumerate(range(writer.done, len(writer.names), batch)):
            if number == stop_after:
                return None
            made = [outcome(name) for name in writer.names[at : at + batch]]
            refused = [o for o in made if isinstance(o, RefusedFile)]
            writer.append([o for o in made if not isinstance(o, RefusedFile)], refused)
        return writer.finish()


def contents(folder):
    """What lies in `folder`, but for what a killed writer left under a temporary name (see `core.store.atomic`)."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if not is_temporary(file)}


@pytest.mark.parametrize("name", ["s.csv", "s.parquet"])
def test_what_was_written_comes_back_to_the_last_bit(name, tmp_path):
    path = tmp_path / "new folder" / name
    meta = write(path)
    table = load_scores(path)
    scored = [outcome(n) for n in NAMES if not n.endswith(".txt")]
    assert table.image_ids.tolist() == [row[0] for row in scored]
    assert table.y_prob.tolist() == [row[1] for row in scored]
    assert table.decided.tolist() == [row[2] for row in scored]
    assert set(table.width_px) == {640} and set(table.height_px) == {480}
    assert load_refused(path) == (RefusedFile("bad.txt", "bad.txt: plain text."),)
    assert table.meta == meta == replace(META, n_files=6, n_scored=5, n_refused=1, finished=True)
    assert sorted(contents(path.parent)) == [name, f"{name}.meta.json", f"{name}.refused.csv"]


@pytest.mark.parametrize("name", ["s.csv", "s.parquet"])
def test_an_output_without_a_single_row_is_one_too(name, tmp_path):
    write(tmp_path / name, ["a.txt"])
    assert len(load_scores(tmp_path / name)) == 0
    assert len(load_refused(tmp_path / name)) == 1


@pytest.mark.parametrize("text", FORMULAS)
def test_no_spreadsheet_runs_a_name_as_a_formula(text):
    # OWASP: a cell is safe when its first character is none of = + - @ tab and line ends
    assert guarded_text(text)[0] not in "=+-@＝\t\r\n"


def test_names_that_are_formulas_come_back(tmp_path):
    write(tmp_path / "s.csv", sorted(f"{text}.png" for text in FORMULAS))
    assert sorted(load_scores(tmp_path / "s.csv").image_ids) == sorted(f"{text}.png" for text in FORMULAS)
    assert "\n=" not in (tmp_path / "s.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("z.png", "a.png", "row 6: a.png stands in row 1 already"),
        ("e.png,0.5", "e.png,nan", r"row 5 \(e.png\): \[nan, 0.5\] are no probabilities"),
        ("e.png,0.5", "e.png,-0.5", r"row 5 \(e.png\)"),
        ("e.png,0.5", "e.png,0.4", r"row 5 \(e.png\): the scores sum to 0.9"),
        ("e.png,0.5", "e.png,half", "row 5 cannot be read .*half"),
        ("e.png,0.5,", "e.png,", "row 5 cannot be read .5 cells, expected 6"),
        ("Normal,640", "Healthy,640", "decided is 'Healthy'; the classes are Normal, Pneumonia"),
        ("p_Normal", "p_Healthy", "the header is .* expected"),
    ],
)
def test_a_contradiction_is_refused_naming_the_row(old, new, words, tmp_path):
    path = tmp_path / "s.csv"
    with ScoreWriter.open(path, META, lambda: [f"{c}.png" for c in "abcdez"], batch_size=6) as writer:
        writer.append([(name, [0.5, 0.5], "Normal", 640, 480) for name in writer.names], [])
        writer.finish()
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PredictionsInvalid, match=f"s.csv, .*{words}"):
        load_scores(path)


def test_columns_of_different_length_are_refused():
    three = np.array(["a", "b", "c"], dtype=object)
    with pytest.raises(PredictionsInvalid, match="3 image ids"):
        ScoreTable(meta=META, image_ids=three, y_prob=np.full((2, 2), 0.5), decided=three, width_px=three,
                   height_px=three)  # fmt: skip


def test_a_multilabel_row_need_not_sum_to_1_and_may_call_none_or_several(tmp_path):
    meta = replace(META, task="multilabel", positive_class=None)
    path = tmp_path / "s.csv"
    with ScoreWriter.open(path, meta, lambda: ["a", "b"], batch_size=2) as writer:
        writer.append([("a", [0.9, 0.8], "Normal|Pneumonia", 20, 30), ("b", [0.1, 0.2], "", 20, 30)], [])
        writer.finish()
    assert load_scores(path).decided.tolist() == ["Normal|Pneumonia", ""]


def test_a_file_that_is_missing_unfinished_or_cut_short_says_so(tmp_path):
    path = tmp_path / "s.csv"
    with pytest.raises(StoreError, match="does not exist; check the path"):
        load_scores(path)
    write(path, stop_after=1)
    with pytest.raises(StoreError, match="not finished"):
        load_scores(path)
    write(path)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(StoreError, match="has 4 rows, but its sidecar says 5"):
        load_scores(path)
    beside(path, ".meta.json").unlink()
    with pytest.raises(StoreError, match=r"s\.csv\.meta\.json is missing"):
        load_scores(path)
    with pytest.raises(SpecInvalid, match="expected a name that ends in"):
        load_scores(tmp_path / "s.xlsx")


def test_a_broken_parquet_file_is_refused(tmp_path):
    path = tmp_path / "s.parquet"
    write(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(StoreError, match="cannot be read as Parquet"):
        load_scores(path)


def test_a_finished_output_is_kept_unless_it_is_restarted(tmp_path):
    path = tmp_path / "s.csv"
    write(path)
    before = contents(tmp_path)
    with pytest.raises(RunFinished, match="--restart"):
        write(path)
    assert contents(tmp_path) == before
    write(path, NAMES[:3], restart=True)
    assert len(load_scores(path)) == 2


def test_a_file_of_someone_else_is_never_removed(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("my own table", encoding="utf-8")
    for restart in (False, True):
        with pytest.raises(StoreError, match="was not written by `score`"):
            write(path, restart=restart)
    assert contents(tmp_path) == {"s.csv": b"my own table"}


@pytest.mark.parametrize(
    "change",
    [{"model_sha256": "cd" * 32}, {"preprocess": PreprocessSpec(size_px=64)}, {"source": "/other"},
     {"source_digest": "1"}, {"limit": 3}, {"engine": "compiled Keras"}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_another_work_does_not_go_on_with_this_one(change, tmp_path):
    path = tmp_path / "s.csv"
    write(path, stop_after=1)
    before = contents(tmp_path)
    with pytest.raises(StoreError, match=f"{next(iter(change))} was .*, now .*--restart"):
        write(path, meta=replace(META, **change))
    assert contents(tmp_path) == before
    write(path, meta=replace(META, **change), restart=True)
    assert len(load_scores(path)) == 5


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "s.csv"
    first = ScoreWriter.open(path, META, lambda: list(NAMES), batch_size=2)
    with first, pytest.raises(StoreError, match="Another process is writing"):
        write(path)
    write(path)
    assert len(load_scores(path)) == 5


def test_the_list_of_files_is_made_once(tmp_path):
    path = tmp_path / "s.csv"
    write(path, stop_after=1)
    meta = write(path, ["new.png", *NAMES])
    assert meta.n_files == 6
    assert "new.png" not in load_scores(path).image_ids


def test_what_was_torn_at_any_byte_is_made_again(tmp_path):
    whole = tmp_path / "whole"
    write(whole / "s.csv")
    begun = tmp_path / "begun"
    write(begun / "s.csv", stop_after=2)
    for file in ("s.csv.part", "s.csv.refused.csv.part"):
        for size in range((begun / file).stat().st_size + 1):
            torn = tmp_path / "torn"
            shutil.copytree(begun, torn)
            with (torn / file).open("r+b") as stream:
                stream.truncate(size)
            write(torn / "s.csv")
            assert contents(torn) == contents(whole), (file, size)
            shutil.rmtree(torn)


@pytest.mark.parametrize(
    "garbage", [b"\0" * 40, b"\xff\xfe\n", b'"open quote', b"z.png,0.5\n", b"z.png,0.5,0.5,x,1,1\n"]
)
def test_garbage_at_the_end_is_cut_off(garbage, tmp_path):
    write(tmp_path / "whole" / "s.csv")
    write(tmp_path / "torn" / "s.csv", stop_after=2)
    with (tmp_path / "torn" / "s.csv.part").open("ab") as stream:
        stream.write(garbage)
    write(tmp_path / "torn" / "s.csv")
    assert contents(tmp_path / "torn") == contents(tmp_path / "whole")


def test_a_growing_file_of_someone_else_is_refused(tmp_path):
    write(tmp_path / "s.csv", stop_after=1)
    (tmp_path / "s.csv.part").write_text("x" * 99, encoding="utf-8")
    with pytest.raises(StoreError, match="something else has written it"):
        write(tmp_path / "s.csv")


def dies_at(step, action):
    """Run `action` in a process that ends without a word before its rename, removal or truncation number `step`."""
    child = os.fork()
    if child == 0:
        left = step

        def dying(call):
            def counted(*arguments, **named):
                nonlocal left
                left -= 1
                if left < 0:
                    os._exit(9)
                return call(*arguments, **named)

            return counted

        for method in ("replace", "unlink"):
            setattr(Path, method, dying(getattr(Path, method)))
        os.truncate = dying(os.truncate)
        try:
            action()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("name", ["s.csv", "s.parquet"])
@pytest.mark.parametrize("restart", [False, True], ids=["first", "restart"])
def test_a_kill_at_any_step_on_the_disk_leaves_a_work_that_goes_on(name, restart, tmp_path):
    write(tmp_path / "whole" / name)
    path = tmp_path / "killed" / name
    for steps in range(99):
        shutil.rmtree(path.parent, ignore_errors=True)
        if restart:
            write(path, NAMES[2:])
        if not dies_at(steps, lambda: write(path, restart=restart)):
            break
        with contextlib.suppress(RunFinished):  # killed while the leftovers were removed
            write(path, restart=restart)
        assert contents(path.parent) == contents(tmp_path / "whole"), steps
    assert steps >= 7  # two renames, the sidecar's, and the removals


def test_a_kill_between_the_last_renames_costs_no_work(tmp_path):
    path = tmp_path / "s.csv"
    with ScoreWriter.open(path, META, lambda: list(NAMES), batch_size=6) as writer:
        made = [outcome(name) for name in NAMES]
        writer.append([o for o in made if not isinstance(o, RefusedFile)], [made[2]])
    beside(path, ".refused.csv.part").rename(beside(path, ".refused.csv"))
    with ScoreWriter.open(path, META, lambda: list(NAMES), batch_size=6) as writer:
        assert writer.done == 6
        writer.finish()
    assert len(load_refused(path)) == 1


def test_a_list_that_was_torn_is_made_again_whatever_stood_there_before(tmp_path, monkeypatch):
    path = tmp_path / "s.csv"
    write(path, stop_after=0)
    (tmp_path / "s.csv.names.part").unlink()
    os.truncate(tmp_path / "s.csv.part", 0)  # as a kill leaves it while an old work is removed
    real, calls = json.dumps, []

    def torn(*arguments, **named):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr("core.store.score_work.json.dumps", torn)
        with pytest.raises(KeyboardInterrupt):
            write(path)
    write(path)
    assert len(load_scores(path)) == 5


def test_a_full_disk_stops_with_the_reason_and_keeps_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "s.csv"
    write(tmp_path / "whole" / "s.csv")
    real, calls = score_writer._write_whole, []

    def full(stream, data):
        calls.append(data)
        if len(calls) == 4:
            stream.write(data[:5])
            raise OSError(errno.ENOSPC, "No space left on device")
        real(stream, data)

    with monkeypatch.context() as patch:
        patch.setattr(score_writer, "_write_whole", full)
        with pytest.raises(StoreError, match=r"No space left on device.*the same command goes on"):
            write(path)
    assert (tmp_path / "s.csv.part").stat().st_size > 100
    write(path)
    assert path.read_bytes() == (tmp_path / "whole" / "s.csv").read_bytes()
