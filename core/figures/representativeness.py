"""The check of representativeness as a drawing, a table and sentences: where a number falls, and what that means.

Says "cannot tell" where the interval of a gap holds 0; a score on training images is never shown as a result.
"""

import textwrap
from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd
import plotly.graph_objects as go

from core.figures.names import dataset_title
from core.figures.text import counted, interval, metric_title, number
from core.figures.theme import INK, PALETTE, SYMBOLS, base_layout, fraction_axis
from core.language import t
from core.registry.gaps import METRICS, Gap, GapKind, PartScore, Representativeness
from core.types import Estimate

ROW_PX = 72
LABEL_LETTERS = 18  # of one line, so that a phone has room for the drawing beside it
CHANCE = 0.5
# these words are shown as t(word)
STEPS: Mapping[GapKind, tuple[str, str]] = MappingProxyType({
    "bias": ("reference", "training images"),
    "variance": ("training images", "validation images"),
    "data mismatch": ("validation images", "hidden test"),
})  # fmt: skip
MEANING: Mapping[GapKind, str] = MappingProxyType({
    "bias": "it does not even fit what it learns from; a larger network, or more of it trained for longer, may help.",
    "variance": "it knows images that it has learnt better than new ones of the same kind; more images, stronger "
    "random changes or a smaller network may help.",
    "data mismatch": "what it is tuned on is not what it is judged on; those images do not represent the target, and "
    "more of them may not help.",
})  # fmt: skip


def part_title(part: PartScore) -> str:
    """ "Training images", "Validation", "Validation: SIIM-…", "Hidden test"."""
    names = {"train": "Training images", "validation": "Validation", "test": "Hidden test"}
    title = t(names.get(part.split, part.split.capitalize()))
    return f"{title}: {dataset_title(part.source)}" if part.source else title


def representativeness_figure(check: Representativeness) -> go.Figure:
    """AUC and accuracy of each part with their intervals, in the order of the steps, training first."""
    titles = ["<br>".join(textwrap.wrap(part_title(part), LABEL_LETTERS)) for part in check.parts]
    figure = go.Figure()
    for place, metric in enumerate(METRICS):
        found = [part.estimates[metric] for part in check.parts]
        drawn = [(title, e) for title, e in zip(titles, found, strict=True) if e.value is not None]
        figure.add_trace(
            go.Scatter(
                x=[e.value for _, e in drawn],
                y=[title for title, _ in drawn],
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [_reach(e, e.high) for _, e in drawn],
                    "arrayminus": [-_reach(e, e.low) for _, e in drawn],
                    "width": 4,
                    "thickness": 1.5,
                },
                mode="markers",
                orientation="h",
                marker={"color": PALETTE[place], "symbol": SYMBOLS[place], "size": 11},
                name=metric_title(metric),
                customdata=[[interval(e), f"{e.n_images:,}"] for _, e in drawn],
                hovertemplate=t("{value}, {count} images", value="%{customdata[0]}", count="%{customdata[1]}")
                + "<extra>%{fullData.name}</extra>",
            )
        )
    values = [
        v
        for part in check.parts
        for e in part.estimates.values()
        for v in (e.value, e.low)
        if v is not None
    ]  # fmt: skip
    low = min(CHANCE, *values) if values else 0.0
    figure.update_xaxes(**fraction_axis(t("AUC, and share decided rightly"), low, 1.0))
    figure.update_yaxes(
        categoryorder="array", categoryarray=titles[::-1], tickfont={"color": INK}, range=[-0.6, len(titles) - 0.4],
        fixedrange=True,
    )  # fmt: skip
    figure.update_layout(scattermode="group", scattergap=0.55)
    base_layout(figure, height=110 + ROW_PX * len(titles))
    return figure.update_layout(legend={"y": 1.0, "yanchor": "bottom"}, margin={"t": 44})


def _reach(estimate: Estimate, bound: float | None) -> float:
    """How far an interval reaches from its value to one side; 0 without an interval."""
    return 0.0 if bound is None or estimate.value is None else bound - estimate.value


def part_table(check: Representativeness, group_field: str) -> pd.DataFrame:
    """Each part with its numbers and what they stand on, as text."""
    return pd.DataFrame(
        {
            t("Part"): part_title(part),
            **{metric_title(metric): interval(part.estimates[metric]) for metric in METRICS},
            t("On"): counted(part.n_images, part.n_groups, group_field),
        }
        for part in check.parts
    )


