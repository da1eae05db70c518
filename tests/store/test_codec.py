"""The codec: exact there and back, strict about what it does not know, and run ids that mean their spec."""

import json
import re
from dataclasses import dataclass, field, fields, replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import StoreError
from core.store.codec import SCHEMA_VERSION, canonical_json, from_json, run_id_of, to_json
from core.types import AugmentationSpec, Estimate, ModelCard, PreprocessSpec, RunRecord, RunSpec

SPEC = RunSpec(dataset="chest_xray", label_scheme="pneumonia", architecture="mobilenet_v2", head="mlp")


@dataclass(frozen=True)
class Inner:
    pair: tuple[int, str]
    numbers: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Outer:
    schema_version: int
    name: str
    zeal: Literal["low", "high"] = "low"
    inner: Inner | None = None
    table: dict[str, tuple[Inner, ...]] = field(default_factory=dict)
    amount: int | float | str = 0
    share: float = 0.5
    flag: bool = False
    anything: object = None


exact_floats = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8)
inners = st.builds(
    Inner,
    pair=st.tuples(st.integers(), st.text()),
    numbers=st.lists(st.none() | exact_floats, max_size=5).map(tuple),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | exact_floats | st.text(),
    lambda children: st.lists(children, max_size=3).map(tuple) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)
outers = st.builds(
    Outer,
    schema_version=st.just(SCHEMA_VERSION),
    name=st.text(),
    zeal=st.sampled_from(["low", "high"]),
    inner=st.none() | inners,
    table=st.dictionaries(names, st.lists(inners, max_size=2).map(tuple), max_size=3),
    amount=st.integers() | exact_floats | st.text(),
    share=exact_floats,
    flag=st.booleans(),
    anything=anything,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(outers)
def test_what_is_written_comes_back_exactly(value):
    back = from_json(Outer, to_json(value))
    assert back == value
    assert repr(back.share) == repr(value.share)  # -0.0 and the last digit too
    assert type(back.amount) is type(value.amount)


specs = st.builds(
    RunSpec,
    dataset=names, label_scheme=names, architecture=names, head=names,
    strategy=st.sampled_from(["frozen", "fine_tune", "scratch", "imported"]), weights=names,
    preprocess=st.builds(PreprocessSpec, size_px=st.integers(16, 512), contrast=st.sampled_from(["none", "clahe"])),
    augmentation=st.builds(AugmentationSpec, flip_horizontal=st.booleans(), rotation=exact_floats),
    epochs=st.integers(0, 500), learning_rates=st.lists(exact_floats, max_size=3).map(tuple),
    seed=st.integers(0, 2**63), fold=st.none() | st.integers(0, 9), split=st.sampled_from(["group", "random"]),
    dataset_options=st.dictionaries(names, st.integers() | exact_floats | st.text(), max_size=3),
)  # fmt: skip


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs)
def test_a_spec_keeps_its_run_id_through_the_file(spec):
    back = from_json(RunSpec, to_json(spec))
    assert back == spec
    assert run_id_of(back) == run_id_of(spec)
    assert re.fullmatch(r"[a-z0-9-]+-[0-9a-f]{8}", "x" + run_id_of(spec))


def test_whole_records_and_cards_come_back_equal(stored, make_card):
    for task in ("binary", "multiclass", "multilabel"):
        record = stored(task).record
        assert from_json(RunRecord, to_json(record)) == record
    card = make_card()
    assert from_json(ModelCard, to_json(card)) == card


def test_the_schema_version_stands_first_and_keys_are_sorted(stored):
    text = to_json(stored().record)
    keys = list(json.loads(text))
    assert keys[0] == "schema_version"
    assert keys[1:] == sorted(keys[1:])
    assert text.startswith('{\n  "schema_version": 1,\n') and text.endswith("}\n")


def test_equal_records_give_equal_bytes(stored):
    record = stored().record
    turned = replace(record, seconds=dict(reversed(record.seconds.items())))
    assert to_json(turned) == to_json(record)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), np.float64("nan")])
def test_a_number_that_json_does_not_know_is_refused_by_name(number):
    with pytest.raises(StoreError, match=r"share: .* cannot be stored"):
        to_json(Outer(schema_version=1, name="x", share=number))


def test_numpy_numbers_are_stored_as_plain_ones():
    value = Outer(schema_version=np.int64(1), name="x", share=np.float32(0.1), amount=np.int32(3), flag=np.bool_(True))
    back = from_json(Outer, to_json(value))
    assert (back.share, back.amount, back.flag) == (float(np.float32(0.1)), 3, True)


def test_a_file_name_that_is_no_unicode_survives():
    value = Outer(schema_version=1, name="broken \udcff name")
    assert from_json(Outer, to_json(value).encode("utf-8")) == value


@pytest.mark.parametrize("value", [{1: "a"}, {"a": {3}}, object(), b"bytes"])
def test_what_has_no_place_in_json_is_refused(value):
    with pytest.raises(StoreError, match="anything"):
        to_json(Outer(schema_version=1, name="x", anything=value))


