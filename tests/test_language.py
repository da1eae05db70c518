"""Every text that passes through `t` or `tn` has its Spanish, with the same fields; the reader decides the language."""

import ast
import string
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from core import language
from core.language import LANGUAGES, best_language, catalogue, speak_for, speaking, spoken, t, tn

ROOT = Path(__file__).resolve().parents[1]
OTHERS = [code for code in LANGUAGES if code != "en"]


def texts_in_code():
    """(file, line, key, other form or None) of every call of t and tn."""
    for path in sorted([ROOT / "app.py", *ROOT.glob("core/**/*.py"), *ROOT.glob("pages/**/*.py")]):
        if path == ROOT / "core" / "language.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("t", "tn"):
                yield path, node


def literal(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def keys_in_code():
    found = {}
    for path, node in texts_in_code():
        forms = [literal(a) for a in node.args[: 1 if node.func.id == "t" else 2]]
        if None not in forms:
            found[forms[0]] = (tuple(forms), f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.fixture
def spanish():
    speak_for(lambda: "es")
    yield
    speak_for(lambda: "en")


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_in_the_code_has_its_translation(code):
    entries = catalogue(code)
    missing = [f"{place}: {key!r}" for key, (_, place) in keys_in_code().items() if not entries.get(key)]
    assert not missing, "\n".join(missing[:40])


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_has_the_fields_of_its_text_and_no_other(code):
    wrong = []
    for key, (forms, place) in keys_in_code().items():
        said = catalogue(code).get(key)
        for form in (said,) if isinstance(said, str) else (said or ()):
            wanted = set().union(*(fields(f) for f in forms))
            if len(forms) == 1 and fields(form) != wanted:
                wrong.append(f"{place}: {form!r} has {fields(form)}, not {wanted}")
            if len(forms) == 2 and not fields(form) <= wanted:
                wrong.append(f"{place}: {form!r} has {fields(form)}, not {wanted}")
        if len(forms) == 2 and not isinstance(said, tuple):
            wrong.append(f"{place}: {key!r} has no plural")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("code", OTHERS)
def test_the_catalogue_holds_each_text_once(code):
    seen, twice = {}, []
    for path in sorted((language.LOCALE / code).glob("*.po")):
        with path.open("rb") as stream:
            for message in read_po(stream, locale=code):
                key = message.id[0] if isinstance(message.id, list | tuple) else message.id
                if key and key in seen:
                    twice.append(f"{key!r} in {seen[key]} and {path.name}")
                seen[key] = path.name
    assert not twice, "\n".join(twice[:40])


def test_what_is_translated_stands_as_a_literal_so_that_it_can_be_found():
    built = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, node in texts_in_code()
        if any(isinstance(a, ast.JoinedStr | ast.BinOp) for a in node.args[:2])
    ]
    assert not built, f"t() of an f-string or of a sum is never found in a catalogue: {built}"


def test_the_reader_decides_and_english_is_what_is_left(spanish, monkeypatch):
    monkeypatch.setattr(language, "catalogue", lambda code: {"Picture": "Imagen"} if code == "es" else {})
    assert (t("Picture"), t("Nothing of this"), spoken()) == ("Imagen", "Nothing of this", "es")
    speak_for(lambda: "xx")
    assert (t("Picture"), spoken()) == ("Picture", "en")


def test_a_block_can_speak_another_language_than_its_reader_reads(spanish, monkeypatch):
    monkeypatch.setattr(language, "catalogue", lambda code: {"Picture": "Imagen"} if code == "es" else {})
    with speaking("en"):
        assert (spoken(), t("Picture")) == ("en", "Picture")
    assert (spoken(), t("Picture")) == ("es", "Imagen")


def test_fields_are_filled_and_numbers_choose_the_form(spanish, monkeypatch):
    known = {"{n} picture": ("{n} imagen de {who}", "{n} imágenes de {who}"), "by {who}": "de {who}"}
    monkeypatch.setattr(language, "catalogue", lambda code: known)
    assert t("by {who}", who="Ana") == "de Ana"
    assert tn("{n} picture", "{n} pictures", 1, who="Ana") == "1 imagen de Ana"
    assert tn("{n} picture", "{n} pictures", 1200, who="Ana") == "1,200 imágenes de Ana"


@pytest.mark.parametrize(
    ("asked", "code"), [("es-MX", "es"), ("es_ES", "es"), ("en-GB", "en"), ("de", "en"), (None, "en"), ("", "en")]
)
def test_a_browser_gets_its_language_where_we_have_it(asked, code):
    assert best_language(asked) == code


@pytest.mark.parametrize("code", OTHERS)
def test_no_entry_is_left_over_from_a_text_that_is_gone(code):
    used, left = set(keys_in_code()), []
    for path in sorted((language.LOCALE / code).glob("*.po")):
        if path.name.endswith("names.po"):  # words that reach t() as values
            continue
        with path.open("rb") as stream:
            keys = [m.id[0] if isinstance(m.id, list | tuple) else m.id for m in read_po(stream, locale=code)]
        left += [f"{path.name}: {key!r}" for key in keys if key and key not in used]
    assert not left, "\n".join(left[:40])
