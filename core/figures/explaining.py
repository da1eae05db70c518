"""Words and one figure about heat maps: what a method shows, and what was measured of one map.

A sentence here is also the `alt` of what it describes. No number is computed here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from core.figures.localisation import localisation_sentence
from core.figures.text import number, percent
from core.figures.theme import MUTED, PALETTE, base_layout
from core.language import t
from core.registry.explanations import EXPLANATIONS, GRADCAM, OCCLUSION
from core.types import Heatmap, ModelCard

if TYPE_CHECKING:
    from core.nn.explain_trust import Agreement, Hiding

LITTLE = 0.05  # below it there is hardly a probability that could fall
ALIKE, PARTLY = 0.6, 0.3  # rank correlations; Cohen's large and medium effects lie at 0.5 and 0.3
UNCHANGED = 0.6  # a map that random weights leave this alike shows the picture rather than the network
TITLES = {spec.title: spec.key for spec in EXPLANATIONS.values()}


def method_title(key: str) -> str:
    """The name of a method for a choice."""
    return t(EXPLANATIONS[key].title)


def method_about(key: str) -> str:
    """What a map of a method shows, and who proposed it."""
    return t("{about} Source: {source}.", about=t(EXPLANATIONS[key].about), source=EXPLANATIONS[key].source)


def default_sentence(card: ModelCard) -> str:
    """What a map is where no other method was asked for."""
    return t("The map is {method} of the layer {layer}.", method=EXPLANATIONS[GRADCAM].title, layer=card.cam_layer)


def layer_words(name: str, rows: int, columns: int) -> str:
    """A layer for a choice: its cells first, since these are what a reader can judge."""
    return t("{rows} x {columns} cells: {name}", rows=rows, columns=columns, name=name)


def unlayered_sentence(heatmap: Heatmap) -> str:
    """What a map is made of that no layer stands behind: patches or pixels."""
    rows, columns = heatmap.grid
    title = t(heatmap.method)
    if TITLES.get(heatmap.method) == OCCLUSION:
        return t(
            "{method} for {name}: {rows} x {columns} places were hidden one after another; heat is by how much the "
            "probability fell. It shows what raised this score, not where a disease lies.",
            method=title, name=t(heatmap.class_name), rows=rows, columns=columns,
        )  # fmt: skip
    return t(
        "{method} for {name}: one value for each of {rows} x {columns} pixels. It shows which pixels the score reacts "
        "to, not where a disease lies.",
        method=title, name=t(heatmap.class_name), rows=rows, columns=columns,
    )  # fmt: skip


def place_sentence(card: ModelCard, heatmap: Heatmap) -> str:
    """Where maps like this one lie against experts' marks, or that only Grad-CAM has been held against them."""
    same = TITLES.get(heatmap.method) in (GRADCAM, "gradcam_reference") and heatmap.layer == card.cam_layer
    if same or not card.localisation:
        return localisation_sentence(card)
    return t("Only Grad-CAM of the layer {layer} has been held against experts' marks.", layer=card.cam_layer)


def hiding_sentence(hiding: "Hiding", class_name: str) -> str:
    """What hiding the hottest part does, and hiding the same shape elsewhere."""
    return t(
        "With the hottest {share} of the picture blurred away, {name} goes from {before} to {hot}; with the same shape "
        "blurred at {n} random places, to {elsewhere} on average.",
        share=percent(hiding.share), name=t(class_name), before=percent(hiding.before), hot=percent(hiding.hot),
        n=len(hiding.elsewhere), elsewhere=percent(hiding.mean_elsewhere),
    )  # fmt: skip


