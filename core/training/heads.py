"""Fit a HeadSpec on training features and choose its settings on validation.

The test part never enters this file. scikit-learn heads are stored with skops, never pickled; networks as `.keras`.
"""

import itertools
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.data.history import Sequences
from core.errors import SpecInvalid
from core.training.priors import with_priors
from core.training.progress import Report, silent
from core.types import HeadSpec


@dataclass(frozen=True, slots=True, eq=False)
class FeaturePart:
    """Features (n, d) float32 and truth (m,) or (m, C) of one split; m is n but for sequences.

    `positions` (m, K), of heads on sequences alone: the rows of `features` that make up each image's history.
    """

    features: np.ndarray
    y_true: np.ndarray
    positions: np.ndarray | None = None

    @property
    def inputs(self) -> Any:
        """What a head takes: the features, or `Sequences` of them."""
        return self.features if self.positions is None else Sequences(self.features, self.positions)


@dataclass(frozen=True, slots=True, eq=False)
class FittedHead:
    """A trained head: scores of features, what the grid chose, and its bytes for storing.

    `predict` maps `FeaturePart.inputs` to scores (n, C) in class order; `params` counts trained numbers.
    """

    predict: Callable[[Any], np.ndarray]
    chosen: Mapping[str, object]
    artifact_name: str
    artifact: bytes
    params: int
    history: tuple[Mapping[str, float | int | str], ...] = field(default_factory=tuple)


def grid(head: HeadSpec) -> list[dict[str, object]]:
    """Every combination of the head's search space, in a fixed order; one empty dict where there is none."""
    names = sorted(head.search_space)
    return [
        dict(zip(names, values, strict=True)) for values in itertools.product(*(head.search_space[n] for n in names))
    ]


def build_estimator(head: HeadSpec, chosen: Mapping[str, object], *, seed: int, balanced: bool, task: str) -> object:
    """The scikit-learn estimator of a head with its fixed and chosen settings.

    Args:
        balanced: weigh classes inversely to their frequency.
        task: "multilabel" fits one estimator per class.
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    settings = {**head.settings, **chosen}
    weight = "balanced" if balanced else None
    factories: dict[str, Callable[[], object]] = {
        "logistic_regression": lambda: LogisticRegression(class_weight=weight, random_state=seed, **settings),
        "random_forest": lambda: RandomForestClassifier(class_weight=weight, random_state=seed, n_jobs=-1, **settings),
        "gradient_boosting": lambda: HistGradientBoostingClassifier(
            class_weight=weight, random_state=seed, early_stopping=False, **settings
        ),
        "dummy": lambda: DummyClassifier(strategy="prior", **settings),
    }
    if head.factory not in factories:
        raise SpecInvalid(
            f"The head {head.key!r} is no scikit-learn estimator. Known: {', '.join(sorted(factories))}; "
            "add others in core/training/heads.py."
        )
    estimator = factories[head.factory]()
    if head.standardise:
        estimator = make_pipeline(StandardScaler(), estimator)
    return OneVsRestClassifier(estimator) if task == "multilabel" else estimator


@contextmanager
def fitting_threads(head: HeadSpec) -> Iterator[None]:
    """One thread for gradient boosting: sorting 1,280 features into bins in Python threads is five times slower in two.

    Measured with scikit-learn 1.9 on two cores: 34 s against 7 s.
    """
    from threadpoolctl import threadpool_limits

    if head.factory != "gradient_boosting":
        yield
        return
    with threadpool_limits(limits=1, user_api="openmp"):
        yield


def selection_score(y_true: np.ndarray, scores: np.ndarray, task: str) -> float:
    """Macro AUC over the classes that have both kinds of images; 0.5 where none has. Used on validation only."""
    from sklearn.metrics import roc_auc_score

    columns = scores.shape[1]
    truths = y_true if task == "multilabel" else np.eye(columns, dtype=int)[y_true]
    areas = [roc_auc_score(truths[:, c], scores[:, c]) for c in range(columns) if 0 < truths[:, c].sum() < len(truths)]
    return float(np.mean(areas)) if areas else 0.5


def fit_sklearn_head(
    head: HeadSpec, train: FeaturePart, validation: FeaturePart, *, task: str, class_count: int, seed: int,
    balanced: bool, priors: np.ndarray | None = None, report: Report = silent,
) -> FittedHead:  # fmt: skip
    """Fit every setting of the grid on train, keep the one with the highest macro AUC on validation.

    Ties keep the earlier setting, so that the choice is the same on every machine.
    `priors` (C,) put the scores back to the true class shares; they enter `chosen`, as the stored estimator lacks them.
    """
    import skops.io

    best_score, best, best_setting = -1.0, None, {}
    settings = grid(head)
    for number, setting in enumerate(settings):
        report(f"fitting {head.title.lower()}", number, len(settings))
        estimator = build_estimator(head, setting, seed=seed, balanced=balanced, task=task)
        with fitting_threads(head):
            estimator.fit(train.features, train.y_true)  # type: ignore[attr-defined]
        scores = scores_of(estimator, validation.features, class_count)
        score = selection_score(validation.y_true, scores, task)
        if score > best_score + 1e-12:
            best_score, best, best_setting = score, estimator, setting
    report(f"fitting {head.title.lower()}", len(settings), len(settings))
    chosen: dict[str, object] = {**best_setting, "validation_auc": best_score} if best_setting else {}
    if priors is not None:
        chosen["prior_factors"] = priors.tolist()
    return FittedHead(
        predict=lambda features: corrected(scores_of(best, features, class_count), priors),
        chosen=chosen,
        artifact_name="head.skops",
        artifact=skops.io.dumps(best, compression=zipfile.ZIP_DEFLATED),  # a forest shrinks to a quarter
        params=count_parameters(best),
    )


def corrected(scores: np.ndarray, priors: np.ndarray | None) -> np.ndarray:
    """Scores with the true class shares, or as they are where nothing is to be put right."""
    return scores if priors is None else with_priors(scores, priors)


def scores_of(estimator: object, features: np.ndarray, class_count: int) -> np.ndarray:
    """`predict_proba` as (n, class_count) float64: a class that training never saw has the score 0."""
    raw = np.asarray(estimator.predict_proba(features), dtype=np.float64)  # type: ignore[attr-defined]
    classes = np.asarray(getattr(estimator, "classes_", np.arange(raw.shape[1])), dtype=int)
    scores = np.zeros((len(features), class_count))
    scores[:, classes] = raw
    return scores


def count_parameters(estimator: Any) -> int:
    """Trained numbers: coefficients of a linear model, nodes of trees, class shares of the floor."""
    if hasattr(estimator, "steps"):
        return count_parameters(estimator.steps[-1][1])
    if hasattr(estimator, "coef_"):
        return int(estimator.coef_.size + estimator.intercept_.size)
    if hasattr(estimator, "_predictors"):
        return int(sum(len(tree.nodes) for stage in estimator._predictors for tree in stage))
    if hasattr(estimator, "class_prior_"):
        return int(np.size(estimator.class_prior_))
    if hasattr(estimator, "estimators_"):
        return sum(
            int(e.tree_.node_count) if hasattr(e, "tree_") else count_parameters(e) for e in estimator.estimators_
        )
    return 0
