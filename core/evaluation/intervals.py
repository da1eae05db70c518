"""Intervals that respect patients: whole groups are drawn, with all their images.

A patient's images resemble each other; drawing images one by one would promise a precision that is not there.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from core.evaluation import delong
from core.evaluation.metrics import defined
from core.evaluation.resampled import ALL_METRICS, Key, prepare, weighted_values
from core.types import Estimate, Predictions, Threshold

LEVEL = 0.95
MOST_UNDEFINED = 0.2  # share of resamples without a value, above which there is no honest interval
BLOCK_CELLS = 400_000  # weights held at once: 3 MB, small enough to stay in the processor's cache


def resample_weights(groups: np.ndarray, n_bootstrap: int, seed: int) -> Iterator[np.ndarray]:
    """How often each image counts in each bootstrap resample of the groups.

    Args:
        groups: (n,) names. The same groups and seed give the same resamples, in whatever order images stand.
    Returns: blocks (b, n) float64 whose b add up to `n_bootstrap`.
    Source: Efron & Tibshirani 1993; resampling whole clusters: Field & Welsh 2007, J R Stat Soc B 69:369.
    """
    names, of_image = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    # NumPy keeps the raw bits of a bit generator for ever, but not what Generator.integers makes of them:
    # stored intervals must come out the same after an update
    bits = np.random.PCG64(seed)
    left, block = n_bootstrap, max(1, BLOCK_CELLS // len(groups))
    while left > 0:
        rows = min(block, left)
        raw = bits.random_raw(rows * len(names)) >> np.uint64(32)
        drawn = (raw * np.uint64(len(names)) >> np.uint64(32)).astype(np.int64).reshape(rows, len(names))
        drawn += np.arange(rows)[:, None] * len(names)
        counts = np.bincount(drawn.ravel(), minlength=rows * len(names)).reshape(rows, len(names))
        yield counts.astype(np.float64).take(of_image, axis=1)
        left -= rows


def bootstrap_values(
    pred: Predictions,
    threshold: Threshold | None,
    *,
    metrics: Iterable[str] = ALL_METRICS,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Mapping[Key, np.ndarray]:
    """(metric, class or None) -> (n_bootstrap,) values, NaN where a resample does not define one."""
    prepared = prepare(pred, threshold, metrics)
    blocks = [weighted_values(prepared, weights) for weights in resample_weights(pred.groups, n_bootstrap, seed)]
    return {key: np.concatenate([block[key] for block in blocks]) for key in blocks[0]} if blocks else {}


def percentile_interval(values: np.ndarray, level: float = LEVEL) -> tuple[float | None, float | None]:
    """The middle `level` of the resamples; None, None when more than a fifth of them has no value."""
    kept = values[np.isfinite(values)]
    if len(kept) == 0 or len(kept) < (1 - MOST_UNDEFINED) * len(values):
        return None, None
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def unit_of(group_field: str) -> str:
    """A data set's `group_field` in the plural, for `unit`: "study" -> "studies", "image (none given)" -> "images"."""
    name = group_field.partition("(")[0].strip() or "group"
    return name[:-1] + "ies" if name.endswith("y") else name + "s"


def bootstrap_method(n_bootstrap: int, unit: str) -> str:
    """How an interval was made, in words."""
    return f"bootstrap over {unit}, {n_bootstrap} resamples"


def estimates(
    pred: Predictions,
    threshold: Threshold,
    *,
    n_bootstrap: int = 1000,
    seed: int = 0,
    level: float = LEVEL,
    unit: str = "patients",
) -> tuple[Estimate, ...]:
    """Every metric, overall first and then per class, with percentile intervals; DeLong's AUC where binary.

    Low and high are None with fewer than two groups, without resamples, or where the value is not defined.
    """
    plain = weighted_values(prepare(pred, threshold), np.ones((1, len(pred))))
    drawn: Mapping[Key, np.ndarray] = {}
    if n_bootstrap > 0 and pred.n_groups > 1:
        drawn = bootstrap_values(pred, threshold, n_bootstrap=n_bootstrap, seed=seed)
    found = []
    for key in sorted(plain, key=lambda k: k[1] is not None):  # overall first, else as computed
        value = defined(plain[key][0])
        low, high = percentile_interval(drawn[key], level) if value is not None and key in drawn else (None, None)
        found.append(_estimate(pred, key, value, low, high, level, bootstrap_method(n_bootstrap, unit)))
        if key == ("auc", None) and pred.task == "binary" and value is not None:
            i = pred.positive_index
            scores = np.asarray(pred.y_prob[:, i], dtype=np.float64)
            exact = delong.auc_interval(scores, pred.truth_of(i).astype(bool), level)
            found.append(_estimate(pred, key, *exact, level, "DeLong"))
    return tuple(found)


def _estimate(
    pred: Predictions, key: Key, value: float | None, low: float | None, high: float | None, level: float, method: str
) -> Estimate:
    return Estimate(
        metric=key[0], class_name=key[1], value=value, low=low, high=high, level=level, method=method,
        n_images=len(pred), n_groups=pred.n_groups, split=pred.split,
    )  # fmt: skip
