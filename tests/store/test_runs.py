"""Stored runs: exact, never changed once finished, and none spoils another."""

import json
import os
import shutil
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import PredictionsInvalid, RunDamaged, RunFinished, StoreError
from core.evaluation.report import evaluate_run
from core.store import runs, tables
from core.store.runs import (
    list_runs,
    load_artifact,
    load_history,
    load_predictions,
    load_record,
    run_status,
    save_run,
    verify_run,
    write_history,
)
from core.store.tables import predictions_text, read_history, read_predictions
from core.types import Predictions


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_everything_comes_back_as_it_was_saved(tmp_path, stored, task):
    run = stored(task)
    run.save(tmp_path)
    record = load_record(run.run_id, tmp_path)
    assert replace(record, artifacts={}) == run.record
    assert sorted(record.artifacts) == ["head.bin", "history.csv", "predictions.csv"]
    for original in run.predictions:
        loaded = load_predictions(run.run_id, original.split, tmp_path)
        assert (loaded.run_id, loaded.task, loaded.class_names, loaded.positive_class) == (
            original.run_id, original.task, original.class_names, original.positive_class,
        )  # fmt: skip
        for key, value in original.arrays().items():
            assert (loaded.arrays()[key] == value).all(), key
    pd.testing.assert_frame_equal(load_history(run.run_id, tmp_path), run.history, check_exact=True)
    assert load_artifact(run.run_id, "head.bin", tmp_path) == run.artifacts["head.bin"]
    assert verify_run(run.run_id, tmp_path) == record


def test_a_stored_run_evaluated_anew_gives_the_stored_numbers(tmp_path, stored):
    for task in ("binary", "multiclass", "multilabel"):
        run = stored(task)
        run.save(tmp_path / task)
        parts = [load_predictions(run.run_id, split, tmp_path / task) for split in ("validation", "test")]
        assert evaluate_run(*parts, n_bootstrap=10) == load_record(run.run_id, tmp_path / task).evaluations


@pytest.mark.parametrize(
    ("task", "header"),
    [
        ("binary", "image_id,group,split,y_true,p_Normal,p_Pneumonia"),
        ("multiclass", 'image_id,group,split,y_true,p_Normal,p_Bacterial pneumonia,"p_Viral, ""other"""'),
        (
            "multilabel",
            "image_id,group,split,y_Mass,y_Nodule,y_Pleural_Thickening,p_Mass,p_Nodule,p_Pleural_Thickening",
        ),
    ],
)
def test_the_header_is_the_documented_one_and_validation_stands_first(tmp_path, stored, task, header):
    run = stored(task)
    run.predictions.reverse()
    lines = (run.save(tmp_path) / "predictions.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == header
    assert [line.split(",")[2] for line in lines[1:]] == ["validation"] * 24 + ["test"] * 24


awkward = st.text(max_size=10)


@pytest.fixture(scope="module")
def several_classes(stored):
    return stored("multiclass", n=6).record


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    ids=st.lists(awkward, min_size=1, max_size=5, unique=True),
    group=awkward,
    classes=st.lists(awkward, min_size=2, max_size=3, unique=True).map(tuple),
    share=st.floats(0, 1),
)
def test_any_text_and_any_float_survive_the_csv(several_classes, ids, group, classes, share):
    n = len(ids)
    scores = np.zeros((n, len(classes)))
    scores[:, 0], scores[:, 1] = share, 1 - share
    pred = Predictions(
        run_id="r", split="test", task="multiclass", class_names=classes, positive_class=None,
        image_ids=np.array(ids, dtype=object), groups=np.array([group] * n, dtype=object),
        y_true=np.zeros(n, dtype=np.int64), y_prob=scores,
    )  # fmt: skip
    record = replace(several_classes, class_names=classes)
    try:
        data = predictions_text([pred]).encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair: save_run refuses it by name
        return
    back = read_predictions(data, record, "test", None)
    assert back.image_ids.tolist() == ids and back.groups.tolist() == [group] * n
    assert (back.y_prob == scores).all()


