"""The leaderboard: derived from the records, the same bytes every time."""

import csv
import io
from dataclasses import replace

import pytest

from core.registry.metrics import find_estimate
from core.store.leaderboard import COLUMNS, leaderboard_frame, leaderboard_rows, leaderboard_text, write_leaderboard
from core.store.runs import list_runs, save_run


@pytest.fixture
def several(tmp_path, stored):
    found = [stored(n=20, head=head) for head in ("random_forest", "mlp")]
    found.append(stored("multiclass", n=30, label_scheme="pneumonia_cause", split="random"))
    for run in found:
        run.save(tmp_path)
    return found


def test_the_file_is_made_again_byte_for_byte(tmp_path, several):
    path = write_leaderboard(tmp_path)
    first = path.read_bytes()
    path.unlink()
    assert write_leaderboard(tmp_path).read_bytes() == first
    assert leaderboard_text(reversed(list_runs(tmp_path).records)).encode("utf-8") == first


def test_each_finished_run_has_one_row_with_its_stored_numbers(tmp_path, several):
    write_leaderboard(tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "leaderboard.csv").read_text(encoding="utf-8"))))
    assert [(row["label_scheme"], row["head"]) for row in rows] == [
        ("pneumonia", "mlp"), ("pneumonia", "random_forest"), ("pneumonia_cause", "mlp"),
    ]  # fmt: skip
    by_id = {run.run_id: run.record for run in several}
    for row in rows:
        record = by_id[row["run_id"]]
        auc = find_estimate(record.evaluations[1], "auc")
        assert (float(row["auc"]), float(row["auc_low"]), float(row["auc_high"])) == (auc.value, auc.low, auc.high)
        assert row["seconds_total"] == "1.75" and row["n_train_images"] == "70"
        assert row["groups_crossing"] == row["images_crossing"] == "0"
        each = {
            e.class_name: e.value for e in record.evaluations[1].estimates if e.metric == "sensitivity" and e.class_name
        }
        assert float(row["worst_class_sensitivity"]) == each[row["worst_class"]] == min(each.values())
    assert [row["split_kind"] for row in rows] == ["group", "group", "random"]


def test_the_columns_are_those_of_the_dictionary_in_order(tmp_path, several):
    write_leaderboard(tmp_path)
    header = (tmp_path / "leaderboard.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == ",".join(COLUMNS)
    assert list(leaderboard_rows(list_runs(tmp_path).records)[0]) != [] and set(
        leaderboard_rows(list_runs(tmp_path).records)[0]
    ) == set(COLUMNS)


def test_unfinished_and_damaged_runs_have_no_row(tmp_path, several, stored):
    other = stored(seed=9)
    save_run(replace(other.record, status="failed", evaluations=(), failure="x"), folder=tmp_path)
    (tmp_path / several[0].run_id / "run.json").write_text("{", encoding="utf-8")
    write_leaderboard(tmp_path)
    assert len((tmp_path / "leaderboard.csv").read_text(encoding="utf-8").splitlines()) == 1 + 2


def test_a_number_that_is_not_defined_is_an_empty_cell(stored):
    record = stored().record
    undefined = tuple(replace(e, value=None, low=None, high=None) for e in record.evaluations[1].estimates)
    record = replace(record, evaluations=(replace(record.evaluations[1], estimates=undefined),), audit=None, counts=())
    row = next(csv.DictReader(io.StringIO(leaderboard_text([record]))))
    assert row["auc"] == row["brier"] == row["worst_class"] == row["groups_crossing"] == row["n_train_images"] == ""
    assert leaderboard_frame([record])["auc"].isna().all()


def test_no_runs_give_a_header_and_an_empty_frame_with_its_columns(tmp_path):
    assert leaderboard_text([]) == ",".join(COLUMNS) + "\n"
    frame = leaderboard_frame([])
    assert frame.empty and list(frame.columns) == list(COLUMNS)
    assert write_leaderboard(tmp_path / "new").exists()


def test_the_frame_holds_the_numbers_of_the_file(tmp_path, several):
    frame = leaderboard_frame(list_runs(tmp_path).records)
    rows = list(csv.DictReader(io.StringIO(write_leaderboard(tmp_path).read_text(encoding="utf-8"))))
    for column in ("auc", "auc_low", "balanced_accuracy", "calibration_error", "n_test_images"):
        assert frame[column].tolist() == [float(row[column]) for row in rows]
    for column in ("run_id", "worst_class", "dataset_fingerprint"):
        assert frame[column].tolist() == [row[column] for row in rows]
