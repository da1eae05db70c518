"""Refer to a person: the band around the cut in which a network is too unsure to be taken at its word.

The band is chosen on validation; the test part only judges it. Confidence is the distance from the cut on the logit
scale (binary) or the largest probability (multiclass). Multilabel tasks have no band: one image holds many decisions.
Source: El-Yaniv & Wiener 2010, J Mach Learn Res 11:1605; Geifman & El-Yaniv 2017, arXiv:1705.08500.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import SpecInvalid
from core.evaluation.intervals import LEVEL, bootstrap_method, percentile_interval, resample_weights
from core.evaluation.thresholds import VALIDATION, cut_of, decide
from core.language import said
from core.types import Estimate, ModelCard, Predictions, Referral, ReferralRecord, Threshold

DEFAULT_RULE = "coverage:0.9"
RULES = said("coverage:<share answered>, error:<share of errors among the answered>")
DIGITS = 9
EDGE = 1e-12  # probabilities of exactly 0 and 1 have no logit
COVERAGE, ERROR, AREA = "coverage", "error_answered", "aurc"
GRID = np.linspace(0.05, 1.0, 96)  # coverages of a drawn curve; below a twentieth single images decide


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage:
    """Share of wrong answers among the most confident `coverage` of the images, with 95 % intervals.

    coverage, risk, low, high: (m,) fractions; `low` and `high` are NaN where there is no interval.
    """

    coverage: np.ndarray
    risk: np.ndarray
    low: np.ndarray
    high: np.ndarray
    area: Estimate


def confidence(pred: Predictions, threshold: Threshold) -> np.ndarray:
    """How far each image is from another answer (n,): |logit - logit of the cut|, or the largest probability.

    Raises: SpecInvalid for multilabel predictions.
    """
    if pred.task == "multilabel":
        raise SpecInvalid(said("A multilabel task makes many decisions per image, and has no band of its own."))
    if pred.task == "multiclass":
        return np.asarray(pred.y_prob.max(axis=1), dtype=np.float64)
    i = pred.positive_index
    cut = cut_of(threshold, pred.class_names[i])
    distance = np.abs(_logit(pred.y_prob[:, i]) - _logit(np.asarray(cut)))
    return np.round(distance, DIGITS)  # rounding noise parts no two images that are equally near on both sides


def wrong(pred: Predictions, threshold: Threshold) -> np.ndarray:
    """Which images are called something else than they are (n,) bool."""
    return np.asarray(decide(pred, threshold) != pred.y_true)


def choose_band(validation: Predictions, threshold: Threshold, rule: str = DEFAULT_RULE) -> Referral:
    """The band in which a person should read, even on both sides of the cut on the logit scale.

    Args:
        rule: "coverage:0.9" (the widest band that answers nine of ten) or "error:0.05" (the narrowest one with at most
            5 % wrong among the answered; where none reaches that, every image is referred).
    Returns: scores from `low` to `high`, both inside, are referred: of the positive class, or the largest one. Its ends
        lie midway between neighbouring images. `low` equal to `high` refers none.
    Raises: SpecInvalid when the predictions are not of validation, the rule is unknown, or the task is multilabel.
    """
    if validation.split != VALIDATION:
        raise SpecInvalid(
            said("A band is chosen on the validation split, never on {split}.", split=repr(validation.split))
        )
    name, amount = _parsed(rule)
    sure = confidence(validation, threshold)
    levels, counts = np.unique(sure, return_counts=True)
    answered = len(sure) - np.append(0, counts.cumsum())  # by how many of the lowest levels are referred
    if name == COVERAGE:
        n_levels = int(np.flatnonzero(answered >= amount * len(sure) - EDGE)[-1])
    else:
        of_level = np.searchsorted(levels, sure[wrong(validation, threshold)])
        faults = len(of_level) - np.append(0, np.bincount(of_level, minlength=len(levels)).cumsum())
        n_levels = int(np.flatnonzero(faults <= amount * answered + EDGE)[0])
    low, high = _ends(validation, threshold, levels, n_levels)
    return Referral(low=low, high=high, rule=rule, chosen_on=VALIDATION)


def _ends(pred: Predictions, threshold: Threshold, levels: np.ndarray, n_levels: int) -> tuple[float, float]:
    """The scores between which the `n_levels` least confident levels lie."""
    binary = pred.task == "binary"
    cut = cut_of(threshold, pred.class_names[pred.positive_index]) if binary else 0.0
    if n_levels == 0:
        return cut, cut
    if n_levels == len(levels):
        return 0.0, 1.0
    end = float(levels[n_levels - 1] + levels[n_levels]) / 2
    if not binary:
        return 0.0, end
    low, high = (float(_probability(_logit(np.asarray(cut)) + side * end)) for side in (-1.0, 1.0))
    return low, high


def referred(y_prob: np.ndarray, band: Referral, positive_index: int | None) -> np.ndarray:
    """Which images lie in the band (n,) bool, given scores (n, C); `positive_index` is None for multiclass."""
    score = y_prob.max(axis=1) if positive_index is None else y_prob[:, positive_index]
    return (score >= band.low) & (score <= band.high) if band.high > band.low else np.zeros(len(score), dtype=bool)


def is_referred(probabilities: Sequence[float] | np.ndarray, card: ModelCard) -> bool:
    """Whether the card's band sends calibrated scores (C,) to a person; never without a band."""
    if card.referral is None or card.task == "multilabel":
        return False
    index = card.class_names.index(str(card.positive_class)) if card.task == "binary" else None
    return bool(referred(np.asarray(probabilities, dtype=np.float64)[None], card.referral.band, index)[0])


