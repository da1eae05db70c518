"""When a network is not to be taken at its word, in plain words: a picture unlike its own, a score too near its cut."""

from collections.abc import Sequence

from core.figures.text import the_percent
from core.language import t
from core.registry.datasets import DATASETS
from core.types import Estimate, ModelCard, ReferralRecord

TOO_CLOSE = "**Too close to call: a person should read this one.**"


def seen_kind(card: ModelCard) -> str:
    """What the training images are, in the plural and in the reader's language: "chest radiographs"."""
    spec = DATASETS.get(card.training_dataset)
    words = spec.modality.partition(",")[0] if spec is not None else ""
    return t(f"{words}s" if words.endswith(("graph", "image")) else f"{words} images".strip())


def unlike_sentence(card: ModelCard) -> str:
    """What stands in place of a label where the gate flags a picture."""
    return t("This does not look like the {kind} that this network has seen.", kind=seen_kind(card))


def unlike_words(card: ModelCard, percentile: float) -> str:
    """How far out a picture is, as a percentile of validation images, and where the gate cuts."""
    share = "" if card.ood is None else " " + t("Above {share} it is flagged.", share=the_percent(card.ood.percentile))
    if percentile >= 1:
        return t("It lies further from the training images than every one of the validation images did.") + share
    far = the_percent(percentile)
    return t("It lies further from the training images than {share} of the validation images did.", share=far) + share


def gate_lines(card: ModelCard) -> list[str]:
    """What the gate is and how often it flags the pictures that it should let pass."""
    if card.ood is None:
        return [t("None: this model does not notice a picture of another kind.")]
    lines = [
        t(
            "{method}, from {count} training images; flagged is what lies further out than {share} of the {part} "
            "images.",
            method=t(card.ood.method),
            count=f"{card.ood.n_train_images:,}",
            share=the_percent(card.ood.percentile),
            part=t(card.ood.chosen_on),
        )
    ]
    tested = _of(card.ood.estimates, "flagged", "test")
    if tested is not None:
        lines.append(
            t("Of {count} test images it flags {share}.", count=f"{tested.n_images:,}", share=_percents(tested))
        )
    return lines


def referral_lines(card: ModelCard) -> list[str]:
    """Which scores go to a person, and what the network does with the rest."""
    if card.referral is None:
        return [t("None: no score is sent to a person.")]
    name = t(str(card.positive_class)) if card.task == "binary" else ""
    return [_band_words(card.referral, name), *_outcome(card.referral)]


def run_words(found: ReferralRecord, task: str) -> str:
    """The same of a run, on the scores that it stored."""
    return " ".join([_band_words(found, t("the class looked for") if task == "binary" else ""), *_outcome(found)])


def _band_words(found: ReferralRecord, positive_class: str) -> str:
    band = found.band
    if band.low >= band.high:
        where = t("No score is sent to a person")
    elif positive_class:
        where = t(
            "Scores of {class_name} from {low} to {high} go to a person",
            class_name=positive_class, low=_score(band.low), high=_score(band.high),
        )  # fmt: skip
    else:
        where = t("Pictures whose most probable class gets at most {high} go to a person", high=_score(band.high))
    return t(
        "{where} ({rule}, chosen on {part}).", where=where, rule=_rule(band.rule), part=t(band.chosen_on)
    )  # fmt: skip


def _outcome(found: ReferralRecord) -> list[str]:
    coverage = _of(found.estimates, "coverage", "test")
    error = _of(found.estimates, "error_answered", "test")
    if coverage is None or error is None:
        return []
    return [
        t(
            "On {count} test images the network then answers {answered}, and is wrong in {wrong} of those.",
            count=f"{coverage.n_images:,}",
            answered=_percents(coverage),
            wrong=_percents(error),
        )
    ]


def _score(value: float) -> str:
    """A score with a digit more than usual: bands may be narrow and near 0 or 1."""
    return f"{100 * value:.1f}\u00a0%"


def _rule(rule: str) -> str:
    name, _, amount = rule.partition(":")
    share = the_percent(float(amount))
    if name == "coverage":
        return t("so that {share} are answered", share=share)
    return t("so that at most {share} of the answers are wrong", share=share)


def _of(estimates: Sequence[Estimate], metric: str, split: str) -> Estimate | None:
    return next((e for e in estimates if e.metric == metric and e.split == split and e.value is not None), None)


def _percents(estimate: Estimate) -> str:
    """ "4.1 % (2.9–5.4)"."""
    value = f"{100 * (estimate.value or 0.0):.1f}\u00a0%"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({100 * estimate.low:.1f}–{100 * estimate.high:.1f})"
