"""What a plan came to: the order, and that validation alone selects."""

from dataclasses import replace

from core.store.runs import list_runs
from core.training.summary import interval_words, overall, plan_means, plan_summary


def shipped():
    return [r for r in list_runs().records if r.spec.dataset == "chest_xray" and r.spec.split == "auto"]


def test_validation_selects_one_run_for_each_task_whatever_the_test_part_says(monkeypatch, request):
    monkeypatch.setenv("MEDLENS_RESULTS", str(request.config.rootpath / "results"))
    records = shipped()
    rows = plan_summary(records)
    assert len(rows) == len(records) > 20
    for task in {row.task for row in rows}:
        own = [row for row in rows if row.task == task]
        best = max(own, key=lambda row: row.validation_auc.value)
        assert [row.run_id for row in own if row.selected] == [best.run_id] == [own[0].run_id]
        values = [row.validation_auc.value for row in own]
        assert values == sorted(values, reverse=True)
    # with the test figures of every run turned upside down, the choice stays the same
    turned = [
        replace(r, evaluations=tuple(
            e if e.split == "validation" else replace(e, estimates=tuple(
                replace(x, value=None if x.value is None else 1 - x.value, low=None, high=None) for x in e.estimates
            )) for e in r.evaluations
        )) for r in records
    ]  # fmt: skip
    assert [row.run_id for row in plan_summary(turned)] == [row.run_id for row in rows]


def test_unfinished_runs_are_left_out_and_missing_figures_have_words(monkeypatch, request):
    monkeypatch.setenv("MEDLENS_RESULTS", str(request.config.rootpath / "results"))
    first, second = shipped()[:2]
    assert [row.run_id for row in plan_summary([first, replace(second, status="failed")])] == [first.run_id]
    bare = replace(first, evaluations=())
    (row,) = plan_summary([bare])
    assert (row.selected, row.cells()[:3]) == (False, ("not defined",) * 3)
    found = overall(first, "test", "auc")
    assert interval_words(found) == f"{found.value:.3f} ({found.low:.3f}–{found.high:.3f})"


def test_turns_of_a_recipe_have_one_row_with_their_mean(monkeypatch, request):
    monkeypatch.setenv("MEDLENS_RESULTS", str(request.config.rootpath / "results"))
    recipe = ("nih_any", "mobilenet_v2", "mlp")
    runs = [r for r in list_runs().records if (r.spec.label_scheme, r.spec.architecture, r.spec.head) == recipe]
    runs = [r for r in runs if r.spec.fold is not None]
    assert len(runs) == 3
    (row,) = plan_means([*runs, replace(runs[0], spec=replace(runs[0].spec, head="gru"))])
    values = [overall(r, "test", "accuracy").value for r in runs]
    assert (row.turns, row.name) == (3, runs[0].run_id.rpartition("-")[0])
    assert row.test_accuracy.value == sum(values) / 3
    assert row.test_accuracy.n_images == sum(overall(r, "test", "accuracy").n_images for r in runs)
    assert row.document()["test_auc"] == [row.test_auc.value, row.test_auc.low, row.test_auc.high]
