"""Two runs on the same images: the paired difference with its interval, and what may be said of it.

Pairing takes out what both runs share (hard images, hard patients), so it sees smaller differences than two
separate intervals do. Overlapping intervals of two runs say nothing; this difference does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import PredictionsInvalid, UndefinedMetric
from core.evaluation import delong
from core.evaluation.intervals import LEVEL, bootstrap_method, percentile_interval
from core.evaluation.paired import PairedValues, paired_values, shared_images
from core.evaluation.thresholds import decide
from core.language import said
from core.registry.metrics import metric_spec
from core.types import Comparison, Predictions, Threshold

FEW = 10  # resamples beyond 0, below which counting them is coarse


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Several runs on the images that all of them share: values in the order given, the best against each other.

    `values` are recomputed on the shared images, so they may differ from the stored ones where a run has more.
    """

    metric: str
    run_ids: tuple[str, ...]
    values: tuple[float, ...]
    best: str
    comparisons: tuple[Comparison, ...]
    n_images: int
    n_groups: int


def compare_runs(
    first: Predictions,
    second: Predictions,
    metric: str = "auc",
    *,
    thresholds: tuple[Threshold, Threshold] | None = None,
    class_name: str | None = None,
    n_bootstrap: int = 2000,
    seed: int = 0,
    level: float = LEVEL,
    unit: str = "patients",
) -> Comparison:
    """First minus second on the images of both, by a paired bootstrap over groups.

    The p-value comes from the same resamples, so it agrees with the interval but for rounding at the edge.

    Args:
        metric: a key of the metrics' registry. thresholds: of both runs, for metrics that count calls.
        class_name: None is overall (binary: the positive class).
    Raises: PredictionsInvalid when the runs do not belong together; UndefinedMetric when a run does not define
        the metric, there are fewer than two groups, or more than a fifth of the resamples has no value.
    """
    metric_spec(metric)
    runs = shared_images((first, second))
    drawn = paired_values(runs, metric, thresholds, class_name=class_name, n_bootstrap=n_bootstrap, seed=seed)
    return paired_comparison(runs, metric, drawn, level, "paired " + bootstrap_method(n_bootstrap, unit))


def paired_comparison(
    runs: Sequence[Predictions], metric: str, values: Sequence[PairedValues], level: float, method: str
) -> Comparison:
    """First minus second from their values on the same resamples. Raises UndefinedMetric."""
    (first, second), (one, two) = runs, values
    difference = one.resampled - two.resampled
    low, high = percentile_interval(difference, level)
    if one.value is None or two.value is None or low is None or high is None or first.n_groups < 2:
        raise UndefinedMetric(
            said(
                "{run_id} and {other}: {metric} cannot be compared on {n} images of {n_groups} "
                "groups; it is not defined there, or for too many resamples.",
                run_id=first.run_id,
                other=second.run_id,
                metric=metric,
                n=len(first),
                n_groups=first.n_groups,
            )
        )
    kept = difference[np.isfinite(difference)]
    return _comparison(
        first, second, metric, one.value - two.value, low, high, bootstrap_p(kept, one.value - two.value), method,
        distinguishable=low > 0 or high < 0,
    )  # fmt: skip


def bootstrap_p(differences: np.ndarray, observed: float) -> float:
    """Two-sided: twice the smaller share of resamples on one side of 0, the observed one counted in.

    Where fewer than ten resamples lie there, that share is coarse and never small enough to outlast a
    correction for many comparisons: the normal tail with the resamples' standard error is taken if smaller.
    """
    beyond = int(min((differences <= 0).sum(), (differences >= 0).sum()))
    counted = min(1.0, 2 * (beyond + 1) / (len(differences) + 1))
    error = float(differences.std(ddof=1))
    if beyond >= FEW or error == 0:
        return float(counted)
    return float(min(counted, delong.normal_p(observed / error)))


def _comparison(
    first: Predictions, second: Predictions, metric: str, difference: float, low: float, high: float,
    p_value: float, method: str, *, distinguishable: bool,
) -> Comparison:  # fmt: skip
    return Comparison(
        first=first.run_id, second=second.run_id, metric=metric, difference=difference, low=low, high=high,
        p_value=p_value, method=method, n_images=len(first), n_groups=first.n_groups, distinguishable=distinguishable,
    )  # fmt: skip


