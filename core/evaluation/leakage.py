"""What a random split pretends: the same network and head, once with patients kept apart, once at random.

The two runs are judged on different images, so nothing is paired: each is resampled by its own patients.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from core.errors import UndefinedMetric
from core.evaluation.compare import bootstrap_p
from core.evaluation.intervals import LEVEL, bootstrap_method, percentile_interval
from core.evaluation.paired import paired_values
from core.language import said
from core.types import Comparison, Predictions, RunRecord


def leak_pairs(records: Iterable[RunRecord]) -> tuple[tuple[RunRecord, RunRecord], ...]:
    """(patients kept apart, split at random) for each two finished runs that differ in nothing else."""
    done = [record for record in records if record.status == "done" and record.audit is not None]
    honest = {}
    for record in done:
        if record.audit is not None and record.audit.split_kind != "random":
            honest[_but_split(record)] = record
    return tuple(
        (honest[key], record)
        for record in done
        if record.audit is not None and record.audit.split_kind == "random" and (key := _but_split(record)) in honest
    )


def _but_split(record: RunRecord) -> str:
    return repr(replace(record.spec, split="auto"))


def leak_difference(
    honest: Predictions,
    leaky: Predictions,
    metric: str = "auc",
    *,
    n_bootstrap: int = 1000,
    seed: int = 0,
    level: float = LEVEL,
    unit: str = "patients",
) -> Comparison:
    """The random split's value minus the honest one's, each resampled by its own groups.

    Args:
        honest, leaky: test scores of two runs that differ in the split alone.
        metric: one that needs no threshold.
    Raises: UndefinedMetric when a run does not define the metric, or for too many resamples.
    """  # fmt: skip
    (first,) = paired_values((leaky,), metric, None, n_bootstrap=n_bootstrap, seed=seed)
    (second,) = paired_values((honest,), metric, None, n_bootstrap=n_bootstrap, seed=seed + 1)
    difference = first.resampled - second.resampled
    low, high = percentile_interval(difference, level)
    if first.value is None or second.value is None or low is None or high is None:
        raise UndefinedMetric(
            said(
                "{run_id} and {other}: {metric} cannot be compared.",
                run_id=leaky.run_id,
                other=honest.run_id,
                metric=metric,
            )
        )
    observed = first.value - second.value
    return Comparison(
        first=leaky.run_id, second=honest.run_id, metric=metric, difference=observed, low=low, high=high,
        p_value=bootstrap_p(difference[np.isfinite(difference)], observed),
        method="unpaired " + bootstrap_method(n_bootstrap, unit), n_images=len(leaky) + len(honest),
        n_groups=leaky.n_groups + honest.n_groups, distinguishable=low > 0 or high < 0,
    )  # fmt: skip
