"""Which frame or slice of a file is wanted, and a decoded picture that says which one it is.

People count frames, slices and volumes from 1, and so does every number in this file. Where nothing is chosen the
middle one is taken, and the picture's note says so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core import limits
from core.data.containers import ImageHeader
from core.errors import ImageRefused, SpecInvalid
from core.language import said, said_n

AXES = ("sagittal", "coronal", "axial")  # the first, second and third axis of a volume in canonical (RAS) order
DEFAULT_AXIS = "axial"
FRAME_RULE = said(
    "a number from 1, or for a volume AXIS:SLICE or AXIS:SLICE:VOLUME with axial, coronal or sagittal, such as axial:42"
)
_FRAME = re.compile(r"(?:(axial|coronal|sagittal):)?([0-9]{1,6})?(?::([0-9]{1,6}))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """A frame of a DICOM file or a slice of a volume; None leaves the choice to the decoder."""

    number: int | None = None
    axis: str | None = None
    volume: int | None = None

    @property
    def text(self) -> str:
        """The same choice as `parse_frame` reads it."""
        parts = [self.axis or "", "" if self.number is None else str(self.number)]
        words = ":".join(part for part in parts if part) + (":" if self.axis and self.number is None else "")
        return words if self.volume is None else f"{words.rstrip(':')}:{self.volume}"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Decoded:
    """One picture of a file: `pixels` uint8 (H, W, 3) RGB, or (H, W) grey on its way from the decoder.

    `frame`, `axis` and `volume` say which one it is; `note` says it in words, with how grey values were mapped;
    `facts` are technical and identify nobody (modality, body part, view, spacing, window).
    """

    pixels: np.ndarray
    header: ImageHeader
    frame: int = 1
    axis: str = ""
    volume: int = 1
    note: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def chosen(self) -> str:
        """The frame as `parse_frame` reads it; empty for a file with one picture."""
        if self.axis:
            volume = self.volume if self.header.volumes > 1 else None
            return FrameChoice(self.frame, self.axis, volume).text
        return str(self.frame) if self.header.frames > 1 else ""


def parse_frame(text: str) -> FrameChoice:
    """A choice as people write it: "12", "axial:40", "coronal:10:2"; an empty text chooses nothing.

    Raises: SpecInvalid when it is none of these.
    """
    match = _FRAME.fullmatch(text.strip()) if len(text) <= limits.MAX_FRAME_TEXT_LENGTH else None
    if match is None:
        raise SpecInvalid(
            said(
                "The frame {text} is not understood; expected {frame_rule}.",
                text=repr(text[: limits.MAX_FRAME_TEXT_LENGTH]),
                frame_rule=FRAME_RULE,
            )
        )
    axis, number, volume = match.groups()
    return FrameChoice(int(number) if number else None, axis.lower() if axis else None, int(volume) if volume else None)


def chosen_number(wanted: int | None, count: int, what: str) -> int:
    """The number from 1 to `count` that is wanted, the middle one by default. Raises ImageRefused."""
    if wanted is None:
        return (count + 1) // 2
    if not 1 <= wanted <= count:
        raise ImageRefused(
            said_n(
                "it has no {what} {wanted}; there is {n}, counted from 1",
                "it has no {what} {wanted}; there are {n}, counted from 1",
                count, what=said(what), wanted=wanted,
            )
        )  # fmt: skip
    return wanted


def frame_words(number: int, count: int, wanted: int | None, what: str = "Frame", *, middle: bool = True) -> str:
    """ "Frame 5 of 10, the middle one."; the first one where `middle` is not what nobody's wish leads to."""
    if wanted is not None or count == 1:
        return said("{what} {number} of {count}.", what=said(what), number=number, count=count)
    if middle and count > 2:
        return said("{what} {number} of {count}, the middle one.", what=said(what), number=number, count=count)
    return said("{what} {number} of {count}, the first.", what=said(what), number=number, count=count)
