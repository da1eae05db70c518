"""Numbers as words: the one place where a stored fraction becomes text.

A number on screen carries its interval, its split and how many images of how many patients stand behind it.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from core.errors import UnknownKey
from core.language import listing as listing  # a list in the words of the reader
from core.language import spoken, t, tn
from core.registry.datasets import DATASETS
from core.registry.metrics import metric_spec, worst_class
from core.types import Estimate, Evaluation, OverlapAudit, RunSpec

NOT_A_DIAGNOSIS = (  # shown as t(NOT_A_DIAGNOSIS), as the other constants of this file are
    "This is not a diagnosis. MedLens is a research and teaching tool, not a medical device; "
    "do not use it to decide about a patient."
)
SPLIT_KINDS = {
    "group": "patient-disjoint",
    "official": "official split",
    "random": "random: leaks",
    "auto": "split by the data",
}


# things that are counted in a sentence: both forms, for the language of the reader
_COUNTED: Mapping[str, Callable[[int], str]] = MappingProxyType({
    "image": lambda n: tn("{n} image", "{n} images", n),
    "identical image": lambda n: tn("{n} identical image", "{n} identical images", n),
    "patient": lambda n: tn("{n} patient", "{n} patients", n),
    "synthetic patient": lambda n: tn("{n} synthetic patient", "{n} synthetic patients", n),
    "lesion": lambda n: tn("{n} lesion", "{n} lesions", n),
    "study": lambda n: tn("{n} study", "{n} studies", n),
    "group": lambda n: tn("{n} group", "{n} groups", n),
    "picture": lambda n: tn("{n} picture", "{n} pictures", n),
    "file": lambda n: tn("{n} file", "{n} files", n),
    "problem": lambda n: tn("{n} problem", "{n} problems", n),
    "box": lambda n: tn("{n} box", "{n} boxes", n),
    "row": lambda n: tn("{n} row", "{n} rows", n),
    "run": lambda n: tn("{n} run", "{n} runs", n),
    "recipe": lambda n: tn("{n} recipe", "{n} recipes", n),
    "published figure": lambda n: tn("{n} published figure", "{n} published figures", n),
})  # fmt: skip
_NONE: Mapping[str, Callable[[], str]] = MappingProxyType({
    "image": lambda: t("no image"),
    "patient": lambda: t("no patient"),
    "synthetic patient": lambda: t("no synthetic patient"),
    "lesion": lambda: t("no lesion"),
    "study": lambda: t("no study"),
    "group": lambda: t("no group"),
})  # fmt: skip


def number(value: float | None, digits: int = 2) -> str:
    """A fraction with `digits` decimals, or a dash where it is not defined."""
    return "–" if value is None else f"{value:.{digits}f}"


_BOOTSTRAP = re.compile(
    r"(?P<kind>paired |unpaired |)bootstrap over (?P<units>.+), (?P<count>[\d,]+) resamples"
    r"(?P<of>| of each side| of the training images)"
)
GAP = "\u00a0"  # a no-break space: a number never parts from its sign at the end of a line


def percent(value: float | None) -> str:
    """A fraction as whole percent; never "0 %" or "100 %" unless it is exactly that."""
    if value is None:
        return "–"
    if 0 < value < 0.01:
        return t("under {share}", share=f"1{GAP}%")
    if 0.99 < value < 1:
        return t("over {share}", share=f"99{GAP}%")
    return f"{100 * value:.0f}{GAP}%"


def the_percent(value: float | None) -> str:
    """`percent` as the share of something, with the article that Spanish wants before a number: "el 42 %"."""
    text = percent(value)
    return f"el {text}" if spoken() == "es" and text[0].isdigit() else text


def finer_percents(first: float, second: float) -> tuple[str, str]:
    """Two fractions as percent, with a decimal where they would read alike: no "41 % is below 41 %"."""
    shown, limit = percent(first), percent(second)
    return (shown, limit) if shown != limit else (f"{100 * first:.1f}{GAP}%", f"{100 * second:.1f}{GAP}%")


def digits_of(estimate: Estimate) -> int:
    """Two decimals, or three where two would make a perfect 1.00 of a number that is not."""
    shown = [v for v in (estimate.value, estimate.low, estimate.high) if v is not None]
    return 3 if any(0.995 <= v < 1 for v in shown) else 2


def interval(estimate: Estimate, digits: int | None = None) -> str:
    """ "0.91 (0.88–0.94)", without the bracket where there is no interval.

    Args:
        digits: decimals; None takes two, or three close to 1.
    """
    if estimate.value is None:
        return t("not defined")
    digits = digits_of(estimate) if digits is None else digits
    text = number(estimate.value, digits)
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} ({number(estimate.low, digits)}–{number(estimate.high, digits)})"


def plural(count: int, word: str) -> str:
    """ "1 patient", "2 patients", "3 studies", with thin thousands; a word of `_COUNTED` in the reader's language.

    Args:
        word: English and in the singular; what is not in `_COUNTED` stays English.
    """
    if word in _COUNTED:
        return _COUNTED[word](count)
    if count != 1:
        if word.endswith("y") and word[-2:-1] not in "aeiou":
            word = f"{word[:-1]}ies"
        else:
            word = f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"
    return f"{count:,} {word}"


def group_word(group_field: str) -> str:
    """What a group is called in a sentence: "patient"; "image" where the source publishes no identity."""
    return group_field.split(" (")[0] or "group"


def group_title(group_field: str) -> str:
    """What a column of counted groups is called: "Patients"; English and in the plural where the word is not known."""
    words = plural(2, group_word(group_field)).removeprefix("2 ")
    return words[0].upper() + words[1:]


def counted(n_images: int, n_groups: int, group_field: str) -> str:
    """ "624 images of 400 patients"; the groups are left out where each image is its own."""
    word = group_word(group_field)
    images = plural(n_images, "image")
    return images if word == "image" else t("{images} of {groups}", images=images, groups=plural(n_groups, word))


def metric_title(key: str) -> str:
    """The metric's title, or its key where a newer run has a metric that this version does not know."""
    try:
        return t(metric_spec(key).title)
    except UnknownKey:
        return key.replace("_", " ")


