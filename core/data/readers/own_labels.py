"""Class names of data that people bring themselves: their order, and names that are mistakes."""

import re
from collections.abc import Iterable, Mapping, Sequence

from core.data.readers.common import Findings, listed
from core.errors import SpecInvalid
from core.language import said
from core.types import DatasetSpec


def class_order(
    spec: DatasetSpec, options: Mapping[str, int | float | str], labels: Iterable[str], findings: Findings
) -> tuple[str, ...]:
    """The class names: as the option `classes` lists them, else those found, sorted.

    With the option, other labels are unknown and refused by the loader. Raises SpecInvalid when it repeats one.
    """
    found = sorted({token for label in labels for token in label.split("|")})
    stated = [name.strip() for name in str(options.get("classes", "")).split(",") if name.strip()]
    if not stated:
        if len(found) == 2:
            findings.notes.append(
                said(
                    "{quoted} counts as the positive class; classes={positive},{other} turns it",
                    quoted=repr(found[1]),
                    positive=found[1],
                    other=found[0],
                )
            )
        return tuple(found)
    if len(set(stated)) < len(stated):
        raise SpecInvalid(
            said("{key}: the option classes names a class twice: {listed}.", key=spec.key, listed=listed(stated))
        )
    absent = [name for name in stated if name not in found]
    if absent:
        findings.notes.append(said("no image has the label {listed}", listed=listed(absent)))
    return tuple(stated)


def check_names(names: Sequence[str], findings: Findings) -> None:
    """Class names that differ only in case or blanks are one class, spelt in two ways: structural."""
    alike: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        alike.setdefault(re.sub(r"[\s_-]+", " ", name).strip().casefold(), []).append(name)
    for group in alike.values():
        if len(group) > 1:
            findings.structural.append(
                said("the labels {listed} differ only in spelling; use one", listed=listed(map(repr, group)))
            )


def group_pattern(spec: DatasetSpec, options: Mapping[str, int | float | str]) -> re.Pattern[str] | None:
    """The option `group_regex`, compiled. Raises SpecInvalid when it is no expression with a group."""
    text = str(options.get("group_regex", ""))
    if not text:
        return None
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise SpecInvalid(
            said(
                "{key}: group_regex {text} is no regular expression: {reason}.",
                key=spec.key,
                text=repr(text),
                reason=error,
            )
        ) from error
    if pattern.groups < 1:
        raise SpecInvalid(
            said("{key}: group_regex {text} has no (group) that holds the patient.", key=spec.key, text=repr(text))
        )
    return pattern
