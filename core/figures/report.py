"""What a report of predictions holds, whichever file it becomes: pictures, their words, where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

ABOUT = "MedLens report"
LOOKED = "Where the network looked for"
RAMP = "violet a little, yellow most"  # the ends of core/figures/overlay.py's ramp


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


def plain_sentence(text: str) -> str:
    """A sentence of `core.figures.sentences` without its Markdown, on one line."""
    return " ".join(text.replace("**", "").split())
