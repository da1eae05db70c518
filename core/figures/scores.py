"""The scores of the images with and without a class, and where a cut falls between them."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.figures.theme import MUTED, PALETTE, base_layout
from core.language import t

BINS = 40


def scores_figure(
    positives: Sequence[float] | np.ndarray,
    negatives: Sequence[float] | np.ndarray,
    cut: float,
    *,
    names: tuple[str, str],
) -> go.Figure:
    """Two histograms, the images with the class growing up and those without growing down, split by the cut.

    Heights are shares of each kind, so that a rare class is seen; what is pointed at says how many images it is.

    Args:
        positives, negatives: scores of the class, in [0, 1].
        cut: every score at or above it is a call.
        names: what to call the images with the class, and those without it.
    """
    figure = go.Figure()
    hover = t("score about {score}: {count} images", score="%{x:.2f}", count="%{customdata}")
    bins = {"start": 0.0, "end": 1.0, "size": 1 / BINS}
    for values, name, color, sign in ((positives, names[0], PALETTE[0], 1), (negatives, names[1], MUTED, -1)):
        bins_of = np.minimum(BINS - 1, (np.asarray(values, dtype=np.float64) * BINS).astype(np.int64))
        counts = np.bincount(bins_of, minlength=BINS).tolist()
        centres = [(i + 0.5) * bins["size"] for i in range(BINS)]
        figure.add_trace(
            go.Bar(
                x=centres, y=[sign * n / max(1, sum(counts)) for n in counts], name=name, marker={"color": color},
                customdata=counts, width=0.92 / BINS,
                hovertemplate=hover + "<extra>" + name + "</extra>",
            )
        )  # fmt: skip
    figure.update_layout(barmode="relative")
    figure.add_vline(x=min(cut, 1.0), line={"color": PALETTE[1], "width": 3})
    figure.add_annotation(
        x=min(cut, 1.0), y=1, yref="paper", yshift=11, text=t("cut {cut}", cut=f"{cut:.3f}"), showarrow=False,
        font={"color": PALETTE[1], "size": 13}, xanchor="right" if cut > 0.9 else "left" if cut < 0.1 else "center",
    )  # fmt: skip
    figure.update_xaxes(range=[-0.01, 1.01], title={"text": t("score")}, fixedrange=True, tickformat=".1f")
    figure.update_yaxes(title={"text": t("share of each")}, fixedrange=True, showticklabels=False)
    base_layout(figure, height=300)
    figure.update_layout(legend={"y": -0.3})
    return figure