def estimate_text(estimate: Estimate, group_field: str, digits: int | None = None) -> str:
    """ "AUC 0.91 (0.88–0.94), test, 624 images of 400 patients": the only way a metric reaches the screen."""
    name = metric_title(estimate.metric)
    if estimate.class_name is not None:
        name = t("{metric} for {class_name}", metric=name, class_name=t(estimate.class_name))
    population = counted(estimate.n_images, estimate.n_groups, group_field)
    return f"{name} {interval(estimate, digits)}, {t(estimate.split)}, {population}"


def worst_text(evaluation: Evaluation, metric: str = "sensitivity") -> str:
    """ "worst class: Dermatofibroma, sensitivity 0.31 (0.10–0.52)", and plainly when a class is never found."""
    lowest = worst_class(evaluation, metric)
    if lowest is None:
        return ""
    name = metric_title(metric)
    title = name if name.isupper() else name.lower()
    if lowest.value == 0 and metric == "sensitivity":
        return t(
            "worst class: {class_name} is never found (sensitivity 0 on {split})",
            class_name=t(str(lowest.class_name)), split=t(evaluation.split),
        )  # fmt: skip
    return t(
        "worst class: {class_name}, {metric} {value}",
        class_name=t(str(lowest.class_name)), metric=title, value=interval(lowest),
    )  # fmt: skip


def split_badge(audit: OverlapAudit | None, spec: RunSpec) -> str:
    """How the data were split, in a word or two for a badge: "patient-disjoint", "random: leaks"."""
    kind = audit.split_kind if audit is not None else spec.split
    if kind == "official" and spec.dataset in DATASETS and DATASETS[spec.dataset].joins:
        return t("hidden test of one data set")
    if kind == "group" and audit is not None:
        word = group_word(audit.group_field)
        return t("image by image: no patient identity") if word == "image" else t("{word}-disjoint", word=t(word))
    return t(SPLIT_KINDS.get(kind, kind))


def audit_text(audit: OverlapAudit | None) -> str:
    """What the overlap audit found, as one sentence."""
    if audit is None:
        return t("The overlap audit was not stored with this run.")
    word = group_word(audit.group_field)
    crossing, copies = audit.groups_in_several_splits, audit.images_in_several_splits
    if crossing == 0 and copies == 0:
        none = _NONE[word]() if word in _NONE else f"no {word}"
        return t("Overlap audit: {none} and no identical image stands in two splits.", none=none)
    parts = []
    if crossing:
        parts.append(t("{count} in more than one split", count=plural(crossing, word)))
    if copies:
        parts.append(t("{count} in more than one split", count=plural(copies, "identical image")))
    return t("Overlap audit: {found}, so the test numbers are too good.", found=listing(parts))


def method_words(method: str) -> str:
    """How an interval came about: a stored "bootstrap over patients, 1000 resamples" in the reader's language."""
    told = _BOOTSTRAP.fullmatch(method)
    if told is None:
        return t(method)
    values = {"units": t(told["units"]), "count": told["count"]}
    words = {
        "": t("bootstrap over {units}, {count} resamples", **values),
        "paired ": t("paired bootstrap over {units}, {count} resamples", **values),
        "unpaired ": t("unpaired bootstrap over {units}, {count} resamples", **values),
    }[told["kind"]]
    return {
        "": words,
        " of each side": t("{method} of each side", method=words),
        " of the training images": t("{method} of the training images", method=words),
    }[told["of"]]


def duration(seconds: float) -> str:
    """Seconds as a person says them: "0.4 s", "12 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def size(n_bytes: int) -> str:
    """Bytes as "812 kB" or "9.4 MB"."""
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1000:.0f} kB"
    return f"{n_bytes / 1_000_000:,.1f} MB"
