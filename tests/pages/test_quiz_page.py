"""The quiz: guess, truth, network and map, the class's score against each network's, a room's hands, files."""

import csv
import io

import numpy as np
import pytest

from core.errors import ImageRefused
from core.evaluation.quiz import QuizPicture, quiz_score
from core.store.models import list_models
from core.store.runs import list_runs
from pages.ui import quiz_deck, quiz_rivals
from pages.ui.quiz_round import QuizRound, answers_csv, score_csv


def said(app):
    return " ".join(m.value for m in app.markdown)


@pytest.mark.slow
def test_a_round_is_played_to_its_end_and_begins_anew(stores, open_page, fake_network):
    app = open_page("quiz")
    assert not app.exception and [e.value for e in app.error] == []
    assert not fake_network.calls  # nothing is asked before the guess
    deck = app.session_state["quiz"].deck
    assert [p.truth for p in deck].count("Nodule") == len(deck) / 2 == 6
    for number, picture in enumerate(deck[:3], start=1):
        assert f"Picture {number} of 12" in [s.value for s in app.subheader]
        app.button(key="quiz-guess-2").click().run()
        assert len(fake_network.calls) == number
        captions = [image.proto.imgs[0].caption for image in app.image]
        assert captions == [f"The truth: {picture.truth}", "Where the network looked for Nodule"]
        assert f"You: **Nodule**: {'right' if picture.truth == 'Nodule' else 'wrong'}" in said(app)
        app.button(key="quiz-next").click().run()
    app.session_state["quiz"].skipped = 9  # the other nine are left out
    app.run()
    right = sum(p.truth == "Nodule" for p in deck[:3])
    table = app.table[0].value
    # the fake network calls every picture a nodule too
    assert table.iloc[0].tolist()[1] == f"{right} / 3" == table.iloc[1].tolist()[1]
    assert "(" in table.iloc[0].tolist()[2]
    app.button(key="quiz-again").click().run()
    assert "Picture 1 of 12" in [s.value for s in app.subheader]
    assert not set(deck) & set(app.session_state["quiz"].deck)
    assert not app.table


@pytest.mark.slow
def test_a_room_answers_with_most_hands_and_a_tie_does_not(stores, open_page, fake_network):
    app = open_page("quiz")
    app.toggle(key="quiz-hands").set_value(True).run()
    app.button(key="quiz-room").click().run()
    assert [w.value for w in app.warning] == ["No hand has been counted yet."]
    app.number_input(key="quiz-hands-0-1").set_value(20)
    app.number_input(key="quiz-hands-0-2").set_value(20)
    app.button(key="quiz-room").click().run()
    assert [w.value for w in app.warning] == ["A tie. The class decides with a word:"]
    assert not fake_network.calls
    app.button(key="quiz-tie-1").click().run()
    deck = app.session_state["quiz"].deck
    assert "The class: **No nodule**, 20 of 40 hands" in said(app)
    assert app.session_state["quiz"].answers[0].hands == {"No nodule": 20, "Nodule": 20}
    app.button(key="quiz-next").click().run()
    app.number_input(key="quiz-hands-1-2").set_value(30)  # the other stays empty
    app.button(key="quiz-room").click().run()
    assert app.session_state["quiz"].answers[1].hands == {"No nodule": 0, "Nodule": 30}
    table = app.table[0].value
    shares = [0.5, float(deck[1].truth == "Nodule")]
    votes = (deck[0].truth == "No nodule") + (deck[1].truth == "Nodule")
    called = sum(p.truth == "Nodule" for p in deck[:2])  # the fake network calls every picture a nodule
    assert table["Who"].tolist() == ["The class, mean share of hands", "The class, by majority", "The network"]
    assert table["Right"].tolist() == [f"{sum(shares)} / 2", f"{votes} / 2", f"{called} / 2"]
    ahead = sum(shares) / 2 - called / 2
    assert table["Class ahead by"].iloc[2].startswith(f"{ahead:+.2f}".replace("-", "−").replace("+0.00", "0.00"))
    assert {b.proto.id.split("-")[-1] for b in app.get("download_button")} == {"csv"}
    app.button(key="quiz-restart").click().run()
    assert not app.session_state["quiz"].answers


def test_heads_other_models_and_stored_runs_are_held_against_the_class(stores, results, models, monkeypatch, tmp_path):
    monkeypatch.setattr(quiz_deck.cache, "datasets_at_hand", lambda: ["chest_xray"])
    cards, runs = list_models(models).cards, list_runs(results[0]).done
    source = quiz_deck.quiz_sources(cards, runs, ["chest_xray"])["real"]
    scores = quiz_deck.cache.predictions(source.record, "test")
    deck = tuple(
        QuizPicture(str(i), "", scores.class_names[int(y)])
        for i, y in zip(scores.image_ids[:5], scores.y_true[:5], strict=True)
    )
    played = QuizRound(model="real", number=1, deck=deck)
    for picture in deck:
        played.answer(picture.truth, "Normal", 0.6)
        played.onward()
    there = quiz_rivals.runs_there(source, played)
    assert {r.run_id for r in there} == {results[1][k].run_id for k in ("forest", "dummy", "leak")}
    rivals = quiz_rivals.stored_rivals(there, played)
    assert len(set(rivals.names.values())) == 3
    calls = rivals.calls[results[1]["dummy"].run_id]  # which answers every picture alike
    assert len(calls) == 5 and len(set(calls)) == 1
    score = quiz_score(played.answers, rivals.calls)
    assert score.gaps[results[1]["dummy"].run_id].value == 1 - score.others[results[1]["dummy"].run_id].value
    elsewhere = QuizRound(model="real", number=1, deck=(*deck, QuizPicture("of another part", "", "Normal")))
    elsewhere.answers = played.answers
    assert quiz_rivals.stored_rivals(there, elsewhere).calls == {}


