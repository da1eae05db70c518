"""The reading room against queueing theory and against itself: waits, orders, refusals, speed."""

import math
import time

import numpy as np
import pytest

from core.errors import SpecInvalid, UndefinedMetric
from core.evaluation.reading_room import (
    marked,
    simulate,
    start_times,
    wait_curves,
    wait_summaries,
    wait_summary,
    waiting_times,
)
from core.registry.reading import ARRIVAL, GROUPS, HEALTHY, ILL, MISSED, ORDERS, PERFECT, SCORE, ReadingRoom


def room_of(**changes):
    fields = {"readers": 1, "minutes": 5.0, "per_hour": 9.6, "prevalence": 0.2}
    return ReadingRoom(**{**fields, **changes})


def erlang_c(readers, load):
    """Share of arrivals that wait in M/M/c, load = arrival rate times mean service (Erlang 1917)."""
    terms = [load**k / math.factorial(k) for k in range(readers)]
    full = load**readers / math.factorial(readers) * readers / (readers - load)
    return full / (sum(terms) + full)


def queue(n, readers, rate, seed, ill_share=0.3, constant=False):
    """Arrivals at `rate`, services of mean 1: (arrivals, starts, ill)."""
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(1 / rate, n))
    services = np.ones(n) if constant else rng.exponential(1.0, n)
    return arrivals, start_times(arrivals, services, readers), rng.random(n) < ill_share


def test_a_queue_worked_by_hand():
    # one reader: 0-4, 4-6, 6-7; the third picture, urgent, overtakes the second but does not interrupt the first
    arrivals, reading = np.array([0.0, 1.0, 2.0]), np.array([4.0, 2.0, 1.0])
    starts = start_times(arrivals, reading, 1)
    assert starts.tolist() == [0, 4, 6]
    assert (starts - arrivals).tolist() == [0, 3, 4]
    assert waiting_times(arrivals, starts, np.array([0, 0, 1])).tolist() == [0, 5, 2]
    assert waiting_times(arrivals, starts, np.zeros(3)).tolist() == [0, 3, 4]
    # two readers: the first two begin at once, the third when the second reader is free at 3
    assert start_times(arrivals, reading, 2).tolist() == [0, 1, 3]


@pytest.mark.parametrize(("readers", "load"), [(1, 0.8), (3, 2.4)])
def test_the_mean_wait_first_come_is_that_of_erlang(readers, load):
    found = np.mean([
        (starts - arrivals)[4000:].mean()
        for arrivals, starts, _ in (queue(20_000, readers, load, seed) for seed in range(12))
    ])  # fmt: skip
    expected = erlang_c(readers, load) / (readers - load)  # 4.0 and 1.08 mean services
    assert found == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize(("readers", "load"), [(1, 0.8), (3, 2.4)])
def test_two_classes_wait_as_cobham_says(readers, load):
    waits = {True: [], False: []}
    for seed in range(12):
        arrivals, starts, ill = queue(20_000, readers, load, seed)
        minutes = waiting_times(arrivals, starts, ill)[4000:]
        for kind, kept in waits.items():
            kept.append(minutes[ill[4000:] == kind].mean())
    # Cobham 1954, Oper Res 2:70: W1 = W0 / (1 - r1), W2 = W0 / ((1 - r1)(1 - r)); W0 is the mean wait for any
    # reader to become free, of all loads r per reader r1 is that of the first class
    first, all_loads = 0.3 * load / readers, load / readers
    free = erlang_c(readers, load) / readers
    assert np.mean(waits[True]) == pytest.approx(free / (1 - first), rel=0.05)
    assert np.mean(waits[False]) == pytest.approx(free / (1 - first) / (1 - all_loads), rel=0.07)


@pytest.mark.parametrize("constant", [True, False])
def test_no_order_makes_the_waiting_of_all_together_shorter(constant):
    arrivals, starts, ill = queue(3000, 2, 1.8, 5, constant=constant)
    rng = np.random.default_rng(0)
    in_turn = starts - arrivals
    for priority in (ill, rng.random(3000), -np.arange(3000.0)):
        minutes = waiting_times(arrivals, starts, priority)
        assert minutes.mean() == pytest.approx(in_turn.mean(), rel=1e-12)
        assert minutes.min() >= 0
        assert sorted(minutes + arrivals) == pytest.approx(starts)  # the same readings, other pictures


def test_each_reading_begins_with_the_most_urgent_of_those_who_wait():
    arrivals, starts, _ = queue(400, 1, 0.9, 3)
    score = np.random.default_rng(1).integers(0, 5, 400)  # many equal ones
    begun = arrivals + waiting_times(arrivals, starts, score)
    for picture in range(400):
        others = (arrivals <= begun[picture]) & (begun > begun[picture])
        assert not (score[others] > score[picture]).any()
        assert not (others & (score == score[picture]) & (arrivals < arrivals[picture])).any()


