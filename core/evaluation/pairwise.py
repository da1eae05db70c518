"""Every pair of several runs on the same images: the paired difference, and what survives the number of looks.

All p-values are corrected together (Holm), over all pairs that are shown: with ten runs there are 45 chances to find a
difference by luck. The bootstrap over groups decides; DeLong's and McNemar's tests stand beside it and take every
image as independent.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.errors import PredictionsInvalid, UndefinedMetric
from core.evaluation import delong
from core.evaluation.compare import decided_rightly, holm, mcnemar_comparison, paired_comparison
from core.evaluation.intervals import LEVEL, bootstrap_method
from core.evaluation.paired import paired_values, shared_images
from core.language import said
from core.types import Comparison, Predictions, Threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTest:
    """Two runs: first minus second with its interval, and p-values corrected over all pairs of the matrix.

    `delong_p` is None for tasks that are not binary and metrics other than AUC; `mcnemar` (accuracy at the runs' own
    decisions) and `mcnemar_p` are None without thresholds.
    """

    comparison: Comparison
    corrected_p: float
    delong_p: float | None = None
    mcnemar: Comparison | None = None
    mcnemar_p: float | None = None
    level: float = LEVEL

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves out 0 and the corrected p-value is below 1 - level."""
        return self.comparison.distinguishable and self.corrected_p < 1 - self.level


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMatrix:
    """All pairs of `run_ids`, first before second in their order; `values` on the shared images."""

    metric: str
    run_ids: tuple[str, ...]
    values: tuple[float, ...]
    pairs: tuple[PairTest, ...]
    n_images: int
    n_groups: int

    def pair(self, first: str, second: str) -> PairTest:
        """The test of `first` minus `second`, turned round where it is stored the other way."""
        for test in self.pairs:
            if (test.comparison.first, test.comparison.second) == (first, second):
                return test
            if (test.comparison.second, test.comparison.first) == (first, second):
                other = None if test.mcnemar is None else _turned(test.mcnemar)
                return replace(test, comparison=_turned(test.comparison), mcnemar=other)
        raise PredictionsInvalid(
            said(
                "{first} and {second} are no pair of {listed}.",
                first=first,
                second=second,
                listed=", ".join(self.run_ids),
            )
        )


def pair_matrix(
    runs: Sequence[Predictions],
    metric: str = "auc",
    *,
    thresholds: Sequence[Threshold] | None = None,
    class_name: str | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
    level: float = LEVEL,
    unit: str = "patients",
) -> PairMatrix:
    """Test every pair of at least two runs on the images that all share, by the same resamples of groups.

    Args:
        thresholds: of each run, for McNemar's test and for metrics that count calls.
        class_name: None is overall.
    Raises: PredictionsInvalid with fewer than two runs, or when they do not belong together; UndefinedMetric.
    """
    if len(runs) < 2:
        raise PredictionsInvalid(
            said("A pair takes two runs; there is one. Choose more.")
            if runs
            else said("A pair takes two runs; there are none. Choose more.")
        )
    aligned = shared_images(runs)
    drawn = paired_values(aligned, metric, thresholds, class_name=class_name, n_bootstrap=n_bootstrap, seed=seed)
    method = "paired " + bootstrap_method(n_bootstrap, unit)
    places = list(itertools.combinations(range(len(aligned)), 2))
    found = [
        paired_comparison((aligned[i], aligned[j]), metric, (drawn[i], drawn[j]), level, method) for i, j in places
    ]
    corrected = holm([c.p_value for c in found])
    exact = _delong_p(aligned, places) if metric == "auc" and class_name is None else [None] * len(places)
    decisions = _mcnemar(aligned, places, thresholds, level)
    return PairMatrix(
        metric=metric,
        run_ids=tuple(run.run_id for run in aligned),
        values=tuple(float(v.value) for v in drawn if v.value is not None),
        pairs=tuple(
            PairTest(
                comparison=comparison, corrected_p=p, delong_p=d, mcnemar=m, mcnemar_p=mp, level=level
            )
            for comparison, p, d, (m, mp) in zip(found, corrected, exact, decisions, strict=True)
        ),
        n_images=len(aligned[0]),
        n_groups=aligned[0].n_groups,
    )  # fmt: skip


def _delong_p(runs: Sequence[Predictions], places: Sequence[tuple[int, int]]) -> list[float | None]:
    """Corrected p-values of DeLong's test; None where it does not apply."""
    if runs[0].task != "binary":
        return [None] * len(places)
    truth = runs[0].truth_of(runs[0].positive_index).astype(bool)
    try:
        parts = [delong.components(np.asarray(r.y_prob[:, r.positive_index], dtype=np.float64), truth) for r in runs]
        return list(holm([delong.difference_of(parts[i], parts[j])[2] for i, j in places]))
    except UndefinedMetric:
        return [None] * len(places)


def _mcnemar(
    runs: Sequence[Predictions], places: Sequence[tuple[int, int]], thresholds: Sequence[Threshold] | None, level: float
) -> list[tuple[Comparison | None, float | None]]:
    if thresholds is None:
        return [(None, None)] * len(places)
    right = [decided_rightly(run, cut) for run, cut in zip(runs, thresholds, strict=True)]
    found = [mcnemar_comparison((runs[i], runs[j]), (right[i], right[j]), level=level) for i, j in places]
    return list(zip(found, holm([c.p_value for c in found]), strict=True))


def _turned(comparison: Comparison) -> Comparison:
    return replace(
        comparison, first=comparison.second, second=comparison.first, difference=-comparison.difference,
        low=-comparison.high, high=-comparison.low,
    )  # fmt: skip
