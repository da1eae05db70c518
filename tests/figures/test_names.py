"""Runs that nothing was trained for are told apart, and say what they are made of."""

from dataclasses import replace

from core.figures.names import asked_facts, run_title, run_titles, training_words
from core.types import RunRecord, RunSpec

SPEC = RunSpec(dataset="ham10000", label_scheme="ham_seven", architecture="mobilenet_v2", head="linear",
               strategy="fine_tune")  # fmt: skip


def record(run_id, **changes):
    return RunRecord(
        schema_version=1, run_id=run_id, status="done", created_utc="now", task="multiclass", class_names=("a", "b"),
        spec=replace(SPEC, **changes),
    )  # fmt: skip


def test_the_same_network_asked_otherwise_has_a_title_of_its_own():
    again = {"strategy": "as_trained", "weights": "run:a"}
    runs = [
        record("one", **again),
        record("two", views="four", **again),
        record("three", stated_shares="equal", **again),
    ]
    titles = run_titles(runs)
    assert len(set(titles.values())) == 3
    assert titles["two"].endswith("seen from 4 sides")
    assert titles["three"].endswith("at equal shares")
    beside = run_titles([record("trained"), record("two", views="four", **again)])
    assert beside["two"].endswith("seen from 4 sides")  # what differs for a reader, not how it came about


def test_an_ensemble_names_its_first_member_and_how_many_others():
    spec = replace(SPEC, strategy="ensemble", members=("a", "b", "c"))
    assert run_title(spec).endswith("on MobileNetV2, together with 2 other runs")
    assert run_title(replace(spec, members=("a", "b"))).endswith("together with 1 other run")
    assert asked_facts(spec) == {"Runs that answer together": "a, b, c"}
    assert training_words(spec).startswith("none: stored runs answer together")


def test_only_what_is_not_usual_is_told():
    assert asked_facts(SPEC) == {}
    assert training_words(SPEC).startswith("at most 60 epochs")
    asked = replace(SPEC, strategy="as_trained", views="eight", stated_shares="equal")
    assert asked_facts(asked) == {"Sides of a picture": "8", "Shares of the classes": "equal"}