def judged(
    pred: Predictions, threshold: Threshold, band: Referral, *, unit: str, n_bootstrap: int = 1000, seed: int = 0
) -> tuple[Estimate, ...]:
    """Coverage, error among the answered, and the area under the risk-coverage curve, with intervals over groups."""
    binary = pred.task == "binary"
    answered = ~referred(pred.y_prob, band, pred.positive_index if binary else None)
    faults = wrong(pred, threshold).astype(np.float64)
    kept = answered.astype(np.float64)
    weights = _weights(pred, n_bootstrap, seed)
    both = np.concatenate([np.ones((1, len(pred))), weights])
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = both @ kept / both.sum(axis=1)
        errors = both @ (kept * faults) / (both @ kept)
    area = risk_coverage(pred, threshold, unit=unit, n_bootstrap=n_bootstrap, seed=seed).area
    method = bootstrap_method(n_bootstrap, unit)
    return _estimate(pred, COVERAGE, shares, method), _estimate(pred, ERROR, errors, method), area


def risk_coverage(
    pred: Predictions, threshold: Threshold, *, unit: str, n_bootstrap: int = 1000, seed: int = 0
) -> RiskCoverage:
    """The error among the most confident images, from few of them to all; equal confidence is answered together.

    Returns: the curve at coverages from 0.05 to 1, and its area: the mean error over all coverages.
    """
    sure = confidence(pred, threshold)
    order = np.argsort(-sure, kind="stable")
    faults = wrong(pred, threshold)[order].astype(np.float64)
    ends = np.flatnonzero(np.append(np.diff(sure[order]) != 0, True))
    plain, area = _curves(np.ones((1, len(pred))), faults, ends)
    weights = _weights(pred, n_bootstrap, seed)
    drawn, areas = _curves(weights[:, order], faults, ends) if len(weights) else (np.empty((0, len(GRID))), [])
    bounds = [percentile_interval(column) for column in drawn.T] if len(drawn) else [(None, None)] * len(GRID)
    low, high = (np.array([np.nan if b[i] is None else b[i] for b in bounds], dtype=np.float64) for i in (0, 1))
    estimate = _estimate(pred, AREA, np.concatenate([area, areas]), bootstrap_method(n_bootstrap, unit))
    return RiskCoverage(GRID, plain[0], low, high, estimate)


def referral_record(
    validation: Predictions, test: Predictions, threshold: Threshold, *, unit: str, rule: str = DEFAULT_RULE
) -> ReferralRecord | None:
    """The band from validation and what it does on validation and test; None for multilabel tasks."""
    if validation.task == "multilabel":
        return None
    band = choose_band(validation, threshold, rule)
    estimates = [e for part in (validation, test) for e in judged(part, threshold, band, unit=unit)]
    return ReferralRecord(band=band, estimates=tuple(estimates))


def _curves(weights: np.ndarray, faults: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Risk (b, m) at the coverages of GRID, and mean risk (b,), of images in falling confidence."""
    count, errors = weights.cumsum(axis=1)[:, ends], (weights * faults).cumsum(axis=1)[:, ends]
    total = count[:, -1:]
    risk = np.divide(errors, count, out=np.zeros_like(errors), where=count > 0)
    step = np.diff(count, axis=1, prepend=0.0)
    area = (risk * step).sum(axis=1) / total[:, 0]
    # at a coverage between two levels the next one is answered whole: nothing tells its images apart
    at = np.stack([np.searchsorted(row, GRID * row[-1] - EDGE) for row in count])
    return np.take_along_axis(risk, np.minimum(at, len(ends) - 1), axis=1), area


def _weights(pred: Predictions, n_bootstrap: int, seed: int) -> np.ndarray:
    if n_bootstrap <= 0 or pred.n_groups < 2:
        return np.empty((0, len(pred)))
    return np.concatenate(list(resample_weights(pred.groups, n_bootstrap, seed)))


def _estimate(pred: Predictions, metric: str, values: np.ndarray, method: str) -> Estimate:
    """Value (the first) and interval (of the others)."""
    value = float(values[0]) if np.isfinite(values[0]) else None
    low, high = percentile_interval(values[1:]) if value is not None and len(values) > 1 else (None, None)
    return Estimate(
        metric=metric, class_name=None, value=value, low=low, high=high, level=LEVEL, method=method,
        n_images=len(pred), n_groups=pred.n_groups, split=pred.split,
    )  # fmt: skip


def _parsed(rule: str) -> tuple[str, float]:
    name, _, text = rule.partition(":")
    try:
        amount = float(text)
    except ValueError:
        amount = float("nan")
    if name not in (COVERAGE, "error") or not 0 <= amount <= 1:
        raise SpecInvalid(
            said(
                "Unknown rule of referral {rule}. Known: {rules}; shares are fractions from 0 to 1.",
                rule=repr(rule),
                rules=RULES,
            )
        )
    return name, amount


def _logit(p: np.ndarray) -> np.ndarray:
    inside = np.clip(np.asarray(p, dtype=np.float64), EDGE, 1 - EDGE)
    return np.log(inside) - np.log1p(-inside)


def _probability(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))
