"""The playground in words and one figure: what was changed of a picture, and what that did to a probability."""

import base64
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from core.figures.text import listing, percent
from core.figures.theme import base_layout
from core.language import t, tn

if TYPE_CHECKING:
    from core.data.edits import Edit

HEIGHT = 330  # pixels of both pictures, so that they lie beside each other
NOTHING = 0.005  # a change of probability that rounds to none
DRAWN = "#FFD640"  # of a box, as of the frames that mark findings
GRAIN = 24  # points a side under a picture that a box can catch; they are never seen


def edit_words(edit: "Edit") -> str:
    """What was changed, as a list; "" for nothing."""
    said = []
    if edit.patches:
        said.append(tn("{n} part hidden", "{n} parts hidden", len(edit.patches)))
    if edit.brightness:
        said.append(t("brightness {amount}", amount=f"{100 * edit.brightness:+.0f} %"))
    if edit.contrast != 1:
        said.append(t("contrast x {factor}", factor=f"{edit.contrast:.1f}"))
    if edit.rotation_degrees:
        said.append(t("turned by {degrees} degrees", degrees=f"{edit.rotation_degrees:+.0f}"))
    if edit.crop:
        said.append(t("{amount} cut from each side", amount=f"{100 * edit.crop:.0f} %"))
    if edit.marker:
        said.append(t("the letter {letter} in the {corner} corner", letter=edit.marker, corner=t(edit.corner)))
    return listing(said)


def change_sentence(edit: "Edit", class_name: str, before: float, after: float) -> str:
    """What the change did to the probability of one class (Markdown)."""
    name = t(class_name)
    fields = {"name": name, "before": percent(before), "after": percent(after)}
    if not edit_words(edit):
        return t("Nothing is changed yet: **{name} {before}**.", name=name, before=percent(before))
    points = f"{100 * abs(after - before):.0f}"
    if abs(after - before) < NOTHING:
        return t("**{name}** stays at **{after}**.", **fields)
    if after > before:
        return t("**{name}** rises from {before} to **{after}** (+{points} points).", points=points,
                 **fields)  # fmt: skip
    return t("**{name}** falls from {before} to **{after}** (−{points} points).", points=points,
             **fields)  # fmt: skip


def changed_sentence(edit: "Edit") -> str:
    """What was changed, as a sentence; "" for nothing."""
    what = edit_words(edit)
    return t("Changed: {what}.", what=what) if what else ""


def answer_sentence(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    """Whether the answer is another one. Each is what the network calls, as class names."""
    words = [listing([t(name) for name in names]) or t("none of its findings") for names in (before, after)]
    if before == after:
        return t("The answer stays: {answer}.", answer=words[0])
    return t("The answer changes from {before} to **{after}**.", before=words[0], after=words[1])


def picture_figure(png: bytes, height: int, width: int, *, selectable: bool) -> go.Figure:
    """A picture as a figure of fixed height; on a selectable one a box can be drawn.

    Args:
        png: the picture.
        height, width: its sides, for the shape of the figure.
    Returns: axes run from 0 to 1, y downwards, so that a box is in fractions of the picture.
    """
    figure = go.Figure()
    steps = (np.arange(GRAIN) + 0.5) / GRAIN
    x, y = np.meshgrid(steps, steps)
    figure.add_trace(
        go.Scatter(
            x=x.ravel(), y=y.ravel(), mode="markers", hoverinfo="skip", marker={"opacity": 0, "size": 1},
            selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}},
        )
    )  # fmt: skip
    figure.add_layout_image(
        source="data:image/png;base64," + base64.b64encode(png).decode("ascii"), xref="x", yref="y", x=0, y=0,
        sizex=1, sizey=1, sizing="stretch", layer="below",
    )  # fmt: skip
    base_layout(figure, height=HEIGHT, legend=False)
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[0, 1], constrain="domain", constraintoward="left", **hidden)
    figure.update_yaxes(
        range=[1, 0], scaleanchor="x", scaleratio=height / width, constrain="domain", constraintoward="top", **hidden
    )
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        dragmode="select" if selectable else False,
        newselection={"line": {"color": DRAWN, "width": 2}},
        activeselection={"fillcolor": DRAWN, "opacity": 0.35},
    )
    return figure
