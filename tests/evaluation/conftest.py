"""Predictions made up for tests: by hand, or drawn from a seed."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from core.types import Predictions

Maker = Callable[..., Predictions]


def _predictions(
    y_true: Sequence, y_prob: Sequence, *, task: str = "binary", groups: Sequence | None = None,
    split: str = "test", run_id: str = "run", ids: Sequence | None = None, classes: Sequence[str] | None = None,
) -> Predictions:  # fmt: skip
    scores = np.asarray(y_prob, dtype=np.float64)
    if task == "binary" and scores.ndim == 1:
        scores = np.column_stack([1 - scores, scores])
    names = tuple(classes or ("N", "P") if task == "binary" else classes or "ABCDEFGHIJKLMN"[: scores.shape[1]])
    n = len(scores)
    return Predictions(
        run_id=run_id, split=split, task=task, class_names=names,
        positive_class=names[1] if task == "binary" else None,
        image_ids=np.array([f"i{i:05d}" for i in range(n)] if ids is None else list(ids), dtype=object),
        groups=np.array([f"g{i:05d}" for i in range(n)] if groups is None else list(groups), dtype=object),
        y_true=np.asarray(y_true, dtype=np.int64), y_prob=scores,
    )  # fmt: skip


@pytest.fixture(scope="session")
def make() -> Maker:
    """make(y_true, y_prob, task=..., groups=..., ...): binary takes the positive class's scores alone."""
    return _predictions


@pytest.fixture(scope="session")
def drawn() -> Maker:
    """drawn(task, n, classes, seed, ties=False, images_per_group=1, ...): random, and better than chance."""

    def draw(
        task: str = "binary", n: int = 200, classes: int = 2, seed: int = 0, *, ties: bool = False,
        images_per_group: int = 1, shift: float = 1.2, **more: object,
    ) -> Predictions:  # fmt: skip
        rng = np.random.default_rng(seed)
        groups = [f"g{i // images_per_group:05d}" for i in range(n)]
        if task == "multilabel":
            truth = (rng.random((n, classes)) < 0.3).astype(int)
            scores = 1 / (1 + np.exp(-(rng.normal(size=(n, classes)) + shift * truth - 1)))
            scores = np.round(scores, 1) if ties else scores
        else:
            truth = rng.permutation(np.arange(n) % classes)
            logits = rng.normal(size=(n, classes))
            logits[np.arange(n), truth] += shift
            scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            if ties:  # tenths that still sum to 1
                scores = np.array([rng.multinomial(10, row / row.sum()) for row in scores]) / 10
        return _predictions(truth, scores, task=task, groups=groups, **more)

    return draw
