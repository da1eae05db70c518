"""Every cut of one class with its intervals, counted once, so that a slider only looks them up.

For each bootstrap resample of the groups the images above each cut are counted beforehand; the intervals at a cut are
then those that resampling at that cut would have given, to the last digit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import UnknownKey
from core.evaluation.intervals import LEVEL, bootstrap_method, percentile_interval, resample_weights
from core.language import said
from core.types import Estimate, Predictions

STEP = 0.001  # of the slider
GRID = np.round(np.arange(0, 1001) * STEP, 3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CutTable:
    """Counts of one class against the rest at rising `cuts` (K,).

    found, alarms: (1 + B, K) images with and without the class at or above each cut; row 0 as they are, the others of B
    resamples. ill, healthy: (1 + B,) images with and without the class.
    """

    class_name: str
    split: str
    cuts: np.ndarray
    found: np.ndarray
    alarms: np.ndarray
    ill: np.ndarray
    healthy: np.ndarray
    n_groups: int
    unit: str

    @property
    def n_images(self) -> int:
        """Images as they are."""
        return int(self.ill[0] + self.healthy[0])

    def place(self, cut: float) -> int:
        """The column of a cut: its own, or that of the next one above where it is none of `cuts`."""
        return min(int(np.searchsorted(self.cuts, cut)), len(self.cuts) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerPeople:
    """What happens to a number of people at a prevalence: (value, low, high) each; None where not defined."""

    people: int
    ill: int
    found: tuple[float, float | None, float | None]
    missed: tuple[float, float | None, float | None]
    alarms: tuple[float, float | None, float | None]
    ppv: tuple[float | None, float | None, float | None]
    npv: tuple[float | None, float | None, float | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecisionCurve:
    """Net benefit (K,) by threshold probability (K,), with its interval; and of treating everybody. None is 0.

    In true positives per person: a model with 0.1 finds 10 ill of 100 people, without a single false alarm's worth.
    `ahead` (K,) bool: the 95 % interval of its gain over the better of everybody and nobody, paired, lies above 0.
    """

    threshold: np.ndarray
    benefit: np.ndarray
    low: np.ndarray
    high: np.ndarray
    everybody: np.ndarray
    ahead: np.ndarray


def cut_table(
    pred: Predictions,
    class_name: str,
    cuts: Sequence[float] = (),
    *,
    n_bootstrap: int = 1000,
    seed: int = 0,
    unit: str = "patients",
) -> CutTable:
    """Count once.

    Args:
        cuts: exact cuts beside the thousandths, such as those that rules chose on validation.
        n_bootstrap: with the same number and seed the intervals are those of `estimates_at` and of the stored run.
    Raises: UnknownKey when there is no such class.
    """
    if class_name not in pred.class_names:
        raise UnknownKey(
            said(
                "No class {class_name} to set a cut for; classes: {listed}.",
                class_name=repr(class_name),
                listed=", ".join(pred.class_names),
            )
        )
    i = pred.class_names.index(class_name)
    scores, truth = np.asarray(pred.y_prob[:, i], dtype=np.float64), pred.truth_of(i).astype(np.int64)
    levels = np.unique(np.concatenate([GRID, np.asarray(cuts, dtype=np.float64)]))
    width = len(levels) + 1
    # an image at position k reaches the cuts 0 to k - 1
    key = np.searchsorted(levels, scores, "right") + width * truth
    blocks = [np.ones((1, len(pred)))]
    rows = [_reached(blocks[0], key, width)]
    if n_bootstrap > 0 and pred.n_groups > 1:
        rows += [_reached(block, key, width) for block in resample_weights(pred.groups, n_bootstrap, seed)]
    counts = np.concatenate(rows)
    return CutTable(
        class_name=class_name, split=pred.split, cuts=levels, alarms=counts[:, 0, 1:], found=counts[:, 1, 1:],
        healthy=counts[:, 0, 0].astype(np.float64), ill=counts[:, 1, 0].astype(np.float64), n_groups=pred.n_groups,
        unit=unit,
    )  # fmt: skip


def _reached(weights: np.ndarray, key: np.ndarray, width: int) -> np.ndarray:
    """(b, 2, width) float32: images of each truth in all, then at or above each cut."""
    counts = np.stack([np.bincount(key, weights=row, minlength=2 * width) for row in weights])
    above = counts.reshape(len(weights), 2, width)[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
    return above.astype(np.float32)  # whole numbers below 2^24: exact


def shares_at(table: CutTable, cut: float) -> tuple[Estimate, ...]:
    """Sensitivity, specificity, PPV and NPV when every score at or above `cut` is a call, with 95 % intervals."""
    k = table.place(cut)
    found, alarms = table.found[:, k].astype(np.float64), table.alarms[:, k].astype(np.float64)
    missed, left = table.ill - found, table.healthy - alarms
    parts = {
        "sensitivity": (found, table.ill), "specificity": (left, table.healthy),
        "ppv": (found, found + alarms), "npv": (left, left + missed),
    }  # fmt: skip
    method = bootstrap_method(len(found) - 1, table.unit)
    estimates = []
    for metric, (part, whole) in parts.items():
        value, low, high = _with_interval(_ratio(part, whole))
        estimates.append(
            Estimate(
                metric=metric, class_name=table.class_name, value=value, low=low, high=high, level=LEVEL,
                n_images=table.n_images, n_groups=table.n_groups, method=method, split=table.split,
            )
        )  # fmt: skip
    return tuple(estimates)


def per_people(table: CutTable, cut: float, prevalence: float, people: int = 1000) -> PerPeople:
    """Natural frequencies: what the cut does to `people` of whom a share `prevalence` is ill.

    Sensitivity and specificity are taken as they are in these images; that holds only where the ill are as ill, and the
    healthy as healthy, as here. Source: Gigerenzer & Hoffrage 1995, Psychol Rev 102:684.
    """
    k = table.place(cut)
    sensitivity = _ratio(table.found[:, k].astype(np.float64), table.ill)
    alarm = _ratio(table.alarms[:, k].astype(np.float64), table.healthy)
    ill, healthy = people * prevalence, people * (1 - prevalence)
    found, alarms = ill * sensitivity, healthy * alarm
    return PerPeople(
        people=people, ill=round(ill), found=_certain(found), missed=_certain(ill - found), alarms=_certain(alarms),
        ppv=_with_interval(_ratio(found, found + alarms)),
        npv=_with_interval(_ratio(healthy - alarms, healthy - alarms + ill - found)),
    )  # fmt: skip


def decision_curve(table: CutTable, *, prevalence: float | None = None, highest: float = 0.99) -> DecisionCurve:
    """Net benefit when everybody whose score reaches the threshold probability is treated.

    The score is taken as a probability, so a badly calibrated run loses here what its ranking would give it.

    Args:
        prevalence: None takes that of these images.
    Source: Vickers & Elkin 2006, Med Decis Making 26:565.
    """
    at = np.flatnonzero((table.cuts > 0) & (table.cuts <= highest))
    p = table.cuts[at]
    odds = p / (1 - p)
    sensitivity = _ratio(table.found[:, at].astype(np.float64), table.ill[:, None])
    alarm = _ratio(table.alarms[:, at].astype(np.float64), table.healthy[:, None])
    share = table.ill / (table.ill + table.healthy) if prevalence is None else np.full(len(table.ill), prevalence)
    benefit = share[:, None] * sensitivity - (1 - share[:, None]) * alarm * odds
    everybody = share[:, None] - (1 - share[:, None]) * odds
    kept = np.isfinite(benefit[1:]).all(axis=1)
    if kept.any():
        low, high = np.quantile(benefit[1:][kept], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        gain = (benefit - np.maximum(everybody, 0))[1:][kept]
        ahead = np.quantile(gain, (1 - LEVEL) / 2, axis=0) > 0
    else:
        low = high = np.full(len(p), np.nan)
        ahead = np.zeros(len(p), dtype=bool)
    return DecisionCurve(
        threshold=p, benefit=benefit[0], low=low, high=high, everybody=everybody[0], ahead=ahead
    )  # fmt: skip


def longest_stretch(curve: DecisionCurve) -> tuple[float, float] | None:
    """The widest range of thresholds throughout which the model is ahead; None where it nowhere is."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], curve.ahead, [False]]).astype(np.int8)))
    if len(edges) == 0:
        return None
    starts, ends = edges[::2], edges[1::2] - 1
    widest = int(np.argmax(curve.threshold[ends] - curve.threshold[starts]))
    return float(curve.threshold[starts[widest]]), float(curve.threshold[ends[widest]])


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part / np.asarray(whole, dtype=np.float64))


def _with_interval(values: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """The first value, and the interval of the others."""
    if not np.isfinite(values[0]):
        return None, None, None
    low, high = percentile_interval(values[1:]) if len(values) > 1 else (None, None)
    return float(values[0]), low, high


def _certain(values: np.ndarray) -> tuple[float, float | None, float | None]:
    value, low, high = _with_interval(values)
    return (0.0 if value is None else value), low, high
