"""The words of the app in the reader's language: `t` and `tn` look every text up in one catalogue.

English is written in the code and is the key of the catalogue; `core/locale/<language>/*.po` hold the others, in the
format of gettext (one file per page or part, read as one). A text without an entry is shown in English.

The pages say who reads (`speak_for`); everything else (command line, API, stored files) speaks English, so that
logs, results and scripts are the same everywhere.

What is told from below the pages (errors, notes, problems of a data set) is `said`: it is put into words where it is
shown, so that neither a cache, a thread nor a child process decides its language.
"""

import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from numbers import Number
from pathlib import Path
from typing import Any

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
    """The language of ours that a browser asks for first, from a locale such as "es-MX" or a whole Accept-Language.

    English where that is none of ours.
    """
    code = re.split("[-_,;]", accepted or "")[0].strip().lower()
    return code if code in LANGUAGES else ENGLISH


def t(text: str, /, **values: Any) -> str:
    """`text` in the reader's language, its {fields} filled with `values` as `str.format` does.

    Args:
        text: the English text, a literal: the catalogue is checked against the literals in the code.
        values: what stands in the fields; already in the reader's language where it is words.
    """
    if isinstance(text, Said):
        return str(text)
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
    words = [str(word) for word in words]  # what was said below, in the reader's language
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
    from babel.messages.pofile import read_po  # not needed by those who speak English, such as child processes

    entries: dict[str, Entry] = {}
    for path in sorted((LOCALE / language).glob("*.po")):
        with path.open("rb") as stream:
            for message in read_po(stream, locale=language):
                if message.id and message.string and not message.fuzzy:
                    key = message.id[0] if isinstance(message.id, list | tuple) else message.id
                    entries[key] = tuple(message.string) if isinstance(message.string, list | tuple) else message.string
    return entries


class Said(str):
    """A sentence that keeps its text and fields, to be put into the words of whoever shows it.

    As a string it is English: compared, joined, stored as JSON or sent to a program it is the same for everybody.
    `str()`, an f-string, `print` and an error around it give it in the language that is spoken at that moment.
    """

    _text: str
    _many: str
    _values: Mapping[str, Any]
    _left_out: str  # from the beginning of the sentence

    def __new__(cls, text: str, many: str = "", values: Mapping[str, Any] | None = None, left_out: str = "") -> "Said":
        kept = {name: _kept(value) for name, value in (values or {}).items()}
        plain = {name: str.__str__(v) if isinstance(v, Said) else v for name, v in kept.items()}
        made = super().__new__(cls, _filled((text, many), plain).removeprefix(left_out))
        made._text, made._many, made._values, made._left_out = text, many, kept, left_out
        return made

    def __str__(self) -> str:
        code = spoken()
        if code == ENGLISH:
            return str.__str__(self)
        found = catalogue(code).get(self._text)
        if self._many:
            forms = found if isinstance(found, tuple) and len(found) == 2 and all(found) else (self._text, self._many)
        else:
            forms = (found if isinstance(found, str) and found else self._text, "")
        return _filled(forms, self._values).removeprefix(self._left_out)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __reduce__(self) -> tuple[Any, ...]:
        return Said, (self._text, self._many, dict(self._values), self._left_out)

    def without(self, beginning: str) -> "Said":
        """The same sentence, `beginning` taken off where it begins so."""
        return Said(self._text, self._many, self._values, beginning)

    def wire(self) -> dict[str, Any]:
        """As JSON for another process of ours, which gets it back by `heard`."""
        values = {name: v.wire() if isinstance(v, Said) else _plain(v) for name, v in self._values.items()}
        return {"text": self._text, "many": self._many, "values": values}


def said(text: str, /, **values: Any) -> str:
    """`text` with its fields, in the language of whoever shows it; arguments as those of `t`.

    Errors and other sentences among `values` keep their own fields; what is neither text nor number counts as text.
    """
    return Said(text, "", values)


def said_n(one: str, many: str, /, n: int, **values: Any) -> str:
    """`one` or `many` things, as `tn` does, in the language of whoever shows it."""
    return Said(one, many, {"n": int(n), **values})


