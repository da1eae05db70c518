"""A file of scores becomes a run that joins every comparison, and says that it was not trained here."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from core.__main__ import app
from core.errors import RunFinished, ScoresRefused, SpecInvalid
from core.evaluation.compare import compare_runs
from core.evaluation.report import evaluate_run
from core.figures.names import run_titles
from core.registry.labels import label_scheme
from core.serve.results import Stated, import_scores, medmnist_of_name, references, template
from core.store.codec import run_id_of
from core.store.leaderboard import LEADERBOARD
from core.store.runs import list_runs, load_predictions, save_run
from core.types import OverlapAudit, Predictions, RunRecord, RunSpec

SCHEME = label_scheme("pneumonia")
SPEC = RunSpec(dataset="chest_xray", label_scheme="pneumonia", architecture="mobilenet_v2", head="mlp", split="group")
STATED = Stated(dataset="chest_xray", scheme="pneumonia", name="Net of the ward")


def part(run_id, split, seed, n=40):
    rng = np.random.default_rng([seed, len(split)])
    truth = (np.arange(n) % 2).astype(np.int64)
    positive = np.clip(0.5 + 0.25 * (2 * truth - 1) + rng.normal(0, 0.2, n), 0.01, 0.99)
    return Predictions(
        run_id=run_id, split=split, task="binary", class_names=SCHEME.class_names, positive_class="Pneumonia",
        image_ids=np.array([f"{split}-{i}" for i in range(n)], dtype=object),
        groups=np.array([f"{split} patient {i // 2}" for i in range(n)], dtype=object), y_true=truth,
        y_prob=np.stack([1 - positive, positive], axis=1),
    )  # fmt: skip


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A results folder with one run of this project."""
    monkeypatch.setenv("MEDLENS_RESULTS", str(tmp_path))
    run_id = run_id_of(SPEC)
    parts = [part(run_id, split, 1) for split in ("validation", "test")]
    record = RunRecord(
        schema_version=1, run_id=run_id, spec=SPEC, status="done", created_utc="2026-01-01T00:00:00+00:00",
        class_names=SCHEME.class_names, task="binary", evaluations=evaluate_run(*parts, n_bootstrap=20),
        dataset_fingerprint="f" * 32,
        audit=OverlapAudit(split_kind="group", group_field="patient", groups_in_several_splits=0,
                           images_in_several_splits=0),
    )  # fmt: skip
    save_run(record, parts)
    return tmp_path, record


def csv_of(split, seed):
    """Scores as a file; those of the same images and another network."""
    found = part("x", split, seed)
    lines = [f"{i},{y},{p[0]!r},{p[1]!r}" for i, y, p in zip(found.image_ids, found.y_true.tolist(),
                                                             found.y_prob.tolist(), strict=True)]  # fmt: skip
    return "\n".join(["image_id,y_true,p_Normal,p_Pneumonia", *lines]).encode()


def test_imported_scores_are_a_run_like_any_other_on_the_same_images_and_say_where_they_are_from(stored):
    folder, own = stored
    record = import_scores(csv_of("test", 2), "C:\\somewhere\\scores.csv", STATED)
    assert (record.spec.strategy, record.spec.architecture, record.spec.head) == (
        "imported", "Net of the ward", "imported",
    )  # fmt: skip
    assert record.chosen_settings["file"] == "scores.csv"
    assert record.chosen_settings["checked_against"] == own.run_id
    assert (record.dataset_fingerprint, record.audit, record.spec.split) == (
        own.dataset_fingerprint,
        own.audit,
        "group",
    )
    (evaluation,) = record.evaluations
    assert (evaluation.threshold.rule, evaluation.threshold.values) == ("fixed:0.5", {"Pneumonia": 0.5})
    assert evaluation.threshold.chosen_on == "none"
    assert list_runs().damaged == ()
    test = [load_predictions(one.run_id) for one in (own, record)]
    assert test[1].groups.tolist() == test[0].groups.tolist()  # patients come from the run, not from the file
    compared = compare_runs(*test, n_bootstrap=50)
    assert (compared.n_images, compared.n_groups) == (40, 20)
    assert run_titles([own, record])[record.run_id] == "Net of the ward (imported)"
    assert record.run_id in (folder / LEADERBOARD).read_text()
    with pytest.raises(RunFinished, match="stored already"):
        import_scores(csv_of("test", 2), "again.csv", STATED)
    other = import_scores(csv_of("test", 3), "scores.csv", STATED)
    assert other.run_id != record.run_id


