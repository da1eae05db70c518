"""Published figures on screen: every row in the table, the worst for us first, numbers as they are."""

import pytest

from core.figures.published import (
    MOST_DRAWN,
    figure_words,
    metric_words,
    published_figure,
    published_table,
    summary_words,
    task_words,
)
from core.registry.published_types import VERDICTS, PublishedFigure, PublishedRow, PublishedSummary, Target
from core.types import Estimate, OverlapAudit, RunRecord, RunSpec

RUN = RunRecord(
    schema_version=1, run_id="run-1", status="done", created_utc="now", task="multiclass",
    spec=RunSpec(dataset="chest_xray", label_scheme="pneumonia_cause", architecture="vgg16", head="mlp"),
    audit=OverlapAudit(
        split_kind="group", group_field="patient", groups_in_several_splits=0, images_in_several_splits=0
    ),
)  # fmt: skip


def row(model, theirs, ours=None, verdict="no run yet", *, differs=("a", "b"), half=0.02, class_name=None):
    figure = PublishedFigure(
        key=model, source="castro-perez-2020", dataset_words="data", task_words="three causes", model=model,
        metric_words="accuracy", value=theirs, evaluated_on="random 20% split", n_images=1175, note="a note",
        metric="accuracy", targets=(Target(dataset="chest_xray", label_scheme="pneumonia_cause"),),
    )  # fmt: skip
    if ours is None:
        return PublishedRow(figure=figure, verdict=verdict, reason="why not")
    estimate = Estimate(
        metric="accuracy", value=ours, low=ours - half, high=ours + half, level=0.95, n_images=1043, n_groups=527,
        method="m", split="test", class_name=class_name,
    )  # fmt: skip
    return PublishedRow(
        figure=figure, verdict=verdict, reason="", run=RUN, estimate=estimate, split_kind="group", differs=differs,
        candidates=15, chosen_by="accuracy",
    )  # fmt: skip


ROWS = (
    row("beaten", 0.4749, 0.786, "ahead"), row("waiting", 0.9), row("alike", 0.7955, 0.786, "level"),
    row("better", 0.8213, 0.786, "behind"), row("a size", 7_157_431.0, verdict="not compared"),
)  # fmt: skip


def test_each_figure_has_its_row_and_the_one_that_beats_us_stands_first():
    table = published_table(ROWS)
    assert table["Their model"].tolist() == ["better", "alike", "beaten", "waiting", "a size"]
    assert table["Verdict"].tolist() == ["behind", "level", "ahead", "no run yet", "not compared"]
    first = table.iloc[0]
    assert (first["Theirs"], first["Ours"], first["95 % interval"]) == (0.8213, 0.786, "0.766–0.806")
    assert (first["Our split"], first["Our images"], first["Our groups"]) == ("patient-disjoint", 1043, "527 patients")
    assert (first["Not alike"], first["Chosen from"]) == ("a; b", "15 recipes by Accuracy")
    assert (first["Published by"], first["Their images"], first["Open"]) == (
        "Castro & Pérez 2020", 1175, "run?run=run-1",
    )  # fmt: skip
    assert table.iloc[3]["Not alike"] == "why not"


def test_the_drawing_has_theirs_as_a_diamond_and_ours_with_whiskers_the_worst_on_top():
    figure = published_figure(ROWS)
    diamonds = [t for t in figure.data if t.marker.symbol == "diamond-open"]
    ours = [t for t in figure.data if t.name and t.name.startswith("ours")]
    assert [t.x[0] for t in diamonds] == [0.8213, 0.7955, 0.4749]
    assert [t.name for t in ours] == ["ours, behind", "ours, level", "ours, ahead"]
    assert [t.y[0] for t in ours] == [0, 1, 2]
    assert ours[0].error_x.array[0] == pytest.approx(0.02)
    assert ours[0].error_x.arrayminus[0] == pytest.approx(0.02)
    assert len({t.marker.symbol for t in ours}) == 3  # colour never stands alone
    assert figure.layout.xaxis.range[0] < 0.4749
    assert "better" in figure.layout.annotations[0].text


def test_where_not_all_can_be_drawn_the_ones_that_beat_us_are():
    many = [row(f"m{i}", 0.5, 0.8, "ahead") for i in range(MOST_DRAWN)] + [row("better", 0.9, 0.8, "behind")]
    figure = published_figure(many)
    assert len(figure.layout.annotations) == MOST_DRAWN
    assert "better" in figure.layout.annotations[0].text
    assert "behind in 1: better: 0.9 there, Accuracy 0.800 (0.780–0.820) here" in figure_words(many)


def test_a_long_name_is_cut_for_the_drawing_only():
    name = "a network with a name that fills more than the width of a phone"
    (annotation,) = published_figure([row(name, 0.5, 0.8, "ahead")]).layout.annotations
    first = annotation.text.split("<br>")[0]
    assert first.endswith("…")
    assert len(first) <= 60
    assert published_table([row(name, 0.5, 0.8, "ahead")])["Their model"][0] == name


def summary(ahead=0, level=0, behind=0, waiting=0, never=0, unfair=0):
    counts = dict(zip(VERDICTS, (ahead, level, behind, waiting, never), strict=True))
    return PublishedSummary(total=sum(counts.values()), by_verdict=counts, unfair=unfair)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (
            summary(15, 3, 1, 238, 14, 19),
            "19 of 271 published figures stand beside a run of ours: ahead in 15, level in 3, behind in 1; every one "
            "of these comparisons is not like for like. Of the others, 238 wait for a run and 14 have nothing here "
            "to be compared with.",
        ),
        (
            summary(1, 2, 0, unfair=2),
            "3 of 3 published figures stand beside a run of ours: ahead in 1, level in 2, behind in 0; 2 of these "
            "comparisons are not like for like.",
        ),
        (
            summary(0, 0, 1, 1),
            "1 of 2 published figures stands beside a run of ours: ahead in 0, level in 0, behind in 1; none of these "
            "comparisons is known to be unfair. Of the others, 1 waits for a run.",
        ),
        (
            summary(waiting=5, never=1),
            "None of these 6 published figures stands beside a run yet: 5 wait for a run and 1 has nothing here to be "
            "compared with.",
        ),
    ],
)
def test_the_sentence_counts_every_verdict(counts, words):
    assert summary_words(counts) == words


def test_a_task_says_how_it_ends_names_what_beats_us_and_why_it_is_unfair():
    (task,) = task_words(ROWS)
    assert task.title == "Castro & Pérez 2020, three causes"
    assert task.counts == {"ahead": 1, "level": 1, "behind": 1}
    assert task.behind == "better 0.8213 (Accuracy 0.786 (0.766–0.806) here)"
    assert task.differs == "a; b"


def test_of_many_that_beat_us_with_one_number_three_are_named_and_the_number_once():
    (task,) = task_words([row(f"m{i}", 0.9, 0.8, "behind") for i in range(5)])
    assert task.behind == "m0 0.9, m1 0.9, m2 0.9 and 2 more (Accuracy 0.800 (0.780–0.820) here)"


def test_a_metric_of_a_class_names_it():
    assert metric_words(row("m", 0.5, 0.6, "ahead", class_name="Viral pneumonia")) == "Accuracy for Viral pneumonia"
    assert metric_words(ROWS[0]) == "Accuracy"