def said_together(separator: str, parts: Iterable[str]) -> str:
    """`separator.join(parts)` that keeps what is said in them; `separator` is no word."""
    listed = list(parts)
    if not any(isinstance(part, Said) for part in listed):
        return separator.join(listed)
    return Said(separator.join(f"{{p{i}}}" for i in range(len(listed))), "", {f"p{i}": p for i, p in enumerate(listed)})


def said_list(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c", in the language of whoever shows it."""
    if len(words) < 2:
        return "".join(words)
    return said("{some} and {last}", some=said_together(", ", words[:-1]), last=words[-1])


def message_of(error: BaseException) -> Said:
    """What an error says, kept for whoever shows it later; for now and here `str(error)` is the same."""
    first = error.args[0] if len(error.args) == 1 else None
    return first if isinstance(first, Said) else Said(str(error))


def english(text: str) -> str:
    """The English of what is said, a plain string: for files, which are the same everywhere."""
    return str.__str__(text)


def wired(text: str) -> Any:
    """A sentence as JSON for another process of ours: its fields where it is said, else itself."""
    return text.wire() if isinstance(text, Said) else text


def heard(document: Any) -> str:
    """What `wired` made of a sentence. The other process may have read a hostile file: fields are names and no more."""
    if not isinstance(document, dict):
        return str(document)
    text, many, values = (document.get(name) for name in ("text", "many", "values"))
    if not isinstance(text, str) or not isinstance(many, str) or not isinstance(values, dict):
        return str(document)
    known = {str(name): heard(v) if isinstance(v, dict) else v for name, v in values.items()}
    if not all(_harmless(form, known) for form in (text, many)) or (many and not isinstance(known.get("n"), int)):
        return text
    return Said(text, many, known)


def retold(text: str) -> str:
    """A stored sentence, which is English, in the reader's language: by the whole of it, or by a form of stored.po."""
    code = spoken()
    if code == ENGLISH or isinstance(text, Said) or text in catalogue(code):
        return t(text)
    for pattern, form in _stored_forms(code):
        if match := pattern.fullmatch(text):
            return t(form, **{name: retold(value) for name, value in match.groupdict().items()})
    return text


@cache
def _stored_forms(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The sentences with fields of stored.po, each with a pattern that finds its fields."""
    from babel.messages.pofile import read_po

    with (LOCALE / language / "stored.po").open("rb") as stream:
        forms = [str(message.id) for message in read_po(stream, locale=language) if message.id]
    found = []
    for form in forms:
        parts = [(re.escape(words), name) for words, name, _, _ in string.Formatter().parse(form)]
        if any(name for _, name in parts):
            pattern = "".join(words + (f"(?P<{name}>.+?)" if name else "") for words, name in parts)
            found.append((re.compile(pattern, re.DOTALL), form))
    return tuple(found)


_SPEC = re.compile(r",?(\.\d)?[defg%]?")


def _harmless(form: str, values: Mapping[str, Any]) -> bool:
    """Whether every field is one of `values`, written plainly: no attribute, no index, no width of a million."""
    try:
        parts = [(n, spec or "", how) for _, n, spec, how in string.Formatter().parse(form) if n is not None]
    except ValueError:
        return False
    return all(
        name in values and not how and _SPEC.fullmatch(spec) and (not spec or isinstance(values[name], int | float))
        for name, spec, how in parts
    )


def _plain(value: Any) -> Any:
    """A field as JSON; the numbers of NumPy are none of Python's."""
    return value if isinstance(value, str | int | float) else value.item()


def _kept(value: Any) -> Any:
    if isinstance(value, Said | Number):
        return value
    return message_of(value) if isinstance(value, BaseException) else str(value)


def _filled(forms: Sequence[str], values: Mapping[str, Any]) -> str:
    one, many = forms
    if many:
        n = values["n"]
        return (one if n == 1 else many).format(**{**values, "n": f"{n:,}"})
    return one.format(**values) if values else one
