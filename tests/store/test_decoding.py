"""Reading many records: what was learnt from one object changes nothing for the next, and no integer loses a digit."""

import json
import math
from dataclasses import asdict, dataclass, replace

import pytest

from core.errors import StoreError
from core.store.codec import from_json
from core.store.decoding import decode
from core.types import Estimate

ESTIMATE = Estimate(
    metric="auc", value=0.75, low=0.5, high=None, level=0.95, n_images=12, n_groups=6, method="DeLong", split="test"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    share: float
    words: str = "none"

    def __post_init__(self) -> None:
        if self.share > 1:
            raise StoreError("more than all")


def test_the_second_of_a_form_is_read_as_the_first():
    second = replace(ESTIMATE, value=0.25, low=-0.0)
    for one in (ESTIMATE, second, ESTIMATE, second):
        back = decode(Estimate, asdict(one))
        assert back == one and hash(back) == hash(one) and repr(back) == repr(one)
    turned = dict(reversed(asdict(second).items()))
    assert decode(Estimate, turned) == decode(Estimate, turned) == second


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": math.inf}, "value: expected a number"),
        ({"low": math.nan}, "low: expected a number"),
        ({"n_images": True}, "n_images: expected a whole number"),
        ({"n_images": 12.0}, "n_images: expected a whole number"),
        ({"metric": None}, "metric: expected text"),
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"value": 10**400}, "value: expected a number"),
    ],
)
def test_a_form_that_fitted_lets_nothing_through(change, message):
    for _ in range(2):
        assert decode(Estimate, asdict(ESTIMATE)) == ESTIMATE
        with pytest.raises(StoreError, match=message):
            decode(Estimate, {**asdict(ESTIMATE), **change})


def test_a_missing_field_takes_its_default_and_a_whole_number_becomes_a_fraction():
    without = asdict(ESTIMATE)
    del without["class_name"]
    for _ in range(2):
        assert decode(Estimate, without) == ESTIMATE
        whole = decode(Estimate, {**asdict(ESTIMATE), "value": 1})
        assert whole.value == 1.0 and type(whole.value) is float
        with pytest.raises(StoreError, match="'split' is missing"):
            decode(Estimate, {name: item for name, item in without.items() if name != "split"})


def test_a_dataclass_that_checks_itself_does_so_every_time():
    for _ in range(2):
        assert decode(Share, {"share": 0.5, "words": "half"}) == Share(share=0.5, words="half")
        with pytest.raises(StoreError, match="more than all"):
            decode(Share, {"share": 1.5, "words": "half"})


@pytest.mark.parametrize("numbers", [[1e308, 1e308], [0.0, -0.0], [1e308, -1e308, 1e-300], []])
def test_a_list_of_finite_numbers_is_taken_whatever_its_sum(numbers):
    assert decode(tuple[float, ...], numbers) == tuple(numbers)
    for bad in (math.inf, -math.inf, math.nan):
        with pytest.raises(StoreError, match="expected a number"):
            decode(tuple[float | None, ...], [*numbers, bad, None])


@dataclass(frozen=True)
class Loose:
    anything: object


@pytest.mark.parametrize("number", [10**18, 10**19, -(10**19), 2**63, 2**64, 2**64 + 1, -(10**30), 10**60])
def test_no_integer_loses_a_digit_wherever_it_stands(number):
    for text in (f'{{"anything":{number}}}', f'{{"anything": [0,{number}]}}', f'{{"anything":[\n{number}\t]}}'):
        found = from_json(Loose, text).anything
        assert (found[-1] if isinstance(found, tuple) else found) == number
    assert type(from_json(Loose, f'{{"anything": {number}.0}}').anything) is float


def test_sums_of_many_digits_do_not_lead_to_the_slow_reader(monkeypatch):
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("read by json"))
    text = '{"anything": ["' + "0" * 32 + '", "ab1234567890123456789012", 0.1234567890123456789012, 12345678901.5]}'
    assert from_json(Loose, text).anything[2] == 0.1234567890123456789012
