"""The Learn page on the runs and the trace that ship, the presenter's view over it, and its language."""

import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import ExplanationFailed
from core.language import speak_for
from core.registry.lessons import LESSONS, OVERFITTING_RUNS, ROC_RUN
from core.store.runs import load_history
from pages.ui import door, languages, presenting

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def opened():
    """opened("roc", present="1") -> the Learn page on the repository's own results and models."""

    def look(lesson, page="learn", **query):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
        app.run()
        app.switch_page(f"pages/{page}.py")
        for name, value in {"lesson": lesson, **query}.items():
            if value:
                app.query_params[name] = value
        return app.run()

    yield look
    speak_for(lambda: "en")


def said(app):
    return " ".join(m.value for m in app.markdown)


@pytest.mark.slow
def test_every_lesson_has_its_link_one_idea_something_to_move_and_questions(opened):
    app = opened(LESSONS[0])
    titles = set()
    for lesson in LESSONS:
        app.query_params["lesson"] = lesson
        app.run()
        assert not app.exception and [e.value for e in app.error] == []
        assert app.get("button_group")[0].value == lesson
        assert len(app.slider) + len(app.select_slider) == 1
        assert "Ask the class" in said(app)
        titles.add(app.header[0].value)
    assert len(titles) == len(LESSONS)
    assert len(app.get("page_link")) == 3  # the tours


@pytest.mark.slow
def test_the_network_lesson_leads_from_the_picture_to_the_probability(opened):
    app = opened("network")
    walls = []
    for stop in range(10):
        app.select_slider[0].set_value(stop).run()
        assert not app.exception
        walls.append(len(app.image))
        if stop == 8:
            listed = app.dataframe[0].value
            assert len(listed) == 12
            products = (listed.iloc[:, 1] * listed.iloc[:, 2]).tolist()
            assert products == pytest.approx(listed.iloc[:, 3].tolist(), abs=1e-6)
            assert "only the largest is kept" in said(app) and "stored numbers are rounded" in said(app)
    assert walls[1] == 2  # filters and what they give
    assert set(walls[2:9]) == {1}
    assert len(app.get("plotly_chart")) == 1
    assert "**0.988**" in said(app)


@pytest.fixture
def live(opened, monkeypatch):
    """The lesson on networks with a model that ships and no picture yet; `live.calls` grows with each one followed."""
    calls, real = [], door.live_trace
    monkeypatch.setattr(door, "live_trace", lambda name, pixels: calls.append(name) or real(name, pixels))

    def look(model, **query):
        app = opened("network", live="1", model=model, **query)
        app.session_state["source"] = ":material/collections: Samples"
        return app.run()

    look.calls = calls
    return look


@pytest.mark.slow
def test_a_picture_of_ones_own_is_followed_through_a_model_and_its_numbers_add_up(live):
    app = live("phantom-nodule")
    assert not app.exception and app.toggle[0].value
    assert any("Nothing chosen yet" in caption.value for caption in app.caption)
    assert live.calls == [] and not app.select_slider
    app.button(key="sample-phantom-0").click().run()
    slider = app.select_slider[0]
    assert slider.options[0] == "Pixels" and slider.options[-2:] == ["One number a map", "Answer"]
    assert not app.warning  # a phantom, and a network for phantoms
    slider.set_value(len(slider.options) - 1).run()
    assert not app.exception
    table = app.dataframe[0].value
    assert table["Class"].tolist() == ["No nodule", "Nodule"]
    assert table["Added up here"].tolist() == pytest.approx(table["The network's own score"].tolist(), abs=1e-4)
    assert table["Probability"].sum() == pytest.approx(1.0)
    assert f"**{table['Probability'][1]:.3f}**" in said(app)
    app.selectbox(key="network-class-phantom-nodule-select").set_value("No nodule").run()
    assert f"**{table['Probability'][0]:.3f}**" in said(app)
    assert any("not a diagnosis" in warning.value for warning in app.warning)
    app.button(key="sample-phantom-1").click().run()
    app.button(key="sample-phantom-0").click().run()
    assert live.calls == ["phantom-nodule"] * 2  # the first picture is remembered
    assert app.select_slider[0].value == len(slider.options) - 1  # and met where the other one was left
    app.toggle[0].set_value(False).run()
    assert "live" not in app.query_params
    assert app.select_slider[0].value == 0 and not app.selectbox


@pytest.mark.slow
def test_every_stop_of_a_large_network_is_shown_with_doubts_where_the_picture_is_not_its_own(live):
    app = live("skin-lesion")
    app.button(key="sample-phantom-0").click().run()
    assert any("its answer means nothing here" in warning.value for warning in app.warning)
    count = len(app.select_slider[0].options)
    for stop in range(1, count):
        app.select_slider[0].set_value(stop).run()
        assert not app.exception and [e.value for e in app.error] == []
        assert app.image or app.get("plotly_chart")
    assert len(app.dataframe[0].value) == 7


def test_the_stored_lesson_asks_no_engine_for_anything(opened, monkeypatch):
    monkeypatch.setattr(door, "live_trace", lambda name, pixels: pytest.fail("nobody asked for it"))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # an import of it would now fail
    app = opened("network")
    app.select_slider[0].set_value(8).run()
    assert not app.exception and [e.value for e in app.error] == []
    assert not app.toggle[0].value and len(app.dataframe[0].value) == 12