GOOD = {"schema_version": 1, "name": "x"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"name": 3}, "name: expected text, got 3"),
        ({"name": None}, "name: expected text, got None"),
        ({"flag": 1}, "flag: expected true or false"),
        ({"share": "0.5"}, "share: expected a number"),
        ({"share": True}, "share: expected a number"),
        ({"amount": None}, "amount: expected int or float or str, got None"),
        ({"zeal": "medium"}, "zeal: expected one of 'low', 'high'"),
        ({"inner": {"pair": [1]}}, "inner.pair: expected 2 items"),
        ({"inner": {"pair": [1, 2]}}, r"inner.pair\[1\]: expected text"),
        ({"inner": {}}, "inner: the field 'pair' is missing"),
        ({"inner": [1]}, "inner: expected an object"),
        ({"inner": {"pair": [1, "a"], "numbers": [0.1, "b"]}}, r"inner.numbers\[1\]"),
        ({"table": []}, "table: expected an object"),
        ({"table": {"k": [{"pair": [1.5, "a"]}]}}, r"table\[k\]\[0\].pair\[0\]: expected a whole number"),
        ({"schema_version": True}, "schema_version"),
        ({"schema_version": 0}, "schema_version"),
        ({"schema_version": "1"}, "schema_version"),
        ({"schema_version": SCHEMA_VERSION + 1, "colour": "red"}, "newer MedLens.*update"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(change, message):
    with pytest.raises(StoreError, match=message):
        from_json(Outer, json.dumps({**GOOD, **change}))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", "null", '"x"', '{"schema_version": 1, "share": NaN}', b"\xff\xfe\x00", "[" * 100_000,
     '{"schema_version": 1, "name": "x", "share": 1e999}',
     '{"schema_version": 1, "name": "x", "share": 1' + "0" * 400 + "}",
     '{"schema_version": 1, "name": "x", "inner": {"pair": [1, "a"], "numbers": [0.5, -1e999]}}',
     '{"schema_version": 1, "name": "x", "anything": ' + "[" * 3000 + "]" * 3000 + "}"],
    ids=lambda text: str(text)[:24],
)  # fmt: skip
def test_what_is_no_file_of_ours_is_a_store_error_and_nothing_else(text):
    with pytest.raises(StoreError):
        from_json(Outer, text)


def test_a_missing_field_takes_its_default_and_a_needed_one_is_named():
    assert from_json(Outer, '{"name": "x", "schema_version": 1}') == Outer(schema_version=1, name="x")
    with pytest.raises(StoreError, match="'name' is missing"):
        from_json(Outer, '{"schema_version": 1}')


def test_a_whole_number_in_a_float_field_becomes_a_float_and_in_a_union_stays():
    back = from_json(Outer, '{"name": "x", "schema_version": 1, "share": 1, "amount": 1}')
    assert type(back.share) is float and type(back.amount) is int


def test_a_run_id_reads_well_and_is_the_one_that_stored_runs_carry():
    # frozen: if this changes, every committed run is orphaned. A new field with a default leaves it as it is
    assert run_id_of(SPEC) == "chest-xray-pneumonia-mobilenet-v2-mlp-frozen-e311f287"


def test_numbers_count_by_value_in_a_run_id():
    one = replace(SPEC, learning_rates=(1.0, 0.5), dataset_options={"a": 1, "b": 2})
    assert run_id_of(one) == run_id_of(replace(one, learning_rates=(1, 0.5), dataset_options={"b": 2.0, "a": 1.0}))
    assert run_id_of(one) != run_id_of(replace(one, dataset_options={"a": "1", "b": 2}))
    assert canonical_json({"b": 1.0, "a": [True, 0.1, -0.0]}) == '{"a":[true,0.1,0],"b":1}'


def test_every_field_of_a_spec_changes_the_run_id():
    other = RunSpec(
        dataset="d", label_scheme="l", architecture="a", head="h", strategy="scratch", weights="none",
        preprocess=PreprocessSpec(size_px=99), augmentation=AugmentationSpec(zoom=0.1), balance="oversample", epochs=1,
        batch_size=1, learning_rates=(0.5,), seed=1, fold=1, split="random", split_seed=1, dataset_options={"n": 1},
        optimizer="sgd", schedule="cosine", weight_decay=0.1, gradient_clip=2.0, patience=3, label_smoothing=0.1,
        mixup=0.2, trainable_layers=4, score_train=True, split_scheme="pneumonia_cause", split_whole=True,
            train_share=0.5, stated_shares="equal", views="four", members=("a", "b"),
            threshold_rule="f1", imported_sha256="ab",
    )  # fmt: skip
    for spec_field in fields(RunSpec):
        changed = replace(SPEC, **{spec_field.name: getattr(other, spec_field.name)})
        assert run_id_of(changed) != run_id_of(SPEC), spec_field.name


def test_hostile_names_give_a_harmless_run_id():
    run_id = run_id_of(replace(SPEC, dataset="../../etc", head="Ünïcode/<b>" + "x" * 500))
    assert re.fullmatch(r"[a-z0-9-]+", run_id) and len(run_id) < 140


def test_an_estimate_without_a_value_stays_without():
    estimate = Estimate(
        metric="ppv", value=None, low=None, high=None, level=0.95, n_images=3, n_groups=2, method="m", split="test"
    )
    assert from_json(Estimate, to_json(estimate)) == estimate
