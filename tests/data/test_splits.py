"""Splits: no patient and no identical image on two sides, the shares asked for, the same every time."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.data.splits import assign_splits, audit_overlap, class_counts, default_kind, parts_of
from core.data.stratify import units_of
from core.errors import DatasetInvalid, SpecInvalid
from core.tables import SPLITS

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def patients(draw):
    """Class and image count of 40 to 120 patients of two to four classes, 10 of each class at least."""
    n_classes = draw(st.integers(2, 4))
    own = [c for c in range(n_classes) for _ in range(10)]
    own += draw(st.lists(st.integers(0, n_classes - 1), min_size=20, max_size=80))
    sizes = draw(st.lists(st.integers(1, 4), min_size=len(own), max_size=len(own)))
    return own, sizes


def rows_of(own, sizes):
    classes = [c for c, k in zip(own, sizes, strict=True) for _ in range(k)]
    groups = [f"p{i}" for i, k in enumerate(sizes) for _ in range(k)]
    return classes, groups


@QUICK
@given(made=patients(), seed=st.integers(0, 1000))
def test_no_group_crosses_and_shares_are_kept(make_labelled, made, seed):
    labelled = assign_splits(make_labelled(*rows_of(*made)), "group", seed)
    audit = audit_overlap(labelled)
    assert (audit.groups_in_several_splits, audit.images_in_several_splits) == (0, 0)
    whole = np.bincount(labelled.y_true) / len(labelled)
    for part, share in zip(SPLITS, (0.6, 0.2, 0.2), strict=True):
        own = labelled.y_true[labelled.indices(part)]
        assert len(own) / len(labelled) == pytest.approx(share, abs=0.05)
        # one patient has up to four images: with few images a class cannot be nearer than that
        slack = 0.02 + 4 / len(own)
        assert np.bincount(own, minlength=len(whole)) / len(own) == pytest.approx(whole, abs=slack)


@QUICK
@given(made=patients(), seed=st.integers(0, 1000), order=st.randoms(use_true_random=False))
def test_the_split_depends_on_content_and_seed_not_on_row_order(make_labelled, made, seed, order):
    labelled = make_labelled(*rows_of(*made))
    mixed = list(range(len(labelled)))
    order.shuffle(mixed)
    other = replace(labelled, rows=labelled.rows.iloc[mixed].reset_index(drop=True), y_true=labelled.y_true[mixed])
    for kind in ("group", "random"):
        first, second = assign_splits(labelled, kind, seed), assign_splits(other, kind, seed)
        assert dict(zip(first.rows["image_id"], first.splits, strict=True)) == dict(
            zip(second.rows["image_id"], second.splits, strict=True)
        )


def large(make_labelled, **changed):
    """600 images of 300 patients, two classes, one in three sick."""
    classes = [int(i % 3 == 0) for i in range(300) for _ in range(2)]
    return make_labelled(classes, [f"p{i}" for i in range(300) for _ in range(2)], **changed)


def test_large_sets_are_split_to_a_point(make_labelled):
    for counts in class_counts(assign_splits(large(make_labelled), "group", 0)):
        share = {"train": 0.6, "validation": 0.2, "test": 0.2}[counts.split]
        assert counts.n_images == pytest.approx(600 * share, abs=6)
        assert counts.images_per_class["Cardiomegaly"] / counts.n_images == pytest.approx(1 / 3, abs=0.01)
        assert counts.n_groups * 2 == counts.n_images


def test_another_seed_gives_another_split(make_labelled):
    labelled = large(make_labelled)
    assert (assign_splits(labelled, "group", 0).splits != assign_splits(labelled, "group", 1).splits).any()


def test_patients_that_share_an_identical_image_stay_together(make_labelled):
    # image 0 of patient 0 is image 0 of patient 50, whose image 1 is one of patient 99: a chain of three
    hashes = [f"h{i}" for i in range(600)]
    hashes[100], hashes[101], hashes[198] = hashes[0], "chain", "chain"
    for seed in range(20):
        labelled = assign_splits(large(make_labelled, hashes=hashes), "group", seed)
        assert len({labelled.splits[i] for i in (0, 100, 198)}) == 1
        assert audit_overlap(labelled).images_in_several_splits == 0


def test_a_random_split_leaks_and_the_audit_counts_it(make_labelled):
    labelled = assign_splits(large(make_labelled, hashes=[f"h{i // 4}" for i in range(600)]), "random", 0)
    audit = audit_overlap(labelled)
    both = [set(labelled.splits[2 * i : 2 * i + 2]) for i in range(300)]
    four = [set(labelled.splits[4 * i : 4 * i + 4]) for i in range(150)]
    assert audit.split_kind == labelled.split_kind == "random"
    assert audit.groups_in_several_splits == sum(len(s) > 1 for s in both) > 100
    assert audit.images_in_several_splits == sum(len(s) > 1 for s in four) > 100
    assert len(audit.examples) == 10


def test_every_image_is_tested_once_over_the_five_folds(make_labelled):
    labelled = large(make_labelled)
    folds = [assign_splits(labelled, "group", 3, fold=k) for k in range(5)]
    tested = Counter(i for fold in folds for i in fold.rows["image_id"].iloc[fold.indices("test")])
    assert set(tested.values()) == {1}
    assert len(tested) == 600
    for k in range(5):
        following = set(folds[(k + 1) % 5].indices("test"))
        assert set(folds[k].indices("validation")) == following


@pytest.mark.parametrize("seed", range(10))
def test_a_class_with_three_patients_stands_in_every_part(make_labelled, seed):
    classes, groups = [0] * 60 + [1] * 3, [f"p{i}" for i in range(63)]
    labelled = assign_splits(make_labelled(classes, groups), "group", seed)
    assert {c.images_per_class["Cardiomegaly"] for c in class_counts(labelled)} == {1}


@pytest.mark.parametrize("seed", range(10))
def test_a_class_with_two_patients_is_learnt_and_tested(make_labelled, seed):
    labelled = assign_splits(make_labelled([0] * 60 + [1] * 2, [f"p{i}" for i in range(62)]), "group", seed)
    assert {c.split for c in class_counts(labelled) if c.images_per_class["Cardiomegaly"]} == {"train", "test"}


def test_a_class_that_cannot_be_everywhere_is_refused(make_labelled):
    # three patients of the rare class share one image, so they are one unit
    hashes = [f"h{i}" for i in range(60)] + ["same"] * 3
    labelled = make_labelled([0] * 60 + [1] * 3, [f"p{i}" for i in range(63)], hashes=hashes)
    with pytest.raises(DatasetInvalid, match="'Cardiomegaly'"):
        assign_splits(labelled, "group", 0)


def test_several_labels_keep_rare_findings_in_every_part(make_labelled):
    rng = np.random.default_rng(0)
    classes = [tuple(np.flatnonzero(rng.random(4) < (0.4, 0.2, 0.05, 0.03)).tolist()) for _ in range(600)]
    labelled = assign_splits(make_labelled(classes, [f"p{i // 2}" for i in range(600)]), "group", 0)
    whole = labelled.y_true.mean(axis=0)
    for part in SPLITS:
        own = labelled.y_true[labelled.indices(part)].mean(axis=0)
        assert own == pytest.approx(whole, abs=0.05)
        assert (own > 0).all()


def test_a_rare_class_keeps_its_share_beside_a_common_one(make_labelled):
    # each patient has many common images; every third one a rare image or two as well
    rng = np.random.default_rng(1)
    classes, groups = [], []
    for patient in range(150):
        own = [0] * int(rng.integers(1, 12)) + [1] * int(patient % 3 == 0) * int(rng.integers(1, 3))
        classes += own
        groups += [f"p{patient}"] * len(own)
    for seed in range(5):
        labelled = assign_splits(make_labelled(classes, groups), "group", seed)
        rare = {c.split: c.images_per_class["Cardiomegaly"] / classes.count(1) for c in class_counts(labelled)}
        assert rare == pytest.approx({"train": 0.6, "validation": 0.2, "test": 0.2}, abs=0.02)


def official(make_labelled, n_validation, hashes=None):
    names = ["train"] * (480 - n_validation) + ["validation"] * n_validation + ["test"] * 120
    return large(make_labelled, splits=names, hashes=hashes)


def test_the_official_test_part_stays_and_validation_is_carved_by_patient(make_labelled):
    labelled = assign_splits(official(make_labelled, 0), "official", 0)
    assert labelled.indices("test").tolist() == list(range(480, 600))
    # a quarter of the 480 training images
    assert len(labelled.indices("validation")) == pytest.approx(120, abs=4)
    assert audit_overlap(labelled).groups_in_several_splits == 0


def test_an_official_validation_part_is_used_when_large_enough(make_labelled):
    labelled = assign_splits(official(make_labelled, 50), "official", 0)
    assert labelled.indices("validation").tolist() == list(range(430, 480))


def test_a_tiny_official_validation_part_joins_training_before_carving(make_labelled):
    labelled = assign_splits(official(make_labelled, 16), "official", 0)
    assert len(labelled.indices("validation")) == pytest.approx(120, abs=4)


def test_training_copies_of_official_test_images_are_left_out_and_counted(make_labelled):
    hashes = [f"h{i}" for i in range(600)]
    hashes[0], hashes[7] = hashes[599], hashes[598]
    labelled = assign_splits(official(make_labelled, 0, hashes), "official", 0)
    assert "i000000" not in set(labelled.rows["image_id"])
    assert len(labelled) == len(labelled.y_true) == len(labelled.splits) == 598
    assert sum(labelled.dropped.values()) == 2
    assert audit_overlap(labelled).images_in_several_splits == 0


def test_training_copies_of_official_validation_images_are_left_out(make_labelled):
    hashes = [f"h{i}" for i in range(600)]
    hashes[3], hashes[440] = "same", "same"
    labelled = assign_splits(official(make_labelled, 50, hashes), "official", 0)
    assert set(labelled.rows["image_id"]) == {f"i{i:06d}" for i in range(600)} - {"i000003"}
    assert audit_overlap(labelled).images_in_several_splits == 0


def test_the_kind_follows_the_source(make_labelled):
    assert default_kind(official(make_labelled, 0).table) == "official"
    assert default_kind(large(make_labelled).table) == "group"
    assert default_kind(large(make_labelled, splits=["train"] * 600).table) == "group"


def test_one_class_alone_is_refused(make_labelled):
    labelled = make_labelled([1] * 30, [f"p{i}" for i in range(30)])
    with pytest.raises(DatasetInvalid, match="nothing to tell apart"):
        assign_splits(labelled, "group", 0)


def test_official_without_a_test_part_is_refused(make_labelled):
    with pytest.raises(DatasetInvalid, match="no official test part"):
        assign_splits(large(make_labelled), "official", 0)


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "patient"}, {"fractions": (0.5, 0.2, 0.2)}, {"fractions": (0.8, 0.2, 0.0)}, {"fold": 5}, {"fold": -1},
     {"fold": 0, "kind": "official"}],
)  # fmt: skip
def test_settings_that_make_no_split_are_refused(make_labelled, wrong):
    with pytest.raises(SpecInvalid):
        assign_splits(large(make_labelled), **{"kind": "group", "seed": 0, **wrong})


def test_the_audit_needs_a_split(make_labelled):
    with pytest.raises(SpecInvalid, match="assign_splits"):
        audit_overlap(large(make_labelled))


def test_counts_before_any_split_are_of_all(make_labelled):
    (counts,) = class_counts(large(make_labelled))
    assert (counts.split, counts.n_images, counts.n_groups) == ("all", 600, 300)


def test_another_scheme_takes_over_the_parts_image_by_image(make_labelled):
    groups = [f"p{i}" for i in range(300)]
    fine = assign_splits(make_labelled([i % 3 for i in range(300)], groups), "group", 0)
    coarse = make_labelled([int(i % 3 == 0) for i in range(300)], groups)
    taken = parts_of(coarse, fine)
    assert taken.splits.tolist() == fine.splits.tolist()
    assert taken.split_kind == "group"
    assert assign_splits(coarse, "group", 0).splits.tolist() != fine.splits.tolist()  # its own draw is another one


def test_rows_without_a_part_are_left_out_and_counted(make_labelled):
    whole = large(make_labelled)
    parted = assign_splits(whole, "group", 0)
    fewer = replace(parted, rows=parted.rows[3:], y_true=parted.y_true[3:], splits=parted.splits[3:])
    taken = parts_of(whole, fewer)
    assert taken.rows["image_id"].tolist() == fewer.rows["image_id"].tolist()
    assert taken.splits.tolist() == fewer.splits.tolist()
    assert list(taken.dropped.values()) == [3]


def test_the_given_set_is_not_changed(make_labelled):
    labelled = large(make_labelled)
    assign_splits(labelled, "group", 0)
    assert set(labelled.splits) == {""}


def test_units_join_through_chains():
    # a-b share h1, b-c share h2; d is alone
    units = units_of(["a", "b", "b", "c", "d"], ["h1", "h1", "h2", "h2", "h3"])
    assert units.tolist() == [0, 0, 0, 0, 1]