def test_what_is_no_picture_and_what_cannot_be_followed_are_sentences(opened, monkeypatch):
    app = opened("network", live="1", model="phantom-nodule")
    app.file_uploader[0].upload("notes.txt", b"nothing to see here").run()
    assert len(app.error) == 1 and not app.exception and not app.select_slider

    def refused(name, pixels):
        raise ExplanationFailed("runs in Keras alone")

    monkeypatch.setattr(door, "live_trace", refused)
    app.session_state["source"] = ":material/collections: Samples"
    app.run()
    app.button(key="sample-phantom-0").click().run()
    assert [e.value for e in app.error][1:] == ["runs in Keras alone"]  # the file is still there
    assert not app.exception


@pytest.mark.slow
def test_dragging_the_threshold_moves_counts_and_point(opened):
    app = opened("roc", run=ROC_RUN)
    assert "finds **0** of 80" in said(app)
    app.slider[0].set_value(0.0).run()
    assert "finds **80** of 80 and raises **80** false alarms" in said(app)
    app.slider[0].set_value(0.5).run()
    assert "finds **80** of" not in said(app)
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))


@pytest.mark.slow
def test_switches_choose_the_training_and_the_epoch_says_whether_it_still_learns(opened):
    app = opened("overfitting")
    assert "only its training images" in said(app)
    app.slider[0].set_value(8).run()
    assert "still learns" in said(app)
    app.toggle(key="fit-dropout").set_value(True).run()
    app.slider[0].set_value(50).run()
    last = load_history(OVERFITTING_RUNS[True, False], ROOT / "results").iloc[-1]
    assert f"is **{last['loss']:.3f}** and on validation images **{last['val_loss']:.3f}**" in said(app)


def test_a_rarer_illness_makes_saying_no_look_better(opened):
    app = opened("imbalance")
    assert "Accuracy **0.980**" in said(app)
    app.select_slider[0].set_value(0.5).run()
    assert "misses all 500" in said(app)
    assert "Accuracy **0.500**" in said(app)


@pytest.mark.slow
def test_grad_cam_has_five_steps_and_ends_on_the_nodule(opened):
    app = opened("gradcam")
    for step in range(5):
        app.select_slider[0].set_value(step).run()
        assert not app.exception
        assert app.image or app.get("plotly_chart")
    assert "inside the planted nodule" in said(app)


@pytest.mark.slow
def test_without_runs_and_trace_a_lesson_says_what_makes_them(empty_stores, opened):
    commands = {
        "network": "models trace", "gradcam": "models trace", "roc": "make benchmark", "imbalance": "make benchmark",
        "overfitting": "benchmark lesson-overfitting",
    }  # fmt: skip
    app = opened("network")
    for lesson, command in commands.items():
        app.query_params["lesson"] = lesson
        app.run()
        assert not app.exception
        assert any(command in code.value for code in app.code)
    assert sum("cannot be shown" in c.value for c in app.caption) == 3  # the tours lead to runs that are not here


def test_the_presenters_view_hides_what_is_not_for_the_room_and_shows_the_way_on(opened):
    app = opened("imbalance", present="1", tour="stakeholders", step="4")
    assert not app.exception and [e.value for e in app.error] == []
    assert app.title[0].value == "The accuracy paradox"
    assert not app.main.get("button_group") and not app.get("page_link")
    assert "Step 4 of 5" in said(app)
    assert any("stSidebar" in h.proto.body for h in app.get("html"))
    # tests/browser presses them: AppTest loses the click of a button that stands in app.py itself
    assert not app.button(key="tour-PageDown").disabled
    app.query_params["step"] = "5"
    app.run()
    assert app.button(key="tour-PageDown").disabled and not app.button(key="tour-PageUp").disabled


@pytest.mark.parametrize(("tour", "step"), [("nobody", "1"), ("stakeholders", "9"), ("../x", "1")])
def test_a_broken_tour_is_a_sentence_and_the_page_opens_all_the_same(opened, tour, step):
    app = opened("imbalance", present="1", tour=tour, step=step)
    assert not app.exception
    assert len(app.error) == 1
    assert app.get("plotly_chart")


def test_the_link_switches_to_spanish_and_the_switch_back(opened):
    app = opened("roc", lang="es")
    assert app.title[0].value == "Aprender"
    assert "Para preguntar en clase" in said(app)
    app.slider[0].set_value(0.3).run()
    assert "falsas alarmas" in said(app)
    app.switch_page("pages/learn.py").run()  # without the link's parameter the session remembers
    assert app.title[0].value == "Aprender"
    app.get("button_group")[-1].set_value("en").run()
    assert app.title[0].value == "Learn"


def test_outside_of_a_session_english_is_spoken_and_there_is_no_presenters_view():
    assert languages.reader() == "en"
    assert not presenting.presenting()


def test_the_switch_is_shown_once_the_catalogue_is_complete_or_a_link_asked_for_a_language(opened, monkeypatch):
    switches = {}
    for complete in (False, True):
        monkeypatch.setattr(languages, "COMPLETE", complete)
        switches[complete] = [group.value for group in opened("gradcam").get("button_group")]
    assert switches[False] == ["gradcam"]
    assert sorted(switches[True]) == ["en", "gradcam"]