def test_ids_that_look_like_numbers_or_missing_values_stay_text(tmp_path, stored):
    run = stored(n=6)
    ids = np.array(["007", "1e5", "NA", "nan", "", "=1+1"])
    run.predictions[1] = replace(run.predictions[1], image_ids=ids)
    run.save(tmp_path)
    assert load_predictions(run.run_id, "test", tmp_path).image_ids.tolist() == ids.tolist()


def test_single_precision_scores_are_stored_without_loss(tmp_path, stored):
    run = stored(n=8)
    single = run.predictions[1].y_prob.astype(np.float32)
    run.predictions[1] = replace(run.predictions[1], y_prob=single)
    run.save(tmp_path)
    assert (load_predictions(run.run_id, "test", tmp_path).y_prob == single.astype(np.float64)).all()


def test_a_finished_run_is_never_changed(tmp_path, saved):
    before = {path.name: path.read_bytes() for path in (tmp_path / saved.run_id).iterdir()}
    with pytest.raises(RunFinished, match="never changed"):
        saved.save(tmp_path)
    with pytest.raises(RunFinished):
        save_run(replace(saved.record, status="failed"), folder=tmp_path)
    with pytest.raises(RunFinished):
        write_history(saved.run_id, saved.history, tmp_path)
    assert {path.name: path.read_bytes() for path in (tmp_path / saved.run_id).iterdir()} == before


@pytest.mark.parametrize("status", ["interrupted", "failed"])
def test_an_unfinished_run_is_listed_and_gives_way_to_a_later_one(tmp_path, stored, status):
    run = stored()
    write_history(run.run_id, run.history.iloc[:1], tmp_path)
    save_run(replace(run.record, status=status, evaluations=(), failure="why"), folder=tmp_path)
    assert run_status(run.run_id, tmp_path) == status
    assert [record.status for record in list_runs(tmp_path).records] == [status]
    assert list_runs(tmp_path).done == ()
    run.save(tmp_path)
    assert run_status(run.run_id, tmp_path) == "done"
    assert len(load_history(run.run_id, tmp_path)) == 2
    assert list_runs(tmp_path).damaged == ()


def test_a_run_under_way_is_not_a_run_yet(tmp_path, stored):
    run = stored()
    write_history(run.run_id, run.history, tmp_path)
    listing = list_runs(tmp_path)
    assert listing.records == () and "under way" in listing.damaged[0].reason
    assert run_status(run.run_id, tmp_path) is None


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_kill_between_write_and_rename_leaves_the_interrupted_run_as_it_was(tmp_path, stored, monkeypatch, error):
    run = stored()
    save_run(replace(run.record, status="interrupted", evaluations=()), folder=tmp_path)
    before = load_record(run.run_id, tmp_path)

    def fail(*args, **kwargs):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(type(error)):
            run.save(tmp_path)
    assert load_record(run.run_id, tmp_path) == before
    assert [path.name for path in (tmp_path / run.run_id).iterdir()] == ["run.json"]


def test_a_kill_before_the_record_leaves_a_run_that_does_not_count_and_can_be_repeated(tmp_path, stored, monkeypatch):
    run, real = stored(), os.replace

    def stop_at_record(source, target, **kwargs):
        if os.fspath(target).endswith("run.json"):
            raise KeyboardInterrupt
        real(source, target, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stop_at_record)
        with pytest.raises(KeyboardInterrupt):
            run.save(tmp_path)
    assert list_runs(tmp_path).records == ()
    run.save(tmp_path)
    assert len(list_runs(tmp_path).done) == 1


def test_what_a_killed_writer_left_is_swept_by_the_next(tmp_path, stored):
    run = stored()
    left = tmp_path / run.run_id / ".predictions.csv.tmp-1-abcd"
    left.parent.mkdir()
    left.write_bytes(b"half")
    run.save(tmp_path)
    assert not left.exists()


