"""The bars of one prediction: what the network gives each class, and where its cut lies."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from core.figures.text import percent
from core.figures.theme import INK, MUTED, PALETTE, base_layout
from core.language import t


def probability_figure(
    probabilities: Sequence[float],
    class_names: Sequence[str],
    *,
    highlighted: str,
    cuts: Mapping[str, float] | None = None,
) -> go.Figure:
    """Horizontal bars of the class probabilities, each cut drawn as a line across its own bar.

    Args:
        probabilities: (C) in [0, 1], in class order.
        highlighted: the class that carries the accent; the others are grey.
        cuts: class name to threshold in [0, 1], for the classes that have one.
    """
    names, places = list(class_names), list(range(len(class_names)))
    # the number stands with the name, where no bar, cut or narrow screen can cover it
    labels = [f"{t(name)}<br><b>{percent(p)}</b>" for name, p in zip(names, probabilities, strict=True)]
    colors = [PALETTE[0] if name == highlighted else MUTED for name in names]
    figure = go.Figure(
        go.Bar(
            x=list(probabilities),
            y=places,
            orientation="h",
            marker={"color": colors},
            width=0.56,
            customdata=[t(name) for name in names],
            hovertemplate="%{customdata}: %{x:.3f}<extra></extra>",
        )
    )
    for name, cut in (cuts or {}).items():
        row = names.index(name)
        line = {"color": PALETTE[1], "width": 3}
        figure.add_shape(type="line", x0=cut, x1=cut, y0=row - 0.42, y1=row + 0.42, line=line)
        if len(names) <= 4:
            figure.add_annotation(
                x=cut, y=row - 0.42, text=t("cut {value}", value=percent(cut)), showarrow=False, yshift=9,
                font={"color": PALETTE[1], "size": 13}, xanchor="left" if cut < 0.12 else "center",
            )  # fmt: skip
    figure.update_xaxes(
        range=[0, 1.02], tickformat=".0%", title={"text": t("probability given by the network")}, fixedrange=True
    )
    figure.update_yaxes(
        autorange="reversed", fixedrange=True, tickmode="array", tickvals=places, ticktext=labels, showgrid=False,
        tickfont={"size": 14, "color": INK},
    )  # fmt: skip
    return base_layout(figure, height=58 * len(names) + 90, legend=False)