@pytest.mark.slow
def test_heads_on_the_same_features_answer_with_cuts_of_their_own():
    (source,) = quiz_deck.quiz_sources(list_models().cards, list_runs().done, []).values()
    played = QuizRound(model=source.card.name, number=1, deck=quiz_deck.deck(source, 1))
    for _ in range(2):
        played.answer("Nodule", "Nodule", 0.9)
        played.onward()
    rivals = quiz_rivals.live_rivals(source, {source.card.name: source}, played)
    assert list(rivals.names.values())[1:] == ["Logistic regression", "Random forest", "Gradient boosting"]
    assert all(len(calls) == 2 and set(calls) <= set(source.card.class_names) for calls in rivals.calls.values())
    assert played.others.keys() == {p.image_id for p in played.deck[:2]}


def test_without_a_model_the_page_says_what_makes_one(empty_stores, open_page):
    app = open_page("quiz")
    assert not app.exception
    assert any("export RUN_ID" in code.value for code in app.code)


def test_a_picture_that_cannot_be_read_is_passed_over(stores, open_page, fake_network, monkeypatch):
    def broken(path):
        raise ImageRefused("this file is no picture")

    monkeypatch.setattr(quiz_deck, "picture_of", broken)
    app = open_page("quiz")
    assert [e.value for e in app.error] == ["this file is no picture"]
    app.button(key="quiz-skip").click().run()
    assert app.session_state["quiz"].position == 1
    assert not app.exception


def test_the_shipped_networks_were_trained_on_nothing_that_the_quiz_shows():
    sources = quiz_deck.quiz_sources(list_models().cards, list_runs().done, ["ham10000"])
    assert next(iter(sources)) == "phantom-nodule"
    for source in sources.values():
        if source.synthetic:
            assert source.record.spec.dataset_options["seed"] < quiz_deck.QUIZ_SEED
        else:
            assert source.card.training_dataset == "ham10000"
    assert quiz_deck.quiz_sources(list_models().cards, (), ["ham10000"]).keys() == {"phantom-nodule"}


ROUND = (QuizPicture("=1+1", "p0", "ill"), QuizPicture("b", "p1", "well"), QuizPicture("c", "p2", "well"))


def test_a_round_takes_one_answer_a_picture_and_skips_only_before_it():
    played = QuizRound(model="m", number=1, deck=ROUND)
    played.answer("ill", "well", 0.6)
    played.answer("well", "well", 0.6)
    played.skip()
    assert (len(played.answers), played.position, played.revealed) == (1, 0, True)
    played.onward()
    played.skip()
    assert (played.position, played.picture.image_id) == (2, "c")
    played.answer("well", "well", 0.9, {"well": 3})
    assert not played.over
    played.onward()
    played.answer("ill", "ill", 0.5)
    assert played.over and len(played.answers) == 2


def test_the_file_of_answers_is_read_back_and_holds_no_formula():
    played = QuizRound(model="m", number=1, deck=ROUND)
    played.answer("ill", "well", 0.625, {"ill": 4, "well": 1})
    (row,) = csv.DictReader(io.StringIO(answers_csv(played, ("well", "ill"))))
    assert (row["image_id"], row["truth"], row["guess_right"], row["network_right"]) == ("'=1+1", "ill", "1", "0")
    assert (row["stated"], row["hands_ill"], row["hands_well"], row["model"]) == ("0.625", "4", "1", "m")
    assert row["share_right"] == "0.8"
    calls = {"random_forest": ["=ill"]}
    (row,) = csv.DictReader(io.StringIO(answers_csv(played, ("well", "ill"), calls)))
    assert row["call_random_forest"] == "'=ill"
    lines = list(csv.DictReader(io.StringIO(score_csv("m", quiz_score(played.answers, calls)))))
    assert [line["who"] for line in lines] == ["vote", "hands", "m", "random_forest"]
    assert [line["share_right"] for line in lines] == ["1.0", "0.8", "0.0", "0.0"]
    assert (lines[0]["class_ahead"], lines[2]["class_ahead"], lines[0]["ahead_low"]) == ("", "0.8", "")
    assert float(lines[1]["low"]) < 0.8 < float(lines[1]["high"])


@pytest.mark.parametrize("number", [1, 2])
def test_a_deck_of_phantoms_can_be_drawn_and_says_what_is_in_them(stores, results, models, number):
    sources = quiz_deck.quiz_sources(list_models(models).cards, list_runs(results[0]).done, [])
    (source,) = sources.values()
    deck = quiz_deck.deck(source, number)
    ill = next(p for p in deck if p.truth == "Nodule")
    assert quiz_deck.picture_of(ill.path).shape == (448, 448, 3)
    assert quiz_deck.planted_boxes(ill.path, "Nodule")
    assert quiz_deck.planted_boxes("/some/file.png", "Nodule") == ()
    assert np.array_equal(quiz_deck.picture_of(ill.path), quiz_deck.picture_of(ill.path))
