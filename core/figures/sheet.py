"""A picture that leaves the app: the overlay with its colour bar and the words it must not be seen without.

Pillow's own font has the letters of English only: accents are drawn over them.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from core.figures.overlay import colour_bar
from core.language import t

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw as Pen
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = FreeTypeFont | ImageFont

PAPER = (250, 251, 252)
INK = (22, 33, 43)
# strokes over the middle of a letter, in heights of a line: (across, up)
ACCENTS: Mapping[str, tuple[tuple[tuple[float, float], ...], ...]] = MappingProxyType({
    "\u0301": (((-0.06, 0.0), (0.1, 0.16)),),
    "\u0300": (((-0.1, 0.16), (0.06, 0.0)),),
    "\u0303": (((-0.17, 0.03), (-0.07, 0.1), (0.07, 0.03), (0.17, 0.1)),),
    "\u0308": (((-0.13, 0.06), (-0.07, 0.06)), ((0.07, 0.06), (0.13, 0.06))),
})  # fmt: skip
PLAIN = str.maketrans({"–": "-", "−": "-", "×": "x", "≥": ">=", "≤": "<=", "¿": "", "¡": ""})
MIN_WIDTH = 480  # narrower pictures are enlarged, so that the caption stays readable


def captioned_overlay(picture: np.ndarray, lines: Sequence[str], strength: float) -> np.ndarray:
    """The overlay on a sheet, with the colour bar and lines of text below it.

    Args:
        picture: (H, W, 3) uint8, the blended overlay.
        lines: what the picture shows, from which model, and what it is not; long lines are wrapped.
        strength: with which the overlay was blended, in [0, 1]; the bar is drawn the same way.
    Returns: uint8 (h, w, 3).
    """
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(picture)
    if image.width < MIN_WIDTH:
        image = image.resize((MIN_WIDTH, round(image.height * MIN_WIDTH / image.width)), Image.Resampling.BICUBIC)
    text_px = max(14, image.width // 38)
    font = ImageFont.load_default(text_px)
    margin, gap = text_px, round(text_px * 1.45)
    wrapped = [part for line in lines for part in _wrap(line, font, image.width - 2 * margin)]
    bar_height = text_px
    height = image.height + 2 * margin + bar_height + gap * (len(wrapped) + 1) + margin // 2
    sheet = Image.new("RGB", (image.width, height), PAPER)
    sheet.paste(image, (0, 0))
    pen = ImageDraw.Draw(sheet)
    top = image.height + margin
    bar = Image.fromarray(colour_bar(strength, image.width - 2 * margin, bar_height))
    sheet.paste(bar, (margin, top))
    top += bar_height + margin // 4
    high = t("high attention")
    _write(pen, margin, top, t("low attention"), font, text_px)
    _write(pen, round(image.width - margin - _length(high, font)), top, high, font, text_px)
    top += round(gap * 1.25)
    for line in wrapped:
        _write(pen, margin, top, line, font, text_px)
        top += gap
    return np.asarray(sheet, dtype=np.uint8)


def _wrap(text: str, font: "Font", width: int) -> list[str]:
    """`text` in lines of at most `width` pixels, broken at spaces; one over-long word keeps its line."""
    lines: list[str] = []
    for word in text.split():
        if lines and _length(f"{lines[-1]} {word}", font) <= width:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return lines


def _apart(text: str) -> tuple[str, dict[int, str]]:
    """`text` without its accents, and place -> combining accent; what the font lacks is replaced."""
    base: list[str] = []
    accents: dict[int, str] = {}
    for letter in unicodedata.normalize("NFD", text.translate(PLAIN)):
        if not unicodedata.combining(letter):
            base.append(letter)
        elif letter in ACCENTS and base:
            accents[len(base) - 1] = letter
    return "".join(base), accents


def _length(text: str, font: "Font") -> float:
    return font.getlength(_apart(text)[0])


def _write(pen: "Pen", left: int, top: int, text: str, font: "Font", size: int) -> None:
    """Letters first, then each accent over the middle of its own; the dot of an i makes room."""
    base, accents = _apart(text)
    pen.text((left, top), base, INK, font)
    for place, accent in accents.items():
        letter = base[place]
        start, width = left + font.getlength(base[:place]), font.getlength(letter)
        rim = top + font.getbbox("x" if letter == "i" else letter)[1]
        if letter == "i":
            pen.rectangle((start, top, start + width - 1, rim - 1), fill=PAPER)
        middle, foot = start + width / 2, rim - size / 12
        for stroke in ACCENTS[accent]:
            points = [(middle + x * size, foot - y * size) for x, y in stroke]
            pen.line(points, INK, max(1, round(size / 10)), joint="curve")
