"""The Compare page: who is ranked, what the sentence says, what is marked and what is left out."""

from dataclasses import replace

from core.figures.names import run_titles


def sentence(app):
    return next(m.value for m in app.markdown if m.value.startswith("####"))


def test_the_sentence_names_the_best_run_and_what_it_beats(stores, open_at):
    text = sentence(open_at("compare", task="pneumonia")).replace("\\", "")
    assert "CNN+MLP on MobileNetV2 has the highest AUC" in text
    assert "Random forest on MobileNetV2" in text
    assert "160 images of 80 patients" in text


def test_a_leaking_run_stands_last_and_is_no_part_of_the_sentence(stores, open_at):
    app = open_at("compare", task="pneumonia")
    table = app.dataframe[0].value
    assert table["Split"].tolist() == ["patient-disjoint"] * 3 + ["random: leaks"]
    assert table["AUC"].iloc[3] == table["AUC"].max()  # it would stand first by its number
    assert "random split" not in sentence(app)
    assert any("37 patients in more than one split" in warning.value for warning in app.warning)


def test_each_row_has_its_interval_worst_class_and_patients(stores, open_at):
    table = open_at("compare", task="pneumonia").dataframe[0].value
    evaluation = stores["mlp"].evaluations[1]
    row = table.iloc[0]
    auc = next(e for e in evaluation.estimates if e.metric == "auc" and e.class_name is None)
    assert row["AUC"] == auc.value
    assert row["95 % interval"] == f"{auc.low:.3f}–{auc.high:.3f}"
    found = {e.class_name: e.value for e in evaluation.estimates if e.metric == "sensitivity" and e.class_name}
    assert row["Worst class"] == min(found, key=found.get)
    assert row["Patients"] == 80
    assert row["Open"] == f"run?run={stores['mlp'].run_id}"


def test_unfinished_and_damaged_runs_are_named_with_their_reason(stores, open_at):
    app = open_at("compare", task="pneumonia")
    words = " ".join(m.value for m in app.markdown).replace("\\", "")
    assert "Gradient boosting on MobileNetV2**, interrupted: stopped by the user" in words
    assert "**broken-run-0badc0de**: not readable as JSON" in words
    assert "Gradient boosting" not in " ".join(app.dataframe[0].value["Run"])


def test_data_set_and_task_come_from_the_link_and_stand_in_it(stores, open_at):
    app = open_at("compare", dataset="chest_xray", task="pneumonia_cause")
    assert app.query_params["task"] == "pneumonia_cause"
    assert len(app.dataframe[0].value) == 1
    app.selectbox(key="dataset-select").select("phantom").run()
    assert app.query_params["dataset"] == "phantom"
    assert app.query_params["task"] == "phantom_nodule"
    assert not app.exception


def test_a_link_to_nothing_shows_the_first_task(stores, open_at):
    app = open_at("compare", dataset="no-such-set", task="<script>")
    assert not app.exception
    assert app.query_params["dataset"] == "chest_xray"


def picker(app):
    return next(m for m in app.multiselect if m.label == "Runs to look at")


def test_the_chosen_runs_decide_which_matrices_are_drawn(stores, open_at):
    app = open_at("compare", task="pneumonia", part="confusion")
    before = len(app.get("plotly_chart"))
    picker(app).set_value([stores["mlp"].run_id]).run()
    assert len(app.get("plotly_chart")) == before - 1
    picker(app).set_value([]).run()
    assert not app.exception


def test_a_link_opens_a_part_and_only_that_part_is_worked_out(stores, open_at):
    app = open_at("compare", task="pneumonia", part="pairs")
    assert not app.exception and app.query_params["part"] == "pairs"
    words = " ".join(m.value for m in app.markdown).replace("\\", "")
    assert "Of 1 pairs 1 can be told apart on these 160 images." in words
    assert "CNN+MLP on MobileNetV2 is ahead of Random forest on MobileNetV2 by 0." in words
    assert len(app.get("plotly_chart")) == 2  # the leaderboard and the matrix
    pairs = next(d.value for d in app.dataframe if "p (Holm)" in d.value)
    assert pairs["Told apart"].tolist() == ["yes"]
    assert pairs["DeLong p (Holm)"].iloc[0] < 0.001 and 0 < pairs["McNemar p (Holm)"].iloc[0] <= 1


