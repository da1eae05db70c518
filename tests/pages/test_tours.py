"""Tours: every step of those that ship leads somewhere, and one that does not is refused with its step and reason."""

import pytest

from core.errors import SpecInvalid
from core.language import LANGUAGES, speak_for
from pages.ui import tours
from pages.ui.presenting import step_number

GOOD = """
minutes = 3
[title]
en = "A tour"
[summary]
en = "For tests"
[[steps]]
page = "compare"
query = { dataset = "phantom" }
[steps.say]
en = "Look"
es = "Miren"
"""


@pytest.fixture(params=tours.tour_keys())
def shipped(request):
    return tours.load_tour(request.param)


@pytest.fixture
def written(tmp_path):
    def write(text, name="mine"):
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def test_three_tours_ship_the_shortest_first():
    keys = tours.tour_keys()
    assert set(keys) == {"stakeholders", "roc-lesson", "architectures"}
    minutes = [tours.load_tour(key).minutes for key in keys]
    assert minutes == sorted(minutes)


def test_every_step_of_a_shipped_tour_leads_to_a_page_a_run_a_model_and_a_data_set_that_are_there(shipped):
    assert tours.broken_links(shipped) == []


def test_a_shipped_tour_says_its_sentences_in_every_language(shipped):
    for words in (shipped.title, shipped.summary, *(step.say for step in shipped.steps)):
        assert set(words) == set(LANGUAGES)


def test_a_step_is_a_link_with_the_presenters_view_in_it(written):
    tour = tours.load_tour("mine", written(GOOD))
    assert tours.link_of(tour, 1) == "/compare?dataset=phantom&present=1&tour=mine&step=1"


def test_words_are_in_the_readers_language_and_in_english_where_there_are_none(written):
    tour = tours.load_tour("mine", written(GOOD))
    speak_for(lambda: "es")
    try:
        assert (tours.in_words(tour.steps[0].say), tours.in_words(tour.title)) == ("Miren", "A tour")
    finally:
        speak_for(lambda: "en")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('page = "compare"', 'page = "../secret"', "page '../secret'"),
        ('page = "compare"', 'page = "elsewhere"', "Step 1 leads to the page 'elsewhere'"),
        ('dataset = "phantom"', 'dataset = "atlantis"', "data set of the catalogue 'atlantis'"),
        ('dataset = "phantom"', 'run = "no-such-run-0badc0de"', "finished run in results/"),
        ('dataset = "phantom"', 'run = "../../etc"', "finished run in results/"),
        ('dataset = "phantom"', 'model = "nobody"', "model in models/"),
        ('dataset = "phantom"', 'lesson = "cooking"', "lesson of the Learn page"),
        ('dataset = "phantom"', 'task = "cooking"', "label scheme"),
        ('dataset = "phantom"', 'colour = "red"', "links here know"),
    ],
)
def test_a_link_that_leads_nowhere_is_refused_with_its_step(written, old, new, reason):
    with pytest.raises(SpecInvalid, match="cannot be shown") as caught:
        tours.checked_tour("mine", written(GOOD.replace(old, new)))
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("minutes = 3", "minutes = 'three'", "no minutes"),
        ("minutes = 3", "minutes = 3\ncolour = 1", "unknown entries colour"),
        ('en = "Look"', 'fr = "Regardez"', "step 1, say"),
        ('dataset = "phantom"', 'present = "1"', "present is set by"),
        ("[[steps]]", "[[stops]]", "unknown entries stops"),
        ("minutes = 3", "minutes 3", "is not a TOML file"),
        ('dataset = "phantom"', "dataset = 3", "names and texts"),
    ],
)
def test_a_tour_of_another_form_is_refused_with_the_field(written, old, new, reason):
    with pytest.raises(SpecInvalid, match=reason):
        tours.load_tour("mine", written(GOOD.replace(old, new)))


@pytest.mark.parametrize("key", ["nobody", "../stakeholders", ""])
def test_a_tour_that_is_not_there_is_refused_with_those_that_are(written, key):
    with pytest.raises(SpecInvalid, match="Tours: mine"):
        tours.load_tour(key, written(GOOD))


def test_a_step_beyond_the_end_is_refused():
    assert (step_number(None, 5), step_number("5", 5)) == (1, 5)
    for wrong in ("0", "6", "x", "-1", "²"):
        with pytest.raises(SpecInvalid, match="1 to 5"):
            step_number(wrong, 5)
