"""Every page in Spanish: no English is left in what it shows, and a reader who asks for nothing reads English."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from google.protobuf.message import Message

from core.data.images import encode_png

PAGES = (
    "predict", "playground", "live", "triage", "compare", "run", "published", "data", "models", "train", "learn",
    "quiz", "methods",
)  # fmt: skip
ENGLISH = re.compile(r"\b(the|of|and|with|is|are|this|its|over|from|for|by|not|which|images|patients)\b", re.IGNORECASE)
# what no reader reads: keys of widgets, code (commands, plans), formats, styles and scripts
HIDDEN_FIELDS = ("id", "key", "form_id", "element_id", "css", "js", "html_content", "config", "query_params", "page")
HIDDEN_KINDS = ("code", "html", "bidi_component", "imgs")
# titles of articles, licences, settings, and what was written for these tests
QUOTED = re.compile(
    r"et al\b|arXiv|https?://|for tests|Not for people|stopped by the user"
    r"|CC BY|images = \d|^[a-z]+(-[a-z]+)+$"
)


def strings(value):
    """Every text of a protocol message and of the messages in it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Message):
        for field, inner in value.ListFields():
            if field.name not in HIDDEN_FIELDS:
                yield from strings(inner)
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        for one in value:
            yield from strings(one)


def shown(app):
    """Every text that stands on a page and in its sidebar, tables included."""

    def walk(node):
        kind = getattr(node, "type", "")
        if kind in HIDDEN_KINDS:
            return
        proto = getattr(node, "proto", None)
        if isinstance(proto, Message):
            yield from strings(proto)
        table = getattr(node, "value", None) if kind in ("dataframe", "table") else None
        if isinstance(table, pd.DataFrame):
            yield from (str(cell) for line in (table.columns, table.index, *table.itertuples()) for cell in line)
        for child in getattr(node, "children", {}).values():
            yield from walk(child)

    return list(dict.fromkeys((*walk(app.main), *walk(app.sidebar))))


def english_in(app):
    texts = shown(app)
    assert len(texts) > 5
    return [text for text in texts if ENGLISH.search(text) and not QUOTED.search(text.replace("\\", ""))]


@pytest.mark.slow
def test_no_page_has_english_words_left(stores, open_at):
    found = []
    for page in PAGES:
        app = open_at(page, lang="es")
        assert not app.exception, page
        found += [f"{page}: {text}" for text in english_in(app)]
    assert not found, "\n".join(found)


def test_an_answer_is_told_in_spanish(stores, open_at, fake_network):
    app = open_at("predict", model="real", lang="es")
    app.file_uploader[0].upload("scan.png", encode_png(np.full((64, 64, 3), 120, np.uint8)))
    app.run()
    assert not app.exception
    assert fake_network.calls == ["scan.png"]
    assert any("La red da **Neumonía" in text for text in shown(app))
    assert not english_in(app)


def test_the_search_for_english_finds_sentences_labels_and_cells(stores, open_at):
    words = "\n".join(english_in(open_at("run")))
    assert "One run in full: what it scored" in words
    assert "Save the plan below" in words


def test_a_browser_says_which_language_is_first_and_without_one_it_is_english(stores, open_at, monkeypatch):
    assert open_at("models").title[0].value == "Models"
    monkeypatch.setattr(type(st.context), "locale", property(lambda self: "es-AR"))
    assert open_at("models").title[0].value == "Modelos"
    assert open_at("models", lang="en").title[0].value == "Models"
