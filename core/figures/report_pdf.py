"""A report as PDF, of the same words as the HTML file: A4, pictures with their texts for screen readers.

It is set in the fonts that every PDF reader has; letters that they lack are written as their Unicode escapes.
"""

import io
from datetime import UTC
from typing import TYPE_CHECKING

from core.figures.report import Report, ReportPicture, limits_title, overlay_caption, written_line
from core.figures.text import NOT_A_DIAGNOSIS
from core.language import spoken, t

if TYPE_CHECKING:
    from fpdf import FPDF

FONT, CODEC = "Helvetica", "windows-1252"
MARGIN_MM, GAP_MM, LINE_MM = 16.0, 6.0, 5.2
PICTURE_MM = (210 - 2 * MARGIN_MM - GAP_MM) / 2
TALLEST_MM = 66.0  # of a picture, so that two of them with their words fit on a page
QUIET = (85, 99, 111)


def report_pdf(report: Report) -> bytes:
    """The whole file. The same report gives the same bytes."""
    from fpdf import FPDF

    created = report.created.astimezone(UTC)
    pdf = FPDF(format="A4")
    pdf.core_fonts_encoding = CODEC
    pdf.set_margin(MARGIN_MM)
    pdf.c_margin = 0  # texts begin where pictures do
    pdf.set_auto_page_break(True, MARGIN_MM)
    pdf.set_title(_letters(report.title))
    pdf.set_lang(spoken())
    pdf.set_creation_date(created)
    pdf.add_page()
    _text(pdf, report.title, size=18, bold=True)
    _text(pdf, written_line(report), size=9, quiet=True)
    _text(pdf, t(NOT_A_DIAGNOSIS), bold=True, above=2)
    for picture in report.pictures:
        _picture(pdf, picture)
    for title, lines in report.limits.items():
        _text(pdf, limits_title(title), size=12, bold=True, above=GAP_MM)
        for line in lines:
            _text(pdf, f"\u2022 {line}", size=9)
    return bytes(pdf.output())


def _picture(pdf: "FPDF", picture: ReportPicture) -> None:
    height = max(_size(jpeg)[1] for jpeg in (picture.picture, picture.overlay))
    if pdf.will_page_break(height + 6 * LINE_MM):  # a heading never parts from its pictures
        pdf.add_page()
    _text(pdf, picture.name, size=12, bold=True, above=GAP_MM)
    for line in picture.said[:1]:
        _text(pdf, line)
    top = pdf.get_y() + 1
    looked = overlay_caption(picture.class_name)
    for column, (jpeg, alt, caption) in enumerate(
        ((picture.picture, picture.picture_alt, t("As it came")), (picture.overlay, picture.overlay_alt, looked))
    ):
        left = MARGIN_MM + column * (PICTURE_MM + GAP_MM)
        width, tall = _size(jpeg)
        pdf.image(io.BytesIO(jpeg), x=left, y=top, w=width, h=tall, alt_text=_letters(alt))
        pdf.set_xy(left, top + height + 1)
        pdf.set_font(FONT, size=8)
        pdf.cell(PICTURE_MM, LINE_MM, _letters(caption))
    pdf.set_xy(MARGIN_MM, top + height + LINE_MM + 1)
    for line in picture.said[1:]:
        _text(pdf, line, size=9)
    for name, value in picture.facts.items():
        _text(pdf, f"{name}: {value}", size=8, quiet=True)


def _size(jpeg: bytes) -> tuple[float, float]:
    """Width and height on paper, in millimetres."""
    from PIL import Image

    with Image.open(io.BytesIO(jpeg)) as image:
        width, height = image.size
    scale = min(PICTURE_MM / width, TALLEST_MM / height)
    return width * scale, height * scale


def _text(
    pdf: "FPDF", text: str, *, size: float = 10, bold: bool = False, quiet: bool = False, above: float = 0
) -> None:
    from fpdf.enums import WrapMode, XPos, YPos

    pdf.set_y(pdf.get_y() + above)
    pdf.set_font(FONT, "B" if bold else "", size)
    pdf.set_text_color(*(QUIET if quiet else (0, 0, 0)))
    pdf.multi_cell(
        0, LINE_MM * max(size, 9) / 10, _letters(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT,
        wrapmode=WrapMode.WORD if " " in text and max(map(len, text.split())) < 60 else WrapMode.CHAR,
    )  # fmt: skip
    pdf.set_text_color(0, 0, 0)


def _letters(text: str) -> str:
    """`text` with what the font lacks as Unicode escapes."""
    return text.encode(CODEC, "backslashreplace").decode(CODEC)