def gap_table(check: Representativeness) -> pd.DataFrame:
    """Each gap with its interval; a dash where a step has no two numbers."""
    rows = []
    for kind, (first, second) in STEPS.items():
        found = {gap.metric: gap for gap in check.gaps if gap.kind == kind}
        rows.append(
            {
                t("Gap"): t(kind).capitalize(),
                **{metric_title(m): gap_text(found[m]) if m in found else "–" for m in METRICS},
                t("Step"): f"{t(first)} − {t(second)}",
            }
        )
    return pd.DataFrame(rows)


def gap_text(gap: Gap) -> str:
    """ "0.08 (0.05 to 0.11)", with its sign where it is a gain, and no bracket where there is no interval."""
    if gap.value is None:
        return t("not defined")
    text = _signed(gap.value)
    if gap.low is None or gap.high is None:
        return text
    return t("{value} ({low} to {high})", value=text, low=_signed(gap.low), high=_signed(gap.high))


def _signed(value: float) -> str:
    text = number(value).replace("-", "−")
    return "0.00" if text == "−0.00" else text


def meaning_words(check: Representativeness) -> str:
    """What the largest gap would mean, once for each kind that a metric tells from 0; "" where none does."""
    told = [gap.kind for metric in METRICS if (gap := check.largest(metric)) is not None and lost(gap)]
    return " ".join(f"{t(kind).capitalize()}: {t(MEANING[kind])}" for kind in dict.fromkeys(told))


def lost(gap: Gap) -> bool:
    """Whether a step loses something, told from 0."""
    return gap.told and gap.value is not None and gap.value > 0


def verdict_words(check: Representativeness, metric: str) -> str:
    """Which gap is the largest, and whether it is told from 0 (Markdown)."""
    gap, title = check.largest(metric), metric_title(metric)
    if gap is None:
        return t("{metric} is not defined on these images, so no gap can be measured.", metric=title)
    first, second = STEPS[gap.kind]
    images = t("{count} images", count=f"{gap.n_second:,}")
    if gap.n_first:
        images = t("{first} and {second} images", first=f"{gap.n_first:,}", second=f"{gap.n_second:,}")
    values = {"metric": title, "kind": t(gap.kind), "gap": gap_text(gap), "images": images}
    if gap.value is not None and gap.value <= 0:
        return t("{metric}: no step loses anything. The nearest to a loss is {kind}, {gap}, on {images}.", **values)
    values |= {"first": t(first), "second": t(second)}
    if not gap.told:
        return t(
            "{metric}: the largest gap is **{kind}**, {gap}, from the {first} to the {second}. Its interval holds 0: "
            "these {images} cannot tell it from none.",
            **values,
        )
    return t(
        "{metric}: the largest gap is **{kind}**, {gap}, from the {first} to the {second}, on {images}; its interval "
        "leaves out 0.",
        **values,
    )


def reference_words(check: Representativeness) -> str:
    """What bias is measured against, or why it is not measured."""
    if check.reference is None:
        return t("Bias needs a figure to hold the training images against; there is none here, so it is not measured.")
    values = [f"{metric_title(m)} {number(check.reference.stated[m])}" for m in METRICS if m in check.reference.stated]
    return t(
        "Bias is measured against {reference}: {values}, taken as it stands. Above 0, a gap is a loss; below 0, the "
        "training images score higher than the reference.",
        reference=check.reference.words, values=", ".join(values),
    )  # fmt: skip


def mix_words(check: Representativeness) -> str:
    """What a reader of a union should know: accuracy follows the mix of classes, AUC does not."""
    own = check.part("validation", check.target)
    if not check.target or own is None or own.estimates["auc"].value is None:
        return ""
    return t(
        "Within validation the images of {dataset} alone reach AUC {value}, the number to hold the hidden test "
        "against. Over several data sets together an AUC also rewards telling the data sets apart, where a class is "
        "more frequent in one of them; accuracy follows how frequent the classes are, and the cut.",
        dataset=dataset_title(check.target), value=interval(own.estimates["auc"]),
    )  # fmt: skip
