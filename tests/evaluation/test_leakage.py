"""What a random split pretends: pairs of runs that differ in the split alone, and their difference with its doubt."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from core.errors import UndefinedMetric
from core.evaluation.leakage import leak_difference, leak_pairs
from core.types import OverlapAudit, Predictions, RunSpec

SPEC = RunSpec(dataset="d", label_scheme="l", architecture="a", head="mlp", split="group")


def record(spec, kind, status="done"):
    audit = OverlapAudit(split_kind=kind, group_field="patient", groups_in_several_splits=0, images_in_several_splits=0)
    return SimpleNamespace(spec=spec, status=status, audit=audit)


def test_a_pair_differs_in_the_split_and_in_nothing_else():
    honest, leaky = record(SPEC, "group"), record(replace(SPEC, split="random"), "random")
    by_data = record(replace(SPEC, split="auto", head="linear"), "group")
    others = [
        record(replace(SPEC, split="random", seed=1), "random"),
        record(replace(SPEC, split="random", head="linear"), "random", status="interrupted"),
    ]
    assert leak_pairs([*others, leaky, by_data, honest]) == ((honest, leaky),)


def scores(name, n, shift, seed):
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 2
    positive = norm.cdf(rng.normal(size=n) + shift * truth)
    return Predictions(
        run_id=name, split="test", task="binary", class_names=("no", "yes"), positive_class="yes",
        image_ids=np.array([f"{name}{i}" for i in range(n)]), groups=np.array([f"{name}{i}" for i in range(n)]),
        y_true=truth, y_prob=np.stack([1 - positive, positive], axis=1),
    )  # fmt: skip


def test_the_difference_and_its_interval_are_those_of_two_independent_samples():
    honest, leaky = scores("honest", 900, 1.0, 1), scores("leaky", 600, 1.6, 2)
    found = leak_difference(honest, leaky, n_bootstrap=600)
    own = [roc_auc_score(p.y_true, p.y_prob[:, 1]) for p in (leaky, honest)]
    assert found.difference == pytest.approx(own[0] - own[1])
    # Hanley & McNeil 1982: the standard error of each AUC; independent samples add their squares
    error = 0.0
    for auc, n in ((own[0], 300), (own[1], 450)):
        q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
        error += (auc * (1 - auc) + (n - 1) * (q1 - auc**2) + (n - 1) * (q2 - auc**2)) / n**2
    half = 1.96 * np.sqrt(error)
    assert found.low == pytest.approx(own[0] - own[1] - half, abs=0.01)
    assert found.high == pytest.approx(own[0] - own[1] + half, abs=0.01)
    assert found.distinguishable
    assert found.method.startswith("unpaired bootstrap over patients")
    assert not leak_difference(honest, scores("twin", 900, 1.0, 5), n_bootstrap=200).distinguishable


def test_without_one_of_the_classes_there_is_no_difference():
    honest = scores("honest", 40, 1.0, 1)
    one_class = replace(scores("leaky", 40, 1.0, 1), y_true=np.zeros(40, dtype=int))
    with pytest.raises(UndefinedMetric):
        leak_difference(honest, one_class, n_bootstrap=20)
