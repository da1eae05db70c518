"""The Run page of a run that stored training scores: its gaps, what bias is held against, and nothing elsewhere."""

import numpy as np
import pytest

from core.evaluation.report import evaluate_run
from core.registry.metrics import find_estimate
from core.store.codec import run_id_of
from core.store.runs import save_run
from core.types import OverlapAudit, Predictions, RunRecord, RunSpec

HEADER = "Do its images stand for what it is judged on?"


def predictions_of(run_id, split, n, shift, sources, seed):
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.arange(n) % 2)
    score = 1 / (1 + np.exp(-(rng.normal(size=n) + shift * (truth - 0.5))))
    prefix = [f"{sources[i % len(sources)]}/" if sources else "" for i in range(n)]
    return Predictions(
        run_id=run_id, split=split, task="binary", class_names=("None", "Opacity"), positive_class="Opacity",
        image_ids=np.array([f"{prefix[i]}{split}-{i}" for i in range(n)], dtype=object),
        groups=np.array([f"{prefix[i]}{split}-{i // 4}" for i in range(n)], dtype=object),
        y_true=truth.astype(np.int64), y_prob=np.column_stack([1 - score, score]),
    )  # fmt: skip


def store(folder, shifts, sources=(), **spec):
    fields = {"architecture": "xception", "head": "linear", "strategy": "fine_tune", **spec}
    spec = RunSpec(**fields)
    run_id = run_id_of(spec)
    sizes = {"train": 800, "validation": 400, "test": 300}
    parts = [
        predictions_of(run_id, split, n, shifts[split], sources if split != "test" else sources[:1], number)
        for number, (split, n) in enumerate(sizes.items())
        if split in shifts
    ]
    scored = {part.split: part for part in parts}
    record = RunRecord(
        schema_version=1, run_id=run_id, spec=spec, status="done", created_utc="2026-01-02T03:04:05+00:00",
        class_names=("None", "Opacity"), task="binary",
        evaluations=evaluate_run(scored["validation"], scored["test"], n_bootstrap=30),
        audit=OverlapAudit(split_kind="official" if sources else "group", group_field="patient",
                           groups_in_several_splits=0, images_in_several_splits=0),
        dataset_fingerprint="f" * 32,
    )  # fmt: skip
    save_run(record, parts, folder=folder)
    return record


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("union-results")
    union = store(
        folder, {"train": 3.0, "validation": 2.9, "test": 1.0}, ("siim-covid19", "chest_xray"),
        dataset="union", label_scheme="opacity", score_train=True,
    )  # fmt: skip
    alone = store(folder, {"validation": 2.0, "test": 2.0}, dataset="siim-covid19", label_scheme="siim_opacity")
    return folder, union, alone


@pytest.fixture
def page(runs, monkeypatch, tmp_path, open_page):
    monkeypatch.setenv("MEDLENS_RESULTS", str(runs[0]))
    monkeypatch.setenv("MEDLENS_MODELS", str(tmp_path / "no-models"))
    monkeypatch.setenv("MEDLENS_DATA", str(tmp_path / "no-data"))
    return lambda record: open_page("run", run=record.run_id)


def test_the_largest_gap_and_what_bias_is_held_against_are_said(runs, page):
    app = page(runs[1])
    assert not app.exception
    assert HEADER in [header.value for header in app.header]
    said = [m.value for m in app.markdown]
    assert any("AUC: the largest gap is **data mismatch**" in text and "leaves out 0" in text for text in said)
    captions = " ".join(caption.value for caption in app.caption)
    assert "best other run on SIIM-FISABIO-RSNA COVID-19 detection, on its test images" in captions
    auc = find_estimate(runs[2].evaluations[1], "auc").value
    assert f"fine-tuned): AUC {auc:.2f}" in captions
    assert "The hidden test is of SIIM-FISABIO-RSNA COVID-19 detection alone" in captions
    parts = next(frame.value for frame in app.dataframe if "Part" in frame.value.columns)
    assert parts["Part"].tolist()[0] == "Training images"
    assert parts["On"].tolist()[0] == "800 images of 400 patients"
    assert any("Chest X-ray" in part for part in parts["Part"])


def test_a_run_without_training_scores_has_no_such_part(runs, page):
    app = page(runs[2])
    assert not app.exception
    assert HEADER not in [header.value for header in app.header]
