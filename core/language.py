"""The words of the app in the reader's language: `t` and `tn` look every text up in one catalogue.

English is written in the code and is the key of the catalogue; `core/locale/<language>/*.po` hold the others, in the
format of gettext (one file per page or part, read as one). A text without an entry is shown in English.

The pages say who reads (`speak_for`); everything else (command line, API, stored files) speaks English, so that
logs, results and scripts are the same everywhere.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "es": "Español"}  # code -> the name that its readers know
LOCALE = Path(__file__).parent / "locale"
AND = {ENGLISH: "and", "es": "y"}
_SOUNDS_LIKE_Y = re.compile(r"\W*h?[ií](?![aeo])", re.IGNORECASE)

_reader: Callable[[], str] = lambda: ENGLISH  # noqa: E731  (replaced by the app; a function, so that threads differ)
_set_here: ContextVar[str] = ContextVar("language", default="")

Entry = str | tuple[str, ...]


def speak_for(reader: Callable[[], str]) -> None:
    """Ask `reader` for the language code at every text from now on; it is called in the thread that shows it."""
    global _reader
    _reader = reader


def spoken() -> str:
    """The code of the language that is spoken to the current reader: a key of LANGUAGES."""
    code = _set_here.get() or _reader()
    return code if code in LANGUAGES else ENGLISH


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak `code` within the block, whoever reads: for work that another thread does later."""
    before = _set_here.set(code)
    try:
        yield
    finally:
        _set_here.reset(before)


def best_language(accepted: str | None) -> str:
    """The language of ours that a browser asks for, from a locale such as "es-MX"; English where there is none."""
    code = (accepted or "").replace("_", "-").split("-")[0].lower()
    return code if code in LANGUAGES else ENGLISH


def t(text: str, /, **values: Any) -> str:
    """`text` in the reader's language, its {fields} filled with `values` as `str.format` does.

    Args:
        text: the English text, a literal: the catalogue is checked against the literals in the code.
        values: what stands in the fields; already in the reader's language where it is words.
    """
    found = catalogue(spoken()).get(text)
    template = found if isinstance(found, str) and found else text
    return template.format(**values) if values else template


def tn(one: str, many: str, /, n: int, **values: Any) -> str:
    """`one` or `many`, whichever `n` things take in the reader's language; `{n}` is `n` with thousands separated."""
    found = catalogue(spoken()).get(one)
    forms = found if isinstance(found, tuple) and len(found) == 2 and all(found) else (one, many)
    return forms[0 if n == 1 else 1].format(n=f"{n:,}", **values)  # English and Spanish share this rule


def listing(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"; the Spanish "y" is "e" before a word that begins with its own sound."""
    if len(words) < 2:
        return "".join(words)
    joint = AND[spoken()]
    if joint == "y" and _SOUNDS_LIKE_Y.match(words[-1]):
        joint = "e"
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


@cache
def catalogue(language: str) -> dict[str, Entry]:
    """English text -> text, or (one, many) under the singular, of one language; empty for English.

    Read once from its .po files, in the order of their names; fuzzy entries do not count. `names.po` holds the words
    that reach `t` as values, such as the names of classes.
    """
    entries: dict[str, Entry] = {}
    for path in sorted((LOCALE / language).glob("*.po")):
        with path.open("rb") as stream:
            for message in read_po(stream, locale=language):
                if message.id and message.string and not message.fuzzy:
                    key = message.id[0] if isinstance(message.id, list | tuple) else message.id
                    entries[key] = tuple(message.string) if isinstance(message.string, list | tuple) else message.string
    return entries
