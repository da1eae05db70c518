"""The Run page: one run in full, the cut that moves everything with it, and the way to make it again."""

import tomllib

import pytest

from core.evaluation.operating import at_threshold, threshold_table
from core.store.runs import load_predictions


def tiles(app):
    return {metric.label: metric.value for metric in app.metric}


def test_the_link_chooses_the_run(stores, open_page):
    app = open_page("run", run=stores["forest"].run_id)
    assert app.selectbox(key="run-select").value == stores["forest"].run_id
    assert app.query_params["run"] == stores["forest"].run_id


def test_a_link_to_a_run_that_is_not_there_says_so(stores, open_page):
    app = open_page("run", run="../../etc/passwd")
    assert not app.exception
    assert any("There is no run" in warning.value for warning in app.warning)


def test_the_tiles_show_the_stored_numbers_with_their_intervals(stores, open_page):
    app = open_page("run", run=stores["mlp"].run_id)
    auc = next(e for e in stores["mlp"].evaluations[1].estimates if e.metric == "auc" and e.class_name is None)
    tile = next(metric for metric in app.metric if metric.label == "AUC")
    assert 0.995 <= auc.value < 1  # two decimals would call it perfect
    assert tile.value == f"{auc.value:.3f}"
    assert tile.delta == f"({auc.low:.3f}–{auc.high:.3f})"


@pytest.mark.parametrize("cut", [0.0, 0.2, 0.9, 1.0])
def test_moving_the_cut_moves_sentence_and_tiles_together(cut, stores, open_page, results):
    record = stores["mlp"]
    app = open_page("run", run=record.run_id)
    app.slider[0].set_value(cut).run()
    point = at_threshold(threshold_table(load_predictions(record.run_id, "test", results[0])), cut)
    said = next(m.value for m in app.markdown if m.value.startswith("At this cut"))
    assert f"finds **{point.tp}** of {point.tp + point.fn}" in said
    assert f"raises **{point.fp}** false alarms" in said
    shown = tiles(app)
    assert shown["Sensitivity"] == f"{point.sensitivity:.2f}"
    assert shown["Specificity"] == f"{point.specificity:.2f}"
    assert shown["PPV"] == ("not defined" if point.ppv is None else f"{point.ppv:.2f}")
    assert shown["NPV"] == ("not defined" if point.npv is None else f"{point.npv:.2f}")


def test_at_the_stored_cut_the_tiles_are_the_stored_estimates(stores, open_page):
    record = stores["mlp"]
    shown = tiles(open_page("run", run=record.run_id))
    for metric, label in (("sensitivity", "Sensitivity"), ("specificity", "Specificity"), ("ppv", "PPV")):
        stored = next(e for e in record.evaluations[1].estimates if e.metric == metric and e.class_name is None)
        assert shown[label] == f"{stored.value:.2f}"


def test_three_classes_each_have_a_cut_of_their_own(stores, open_page):
    app = open_page("run", run=stores["cause"].run_id)
    assert not app.exception
    control = app.get("segmented_control")[0]
    assert control.options == list(stores["cause"].class_names)
    control.set_value("Viral pneumonia").run()
    assert not app.exception
    assert any("images with Viral pneumonia" in m.value for m in app.markdown)


def test_an_unfinished_run_says_why_and_still_shows_its_spec(stores, open_page):
    app = open_page("run", run=stores["stopped"].run_id)
    assert not app.exception
    assert any("stopped by the user" in warning.value for warning in app.warning)
    assert not app.metric
    assert app.table


def test_the_plan_file_makes_the_same_run(stores, open_page):
    from core.store.codec import run_id_of
    from core.types import PreprocessSpec, RunSpec

    record = stores["forest"]
    app = open_page("run", run=record.run_id)
    command, plan = app.code[0].value, app.code[1].value
    assert command == f"python -m core benchmark {record.run_id}.toml --root DIR"
    fields = tomllib.loads(plan)["runs"][0]
    again = RunSpec(
        **{k: fields[k] for k in ("dataset", "label_scheme", "architecture", "head", "epochs", "weights", "split")},
        preprocess=PreprocessSpec(**fields["preprocess"]),
    )
    assert run_id_of(again) == record.run_id
