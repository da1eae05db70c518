"""Waiting times of a simulated reading list, drawn and in words: who gains, who pays, and who is put at the end."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pandas as pd
import plotly.graph_objects as go

from core.figures.text import GAP, the_percent
from core.figures.theme import MUTED, PALETTE, base_layout, fraction_axis, transparent
from core.language import t, tn
from core.registry.reading import (
    ALL,
    ARRIVAL,
    FOUND,
    HEALTHY,
    ILL,
    LOGNORMAL_CV,
    MISSED,
    PERFECT,
    SCORE,
    OverSeeds,
    ReadingRoom,
    WaitCurve,
    WaitSummary,
)

# what is drawn: (group, order) -> colour, dash, whether the range of the seeds is shaded
LOOKS: Mapping[tuple[str, str], tuple[str, str, bool]] = MappingProxyType({
    (ALL, ARRIVAL): (MUTED, "dash", True),
    (HEALTHY, SCORE): (PALETTE[1], "longdash", True),
    (ILL, SCORE): (PALETTE[0], "solid", True),
    (MISSED, SCORE): (PALETTE[4], "dashdot", False),
    (ILL, PERFECT): (PALETTE[3], "dot", False),  # last: it often lies on the line of the score
})  # fmt: skip
# these words are shown as t(word)
GROUP_WORDS = {
    ALL: "everyone", ILL: "the ill", FOUND: "the ill it calls", MISSED: "the ill it misses", HEALTHY: "the healthy",
}  # fmt: skip
ORDER_WORDS = {ARRIVAL: "as they came", SCORE: "by score", PERFECT: "perfect order"}
SPREAD_WORDS = {
    "lognormal": "log-normal, standard deviation {share} times the mean",
    "exponential": "exponential", "constant": "always the same",
}  # fmt: skip
SAME = 0.05  # minutes that round to 0.0


def waiting_figure(curves: Sequence[WaitCurve], limit: float, n_seeds: int) -> go.Figure:
    """Share of each group whose reading has begun, over minutes since arrival; bands are the range of the seeds.

    Args:
        curves: of the pairs in LOOKS, all on the same minutes.
        limit: minutes, drawn as a line where the axis reaches that far.
    """
    figure = go.Figure()
    within = t("{share} within {minutes} minutes", share="%{y:.0%}", minutes="%{x:.1f}")
    for curve in curves:
        color, dash, shaded = LOOKS[curve.group, curve.order]
        if shaded and n_seeds > 1:
            figure.add_trace(
                go.Scatter(
                    x=[*curve.minutes, *reversed(curve.minutes)], y=[*curve.high, *reversed(curve.low)],
                    fill="toself", fillcolor=transparent(color, 0.16), line={"width": 0}, hoverinfo="skip",
                    showlegend=False,
                )
            )  # fmt: skip
    for curve in curves:
        color, dash, _ = LOOKS[curve.group, curve.order]
        name = f"{t(GROUP_WORDS[curve.group])}, {t(ORDER_WORDS[curve.order])} (n{GAP}={GAP}{curve.n:,})"
        figure.add_trace(
            go.Scatter(
                x=curve.minutes, y=curve.share, mode="lines", name=name,
                line={"color": color, "dash": dash, "width": 3 if curve.order == SCORE else 2},
                hovertemplate=f"{name}<br>{within}<extra></extra>",
            )
        )  # fmt: skip
    if curves and limit <= curves[0].minutes[-1]:
        figure.add_vline(x=limit, line={"color": MUTED, "width": 1})
        figure.add_annotation(
            x=limit, y=1, yref="paper", yanchor="bottom", text=t("{number} minutes", number=f"{limit:g}"),
            showarrow=False, font={"color": MUTED, "size": 13},
        )  # fmt: skip
    figure.update_xaxes(
        title={"text": t("minutes from arrival until reading begins")}, rangemode="tozero", fixedrange=True
    )  # fmt: skip
    figure.update_yaxes(**fraction_axis(t("share of them being read by then")))
    base_layout(figure, height=480)
    figure.update_layout(legend={"y": -0.2})
    return figure


def waiting_sentence(summaries: Sequence[WaitSummary], n_seeds: int) -> str:
    """What the score's order changes for the ill and for the healthy (Markdown)."""
    ill, before = _find(summaries, ILL, SCORE), _find(summaries, ILL, ARRIVAL)
    healthy, healthy_before = _find(summaries, HEALTHY, SCORE), _find(summaries, HEALTHY, ARRIVAL)
    if ill is None or before is None or healthy is None or healthy_before is None:
        return t("No picture of one of the two kinds came in: nothing can be said.")
    return t(
        "Of the ill, half are read within **{half}** ({seeds} seeds: {range} instead of {before}), nine in ten within "
        "{most}. The healthy {compared}: {mean} on average ({mean_range} instead of {mean_before}), and one in a "
        "hundred of them over {longest}.",
        half=_both(ill.median, before.median), seeds=n_seeds, range=_range(ill.median), before=_range(before.median),
        most=_both(ill.p90, before.p90), compared=_compare(healthy.mean, healthy_before.mean),
        mean=_both(healthy.mean, healthy_before.mean), mean_range=_range(healthy.mean),
        mean_before=_range(healthy_before.mean), longest=_both(healthy.p99, healthy_before.p99),
    )  # fmt: skip


