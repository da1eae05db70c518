"""How a run does on parts of the people: by sex, age, view, place or source, each with its number and interval.

What the table of the data set does not tell of an image, no subgroup can be made of. Subgroups are looked at after the
fact and many at once: a gap here is a question to ask of new data, not a finding.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.evaluation.intervals import LEVEL, bootstrap_method, percentile_interval, resample_weights
from core.evaluation.resampled import prepare, weighted_values
from core.types import Estimate, Predictions, Threshold

FIELDS = ("sex", "age", "view", "site", "source")  # columns of a data set's table that part people or images
METRICS = ("auc", "sensitivity", "specificity")
FEWEST = 20  # images, and one of each side, below which a subgroup has no estimate
AGE_EDGES = (18, 40, 60, 75)
MOST = 12  # subgroups of one field; the smaller ones are put together
UNKNOWN = "not stated"
OTHERS = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgroup:
    """One part: its estimates, none where it is too small, and how many of its images show the class."""

    name: str
    n_images: int
    n_groups: int
    n_positive: int
    estimates: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupTable:
    """The parts by one field, and the gap in `metric` between the best and the worst of those that have an interval.

    `gap` is best minus worst, (value, low, high), by the same resamples of groups; None with fewer than two parts that
    have a value. The two are picked because they lie farthest apart, which makes the gap look larger than it is.
    """

    field: str
    metric: str
    parts: tuple[Subgroup, ...]
    best: str
    worst: str
    gap: tuple[float, float | None, float | None] | None


def parts_by(rows: pd.DataFrame, field: str) -> np.ndarray | None:
    """(n,) what `field` says of each row, as words; None when the table does not have it or says the same of all.

    Ages become bands; what is empty is "not stated"; beyond twelve values the rarest are put together.
    """
    if field not in rows.columns:
        return None
    column = rows[field]
    if field == "age":
        words = np.array([age_band(value) for value in pd.to_numeric(column, errors="coerce")], dtype=object)
    else:
        words = column.fillna("").astype(str).str.strip().replace("", UNKNOWN).to_numpy(dtype=object)
    counts = pd.Series(words).value_counts()
    stated = [name for name in counts.index if name != UNKNOWN]
    if len(stated) < 2:
        return None
    if len(stated) > MOST:
        kept = {*stated[: MOST - 1], UNKNOWN}
        words = np.array([word if word in kept else OTHERS for word in words], dtype=object)
    return words


def age_band(years: float) -> str:
    """ "under 18", "18 to 39", ..., "75 and over"; "not stated" for NaN."""
    if not np.isfinite(years):
        return UNKNOWN
    if years < AGE_EDGES[0]:
        return f"under {AGE_EDGES[0]}"
    for low, high in itertools.pairwise(AGE_EDGES):
        if years < high:
            return f"{low} to {high - 1}"
    return f"{AGE_EDGES[-1]} and over"


def subgroup_table(
    pred: Predictions,
    threshold: Threshold,
    words: np.ndarray,
    field: str,
    *,
    class_name: str | None = None,
    metric: str = "auc",
    n_bootstrap: int = 1000,
    seed: int = 0,
    unit: str = "patients",
) -> SubgroupTable:
    """Estimates of every part of `words` (n,), the largest part first; "not stated" last.

    Args:
        class_name: the class to look for; None is overall (binary: the positive class).
        metric: of the gap, one of METRICS.
    """
    names = sorted(set(words.tolist()), key=lambda w: (w == UNKNOWN, w == OTHERS, -int((words == w).sum()), w))
    if field == "age":
        names = sorted(names, key=_age_order)
    weights = np.ones((1, len(pred)))
    if n_bootstrap > 0 and pred.n_groups > 1:
        weights = np.concatenate([weights, *resample_weights(pred.groups, n_bootstrap, seed)])
    prepared = {}
    for name in names:
        rows = np.flatnonzero(words == name)
        part = _part(pred, rows)
        prepared[name] = (rows, part, _values(part, threshold, weights[:, rows], class_name, len(rows)))
    method = bootstrap_method(n_bootstrap, unit)
    parts = tuple(
        Subgroup(
            name=name, n_images=len(rows), n_groups=part.n_groups, n_positive=_positives(part, class_name),
            estimates=_estimates(values, part, class_name, method),
        )
        for name, (rows, part, values) in prepared.items()
    )  # fmt: skip
    told = {part.name: {e.metric: e for e in part.estimates} for part in parts}
    # a part without an interval lacks a class in many resamples: its mean is over other classes than the next one's
    known = {
        n: v[metric] for n, (_, _, v) in prepared.items()
        if n != UNKNOWN and metric in told[n] and (told[n][metric].low is not None or len(weights) == 1)
    }  # fmt: skip
    if len(known) < 2:
        return SubgroupTable(field=field, metric=metric, parts=parts, best="", worst="", gap=None)
    best, worst = (pick(known, key=lambda n: known[n][0]) for pick in (max, min))
    difference = known[best] - known[worst]
    low, high = percentile_interval(difference[1:]) if len(difference) > 1 else (None, None)
    return SubgroupTable(
        field=field, metric=metric, parts=parts, best=best, worst=worst, gap=(float(difference[0]), low, high)
    )  # fmt: skip


def _age_order(name: str) -> float:
    digits = name.replace("under", "-1 ").split()[0]
    return float(digits) if digits.lstrip("-").isdigit() else float("inf")


def _part(pred: Predictions, rows: np.ndarray) -> Predictions:
    return Predictions(
        run_id=pred.run_id, split=pred.split, task=pred.task, class_names=pred.class_names,
        positive_class=pred.positive_class, **{key: value[rows] for key, value in pred.arrays().items()},
    )  # fmt: skip


def _positives(part: Predictions, class_name: str | None) -> int:
    name = class_name if class_name is not None else part.positive_class
    return int(part.truth_of(part.class_names.index(name)).sum()) if name is not None else 0


def _values(
    part: Predictions, threshold: Threshold, weights: np.ndarray, class_name: str | None, n_images: int
) -> dict[str, np.ndarray]:
    """Metric -> (1 + B,) values of one part; empty where it is too small to say anything."""
    if n_images < FEWEST:
        return {}
    drawn = weighted_values(prepare(part, threshold, METRICS), weights)
    return {metric: drawn[metric, class_name] for metric in METRICS}


def _estimates(
    values: dict[str, np.ndarray], part: Predictions, class_name: str | None, method: str
) -> tuple[Estimate, ...]:
    found = []
    for metric, drawn in values.items():
        if not np.isfinite(drawn[0]):
            continue
        low, high = percentile_interval(drawn[1:]) if len(drawn) > 1 else (None, None)
        found.append(
            Estimate(
                metric=metric, class_name=class_name, value=float(drawn[0]), low=low, high=high, level=LEVEL,
                n_images=len(part), n_groups=part.n_groups, method=method, split=part.split,
            )
        )  # fmt: skip
    return tuple(found)


def fields_of(columns: Sequence[str]) -> list[str]:
    """Which of FIELDS a table has."""
    return [field for field in FIELDS if field in columns]
