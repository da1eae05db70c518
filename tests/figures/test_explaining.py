"""What is said of a heat map, and the figure under it."""

import numpy as np
import pytest

from core.errors import UnknownKey
from core.figures import explaining, sentences
from core.nn.explain_trust import Agreement, Hiding
from core.registry.explanations import EXPLANATIONS, QUICK, explanation
from core.types import Heatmap


def hiding(beaten, *, before=0.9, draws=19):
    return Hiding(before=before, hot=0.5, elsewhere=(0.6,) * beaten + (0.4,) * (draws - beaten), share=0.2)


@pytest.mark.parametrize("spec", EXPLANATIONS.values(), ids=lambda s: s.key)
def test_every_method_says_what_it_shows_and_who_proposed_it(spec):
    assert spec.about.endswith(".")
    assert "doi:10." in spec.source
    assert spec.source in explaining.method_about(spec.key)
    heatmap = Heatmap(
        image_id="i", class_name="Ill", method=spec.title, layer="relu" if spec.on_layer else "", grid=(7, 9),
        values=np.zeros((4, 4)), is_empty=False,
    )  # fmt: skip
    said = sentences.map_sentence(heatmap)
    assert said.startswith(f"{spec.title} for Ill: ")
    assert "7 x 9" in said
    assert ("layer relu" in said) is spec.on_layer
    assert "not where a disease lies" in said


def test_what_needs_no_tensorflow_is_quick_and_an_unknown_method_is_named():
    assert QUICK == ("gradcam", "gradcam_plus_plus", "layercam", "scorecam", "occlusion")
    assert [key for key, spec in EXPLANATIONS.items() if not spec.needs_gradient] == ["scorecam", "occlusion"]
    with pytest.raises(UnknownKey, match="smoothgrad"):
        explanation("lime")


@pytest.mark.parametrize(
    ("measured", "verdict", "color"),
    [
        (hiding(19), "the marked part matters", "green"),
        (hiding(18), "the marked part matters a little", "orange"),
        (hiding(10), "the marked part matters a little", "orange"),
        (hiding(9), "the map does not show what counts", "red"),
        (hiding(0), "the map does not show what counts", "red"),
        (hiding(12, before=0.04), "little to explain", "gray"),
    ],
)
def test_the_verdict_follows_how_many_other_places_cost_less(measured, verdict, color):
    said, shown, reason = explaining.hiding_verdict(measured)
    assert (said, shown) == (verdict, color)
    words = explaining.hiding_words(measured, "Ill").replace("\u00a0", " ")
    assert words.endswith(reason)
    assert "19 random places" in words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.6, "agrees: rank"), (0.59, "agrees in part"), (0.29, "sees it differently"), (None, "cannot be compared")],
)
def test_agreement_is_said_with_its_number_its_cells_and_chance(value, words):
    found = Agreement(rank_correlation=value, overlap=0.5, by_chance=0.2, cells=49)
    said = explaining.agreement_sentence(found, "Occlusion").replace("\u00a0", " ")
    assert said.startswith("Occlusion")
    assert words in said
    assert value is None or f"{value:.2f} over 49 cells; the hottest fifths share 50 % (by chance 20 %)" in said


def test_a_map_that_random_weights_leave_alike_is_called_so():
    def maps(*values):
        return [Agreement(rank_correlation=v, overlap=0.2, by_chance=0.2, cells=49) for v in values]

    assert "hardly changes (rank correlation 0.70, mean of 2" in explaining.random_sentence(maps(0.6, 0.8))
    assert "is another one (rank correlation 0.10, mean of 2" in explaining.random_sentence(maps(0.1, 0.1, None))
    assert "the map is empty" in explaining.random_sentence(maps(None))


def test_the_figure_shows_every_draw_on_an_axis_of_probabilities():
    figure = explaining.hiding_figure(hiding(19), "Ill")
    assert [list(trace.x) for trace in figure.data] == [[0.9], [0.6] * 19, [0.5]]
    assert figure.layout.xaxis.title.text == "probability"
    assert figure.layout.xaxis.range[0] < 0 < 1 < figure.layout.xaxis.range[1]
