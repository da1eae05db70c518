"""The playground's sentences and its figure."""

from core.data.edits import Edit
from core.figures.playing import answer_sentence, change_sentence, changed_sentence, edit_words, picture_figure


def said(*args):
    return change_sentence(*args).replace("\u00a0", " ")


def test_every_change_is_named_and_none_is_nothing():
    assert edit_words(Edit()) == ""
    everything = Edit(
        patches=((0, 0, 0.1, 0.1), (0.5, 0.5, 0.1, 0.1)), brightness=-0.2, contrast=1.5, rotation_degrees=-10, crop=0.1,
        marker="L",
    )  # fmt: skip
    assert edit_words(everything) == (
        "2 parts hidden, brightness -20 %, contrast x 1.5, turned by -10 degrees, 10 % cut from each side and the "
        "letter L in the upper right corner"
    )
    assert changed_sentence(Edit(patches=((0, 0, 0.1, 0.1),))) == "Changed: 1 part hidden."
    assert changed_sentence(Edit()) == ""


def test_the_probability_rises_falls_or_stays():
    edit = Edit(marker="R")
    assert said(Edit(), "Ill", 0.9, 0.9) == "Nothing is changed yet: **Ill 90 %**."
    assert said(edit, "Ill", 0.2, 0.9).startswith("**Ill** rises from 20 % to **90 %** (+70 points).")
    assert said(edit, "Ill", 0.9, 0.2).startswith("**Ill** falls from 90 % to **20 %** (−70 points).")
    assert said(edit, "Ill", 0.9, 0.903).startswith("**Ill** stays at **90 %**.")


def test_the_answer_stays_or_changes_and_may_be_none():
    assert answer_sentence(("Ill",), ("Ill",)) == "The answer stays: Ill."
    assert answer_sentence(("Ill",), ()) == "The answer changes from Ill to **none of its findings**."


def test_a_box_on_the_figure_is_in_fractions_of_the_picture():
    figure = picture_figure(b"png", 300, 400, selectable=True)
    assert (figure.layout.xaxis.range, figure.layout.yaxis.range) == ((0, 1), (1, 0))
    assert figure.layout.yaxis.scaleratio == 0.75
    assert figure.layout.dragmode == "select"
    assert picture_figure(b"png", 300, 400, selectable=False).layout.dragmode is False
