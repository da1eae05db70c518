"""The Published page: every figure on it, the words for what is ahead, behind and unfair, the choices in the URL."""

from core.registry.published import published_figures, published_source


def words_of(app):
    return " ".join([*(m.value for m in app.markdown), *(c.value for c in app.caption)]).replace("\\", "")


def test_every_figure_of_the_catalogue_stands_on_the_page(stores, open_page):
    table = open_page("published").dataframe[0].value
    shown = sorted(zip(table["Published by"], table["Task"], table["Their model"], table["Theirs"], strict=True))
    assert shown == sorted(
        (published_source(f.source).title, f.task_words, f.model, f.value) for f in published_figures()
    )


def test_what_beats_us_stands_first_with_its_interval_split_and_numbers(stores, open_page):
    # the weak run of three classes (strength 1.2) stands against 0.8213 and four other accuracies
    app = open_page("published", source="castro-perez-2020")
    table = app.dataframe[0].value
    assert len(table) == 9
    own = {e.metric: e for e in stores["cause"].evaluations[1].estimates if e.class_name is None}["accuracy"]
    best = table[table["Their model"].str.startswith("five") & (table["Metric"] == "Accuracy")].iloc[0]
    assert own.high < 0.8213
    assert table["Verdict"].iloc[0] == best["Verdict"] == "behind"
    assert best["Ours"] == own.value
    assert best["95 % interval"] == f"{own.low:.3f}–{own.high:.3f}"
    assert (best["Our split"], best["Our images"]) == ("patient-disjoint", 160)
    assert "patients kept apart here" in best["Not alike"]
    assert "behind in" in words_of(app)
    assert "Behind five convolutions, 16 to 256 filters 0.8213 (Accuracy" in words_of(app)
    assert "Not alike:" in words_of(app)


def test_source_and_task_come_from_the_link_and_are_counted_anew(stores, open_page):
    app = open_page("published", source="tang-2020")
    assert "None of these 98 published figures" in words_of(app)
    assert len(app.dataframe[0].value) == 98
    assert not app.get("plotly_chart")
    app.selectbox(key="source-select").select("wang-2017").run()
    app.selectbox(key="question-select").select("Pneumonia").run()
    assert (app.query_params["source"], app.query_params["question"]) == ("wang-2017", "Pneumonia")
    assert len(app.dataframe[0].value) == 4
    assert not app.exception


def test_with_nothing_stored_the_figures_stand_there_and_wait(empty_stores, open_page):
    app = open_page("published")
    assert not app.exception
    assert any("make benchmark" in code.value for code in app.code)
    assert set(app.dataframe[0].value["Verdict"]) == {"no run yet", "not compared"}
    assert not app.get("plotly_chart")


def test_a_run_that_leaks_stands_for_nobody_though_it_is_the_best_by_far(stores, open_page):
    table = open_page("published", source="medmnist-v2").dataframe[0].value
    assert f"run?run={stores['leak'].run_id}" not in set(table["Open"])
    assert f"run?run={stores['mlp'].run_id}" in set(table["Open"])
