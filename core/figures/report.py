"""What a report of predictions holds, whichever file it becomes: pictures, their words, where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.figures.text import plural
from core.language import t

ABOUT = "MedLens report"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPicture:
    """One picture: JPEG bytes of it and of its overlay, each with the words for those who do not see it.

    `said` are plain sentences in order; `facts` name where it comes from (model, run, hashes, time in UTC).
    All texts are plain: no Markdown, no HTML.
    """

    name: str
    picture: bytes
    picture_alt: str
    overlay: bytes
    overlay_alt: str
    class_name: str
    said: tuple[str, ...]
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report of one or several pictures.

    `limits` maps a model's title to what it is not for; `versions` maps programs to theirs; `created` has a zone.
    """

    pictures: tuple[ReportPicture, ...]
    limits: Mapping[str, tuple[str, ...]]
    versions: Mapping[str, str]
    created: datetime
    title: str = field(default=ABOUT)


def overlay_caption(class_name: str) -> str:
    """What stands under an overlay; the colours are the ends of core/figures/overlay.py's ramp."""
    return t("Where the network looked for {class_name}: violet a little, yellow most", class_name=t(class_name))


def written_line(report: Report) -> str:
    """How many pictures, when, and with what."""
    versions = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    return t(
        "{pictures}, written {moment} UTC with {versions}.",
        pictures=plural(len(report.pictures), "picture"), versions=versions,
        moment=f"{report.created.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
    )  # fmt: skip


def limits_title(title: str) -> str:
    """Over the list of what a model is not for."""
    return t("What {title} is not for", title=title)


def plain_sentence(text: str) -> str:
    """A sentence of `core.figures.sentences` without its Markdown, on one line."""
    return " ".join(text.replace("**", "").split())
