"""When a network is not to be taken at its word, in plain words: a picture unlike its own, a score too near its cut."""

from collections.abc import Sequence

from core.figures.text import percent
from core.registry.datasets import DATASETS
from core.types import Estimate, ModelCard, ReferralRecord

TOO_CLOSE = "**Too close to call: a person should read this one.**"


def seen_kind(card: ModelCard) -> str:
    """What the training images are, in the plural: "chest radiographs"."""
    spec = DATASETS.get(card.training_dataset)
    words = spec.modality.partition(",")[0] if spec is not None else ""
    return f"{words}s" if words.endswith(("graph", "image")) else f"{words} images".strip()


def unlike_sentence(card: ModelCard) -> str:
    """What stands in place of a label where the gate flags a picture."""
    return f"This does not look like the {seen_kind(card)} that this network has seen."


def unlike_words(card: ModelCard, percentile: float) -> str:
    """How far out a picture is, as a percentile of validation images, and where the gate cuts."""
    far = "every one" if percentile >= 1 else percent(percentile)
    share = "" if card.ood is None else f" Above {percent(card.ood.percentile)} it is flagged."
    return f"It lies further from the training images than {far} of the validation images did.{share}"


def gate_lines(card: ModelCard) -> list[str]:
    """What the gate is and how often it flags the pictures that it should let pass."""
    if card.ood is None:
        return ["None: this model does not notice a picture of another kind."]
    lines = [
        f"{card.ood.method}, from {card.ood.n_train_images:,} training images; flagged is what lies further out than "
        f"{percent(card.ood.percentile)} of the {card.ood.chosen_on} images."
    ]
    tested = _of(card.ood.estimates, "flagged", "test")
    if tested is not None:
        lines.append(f"Of {tested.n_images:,} test images it flags {_percents(tested)}.")
    return lines


def referral_lines(card: ModelCard) -> list[str]:
    """Which scores go to a person, and what the network does with the rest."""
    if card.referral is None:
        return ["None: no score is sent to a person."]
    name = str(card.positive_class) if card.task == "binary" else ""
    return [_band_words(card.referral, name), *_outcome(card.referral)]


def run_words(found: ReferralRecord, task: str) -> str:
    """The same of a run, on the scores that it stored."""
    return " ".join([_band_words(found, "the class looked for" if task == "binary" else ""), *_outcome(found)])


def _band_words(found: ReferralRecord, positive_class: str) -> str:
    band = found.band
    if band.low >= band.high:
        where = "No score is sent to a person"
    elif positive_class:
        where = f"Scores of {positive_class} from {_score(band.low)} to {_score(band.high)} go to a person"
    else:
        where = f"Pictures whose most probable class gets at most {_score(band.high)} go to a person"
    return f"{where} ({_rule(band.rule)}, chosen on {band.chosen_on})."


def _outcome(found: ReferralRecord) -> list[str]:
    coverage = _of(found.estimates, "coverage", "test")
    error = _of(found.estimates, "error_answered", "test")
    if coverage is None or error is None:
        return []
    return [
        f"On {coverage.n_images:,} test images the network then answers {_percents(coverage)}, and is wrong in "
        f"{_percents(error)} of those."
    ]


def _score(value: float) -> str:
    """A score with a digit more than usual: bands may be narrow and near 0 or 1."""
    return f"{100 * value:.1f}\u00a0%"


def _rule(rule: str) -> str:
    name, _, amount = rule.partition(":")
    share = percent(float(amount))
    answered = f"so that {share} are answered"
    return answered if name == "coverage" else f"so that at most {share} of the answers are wrong"


def _of(estimates: Sequence[Estimate], metric: str, split: str) -> Estimate | None:
    return next((e for e in estimates if e.metric == metric and e.split == split and e.value is not None), None)


def _percents(estimate: Estimate) -> str:
    """ "4.1 % (2.9–5.4)"."""
    value = f"{100 * (estimate.value or 0.0):.1f}\u00a0%"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({100 * estimate.low:.1f}–{100 * estimate.high:.1f})"