def test_parts_that_contradict_the_record_are_refused(tmp_path, stored):
    run, other = stored(), stored(seed=1)

    def refused(match, record=run.record, predictions=run.predictions, artifacts=None):
        with pytest.raises((RunDamaged, StoreError), match=match):
            save_run(record, predictions, None, artifacts, tmp_path)
        assert not list(tmp_path.iterdir())

    refused("its spec gives", record=replace(run.record, run_id=other.run_id))
    refused("another run", predictions=other.predictions)
    refused("needs predictions of the test split", predictions=run.predictions[:1])
    refused("once each", predictions=[run.predictions[1]] * 2)
    refused("once each", predictions=[replace(run.predictions[0], split="another"), run.predictions[1]])
    refused("class order", record=replace(run.record, class_names=("Pneumonia", "Normal")))
    refused("name is taken", artifacts={"run.json": b""})
    refused("no file name", artifacts={"../x": b""})
    first = run.predictions[0]
    refused("an image stands", predictions=[replace(first, image_ids=run.predictions[1].image_ids), run.predictions[1]])
    shared = replace(first, groups=run.predictions[1].groups)
    refused("12 groups stand in validation and in test", predictions=[shared, run.predictions[1]])
    bad_id = replace(first, image_ids=np.array([f"\udcff{i}" for i in range(24)]))
    refused("Rename the image", predictions=[bad_id, run.predictions[1]])


def test_only_a_random_split_may_share_patients(tmp_path, stored):
    run = stored(split="random")
    run.predictions[0] = replace(run.predictions[0], groups=run.predictions[1].groups)
    run.save(tmp_path)
    assert len(list_runs(tmp_path).done) == 1


def _truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _garble(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x80  # no longer UTF-8, so that JSON notices too
    path.write_bytes(bytes(data))


def _empty(path):
    path.write_bytes(b"")


def _delete(path):
    path.unlink()


def _make_folder(path):
    path.unlink()
    path.mkdir()


def _noise(path):
    path.write_bytes(np.random.default_rng(0).bytes(500))


@pytest.mark.parametrize("name", ["run.json", "predictions.csv", "history.csv", "head.bin"])
@pytest.mark.parametrize("harm", [_truncate, _garble, _empty, _delete, _make_folder, _noise])
def test_harm_to_any_file_is_found_named_and_spoils_no_other_run(tmp_path, stored, name, harm):
    hurt, well = stored(n=10), stored(n=10, seed=1)
    hurt.save(tmp_path)
    well.save(tmp_path)
    harm(tmp_path / hurt.run_id / name)
    listing = list_runs(tmp_path)
    assert [record.run_id for record in listing.records] == [well.run_id]
    assert [damaged.name for damaged in listing.damaged] == [hurt.run_id]
    assert listing.damaged[0].reason and hurt.run_id not in listing.damaged[0].reason
    if name != "run.json":
        assert name in listing.damaged[0].reason
    assert verify_run(well.run_id, tmp_path)
    with pytest.raises(RunDamaged):
        verify_run(hurt.run_id, tmp_path)


@pytest.mark.parametrize("position", range(0, 100, 4))
def test_a_record_cut_or_flipped_anywhere_never_raises_from_the_listing(tmp_path, saved, position):
    path = tmp_path / saved.run_id / "run.json"
    data = path.read_bytes()
    at = len(data) * position // 100
    for changed in (data[:at], data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :]):
        path.write_bytes(changed)
        listing = list_runs(tmp_path)
        assert len(listing.records) + len(listing.damaged) == 1
    path.write_bytes(data)
    assert len(list_runs(tmp_path).done) == 1


