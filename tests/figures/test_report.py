"""A report as a file: it holds its pictures, escapes its texts, fetches nothing and says where it comes from."""

import base64
import re
import zlib
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser

import numpy as np
import pytest

from core.data.images import decode_image, encode_jpeg
from core.figures.report import Report, ReportPicture, plain_sentence
from core.figures.report_html import report_html
from core.figures.report_pdf import report_pdf

JPEG = encode_jpeg(np.full((90, 60, 3), 200, np.uint8))
NASTY = '<script>alert("x")</script> "&\'.png'


@pytest.fixture
def report():
    picture = ReportPicture(
        name=NASTY, picture=JPEG, picture_alt=f"{NASTY}, untouched", overlay=JPEG, overlay_alt="heat in the middle",
        class_name="Nodule", said=("The network gives Nodule 92 %.", "It answers for any picture."),
        facts={"Model file": "sha256 " + "ab" * 32, "Looked at": "2026-01-02 03:04:05 UTC"},
    )  # fmt: skip
    return Report(
        pictures=(picture, replace(picture, name="second.png")), limits={"A <model>": ("Not for people.",)},
        versions={"MedLens": "1.2.3"}, created=datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2))),
    )  # fmt: skip


class Page(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_the_html_holds_its_pictures_and_asks_nobody_for_anything(report):
    text = report_html(report)
    page = Page(text)
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 4 and all(image["alt"] for image in images)
    inlined = base64.b64decode(images[0]["src"].removeprefix("data:image/jpeg;base64,"))
    assert inlined == JPEG and decode_image(inlined).shape == (90, 60, 3)
    assert not re.search(r"https?:|@import|url\(", text)
    policy = next(attrs["content"] for _, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_no_text_becomes_a_tag_of_the_page(report):
    page = Page(report_html(report))
    assert "script" not in [tag for tag, _ in page.tags] and "model" not in [tag for tag, _ in page.tags]
    assert NASTY in page.text
    assert next(a["alt"] for tag, a in page.tags if tag == "img") == f"{NASTY}, untouched"


def test_the_html_says_what_it_is_when_it_was_written_and_where_from(report):
    text = Page(report_html(report)).text
    assert "This is not a diagnosis" in text and "Not for people." in text
    assert "2 pictures, written 2026-01-02 03:04:05 UTC with MedLens 1.2.3." in text  # five o'clock two hours east
    assert "sha256 " + "ab" * 32 in text


def streams(pdf):
    """The drawing commands of every page, unpacked."""
    found = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    return b"".join(zlib.decompress(s) for s in found if s[:1] == b"\x78")


def test_the_pdf_has_the_same_words_its_pictures_and_their_alt_texts(report):
    pdf = report_pdf(report)
    assert pdf.startswith(b"%PDF-")
    drawn = streams(pdf)
    for words in (b"This is not a diagnosis", b"The network gives Nodule 92 %", b"Not for people", b"ab" * 32):
        assert words in drawn
    assert pdf.count(b"/DCTDecode") == 1  # the same picture four times is stored once, as it came
    assert b"/Alt" in pdf and b"/Lang (en)" in pdf
    assert b"/URI" not in pdf and b"/JavaScript" not in pdf
    assert report_pdf(report) == pdf


def test_letters_that_the_fonts_of_a_pdf_lack_are_written_as_escapes(report):
    strange = replace(report.pictures[0], name="肺 – é\u202e.png", facts={"File": "x" * 300})
    drawn = streams(report_pdf(replace(report, pictures=(strange,))))
    assert rb"\\u80ba" in drawn and rb"\\u202e" in drawn
    assert drawn.count(b"x" * 50) >= 2  # a long word is broken over lines


def test_a_sentence_loses_its_marks_and_its_line_breaks():
    assert plain_sentence("gives **Nodule 92 %**.\n\nNext") == "gives Nodule 92 %. Next"
