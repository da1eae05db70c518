"""A picture that leaves the app: the overlay with its colour bar and the words it must not be seen without."""

from collections.abc import Sequence

import numpy as np

from core.figures.overlay import colour_bar
from core.language import t

PAPER = (250, 251, 252)
INK = (22, 33, 43)
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
    pen.text((margin, top), t("low attention"), INK, font)
    pen.text((image.width - margin, top), t("high attention"), INK, font, anchor="ra")
    top += round(gap * 1.25)
    for line in wrapped:
        pen.text((margin, top), line, INK, font)
        top += gap
    return np.asarray(sheet, dtype=np.uint8)


def _wrap(text: str, font, width: int) -> list[str]:  # type: ignore[no-untyped-def]
    """`text` in lines of at most `width` pixels, broken at spaces; one over-long word keeps its line."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return lines