def missed_sentence(summaries: Sequence[WaitSummary]) -> str:
    """How long those wait whom the network does not call (Markdown)."""
    missed, before, ill = (
        _find(summaries, *pair) for pair in ((MISSED, SCORE), (MISSED, ARRIVAL), (ILL, SCORE))
    )  # fmt: skip
    if missed is None or before is None or ill is None:
        return t("**None of the ill in this simulation was missed.** Another day brings one.")
    return t(
        "**A missed finding stands behind every picture that is called.** This run does not call {share} of the ill. "
        "They {compared} than in the order of arrival: half of them are read within {half}, nine in ten within {most}; "
        "all of the ill together: nine in ten within {ill}.",
        share=the_percent(missed.n / ill.n), compared=_compare(missed.mean, before.mean),
        half=_both(missed.median, before.median), most=_both(missed.p90, before.p90), ill=_minutes(ill.p90.value),
    )  # fmt: skip


def bound_sentence(summaries: Sequence[WaitSummary]) -> str:
    """How far the score is from an order that knows who is ill, and that waiting is moved, not saved."""
    ill, before, perfect = (_find(summaries, ILL, order) for order in (SCORE, ARRIVAL, PERFECT))
    everyone = _find(summaries, ALL, SCORE)
    if ill is None or before is None or perfect is None or everyone is None:
        return ""
    return t(
        "On average the ill wait {ill}; {before} in the order of arrival, {perfect} if all of the ill came first, "
        "which no order can better. Everyone together waits {everyone} in any order: waiting is moved, not saved.",
        ill=_minutes(ill.mean.value), before=_number(before.mean.value), perfect=_number(perfect.mean.value),
        everyone=_minutes(everyone.mean.value),
    )  # fmt: skip


def limit_sentence(summaries: Sequence[WaitSummary]) -> str:
    """The shares that wait longer than the limit."""
    parts = []
    for group in (ILL, MISSED, HEALTHY):
        after, before = _find(summaries, group, SCORE), _find(summaries, group, ARRIVAL)
        if after is not None and before is not None:
            parts.append(
                t(
                    "{share} of {group} instead of {before}",
                    share=the_percent(after.over.value),
                    group=t(GROUP_WORDS[group]),
                    before=the_percent(before.over.value),
                )
            )
    limit = summaries[0].limit if summaries else 0
    if not parts:
        return ""
    return t("Longer than {limit} minutes wait {shares}.", limit=f"{limit:g}", shares="; ".join(parts))


def room_sentence(room: ReadingRoom, utilisation: float) -> str:
    """What was assumed of the room."""
    return t(
        "{who}, {minutes} minutes a picture ({spread}), {rate} pictures an hour at random moments, {ill} of them ill: "
        "the readers are at work {busy} of the time.",
        who=tn("{n} reader", "{n} readers", room.readers), minutes=f"{room.minutes:g}",
        spread=spread_words(room.spread), rate=f"{room.per_hour:g}", ill=the_percent(room.prevalence),
        busy=the_percent(utilisation),
    )  # fmt: skip


def spread_words(spread: str) -> str:
    """How reading times differ."""
    return t(SPREAD_WORDS[spread], share=f"{LOGNORMAL_CV:g}")


def waiting_table(summaries: Sequence[WaitSummary]) -> pd.DataFrame:
    """One row per group and order, minutes with the range of the seeds; those found are the ill but for the missed."""
    return pd.DataFrame(
        {
            t("Who"): t(GROUP_WORDS[s.group])[0].upper() + t(GROUP_WORDS[s.group])[1:],
            t("Order"): t(ORDER_WORDS[s.order]),
            "n": s.n,
            t("Half within (min)"): _with_range(s.median),
            t("90 % within (min)"): _with_range(s.p90),
            t("99 % within (min)"): _with_range(s.p99),
            t("Mean (min)"): _with_range(s.mean),
            t("Over {limit} min (%)", limit=f"{s.limit:g}"): _with_range(_times_100(s.over)),
        }
        for s in summaries
        if s.group != FOUND
    )  # fmt: skip


def _find(summaries: Sequence[WaitSummary], group: str, order: str) -> WaitSummary | None:
    return next((s for s in summaries if (s.group, s.order) == (group, order)), None)


def _number(minutes: float) -> str:
    return f"{minutes:.1f}" if minutes < 9.95 else f"{minutes:,.0f}"


def _minutes(minutes: float) -> str:
    shown = _number(minutes)
    if shown == "1.0":
        return t("{number}\u00a0minute", number=shown)
    return t("{number}\u00a0minutes", number=shown)


def _both(now: OverSeeds, before: OverSeeds) -> str:
    return t("{now} instead of {before}", now=_minutes(now.value), before=_number(before.value))


def _times_100(share: OverSeeds) -> OverSeeds:
    return OverSeeds(100 * share.value, 100 * share.low, 100 * share.high)


def _range(spread: OverSeeds) -> str:
    return t("{low} to {high}", low=_number(spread.low), high=_number(spread.high))


def _with_range(spread: OverSeeds) -> str:
    return f"{_number(spread.value)} ({_number(spread.low)}–{_number(spread.high)})"


def _compare(now: OverSeeds, before: OverSeeds) -> str:
    if abs(now.value - before.value) < SAME:
        return t("wait no longer")
    return t("wait longer") if now.value > before.value else t("wait less")
