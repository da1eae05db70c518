"""What may be started from a page, by whom, and how long it would take."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from core.errors import SpecInvalid
from core.jobs.choices import heads_of, own_runs, plan_of, strategies_of, training_refused
from core.jobs.estimate import planned, total_seconds
from core.registry.architectures import ARCHITECTURES
from core.store.codec import run_id_of
from core.training.plan import load_plan
from core.types import ClassCounts


@pytest.mark.parametrize(
    ("loopback", "token", "switch", "refused"),
    [
        (True, False, "", ""), (False, True, "", ""), (False, False, "", "open to all"), (False, False, "on", ""),
        (True, True, "off", "switched off"), (True, False, "nonsense", ""), (False, False, "nonsense", "open to all"),
    ],
)  # fmt: skip
def test_only_a_server_for_known_visitors_lets_them_train(loopback, token, switch, refused):
    assert training_refused(loopback=loopback, token=token, switch=switch) == refused


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_plan_of_own_choices_reads_back_as_the_same_runs(architecture, tmp_path):
    for strategy in strategies_of(architecture):
        specs = own_runs("phantom", "phantom_nodule", architecture, heads_of(strategy), strategy, epochs=7, seed=3)
        file = tmp_path / "own.toml"
        file.write_text(plan_of(specs, "Mine"), encoding="utf-8")
        read = load_plan(str(file))
        assert read.title == "Mine"
        assert [run_id_of(spec) for spec in read.runs] == [run_id_of(spec) for spec in specs]


def test_what_cannot_be_trained_is_refused_in_words():
    with pytest.raises(SpecInvalid, match="at least one head"):
        own_runs("phantom", "phantom_nodule", "compact_cnn", [], "scratch", epochs=1, seed=0)
    with pytest.raises(SpecInvalid, match="random_forest"):
        own_runs("phantom", "phantom_nodule", "compact_cnn", ["random_forest"], "scratch", epochs=1, seed=0)
    with pytest.raises(SpecInvalid, match="Compact CNN"):
        own_runs("phantom", "phantom_nodule", "compact_cnn", ["mlp"], "frozen", epochs=1, seed=0)


def record(spec, images=100, **seconds):
    counts = [
        ClassCounts(split=split, n_images=n, n_groups=n, images_per_class={})
        for split, n in (("train", images), ("validation", images // 5), ("test", images // 5))
    ]
    return SimpleNamespace(run_id=run_id_of(spec), spec=spec, status="done", seconds=seconds, counts=counts)


def specs_of(dataset, heads, seed=0):
    return own_runs(dataset, "pneumonia", "mobilenet_v2", heads, "frozen", epochs=5, seed=seed)


def test_seconds_come_from_stored_runs_of_the_same_kind_and_features_are_paid_once():
    mlp, forest = specs_of("chest_xray", ["mlp", "random_forest"])
    stored = [
        record(mlp, training=10.0, evaluation=2.0, features=14.0),  # 140 images in 14 s: ten a second
        record(specs_of("chest_xray", ["mlp"], seed=1)[0], training=30.0, features=0.01),  # from the cache: no speed
        record(specs_of("chest_xray", ["random_forest"], seed=1)[0], training=4.0, features=0.01),
    ]
    wanted = [forest, *specs_of("chest_xray", ["mlp"], seed=2), mlp]
    found = planned(wanted, stored)
    # the forest pays for the features (140 / 10 = 14 s) though a run of the plan has them: that one stands later
    assert [run.seconds for run in found] == [18.0, (12.0 + 30.0) / 2, 0.0]
    assert [run.stored for run in found] == ["", "", "done"]
    assert [run.alike for run in found] == [1, 2, 0]
    assert total_seconds(found) == 39.0


def test_without_a_like_run_the_time_is_not_known_and_on_other_data_it_goes_by_images():
    (mlp,) = specs_of("chest_xray", ["mlp"])
    (lesion,) = own_runs("ham10000", "ham_seven", "mobilenet_v2", ["mlp"], "frozen", epochs=5, seed=0)
    (forest,) = own_runs("ham10000", "ham_seven", "mobilenet_v2", ["random_forest"], "frozen", epochs=5, seed=0)
    stored = [record(mlp, training=10.0, features=14.0), record(forest, images=300, training=6.0, features=0.1)]
    (found,) = planned([lesion], stored)
    # 0.1 s a training image on 300 of them, and 420 images at the ten a second that chest_xray's features took
    assert found.seconds == pytest.approx(30.0 + 42.0)
    assert planned([lesion], stored[1:])[0].seconds is None
    assert total_seconds(planned([lesion], stored[1:])) is None


def test_drawn_patients_count_by_their_number():
    (few,) = own_runs("phantom", "phantom_nodule", "compact_cnn", ["linear"], "scratch", epochs=5, seed=0)
    (many,) = own_runs("phantom", "phantom_nodule", "compact_cnn", ["linear"], "scratch", epochs=5, seed=1)
    many = replace(many, dataset_options={"patients": 6000, "seed": 7})
    (found,) = planned([few], [record(many, images=10_000, training=500.0)])
    assert found.seconds == pytest.approx(50.0)  # a tenth of the patients


def test_a_network_trained_whole_goes_by_the_epochs_that_are_asked_for():
    stored, asked = (
        own_runs("phantom", "phantom_nodule", "compact_cnn", ["linear"], "scratch", epochs=n, seed=n)[0]
        for n in (20, 5)
    )
    (found,) = planned([asked], [record(stored, data=3.0, training=40.0)])
    assert found.seconds == pytest.approx(3.0 + 10.0)


@pytest.mark.parametrize("changes", [{"strategy": "ensemble", "members": ("a", "b")}, {"strategy": "as_trained"}])
def test_what_trains_nothing_pays_for_no_features(changes):
    (spec,) = specs_of("chest_xray", ["mlp"])
    known = record(replace(spec, fold=1, **changes), scoring=6.0, evaluation=1.0)
    (found,) = planned([replace(spec, fold=2, **changes)], [known])
    assert (found.seconds, found.alike) == (7.0, 1)
