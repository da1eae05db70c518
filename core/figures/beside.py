"""A network and the heads beside it, on one picture: bars side by side, and maps on one scale."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.figures.sentences import first_overall, group_field
from core.figures.text import counted, interval, percent
from core.figures.theme import base_layout, head_color, series_color
from core.language import t
from core.types import ModelCard, SiblingSet

ROW_PX = 26
LONG = 0.75  # of the axis


def head_names(found: SiblingSet) -> list[str]:
    """What the network and its siblings are called, in their order."""
    words = {
        "mlp": t("MLP (two small layers)"),
        "logistic_regression": t("Logistic regression"),
        "random_forest": t("Random forest"),
        "gradient_boosting": t("Gradient boosting"),
    }
    return [t("The network itself"), *(words.get(sibling.key, sibling.title) for sibling in found.siblings)]


def beside_figure(probabilities: np.ndarray, card: ModelCard, found: SiblingSet, classes: Sequence[str]) -> go.Figure:
    """One row for each class, in it one bar for the network and for each head.

    Args:
        probabilities: (1 + heads, C) in [0, 1], the network first.
        classes: which of the card's classes are shown, in this order.
    """
    figure = go.Figure()
    columns = [card.class_names.index(name) for name in classes]
    colors = [series_color(5), *(head_color(sibling.key) for sibling in found.siblings)]
    for position, (name, row) in enumerate(zip(head_names(found), probabilities, strict=True)):
        values = [float(row[column]) for column in columns]
        figure.add_bar(
            x=values,
            y=list(classes),
            name=name,
            orientation="h",
            marker={"color": colors[position]},
            text=[percent(value) for value in values],
            # a long bar leaves no room behind it on a narrow screen
            textposition=["inside" if value > LONG else "outside" for value in values],
            insidetextanchor="end",
            cliponaxis=False,
            hovertemplate="%{fullData.name}, %{y}: %{x:.3f}<extra></extra>",
        )
    figure.update_layout(barmode="group", bargap=0.18, bargroupgap=0.08)
    figure.update_xaxes(
        range=[0, 1.02], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%", fixedrange=True,
        title={"text": t("calibrated probability")},
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False, tickfont={"size": 14})
    height = ROW_PX * len(classes) * len(probabilities) + 170
    base_layout(figure, height=height)
    return figure.update_layout(legend={"traceorder": "normal", "y": -90 / (height - 110)})


def beside_rows(card: ModelCard, found: SiblingSet) -> list[dict[str, str]]:
    """A table: how good the network and each head is on the test part."""
    aucs = [first_overall(known, "auc") for known in (card.estimates, *(one.estimates for one in found.siblings))]
    return [
        {t("Decides by"): name, t("AUC on test"): t("not measured") if auc is None else interval(auc, 3)}
        for name, auc in zip(head_names(found), aucs, strict=True)
    ]


def population_words(card: ModelCard, found: SiblingSet) -> str:
    """On how many images the heads were fitted, and on how many all of them were judged."""
    auc = first_overall(found.siblings[0].estimates, "auc")
    field = group_field(card)
    return t(
        "Fitted on the features of {trained} of the training part; settings and calibration from validation. "
        "AUC with 95 % interval on the test part: {tested}.",
        trained=counted(found.n_train_images, found.n_train_groups, field),
        tested=t("not measured") if auc is None else counted(auc.n_images, auc.n_groups, field),
    )


def agreement_words(probabilities: np.ndarray, card: ModelCard) -> str:
    """Do they agree, and how far apart are they?"""
    firsts = probabilities.argmax(axis=1)
    class_index = int(np.bincount(firsts, minlength=probabilities.shape[1]).argmax())
    low, high = (percent(float(v)) for v in (probabilities[:, class_index].min(), probabilities[:, class_index].max()))
    name, count = card.class_names[class_index], int((firsts == class_index).sum())
    if count == len(firsts):
        return t(
            "All {count} give the highest probability to {name}: from {low} to {high}.",
            count=count, name=name, low=low, high=high,
        )  # fmt: skip
    return t(
        "{count} of {total} give the highest probability to {name}; for it they say {low} to {high}. "
        "The others see something else in the same features.",
        count=count, total=len(firsts), name=name, low=low, high=high,
    )  # fmt: skip
