"""Waiting times in words and drawn: both sides are said, ranges are shown, equal waits are not called a gain."""

import pytest

from core.figures.text import GAP
from core.figures.triage import (
    LOOKS,
    bound_sentence,
    limit_sentence,
    missed_sentence,
    room_sentence,
    waiting_figure,
    waiting_sentence,
    waiting_table,
)
from core.registry.reading import (
    ALL,
    ARRIVAL,
    GROUPS,
    HEALTHY,
    ILL,
    MISSED,
    ORDERS,
    PERFECT,
    SCORE,
    OverSeeds,
    ReadingRoom,
    WaitCurve,
    WaitSummary,
)


def summary(group, order, base, n=100):
    """Half within `base` minutes, nine in ten within three times as many, over an hour two in a hundred."""

    def spread(value):
        return OverSeeds(value, value / 2, value * 2)

    return WaitSummary(
        group=group, order=order, n=n, limit=60.0, mean=spread(1.5 * base), median=spread(base), p90=spread(3 * base),
        p99=spread(6 * base), over=OverSeeds(base / 1000, 0.0, base / 500),
    )  # fmt: skip


MINUTES = {
    (ILL, SCORE): 2.0, (HEALTHY, SCORE): 24.0, (MISSED, SCORE): 40.0, (ILL, PERFECT): 1.0, (HEALTHY, PERFECT): 25.0,
}  # fmt: skip


@pytest.fixture
def summaries():
    return [
        summary(group, order, MINUTES.get((group, order), 20.0), n=10 if group == MISSED else 100)
        for group in GROUPS
        for order in ORDERS
    ]


def words(text):
    return text.replace(GAP, " ")


def test_the_sentence_says_what_the_ill_gain_and_what_the_healthy_pay(summaries):
    said = words(waiting_sentence(summaries, 20))
    assert "half are read within **2.0 minutes instead of 20** (20 seeds: 1.0 to 4.0 instead of 10 to 40)" in said
    assert "nine in ten within 6.0 minutes instead of 60" in said
    assert "The healthy wait longer: 36 minutes instead of 30 on average" in said
    assert "one in a hundred of them over 144 minutes instead of 120" in said


def test_equal_waits_are_not_called_longer():
    same = [summary(group, order, 20.0) for group in GROUPS for order in ORDERS]
    assert "The healthy wait no longer:" in waiting_sentence(same, 3)


def test_the_missed_are_said_apart_and_so_is_that_there_are_none(summaries):
    said = words(missed_sentence(summaries))
    assert "stands behind every picture that is called" in said and "does not call 10 % of the ill" in said
    assert "They wait longer than in the order of arrival" in said and "40 minutes instead of 20" in said
    assert "None of the ill" in missed_sentence([s for s in summaries if s.group != MISSED])
    assert "nothing can be said" in waiting_sentence([s for s in summaries if s.group != ILL], 20)


def test_waiting_is_moved_not_saved_and_the_best_possible_order_stands_beside(summaries):
    said = words(bound_sentence(summaries))
    assert "On average the ill wait 3.0 minutes; 30 in the order of arrival, 1.5 if all of the ill came first" in said
    assert "moved, not saved" in said
    assert bound_sentence([]) == ""


def test_the_limit_and_the_room_are_said(summaries):
    assert words(limit_sentence(summaries)).startswith(
        "Longer than 60 minutes wait under 1 % of the ill instead of 2 %"
    )
    room = ReadingRoom(readers=1, minutes=5, per_hour=9, prevalence=0.1)
    said = words(room_sentence(room, room.utilisation))
    assert "1 reader, 5 minutes a picture (log-normal, standard deviation 0.5 times the mean)" in said
    assert "9 pictures an hour" in said and "75 % of the time" in said


def test_the_table_has_minutes_with_ranges_and_says_who_and_in_which_order(summaries):
    table = waiting_table(summaries)
    row = table[(table["Who"] == "The ill") & (table["Order"] == "by score")].iloc[0]
    assert row["Half within (min)"] == "2.0 (1.0–4.0)" and row["Over 60 min (%)"] == "0.2 (0.0–0.4)"
    assert set(table["Who"]) == {"Everyone", "The ill", "The ill it misses", "The healthy"}


def test_the_figure_draws_each_group_apart_with_its_n_and_a_title_with_a_unit():
    curves = [
        WaitCurve(
            group=group, order=order, n=1234, minutes=(0.0, 10.0, 20.0), share=(0.1, 0.5, 1.0), low=(0.0, 0.4, 0.9),
            high=(0.2, 0.6, 1.0),
        )
        for group, order in LOOKS
    ]  # fmt: skip
    figure = waiting_figure(curves, 15.0, 20)
    lines = [trace for trace in figure.data if trace.showlegend is not False]
    assert len(lines) == len(LOOKS) == 5
    assert len({line.line.dash for line in lines}) == 5 and len({line.line.color for line in lines}) == 5
    assert all("1,234" in line.name for line in lines)
    assert "minutes" in figure.layout.xaxis.title.text and "share" in figure.layout.yaxis.title.text
    assert len(figure.data) == 5 + sum(shaded for _, _, shaded in LOOKS.values())
    assert len(waiting_figure(curves, 15.0, 1).data) == 5  # one seed has no range
    assert len(figure.layout.shapes) == 1 and not waiting_figure(curves, 90.0, 20).layout.shapes
    assert (ALL, ARRIVAL) in LOOKS