def _edit(folder, **changes):
    path = folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema_version": 99}, "newer MedLens"),
        ({"colour": 1}, "unknown field"),
        ({"run_id": "another"}, "the record says 'another'"),
        ({"status": "perfect"}, "status"),
        ({"artifacts": {}}, "without predictions.csv"),
        ({"artifacts": {"predictions.csv": "0", "../../secret": "0"}}, "no file name"),
    ],
)
def test_a_record_that_is_not_ours_is_listed_with_the_reason(tmp_path, saved, changes, reason):
    _edit(tmp_path / saved.run_id, **changes)
    listing = list_runs(tmp_path)
    assert listing.records == () and reason in listing.damaged[0].reason


def test_a_changed_spec_no_longer_fits_its_run_id(tmp_path, saved):
    record = json.loads((tmp_path / saved.run_id / "run.json").read_text(encoding="utf-8"))
    _edit(tmp_path / saved.run_id, spec={**record["spec"], "seed": 7})
    assert "the spec has been changed" in list_runs(tmp_path).damaged[0].reason


def test_a_renamed_folder_is_not_taken_for_its_run(tmp_path, saved):
    (tmp_path / saved.run_id).rename(tmp_path / "my-best-run")
    assert list_runs(tmp_path).damaged[0].name == "my-best-run"


def test_foreign_things_are_passed_over_or_named(tmp_path, saved):
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "leaderboard.csv").write_text("x")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "Übung 1").mkdir()
    (tmp_path / "empty").mkdir()
    listing = list_runs(tmp_path)
    assert [record.run_id for record in listing.records] == [saved.run_id]
    assert [damaged.name for damaged in listing.damaged] == ["empty", "Übung 1"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_folder_that_may_not_be_read_is_named(tmp_path, saved):
    (tmp_path / saved.run_id / "run.json").chmod(0)
    assert "cannot be read" in list_runs(tmp_path).damaged[0].reason


def test_no_results_folder_is_no_runs(tmp_path):
    assert list_runs(tmp_path / "none").records == ()
    (tmp_path / "file").write_text("")
    assert list_runs(tmp_path / "file").records == ()


@pytest.mark.parametrize("run_id", ["../secret", "a/b", "..", "", "/etc/passwd", "a\x00b", "A"])
def test_a_run_id_that_leads_out_of_the_folder_is_refused_everywhere(tmp_path, run_id):
    for call in (load_record, load_predictions, load_history, verify_run):
        with pytest.raises(StoreError, match="is no run id"):
            call(run_id, folder=tmp_path)
    assert run_status(run_id, tmp_path) is None
    with pytest.raises(StoreError):
        write_history(run_id, pd.DataFrame({"a": [1]}), tmp_path)


def test_a_missing_run_is_named(tmp_path):
    with pytest.raises(RunDamaged, match=r"run\.json is missing"):
        load_record("no-such-run", tmp_path)


def test_a_missing_split_or_file_is_named_with_what_is_there(tmp_path, stored):
    run = stored()
    save_run(run.record, run.predictions[1:], None, None, tmp_path)
    with pytest.raises(RunDamaged, match="no rows of the validation split; it has test"):
        load_predictions(run.run_id, "validation", tmp_path)
    assert load_history(run.run_id, tmp_path) is None
    with pytest.raises(RunDamaged, match=r"holds no head\.bin; its files: predictions\.csv"):
        load_artifact(run.run_id, "head.bin", tmp_path)


def test_changed_predictions_are_never_served(tmp_path, saved):
    path = tmp_path / saved.run_id / "predictions.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",1,", ",0,", 1), encoding="utf-8")
    with pytest.raises(RunDamaged, match="not the file that was saved"):
        load_predictions(saved.run_id, "test", tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("image_id", "id", 1), "has the header"),
        (lambda text: "", "has the header ''"),
        (lambda text: text.splitlines()[0] + "\na,b,test,x,0.5,0.5\n", "row 1 .* cannot be read"),
        (lambda text: text.splitlines()[0] + "\na,b,test,1,0.5,half\n", "row 1 .* cannot be read"),
        (lambda text: text.splitlines()[0] + "\na,b,test,1.5,0.5,0.5\n", "row 1 .* cannot be read"),
        (lambda text: text.splitlines()[0] + "\na,b,test,1,0.5,0.5,0.5\n", "row 1 .* has 7 cells, expected 6"),
        (lambda text: text.splitlines()[0] + "\na,b,test,1,0.5,0.5\n\n", "row 2 .* has 0 cells"),
        (lambda text: text.splitlines()[0] + "\n", "it has no rows at all"),
        (lambda text: text.splitlines()[0] + '\n"a,b,test,1,0.5,0.5\n', "cannot be read"),
        (lambda text: text.splitlines()[0] + "\na,b,test,1,nan,0.5\n", "no probability"),
    ],
)
def test_a_table_of_another_form_is_refused_with_the_reason(stored, change, reason):
    run = stored()
    data = change(predictions_text(run.predictions)).encode("utf-8")
    with pytest.raises((RunDamaged, PredictionsInvalid), match=reason):
        read_predictions(data, run.record, "test", "Pneumonia")


