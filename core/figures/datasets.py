"""How many images each class has in each split."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from core.figures.theme import base_layout, series_color
from core.language import t

PATTERNS = ("", "/", ".", "x", "-", "|", "+", "\\")  # beside the colour, for those who do not see it


def balance_figure(counts: Mapping[str, Mapping[str, int]], class_names: Sequence[str]) -> go.Figure:
    """Stacked horizontal bars: one bar a split, one part a class, as shares with the counts written in.

    Args:
        counts: split name to (class name to images).
        class_names: order of the parts.
    """
    splits = [split for split, row in counts.items() if sum(row.values())]
    figure = go.Figure()
    hover = t("{count} images, {share}", count="%{customdata:,}", share="%{x:.1%}")
    for position, name in enumerate(class_names):
        images = [counts[split].get(name, 0) for split in splits]
        totals = [sum(counts[split].values()) for split in splits]
        shares = [n / total for n, total in zip(images, totals, strict=True)]
        figure.add_trace(
            go.Bar(
                x=shares, y=[t(split) for split in splits], orientation="h", name=t(name),
                marker={"color": series_color(position), "pattern": _pattern(position)},
                text=[f"{n:,}" if share > 0.06 else "" for n, share in zip(images, shares, strict=True)],
                textposition="inside", insidetextanchor="middle", textfont={"color": "white", "size": 13},
                textangle=0, customdata=images,
                hovertemplate="%{y}: " + hover + "<extra>" + t(name) + "</extra>",
            )
        )  # fmt: skip
    figure.update_layout(barmode="stack")
    figure.update_xaxes(
        tickformat=".0%", range=[0, 1.01], dtick=0.25, fixedrange=True, title={"text": t("share of the split's images")}
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True)
    # on a phone the legend has one class a row, and takes its room from the bars
    base_layout(figure, height=56 * len(splits) + 130 + 20 * max(0, len(class_names) - 3))
    figure.update_layout(legend={"y": -0.2 - 0.45 / max(1, len(splits)), "traceorder": "normal"})
    return figure


def _pattern(position: int) -> dict[str, object]:
    shape = PATTERNS[(position // 6 + position % 2) % len(PATTERNS)]
    return {"shape": shape, "fillmode": "overlay", "fgcolor": "white", "fgopacity": 0.35, "size": 7}
