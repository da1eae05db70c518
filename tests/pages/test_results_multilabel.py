"""The results pages on a task of several findings per image: every part opens and counts labels, not images."""

from dataclasses import replace

import numpy as np
import pytest

from core.evaluation.report import evaluate_run
from core.registry.labels import LABEL_SCHEMES
from core.store.codec import run_id_of
from core.store.runs import load_record, save_run
from core.types import ClassCounts, OverlapAudit, Predictions, RunRecord, RunSpec

SCHEME = next(s for s in LABEL_SCHEMES.values() if s.task == "multilabel")


def parts(run_id, strength):
    for split, n, seed in (("validation", 90, 1), ("test", 120, 2)):
        truth = (np.random.default_rng(seed).random((n, len(SCHEME.class_names))) < 0.3).astype(np.int64)
        noise = np.random.default_rng([seed, int(10 * strength)]).normal(size=truth.shape)
        yield Predictions(
            run_id=run_id, split=split, task="multilabel", class_names=SCHEME.class_names, positive_class=None,
            image_ids=np.array([f"{split}-{i:03d}" for i in range(n)], dtype=object),
            groups=np.array([f"{split}-{i // 2:03d}" for i in range(n)], dtype=object),
            y_true=truth, y_prob=1 / (1 + np.exp(-(noise + strength * truth - 1))),
        )  # fmt: skip


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """(folder, records) of two runs that look for several findings."""
    folder, records = tmp_path_factory.mktemp("multilabel"), []
    for head, strength in (("mlp", 2.0), ("linear", 0.7)):
        spec = RunSpec(dataset="nih-chest-xray", label_scheme=SCHEME.key, architecture="mobilenet_v2", head=head)
        scored = list(parts(run_id_of(spec), strength))
        counts = tuple(
            ClassCounts(split=p.split, n_images=len(p), n_groups=p.n_groups,
                        images_per_class=dict(zip(p.class_names, p.y_true.sum(axis=0).tolist(), strict=True)))
            for p in scored
        )  # fmt: skip
        record = RunRecord(
            schema_version=1, run_id=run_id_of(spec), spec=spec, status="done", created_utc="2026-01-02",
            class_names=SCHEME.class_names, task="multilabel", evaluations=evaluate_run(*scored, n_bootstrap=20),
            counts=counts, dataset_fingerprint="f" * 32, seconds={"training": 2.0 + strength}, params_trained=10,
            audit=OverlapAudit(split_kind="group", group_field="patient", groups_in_several_splits=0,
                               images_in_several_splits=0),
        )  # fmt: skip
        save_run(replace(record), scored, None, {}, folder=folder)
        records.append(load_record(record.run_id, folder))
    return folder, records


@pytest.fixture
def opened(monkeypatch, several, tmp_path, open_at):
    monkeypatch.setenv("MEDLENS_RESULTS", str(several[0]))
    for name in ("MEDLENS_DATA", "MEDLENS_MODELS", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return open_at


def each_part(app, names):
    """Open one part after the other in the same session."""
    for part in names:
        app.query_params["part"] = part
        app.run()
        assert not app.exception and not app.error, part
        yield part


@pytest.mark.slow
def test_compare_opens_every_part(opened):
    app = opened("compare")
    for part in each_part(app, ("confusion", "pairs", "agreement", "cost", "repeats", "differences", "curves")):
        if part == "agreement":
            assert sum(int(m.value) for m in app.metric) == 120


@pytest.mark.slow
def test_run_opens_every_part_but_the_band(opened, several):
    app = opened("run", run=several[1][0].run_id)
    for part in each_part(app, ("decisions", "calibration", "worth", "errors", "subgroups", "report", "ranking")):
        if part == "errors":  # the matrix of several findings has no cell of images
            views = next(g for g in app.get("segmented_control") if g.label == "Look at")
            assert views.options == ["The worst errors"]