@pytest.fixture(scope="module")
def waiting():
    rng = np.random.default_rng(0)
    ill = np.arange(300) % 3 == 0
    scores = rng.normal(size=300) + 1.5 * ill
    return simulate(scores, ill, scores > 0.8, np.arange(300) // 2, room_of(), seeds=range(1, 9), n_images=1000)


def test_by_score_the_ill_wait_less_and_never_less_than_in_a_perfect_order(waiting):
    mean = {order: wait_summary(waiting, ILL, order, 30).mean.value for order in ORDERS}
    healthy = {order: wait_summary(waiting, HEALTHY, order, 30).mean.value for order in ORDERS}
    assert mean[PERFECT] < mean[SCORE] < mean[ARRIVAL]
    assert healthy[PERFECT] > healthy[SCORE] > healthy[ARRIVAL]


def test_the_ill_whom_the_cut_misses_wait_longer_than_those_whom_it_finds(waiting):
    missed = wait_summary(waiting, MISSED, SCORE, 30)
    found = wait_summary(waiting, "found", SCORE, 30)
    assert missed.mean.value > 2 * found.mean.value
    assert missed.n + found.n == waiting.ill.sum()


def test_a_score_that_knows_nothing_saves_nobody_anything():
    ill = np.arange(200) % 2 == 0
    blind = simulate(np.zeros(200), ill, ill, np.arange(200), room_of(), seeds=(1, 2), n_images=500)
    assert np.array_equal(blind.minutes[SCORE], blind.minutes[ARRIVAL])


def test_summaries_are_numbers_of_the_marked_pictures_with_the_range_of_the_seeds(waiting):
    found = wait_summary(waiting, ILL, SCORE, 20.0)
    minutes = waiting.minutes[SCORE]
    assert found.n == waiting.ill.sum()
    assert found.median.value == np.median(minutes[waiting.ill])
    assert found.over.value == np.mean(minutes[waiting.ill] > 20)
    each = [np.median(minutes[i][waiting.ill[i]]) for i in range(8)]
    assert (found.median.low, found.median.high) == (min(each), max(each))


def test_groups_are_parts_of_each_other_and_one_without_pictures_is_left_out(waiting):
    sizes = {group: marked(waiting, group).sum() for group in GROUPS}
    assert sizes["all"] == sizes[ILL] + sizes[HEALTHY] and sizes[ILL] == sizes[MISSED] + sizes["found"]
    with pytest.raises(SpecInvalid, match="Unknown group 'dead'"):
        marked(waiting, "dead")
    ill = np.arange(60) % 2 == 0
    faultless = simulate(ill * 1.0, ill, ill, np.arange(60), room_of(), seeds=(1, 2), n_images=100)
    assert wait_summary(faultless, MISSED, SCORE, 20.0) is None
    assert {s.group for s in wait_summaries(faultless, 20.0)} == set(GROUPS) - {MISSED}
    assert wait_curves(faultless, [(MISSED, SCORE)]) == ()


def test_curves_rise_from_those_read_at_once_and_hold_the_median(waiting):
    (curve,) = wait_curves(waiting, [(ILL, SCORE), (MISSED, "score")])[:1]
    share = np.array(curve.share)
    assert (np.diff(share) >= 0).all() and share[-1] <= 1
    assert share[0] == np.mean(waiting.minutes[SCORE][waiting.ill] <= 0)
    assert all(low <= value <= high for low, value, high in zip(curve.low, share, curve.high, strict=True))
    median = wait_summary(waiting, ILL, SCORE, 30).median.value
    step = curve.minutes[1]
    assert np.interp(median - step, curve.minutes, share) <= 0.5 <= np.interp(median + step, curve.minutes, share)


def test_the_room_has_the_prevalence_asked_for_and_the_same_seeds_give_the_same_day(waiting):
    assert waiting.ill.mean() == pytest.approx(0.2, abs=0.02)
    ill = np.arange(60) % 2 == 0
    days = [simulate(ill * 1.0, ill, ill, np.arange(60), room_of(), seeds=(4,), n_images=200) for _ in range(2)]
    assert np.array_equal(days[0].minutes[SCORE], days[1].minutes[SCORE])


@pytest.mark.parametrize("spread", ["lognormal", "exponential", "constant"])
def test_reading_times_have_the_mean_that_was_asked_for(spread):
    # at a tiny rate nobody waits; at a high one the readings follow each other without a pause
    ill = np.arange(10) < 5
    busy = room_of(spread=spread, minutes=2.0, per_hour=29.9)
    day = simulate(ill * 1.0, ill, ill, np.arange(10), busy, seeds=range(3), n_images=4000)
    quiet = simulate(ill * 1.0, ill, ill, np.arange(10), room_of(spread=spread, per_hour=0.01), seeds=(1,))
    assert day.minutes[ARRIVAL].mean() > 10
    assert quiet.minutes[ARRIVAL].max() < 20
    assert busy.utilisation == pytest.approx(29.9 / 30)


def test_more_than_can_be_read_is_refused_with_the_arithmetic():
    with pytest.raises(SpecInvalid, match=r"20 pictures an hour ask for 100 minutes.*1 reader has 60.*without end"):
        room_of(per_hour=20)
    with pytest.raises(SpecInvalid, match="2 readers have 120"):
        room_of(per_hour=24, readers=2)


@pytest.mark.parametrize("wrong", [{"readers": 0}, {"minutes": 0}, {"per_hour": -1}, {"prevalence": 1.0}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(SpecInvalid, match="expected at least one reader"):
        room_of(**wrong)
    with pytest.raises(SpecInvalid, match="lognormal, exponential, constant"):
        room_of(spread="normal")


def test_without_both_kinds_of_images_there_is_nobody_to_read_first():
    for ill in (np.ones(20, bool), np.zeros(20, bool)):
        with pytest.raises(UndefinedMetric, match="nobody to be read first"):
            simulate(ill * 1.0, ill, ill, np.arange(20), room_of())


def test_twenty_thousand_arrivals_take_under_a_second():
    rng = np.random.default_rng(0)
    ill = rng.random(600) < 0.5
    began = time.process_time()
    simulate(rng.random(600), ill, ill, np.arange(600), room_of(), seeds=(1,), n_images=20_000)
    assert time.process_time() - began < 1.0
