"""Work ahead in threads: in order, never too far ahead, and an error at its place."""

import threading
import time

import pytest

from core.data.ahead import in_order


def test_results_come_in_order_though_later_ones_are_ready_first():
    def slow_at_first(number):
        time.sleep(0.02 * (number % 3 == 0))
        return number * number

    assert list(in_order(slow_at_first, range(12), workers=4, ahead=2)) == [n * n for n in range(12)]


@pytest.mark.parametrize(("workers", "ahead"), [(1, 0), (2, 3)])
def test_no_more_is_begun_than_workers_and_ahead_allow(workers, ahead):
    drawn = []

    def items():
        for number in range(50):
            drawn.append(number)
            yield number

    results = in_order(lambda number: number, items(), workers=workers, ahead=ahead)
    for taken in range(1, 11):
        next(results)
        assert len(drawn) <= taken + workers + ahead
    results.close()
    assert len(drawn) < 50


def test_several_items_are_in_work_at_once():
    meeting = threading.Barrier(3, timeout=10)  # breaks unless three are there together
    assert list(in_order(lambda _: meeting.wait() >= 0, range(6), workers=3, ahead=0)) == [True] * 6


def test_an_error_comes_at_the_place_of_its_item_and_ends_the_work():
    begun = []

    def refuse_five(number):
        begun.append(number)
        if number == 5:
            raise ValueError("five")
        return number

    results = in_order(refuse_five, range(100), workers=2, ahead=1)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="five"):
        next(results)
    assert len(begun) < 12


def test_nothing_to_do_gives_nothing():
    assert list(in_order(str, [], workers=2, ahead=2)) == []