def hiding_verdict(hiding: "Hiding") -> tuple[str, str, str]:
    """What follows: (a word or two, a colour name, the reason)."""
    n, beaten = len(hiding.elsewhere), hiding.beaten
    if beaten == n:
        return (
            t("the marked part matters"), "green",
            t("No other place cost more, so the network did use what the map marks."),
        )  # fmt: skip
    if hiding.before < LITTLE:
        return (
            t("little to explain"), "gray",
            t("The network gives this answer so little that hardly anything can be taken away."),
        )  # fmt: skip
    if beaten > n / 2:
        return (
            t("the marked part matters a little"), "orange",
            t("{beaten} of the {n} other places cost less: the map marks something, though not clearly.",
              beaten=beaten, n=n),
        )  # fmt: skip
    return (
        t("the map does not show what counts"), "red",
        t("Only {beaten} of the {n} other places cost less: on this picture the answer rests on something else.",
          beaten=beaten, n=n),
    )  # fmt: skip


def hiding_words(hiding: "Hiding", class_name: str) -> str:
    """Sentence and reason, as they stand below the map, in its `alt` and in a report."""
    return " ".join((hiding_sentence(hiding, class_name), hiding_verdict(hiding)[2]))


def agreement_sentence(found: "Agreement", other: str) -> str:
    """How a second method sees it.

    Args:
        other: its title.
    """
    method, shared, chance = t(other), percent(found.overlap), percent(found.by_chance)
    if found.rank_correlation is None:
        return t("{method} cannot be compared: one of the two maps is the same everywhere.", method=method)
    value = number(found.rank_correlation)
    if found.rank_correlation >= ALIKE:
        return t(
            "{method} agrees: rank correlation {value} over {cells} cells; the hottest fifths share {shared} "
            "(by chance {chance}).",
            method=method, value=value, cells=found.cells, shared=shared, chance=chance,
        )  # fmt: skip
    if found.rank_correlation >= PARTLY:
        return t(
            "{method} agrees in part: rank correlation {value} over {cells} cells; the hottest fifths share {shared} "
            "(by chance {chance}).",
            method=method, value=value, cells=found.cells, shared=shared, chance=chance,
        )  # fmt: skip
    return t(
        "{method} sees it differently: rank correlation {value} over {cells} cells; the hottest fifths share {shared} "
        "(by chance {chance}). At least one of the two does not show what the answer rests on.",
        method=method, value=value, cells=found.cells, shared=shared, chance=chance,
    )  # fmt: skip


def random_sentence(found: "Sequence[Agreement]") -> str:
    """Whether the map changes when what the network has learned is taken away. One entry per random network."""
    values = [one.rank_correlation for one in found if one.rank_correlation is not None]
    if not values:
        return t("With random weights the map is empty: what it shows was learned.")
    mean = sum(values) / len(values)
    fields = {"value": number(mean), "n": len(values)}
    if mean >= UNCHANGED:
        return t(
            "With random weights the map hardly changes (rank correlation {value}, mean of {n} random networks): it "
            "shows the edges and tones of the picture more than what the network has learned.", **fields
        )  # fmt: skip
    return t(
        "With random weights the map is another one (rank correlation {value}, mean of {n} random networks): what it "
        "shows was learned.", **fields
    )  # fmt: skip


def hiding_figure(hiding: "Hiding", class_name: str) -> go.Figure:
    """The probability of one class: untouched, with the hot part hidden, with other parts hidden."""
    rows = [t("untouched"), t("other places hidden"), t("hottest part hidden")]
    figure = go.Figure()
    groups = (
        ([hiding.before], MUTED, "line-ns-open", 16),
        (list(hiding.elsewhere), PALETTE[0], "circle", 9),
        ([hiding.hot], PALETTE[4], "diamond", 13),
    )
    for row, (values, color, symbol, size) in zip(rows, groups, strict=True):
        figure.add_trace(
            go.Scatter(
                x=values, y=[row] * len(values), mode="markers", name=row,
                marker={"color": color, "symbol": symbol, "size": size, "opacity": 0.75, "line": {"width": 2}},
                hovertemplate="%{y}: %{x:.1%}<extra></extra>",
            )
        )  # fmt: skip
    base_layout(figure, height=190, legend=False)
    figure.update_xaxes(
        title={"text": t("probability")}, range=[-0.03, 1.03], tickformat=".0%",
        fixedrange=True,
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", fixedrange=True)
    figure.update_layout(margin={"t": 6})
    return figure