def compare_delong(first: Predictions, second: Predictions, *, level: float = LEVEL) -> Comparison:
    """AUC of first minus second by DeLong's paired test; binary only, every image taken as independent.

    Raises: UndefinedMetric for other tasks or fewer than two images of a class; PredictionsInvalid as above.
    Source: DeLong et al. 1988, Biometrics 44:837.
    """
    first, second = shared_images((first, second))
    if first.task != "binary":
        raise UndefinedMetric(
            said("DeLong's test compares binary AUCs; {run_id} is {task}.", run_id=first.run_id, task=first.task)
        )
    i = first.positive_index
    truth = first.truth_of(i).astype(bool)
    scores = [np.asarray(run.y_prob[:, i], dtype=np.float64) for run in (first, second)]
    difference, error, p_value = delong.paired_difference(scores[0], scores[1], truth)
    half = delong.normal_quantile(level) * error
    return _comparison(
        first, second, "auc", difference, difference - half, difference + half, p_value, "DeLong, paired",
        distinguishable=p_value < 1 - level,
    )  # fmt: skip


def mcnemar(
    first: Predictions, second: Predictions, thresholds: tuple[Threshold, Threshold], *, level: float = LEVEL
) -> Comparison:
    """Accuracy of first minus second at their decisions, with McNemar's exact p-value.

    Only images that one run decides rightly and the other wrongly count. Every image is taken as independent;
    the interval is Wald's for paired shares. Multilabel: an image is right when all its labels are.
    Source: McNemar 1947, Psychometrika 12:153; exact form: the sign test.
    """
    first, second = shared_images((first, second))
    right = [decided_rightly(run, threshold) for run, threshold in zip((first, second), thresholds, strict=True)]
    return mcnemar_comparison((first, second), (right[0], right[1]), level=level)


def decided_rightly(pred: Predictions, threshold: Threshold) -> np.ndarray:
    """(n,) bool: is the decision the truth? Multilabel: are all labels of the image?"""
    return np.asarray((decide(pred, threshold) == pred.y_true).reshape(len(pred), -1).all(axis=1))


def mcnemar_comparison(
    runs: tuple[Predictions, Predictions], right: tuple[np.ndarray, np.ndarray], *, level: float = LEVEL
) -> Comparison:
    """As `mcnemar`, from which images (n,) bool each run decides rightly; the runs come from `shared_images`."""
    first, second = runs
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    n = len(first)
    apart = only_first + only_second
    p_value = sign_test_p(only_first, only_second)
    difference = (only_first - only_second) / n
    error = np.sqrt(max(0.0, apart / n - difference**2) / n)
    half = float(delong.normal_quantile(level) * error)
    return _comparison(
        first, second, "accuracy", difference, difference - half, difference + half, p_value, "McNemar, exact",
        distinguishable=p_value < 1 - level,
    )  # fmt: skip


def sign_test_p(first: int, second: int) -> float:
    """Exact two-sided p-value of `first` against `second` wins, each as likely as the other; 1 without any."""
    n, fewer = first + second, min(first, second)
    ways = tail = 1
    for i in range(fewer):
        ways = ways * (n - i) // (i + 1)  # n over i + 1, in whole numbers
        tail += ways
    return min(1.0, 2 * tail / 2**n)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """p-values corrected for their number, in the order given: reject those below the level.

    Source: Holm 1979, Scand J Stat 6:65.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return tuple(corrected)


def compare_with_best(
    runs: Sequence[Predictions],
    metric: str = "auc",
    *,
    thresholds: Sequence[Threshold] | None = None,
    n_bootstrap: int = 2000,
    seed: int = 0,
    level: float = LEVEL,
    unit: str = "patients",
) -> Ranking:
    """Find the best run on the shared images and compare it with every other.

    The first of equals is the best. A run that does not define the metric is an error, not the worst.
    Raises: as `compare_runs`; PredictionsInvalid without any run.
    """
    if not runs:
        raise PredictionsInvalid(said("There are no runs to compare; choose at least one."))
    aligned = shared_images(runs)
    drawn = paired_values(aligned, metric, thresholds, n_bootstrap=n_bootstrap, seed=seed)
    numbers = []
    for run, values in zip(aligned, drawn, strict=True):
        if values.value is None:
            raise UndefinedMetric(
                said(
                    "{run_id}: {metric} is not defined on these {n} images.",
                    run_id=run.run_id,
                    metric=metric,
                    n=len(run),
                )
            )
        numbers.append(values.value)
    best = numbers.index(max(numbers) if metric_spec(metric).higher_is_better else min(numbers))
    method = "paired " + bootstrap_method(n_bootstrap, unit)
    comparisons = [
        paired_comparison((aligned[best], run), metric, (drawn[best], drawn[i]), level, method)
        for i, run in enumerate(aligned)
        if i != best
    ]
    return Ranking(
        metric=metric, run_ids=tuple(run.run_id for run in aligned), values=tuple(numbers),
        best=aligned[best].run_id, comparisons=tuple(comparisons), n_images=len(aligned[0]),
        n_groups=aligned[0].n_groups,
    )  # fmt: skip