def test_a_history_keeps_its_kinds_of_columns_and_its_gaps(tmp_path, stored):
    history = pd.DataFrame({"stage": ["a", "b"], "epoch": [1, 2], "val_loss": [0.1 + 0.2, np.nan], "note": ["", "x"]})
    run = stored()
    save_run(run.record, run.predictions, history, None, tmp_path)
    pd.testing.assert_frame_equal(load_history(run.run_id, tmp_path), history, check_exact=True)
    for data in (b"", b"a,b\n1\n", b"\xff\n"):
        with pytest.raises(RunDamaged, match=r"history\.csv"):
            read_history(data)
    assert list(read_history(b"a,b\n").columns) == ["a", "b"]


def test_the_positive_class_comes_from_evaluation_scheme_or_the_order_as_it_stands(stored):
    run = stored()
    assert tables.positive_class_of(run.record) == "Pneumonia"
    bare = replace(run.record, evaluations=())
    assert tables.positive_class_of(bare) == "Pneumonia"
    as_is = replace(bare, spec=replace(run.spec, label_scheme="as_is"), class_names=("x", "y"))
    assert tables.positive_class_of(as_is) == "y"
    with pytest.raises(RunDamaged, match="positive class"):
        tables.positive_class_of(replace(bare, spec=replace(run.spec, label_scheme="own")))
    assert tables.positive_class_of(stored("multiclass").record) is None


def test_the_default_folder_is_the_results_folder(tmp_path, stored, monkeypatch):
    monkeypatch.setenv("MEDLENS_RESULTS", str(tmp_path))
    run = stored()
    folder = save_run(run.record, run.predictions)
    assert folder == tmp_path / run.run_id
    assert load_record(run.run_id).status == "done" and len(list_runs().done) == 1
    shutil.rmtree(folder)
    assert list_runs().records == ()


def test_a_listing_that_knows_an_earlier_one_reads_only_what_is_new_or_changed(stored, tmp_path, monkeypatch):
    second = stored("multiclass", split_seed=3)
    for run in (stored("binary"), second):
        run.save(tmp_path)
    known, read = {}, []
    load = runs.load_record
    monkeypatch.setattr(runs, "load_record", lambda run_id, folder: read.append(run_id) or load(run_id, folder))
    before = list_runs(tmp_path, known)
    assert len(before.records) == 2 and list_runs(tmp_path, known) == before
    assert sorted(read) == sorted(r.run_id for r in before.records)
    read.clear()
    file = runs.run_folder(second.record.run_id, tmp_path) / "predictions.csv"
    file.write_bytes(file.read_bytes() + b"x")
    changed = list_runs(tmp_path, known)
    assert read == [second.record.run_id] == [entry.name for entry in changed.damaged]
