"""The Train page: plans and choices, one start in the background, results from outside, and who may do it."""

import time

import pytest

from core.jobs import queue
from core.store.runs import load_predictions
from core.training.plan import load_plan

pytestmark = pytest.mark.usefixtures("routed")


@pytest.fixture
def page(stores, open_page, monkeypatch, tmp_path, results):
    """The page with a cache and results of its own; what it would start is told and not trained."""
    import shutil

    own = tmp_path / "results"
    shutil.copytree(results[0], own)
    monkeypatch.setenv("MEDLENS_RESULTS", str(own))
    monkeypatch.setenv("MEDLENS_CACHE", str(tmp_path / "cache"))
    real = queue.start_command
    waits = "import time\nprint('at work', flush=True)\ntime.sleep(60)"
    monkeypatch.setattr(
        queue, "start_command",
        lambda title, plan, ids, arguments, own_plan=None: real(title, plan, ids, ["-c", waits], own_plan=own_plan),
    )  # fmt: skip
    yield open_page
    for job in queue.jobs():
        queue.stop(job.job_id, now=True)


def press(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def words(app):
    shown = [*app.markdown, *app.caption, *app.info, *app.warning, *app.success, *app.error]
    return " ".join(element.value for element in shown).replace("\\", "")


def wait_until(found, seconds=20):
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_plan_shows_its_runs_starts_is_followed_stopped_and_removed(page):
    app = page("train", plan="phantom")
    assert app.code[0].value == "python -m core benchmark phantom"
    plan = load_plan("phantom")
    table = app.dataframe[0].value
    assert len(table) == len(plan.runs) == 6
    assert "6 runs, 0 stored." in words(app)
    assert set(table["Time"]) == {"not known"}  # no stored run of these networks
    press(app, "Start 6 runs")
    (job,) = queue.jobs()
    assert job.request.plan == "phantom"
    assert list(job.request.run_ids) == table["Run id"].tolist()
    wait_until(lambda: queue.jobs()[0].state == "running")
    app.run()
    assert "0 of 6 runs stored" in str([p.proto for p in app.get("progress")])
    assert next(b for b in app.button if b.label == "Start 6 runs").disabled  # one at a time of the same kind
    press(app, "Stop")
    wait_until(lambda: queue.jobs()[0].state == "stopped")
    app.run()
    assert {"Resume", "Remove from this list"} <= {button.label for button in app.button}
    press(app, "Remove from this list")
    assert queue.jobs() == ()


def test_choices_become_a_plan_file_and_its_command(page):
    app = page("train")
    app.button_group[0].set_value("own").run()
    assert app.code[0].value == "python -m core benchmark own.toml"
    assert len(app.dataframe[0].value) == 1
    press(app, "Start 1 run")
    (job,) = queue.jobs()
    (spec,) = load_plan(str(job.folder / "own.toml")).runs
    assert (spec.dataset, spec.architecture, spec.strategy, spec.split) == ("phantom", "compact_cnn", "scratch", "auto")


def test_data_that_are_not_here_are_named_and_stored_plans_lead_to_compare(page):
    app = page("train", plan="leakage")
    assert "Not on this machine: Chest X-ray pneumonia (Kermany)." in words(app)
    assert next(button for button in app.button if button.label == "Start 4 runs").disabled


@pytest.mark.parametrize("switch", ["off", ""])
def test_visitors_of_a_server_that_is_open_or_switched_off_start_nothing(page, monkeypatch, switch):
    from pages.ui import training_plan

    monkeypatch.setenv("MEDLENS_TRAINING", switch)
    monkeypatch.delenv("MEDLENS_TOKEN", raising=False)
    if not switch:
        monkeypatch.setattr(training_plan, "is_loopback", lambda address: False)
    app = page("train", plan="phantom")
    assert ("switched training off" if switch else "Anybody can reach this server") in words(app)
    assert next(button for button in app.button if button.label.startswith("Start")).disabled
    assert not app.file_uploader


def test_scores_from_a_file_become_a_run_or_their_faults_are_shown(page, stores):
    own = load_predictions(stores["mlp"].run_id)
    lines = [f"{i},{y},{p[0]!r},{p[1]!r}" for i, y, p in
             zip(own.image_ids, own.y_true.tolist(), own.y_prob.tolist(), strict=True)]  # fmt: skip
    header = "image_id,y_true,p_Normal,p_Pneumonia"
    app = page("train")
    app.selectbox(key="import-dataset").select("chest_xray").run()
    app.text_input(key="import-name").input("Net of the ward").run()
    app.file_uploader(key="import-test").upload("bad.csv", "\n".join([header, *lines[:5], "x,0,2,0"]).encode()).run()
    press(app, "Check and add")
    assert "row 7: '2' is no probability of Normal" in words(app)
    app.file_uploader(key="import-test").upload("good.csv", "\n".join([header, *lines]).encode()).run()
    press(app, "Check and add")
    assert "Net of the ward stands beside the other runs now" in words(app)
    for name in ("compare", "run", "published"):
        app.switch_page(f"pages/{name}.py")
        if name == "run":
            found = [run for run in _runs() if run.startswith("chest-xray-pneumonia-net-of-the-ward")]
            app.query_params["run"] = found[0]
        app.run()
        assert not app.exception
        assert [e.value for e in app.error if "incident" in e.value] == []
        if name == "run":
            assert "This run was not trained here: its scores came from the file good.csv." in words(app)
            assert "benchmark" not in " ".join(code.value for code in app.code)
        if name == "compare":
            assert "Net of the ward (imported)" in str(app.dataframe[0].value.to_dict())


def _runs():
    from core.store.runs import list_runs

    return [record.run_id for record in list_runs().done]