def test_validation_scores_choose_the_threshold(stored):
    record = import_scores(csv_of("test", 2), "f.csv", STATED, validation=csv_of("validation", 2))
    assert [e.split for e in record.evaluations] == ["validation", "test"]
    assert record.evaluations[1].threshold.chosen_on == "validation"
    assert record.spec.threshold_rule == "youden"


def test_scores_of_other_images_are_refused_unless_the_reader_says_so(stored):
    data = csv_of("test", 2).replace(b"test-1,", b"elsewhere,")
    with pytest.raises(ScoresRefused, match=r"row 3: elsewhere is not among the 40 test images"):
        import_scores(data, "f.csv", STATED)
    record = import_scores(data, "f.csv", replace(STATED, against="none"))
    assert (record.audit, record.dataset_fingerprint) == (None, "")
    assert record.chosen_settings["checked_against"] == "none"
    assert (
        references("chest_xray", "pneumonia", list_runs().done)[0].run_id == stored[1].run_id
    )  # an import is no reference itself
    with pytest.raises(SpecInvalid, match="no finished run"):
        import_scores(data, "f.csv", replace(STATED, against="another-run"))


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\x00b"])
def test_a_network_needs_a_name(stored, name):
    with pytest.raises(SpecInvalid, match="a name of 1 to 60"):
        import_scores(csv_of("test", 2), "f.csv", replace(STATED, name=name))


def test_a_task_of_another_data_set_is_refused(stored):
    with pytest.raises(SpecInvalid, match="not of"):
        import_scores(csv_of("test", 2), "f.csv", replace(STATED, scheme="ham_seven"))


@pytest.mark.parametrize(
    ("file", "archive"),
    [("breastmnist_test_[AUC]0.9_[ACC]0.8@r.csv", "breastmnist"), ("breastmnist_64_test@r.csv", "breastmnist_64"),
     ("mine.csv", "")],
)  # fmt: skip
def test_the_name_of_an_evaluator_file_says_which_set_it_is_of(file, archive):
    assert medmnist_of_name(file) == archive


def test_medmnist_scores_are_held_against_the_archive_and_joined_by_the_command_line(stored, monkeypatch):
    folder, _ = stored
    from core.registry.medmnist import medmnist_set

    data = folder / "data" / "medmnist"
    data.mkdir(parents=True)
    monkeypatch.setenv("MEDLENS_DATA", str(folder / "data"))
    n = {"train": 4, "val": 4, "test": 6}
    arrays = {}
    for split, count in n.items():
        arrays[f"{split}_images"] = np.arange(count * 28 * 28, dtype=np.uint8).reshape(count, 28, 28) + len(split)
        arrays[f"{split}_labels"] = (np.arange(count) % 2).astype(np.uint8)[:, None]
    np.savez(data / "breastmnist.npz", **arrays)
    file = folder / "breastmnist_test_[AUC]0.900_[ACC]0.800@first.csv"
    # label 0 (malignant) on even images, and the scores agree with it but for the last image
    scores = [0.1, 0.9, 0.2, 0.8, 0.3, 0.25]
    file.write_text("".join(f"{i},{1 - s},{s}\n" for i, s in enumerate(scores)))
    arguments = ["results", "import", str(file), "--dataset", "medmnist", "--name", "Mine", "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    run_id = json.loads(done.stdout)["run_id"]
    found = load_predictions(run_id)
    labels = medmnist_set("breastmnist").labels
    assert found.positive_class == labels[0]
    assert [found.class_names[y] for y in found.y_true] == [labels[i % 2] for i in range(6)]
    # malignant scores: 0.9 0.1 0.8 0.2 0.7 0.75 of truth 1 0 1 0 1 0: 8 of 9 pairs are in order
    record = next(r for r in list_runs().done if r.run_id == run_id)
    auc = next(e for e in record.evaluations[0].estimates if e.metric == "auc" and e.class_name is None)
    assert auc.value == pytest.approx(8 / 9)
    file.write_text("0,0.5,0.5\n7,0.5,0.5\n")
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 1
    assert "row 2: test-7 is not among the 6 test images" in refused.output


def test_a_template_shows_the_columns_of_a_task():
    assert template("chest_xray", "pneumonia").splitlines()[0] == "image_id,y_true,p_Normal,p_Pneumonia"
    assert template("nih-chest-xray", "nih_findings").splitlines()[0].startswith("image_id,y_Atelectasis,")
