"""All pairs of runs as a heat table: who is ahead of whom, by how much, and where the data cannot tell."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from core.figures.theme import MUTED, PALETTE, base_layout, transparent
from core.language import t
from core.registry.metrics import metric_spec
from core.types import Comparison

Pair = tuple[Comparison, float, bool]  # row minus column, corrected p-value, told apart
AHEAD, BEHIND = PALETTE[0], PALETTE[1]
FULL = 0.75  # opacity of the largest difference


def pair_words(row: str, column: str, pair: Pair) -> str:
    """ "A is ahead of B by 0.040 (0.020 to 0.060), corrected p 0.003", or that these images cannot tell."""
    comparison, p, told = pair
    better = metric_spec(comparison.metric).higher_is_better
    ahead, low, high = comparison.difference, comparison.low, comparison.high
    first, second = row, column
    if (ahead < 0) == better and ahead != 0:
        first, second = column, row
    if ahead < 0:
        ahead, low, high = -ahead, -high, -low
    fields = {"difference": f"{ahead:.3f}", "low": f"{low:.3f}", "high": f"{high:.3f}", "p": p_words(p)}
    if told:
        return t("{first} is ahead of {second} by {difference} ({low} to {high}), corrected p {p}",
                 first=first, second=second, **fields)  # fmt: skip
    return t("{first} against {second}: these images cannot tell (difference {difference}, {low} to {high}, "
             "corrected p {p})", first=first, second=second, **fields)  # fmt: skip


def p_words(p: float) -> str:
    """ "0.003", and "< 0.001" where more digits would promise too much."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def pairs_figure(
    run_ids: Sequence[str], titles: Mapping[str, str], pair: Callable[[str, str], Pair], metric: str = "auc"
) -> go.Figure:
    """Row minus column; blue where the row is ahead, ochre where it is behind, without colour where nobody can tell.

    Args:
        run_ids: best first; rows carry their names, columns the numbers of the rows.
        pair: (row, column) to their difference.
    """
    higher = metric_spec(metric).higher_is_better
    found = {(a, b): pair(a, b) for a in run_ids for b in run_ids if a != b}
    largest = max([abs(c.difference) for c, _, told in found.values() if told], default=1.0) or 1.0
    shades, texts, hovers = [], [], []
    for a in run_ids:
        shade: list[float | None] = []
        text, hover = [], []
        for b in run_ids:
            if a == b:
                shade.append(None)
                text.append("")
                hover.append("")
                continue
            comparison, _, told = found[a, b]
            sign = 1 if higher else -1
            shade.append(sign * comparison.difference / largest if told else 0.0)
            number = f"{comparison.difference:+.3f}".replace("-", "−")
            number = "0.000" if number in ("+0.000", "−0.000") else number
            text.append(f"<b>{number}</b>" if told else f"{number} ?")
            hover.append(pair_words(titles[a], titles[b], found[a, b]))
        shades.append(shade)
        texts.append(text)
        hovers.append(hover)
    places = list(range(len(run_ids)))
    figure = go.Figure(
        go.Heatmap(
            z=shades, x=places, y=places, zmin=-1, zmax=1, customdata=hovers,
            hovertemplate="%{customdata}<extra></extra>", hoverongaps=False, showscale=False, xgap=3, ygap=3,
            colorscale=[
                [0, transparent(BEHIND, FULL)], [0.5, transparent(MUTED, 0.10)], [1, transparent(AHEAD, FULL)],
            ],
        )
    )  # fmt: skip
    # all at once: plotly checks every annotation again with each one that is added
    figure.update_layout(
        annotations=[
            {"x": j, "y": i, "text": word, "showarrow": False, "font": {"size": 13 if len(run_ids) < 7 else 11}}
            for i, row in enumerate(texts) for j, word in enumerate(row) if word
        ]
    )  # fmt: skip
    side = {"tickmode": "array", "tickvals": places, "showgrid": False, "fixedrange": True}
    figure.update_xaxes(**side, ticktext=[str(i + 1) for i in places], side="top")
    figure.update_yaxes(**side, ticktext=[f"{i + 1}" for i in places], autorange="reversed")
    figure.update_yaxes(title={"text": t("row minus column, {metric} on test", metric=metric_spec(metric).title)})
    return base_layout(figure, height=48 * len(run_ids) + 80, legend=False)


def pairs_frame(
    run_ids: Sequence[str], titles: Mapping[str, str], pair: Callable[[str, str], Pair],
    delong: Callable[[str, str], float | None], mcnemar: Callable[[str, str], tuple[Comparison, float] | None],
) -> pd.DataFrame:  # fmt: skip
    """One row per pair, the better first, with every test and the words; the table beside the figure."""
    rows = []
    for i, a in enumerate(run_ids):
        for b in run_ids[i + 1 :]:
            comparison, p, told = pair(a, b)
            exact, decisions = delong(a, b), mcnemar(a, b)
            rows.append(
                {
                    t("Run"): titles[a],
                    t("Against"): titles[b],
                    t("Difference"): comparison.difference,
                    t("Low"): comparison.low,
                    t("High"): comparison.high,
                    t("p (Holm)"): p,
                    t("Told apart"): t("yes") if told else t("cannot tell"),
                    t("DeLong p (Holm)"): exact,
                    t("Accuracy difference"): decisions[0].difference if decisions else None,
                    t("McNemar p (Holm)"): decisions[1] if decisions else None,
                    t("run ids"): f"{a} | {b}",
                }
            )
    return pd.DataFrame(rows)
