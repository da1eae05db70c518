"""Operating points: turn validation scores into one decision threshold.

The test split never enters this file: `choose_threshold` refuses it. A score counts as a call when it is at
or above the cut; cuts lie midway between neighbouring scores, so that rounding noise moves no image.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from core.errors import SpecInvalid, UndefinedMetric
from core.language import said
from core.tables import SUM_TOLERANCE
from core.types import Predictions, Threshold

RULES = said(
    "youden, f1, sensitivity:<share>, specificity:<share>, cost:<ratio>, fixed:<cut>, each "
    "with ';<class>=<cut>' behind it for a class whose cut is set by hand"
)
DEFAULT_RULE = "youden"
VALIDATION = "validation"
NOWHERE = "none"  # a fixed cut has seen no data
FALLBACK_CUT = 0.5  # for a class that validation cannot judge
ABOVE_ALL = 1.0 + 2 * SUM_TOLERANCE  # no score reaches it, and unlike infinity it can be stored
TIE = 1e-12


@dataclass(frozen=True, slots=True)
class ParsedRule:
    """A rule taken apart: its name, its number (0 without one), and the cuts set by hand, by class."""

    name: str
    amount: float
    by_hand: Mapping[str, float] = field(default_factory=dict)


def choose_threshold(validation: Predictions, rule: str = DEFAULT_RULE) -> Threshold:
    """One cut per class by `rule`, each class against the rest; for binary one cut, on the positive class.

    For multiclass the cuts are operating points of single classes; `decide` takes the most probable class.
    A class that validation shows in no image, or in all, gets 0.5 (multiclass and multilabel); so does one
    for which no cut has a Youden index above 0, as with a head that answers the same for every image.

    Args:
        rule: "youden" (sensitivity + specificity - 1 largest), "f1" (F1 largest), "sensitivity:0.95" (the
            highest cut that reaches it), "specificity:0.9" (the lowest cut that reaches it), "cost:5" (a
            missed finding costs five false alarms) or "fixed:0.5". Ties go to the lower cut, which misses fewer.
            A class may have its cut set by hand instead: "f1;Melanocytic nevus=0.6", any number of them.
    Raises: SpecInvalid when the predictions are not of the validation split (a fixed cut may be set anywhere),
        the rule is not known, or it names a class that has no cut here; UndefinedMetric when a binary validation
        split has one class only.
    Source: Youden 1950, Cancer 3:32.
    """
    parsed = parse_rule(rule)
    name, amount = parsed.name, parsed.amount
    if name == "fixed":
        chosen_on = NOWHERE
    elif validation.split == VALIDATION:
        chosen_on = VALIDATION
    else:
        raise SpecInvalid(
            said(
                "A threshold is chosen on the validation split, never on {split}: the images that judge "
                "it must not choose it. Pass validation predictions, or a rule 'fixed:0.5'.",
                split=repr(validation.split),
            )
        )
    binary = validation.task == "binary"
    classes = [validation.positive_index] if binary else list(range(len(validation.class_names)))
    _check_classes(rule, parsed, [validation.class_names[i] for i in classes])
    cuts: dict[str, float] = {}
    for i in classes:
        truth = validation.truth_of(i).astype(bool)
        if validation.class_names[i] in parsed.by_hand:
            cut = parsed.by_hand[validation.class_names[i]]
        elif name == "fixed":
            cut = amount
        elif truth.any() and not truth.all():
            cut = _best_cut(np.asarray(validation.y_prob[:, i], dtype=np.float64), truth, name, amount)
        elif binary:
            raise UndefinedMetric(
                said(
                    "{run_id}: the validation split shows one class only, so no threshold can be chosen on "
                    "it. Use the rule 'fixed:0.5', or a split with both classes.",
                    run_id=validation.run_id,
                )
            )
        else:
            cut = FALLBACK_CUT
        cuts[validation.class_names[i]] = cut
    return Threshold(values=cuts, rule=rule, chosen_on=chosen_on)


def parse_rule(rule: str) -> ParsedRule:
    """A rule taken apart. Raises SpecInvalid with the known rules when it is none of them."""
    base, *overrides = rule.split(";")
    name, _, text = base.strip().lower().partition(":")
    plain = name in ("youden", "f1") and not text
    amount = 0.0 if plain else _number(text)
    in_range = plain or (amount > 0 if name == "cost" else 0 <= amount <= 1)
    if not (plain or name in ("sensitivity", "specificity", "cost", "fixed")) or not in_range or np.isinf(amount):
        raise SpecInvalid(
            said(
                "Unknown threshold rule {rule}. Known: {rules}; shares and cuts are fractions from 0 to 1.",
                rule=repr(rule),
                rules=RULES,
            )
        )
    by_hand: dict[str, float] = {}
    for part in overrides:
        class_name, equals, cut_text = part.rpartition("=")
        class_name, cut = class_name.strip(), _number(cut_text)
        if not equals or not class_name or class_name in by_hand or not 0 <= cut <= 1:
            raise SpecInvalid(
                said(
                    "The threshold rule {rule} has {part}; expected <class>=<cut>, each class once and its "
                    "cut a fraction from 0 to 1. Known: {rules}.",
                    rule=repr(rule),
                    part=repr(part.strip()),
                    rules=RULES,
                )
            )
        by_hand[class_name] = cut
    return ParsedRule(name, amount, by_hand)


def check_rule(rule: str, class_names: Iterable[str], positive_class: str | None = None) -> None:
    """Raises SpecInvalid when a rule is not known, or sets a cut by hand for a class that has none.

    Args:
        positive_class: of a binary task, where this class alone has a cut; None for the others.
    """
    _check_classes(rule, parse_rule(rule), [positive_class] if positive_class is not None else list(class_names))


def _check_classes(rule: str, parsed: ParsedRule, cut_classes: list[str]) -> None:
    strange = [name for name in parsed.by_hand if name not in cut_classes]
    if strange:
        raise SpecInvalid(
            said(
                "The threshold rule {rule} sets a cut for {listed}; there are cuts for: {listed_2}.",
                rule=repr(rule),
                listed=", ".join(map(repr, strange)),
                listed_2=", ".join(cut_classes),
            )
        )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def candidate_cuts(scores: np.ndarray) -> np.ndarray:
    """Every cut that separates different scores, rising (m + 1,): 0, midpoints, and one above all scores."""
    levels = np.unique(scores)
    middle = (levels[:-1] + levels[1:]) / 2
    middle = np.where(middle <= levels[:-1], levels[1:], middle)  # neighbouring floats have no number between
    top = (levels[-1] + 1) / 2
    return np.concatenate([[0.0], middle, [top if top > levels[-1] else ABOVE_ALL]])


def _best_cut(scores: np.ndarray, truth: np.ndarray, name: str, amount: float) -> float:
    cuts = candidate_cuts(scores)
    positives, negatives = np.sort(scores[truth]), np.sort(scores[~truth])
    missed = np.searchsorted(positives, cuts, "left")  # positives below the cut
    found = len(positives) - missed
    alarms = len(negatives) - np.searchsorted(negatives, cuts, "left")
    sensitivity, specificity = found / len(positives), 1 - alarms / len(negatives)
    if name == "sensitivity":
        return float(cuts[np.flatnonzero(sensitivity >= amount - TIE)[-1]])  # the lowest cut finds all
    if name == "specificity":
        return float(cuts[np.flatnonzero(specificity >= amount - TIE)[0]])  # the highest cut alarms nobody
    if name == "youden":
        gain = sensitivity + specificity - 1
        if gain.max() <= TIE:  # no cut beats calling all or none: these scores order nothing
            return FALLBACK_CUT
    elif name == "f1":
        gain = 2 * found / (len(positives) + found + alarms)
    else:
        gain = -(amount * missed + alarms) / len(scores)
    return float(cuts[np.flatnonzero(gain >= gain.max() - TIE)[0]])


def decide(pred: Predictions, threshold: Threshold) -> np.ndarray:
    """What is called: (n,) int64 class indices; multilabel (n, C) zeros and ones.

    Binary: the positive class where its score is at or above the cut. Multiclass: the most probable class,
    the first of equals; the cuts are not used. Multilabel: each class at or above its own cut.

    Raises: SpecInvalid when a class that needs a cut has none.
    """
    if pred.task == "multiclass":
        return np.asarray(pred.y_prob.argmax(axis=1), dtype=np.int64)
    if pred.task == "multilabel":
        cuts = np.array([cut_of(threshold, name) for name in pred.class_names])
        return (pred.y_prob >= cuts).astype(np.int64)
    i = pred.positive_index
    called = pred.y_prob[:, i] >= cut_of(threshold, pred.class_names[i])
    return np.where(called, i, 1 - i).astype(np.int64)


def cut_of(threshold: Threshold, class_name: str) -> float:
    """The cut of one class. Raises SpecInvalid when there is none."""
    if class_name not in threshold.values:
        held = ", ".join(threshold.values) or "none"
        raise SpecInvalid(
            said(
                "The threshold has no cut for {class_name}; it has cuts for: {held}.",
                class_name=repr(class_name),
                held=held,
            )
        )
    return float(threshold.values[class_name])