def test_agreement_counts_every_image_once_and_lists_them(stores, open_at):
    app = open_at("compare", task="pneumonia", part="agreement")
    cells = {m.label: int(m.value) for m in app.metric}
    assert sum(cells.values()) == 160
    shown = next(d.value for d in app.dataframe if "first_score" in d.value)
    assert len(shown) == cells["only the first right"]
    assert any("not on this machine" in c.value for c in app.caption)


def test_cost_repeats_and_differences_open_from_their_links(stores, open_at):
    app = open_at("compare", task="pneumonia", part="cost")
    assert any("both cheaper and better than these" in m.value for m in app.markdown)
    assert any("Milliseconds per image: not stated" in c.value for c in app.caption)
    app = open_at("compare", task="pneumonia", part="differences")
    frame = next(d.value for d in app.dataframe if "Field" in d.value)
    assert frame["Field"].tolist() == ["head"]
    assert frame.iloc[0].tolist()[1:] == ["mlp", "random_forest"]
    app = open_at("compare", task="pneumonia", part="repeats")
    assert not app.exception
    assert any("run once" in i.value for i in app.info)


def test_filters_and_columns_stand_in_the_link(stores, open_at):
    app = open_at("compare", task="pneumonia", head="mlp.dummy", columns="brier")
    table = app.dataframe[0].value
    assert set(table["Run"].str.split(" on | \\(").str[0]) == {"CNN+MLP", "Majority class"}
    assert app.query_params["head"] == "dummy.mlp"
    assert list(app.dataframe[0].proto.column_order) == ["Run", "Brier score"]
    next(m for m in app.multiselect if m.label == "Head").set_value([]).run()
    assert "head" not in app.query_params and len(app.dataframe[0].value) == 4


def test_equal_titles_are_told_apart(stores):
    titles = run_titles([stores["mlp"], stores["leak"]])
    assert len(set(titles.values())) == 2
    assert titles[stores["leak"].run_id].endswith("random split")


def test_what_scores_higher_on_other_test_images_is_named_beside_the_sentence(stores, open_page, monkeypatch):
    from pages.ui import headlines_cache

    mlp = stores["mlp"]
    test = next(e for e in mlp.evaluations if e.split == "test")
    best = tuple(replace(x, value=0.999, low=0.99, high=1.0) if x.metric == "auc" else x for x in test.estimates)
    turns = tuple(
        replace(
            mlp, run_id=f"turn-{k}", spec=replace(mlp.spec, strategy="fine_tune", fold=k),
            evaluations=(*(e for e in mlp.evaluations if e.split != "test"), replace(test, estimates=best)),
        )
        for k in (0, 1)
    )  # fmt: skip
    finished = headlines_cache.finished_headlines()
    monkeypatch.setattr(headlines_cache, "finished_headlines", lambda: (*finished, *turns))
    app = open_page("compare", dataset=mlp.spec.dataset, task=mlp.spec.label_scheme)
    said = [m.value for m in app.markdown if m.value.startswith("Higher, but on other test images")]
    assert not app.exception and len(said) == 1
    assert "the mean of 2 turns" in said[0] and "0.999 (" in said[0]
    monkeypatch.setattr(headlines_cache, "finished_headlines", lambda: finished)
    assert not [m for m in open_page("compare").markdown if m.value.startswith("Higher, but")]


def test_what_has_most_runs_stands_first_and_phantoms_last():
    from pages.ui.comparing import most_first

    assert most_first(["b", "phantom", "phantom", "phantom", "c", "c", "a"]) == ["c", "a", "b", "phantom"]
