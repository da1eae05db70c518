"""Balancing the training part: weights per class, or a changed choice of rows.

Only training rows come in here; validation and test keep the shares that they have.
"""

import math
from collections.abc import Sequence

import numpy as np

from core.errors import SpecInvalid
from core.language import said

RULES = said('"none", "class_weights", "oversample" or "downsample:<class>=<fraction>"')


def balanced_rows(y: np.ndarray, class_names: Sequence[str], rule: str, rng: np.random.Generator) -> np.ndarray:
    """Positions into `y` after balancing.

    Args:
        y: class indices (n,) of the training rows; multilabel (n, C) takes the rule "none" only.
        rule: "none" and "class_weights" keep every row once; "oversample" keeps every row and draws rows of
            the smaller classes again until all present classes are as large as the largest;
            "downsample:<class>=<fraction>" keeps that share (at least one image) of one class.
    Returns: (m,) int64, ascending; a position stands as often as its row is used.
    Raises: SpecInvalid for a malformed rule or an unknown class.
    """
    kind, name, fraction = parse_rule(rule, class_names)
    everything = np.arange(len(y), dtype=np.int64)
    _refuse_multilabel(y, rule)
    if kind in ("none", "class_weights"):
        return everything
    if kind == "oversample":
        return _oversampled(y, rng)
    own = np.flatnonzero(y == list(class_names).index(name))
    keep = rng.choice(own, size=max(1, round(fraction * len(own))), replace=False) if len(own) else own
    return np.sort(np.concatenate([np.flatnonzero(y != list(class_names).index(name)), keep]))


def class_weights(y: np.ndarray, class_names: Sequence[str], rule: str) -> dict[int, float] | None:
    """Weight per class index, n / (C * n_c) over the C classes present, or None unless the rule asks for it.

    Raises: SpecInvalid for a malformed rule, an unknown class, or several labels per image.
    Source: King & Zeng 2001, Political Analysis 9:137; as scikit-learn's "balanced".
    """
    kind, _, _ = parse_rule(rule, class_names)
    _refuse_multilabel(y, rule)
    if kind != "class_weights":
        return None
    present, counts = np.unique(y, return_counts=True)
    return {int(c): len(y) / (len(present) * int(k)) for c, k in zip(present, counts, strict=True)}


def parse_rule(rule: str, class_names: Sequence[str]) -> tuple[str, str, float]:
    """The kind of a rule, and for "downsample" the class and the fraction. Raises SpecInvalid."""
    if rule in ("none", "class_weights", "oversample"):
        return rule, "", 1.0
    kind, colon, rest = rule.partition(":")
    # the last "=" separates: a class name may hold one itself
    name, equals, number = rest.rpartition("=")
    if kind != "downsample" or not colon or not equals:
        raise SpecInvalid(said("Balance rule {rule} is none of {rules}.", rule=repr(rule), rules=RULES))
    if name not in class_names:
        raise SpecInvalid(
            said(
                "Balance rule {rule}: unknown class {name}; classes are {listed}.",
                rule=repr(rule),
                name=repr(name),
                listed=", ".join(class_names),
            )
        )
    try:
        fraction = float(number)
    except ValueError:
        raise SpecInvalid(
            said(
                "Balance rule {rule}: {number} is no number; expected a fraction in (0, 1].",
                rule=repr(rule),
                number=repr(number),
            )
        ) from None
    if not math.isfinite(fraction) or not 0 < fraction <= 1:
        raise SpecInvalid(
            said("Balance rule {rule}: the fraction must lie in (0, 1], not {number}.", rule=repr(rule), number=number)
        )
    return kind, name, fraction


def _refuse_multilabel(y: np.ndarray, rule: str) -> None:
    if rule != "none" and y.ndim != 1:
        raise SpecInvalid(
            said("Balance rule {rule} needs one class per image; with several findings use 'none'.", rule=repr(rule))
        )


def _oversampled(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    present, counts = np.unique(y, return_counts=True)
    largest = int(counts.max(initial=0))
    extra = [
        rng.choice(np.flatnonzero(y == c), size=largest - int(k), replace=True)
        for c, k in zip(present, counts, strict=True)
    ]
    return np.sort(np.concatenate([np.arange(len(y), dtype=np.int64), *extra]))
