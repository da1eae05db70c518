"""Every text that passes through `t` or `tn` has its Spanish, with the same fields; the reader decides the language."""

import ast
import copy
import re
import string
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from core import errors, language
from core.language import (
    LANGUAGES,
    Said,
    best_language,
    catalogue,
    english,
    heard,
    listing,
    message_of,
    retold,
    said,
    said_list,
    said_n,
    said_together,
    speak_for,
    speaking,
    spoken,
    t,
    tn,
    wired,
)

ROOT = Path(__file__).resolve().parents[1]
OTHERS = [code for code in LANGUAGES if code != "en"]
FORMS = {"t": 1, "tn": 2, "said": 1, "said_n": 2, "Misfit": 1}  # how many texts a call begins with

# What stays English: messages of the command line (what `benchmark`, `score`, `export` and `serve` print, and what
# stops a training, whose log a page shows as it is), of the HTTP API, and mistakes in the program itself.
SPEAKS_ENGLISH = re.compile(
    r"core/(cli/|__main__|language|registry/published\.py|data/(download|numbers|report)\.py"
    r"|nn/(assemble|backbones|export|features|fit_\w+|forward|heads|images|trace|weights)\.py"
    r"|serve/(access|api|docs|forms|gate|https|line|models|mount|replies|scoring|signin)\.py"
    r"|store/(reproduce|score_work|score_writer|scores|slim)\.py|training/(?!plan\.py|recipe\.py))"
)
REFUSALS = {name for name in vars(errors) if isinstance(getattr(errors, name), type)} | {"refuse", "impossible"}
A_SENTENCE = re.compile(r"(\b[a-zA-Z']+[ ,:;]+){3}[a-z]+")
NO_SENTENCE = re.compile(r"import json, sys|arXiv|doi:|^files of all levels|^entries by name|^nothing was said$")


@cache
def trees():
    """Every source of the app, parsed once: file, its tree."""
    paths = sorted([ROOT / "app.py", *ROOT.glob("core/**/*.py"), *ROOT.glob("pages/**/*.py")])
    return [
        (path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths if path != ROOT / "core" / "language.py"
    ]


@cache
def texts_in_code():
    """(file, call) of every text that is translated: t, tn, and what says it later."""
    return [
        (path, node)
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORMS
    ]


def literal(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


@cache
def keys_in_code():
    found = {}
    for path, node in texts_in_code():
        forms = [literal(a) for a in node.args[: FORMS[node.func.id]]]
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


def test_every_text_is_given_the_fields_that_it_has():
    wrong = []
    for path, node in texts_in_code():
        forms = [literal(a) for a in node.args[: FORMS[node.func.id]]]
        given = {k.arg for k in node.keywords} | ({"n"} if len(forms) == 2 else set())
        if None in forms or None in given or not given:
            continue
        wanted = set().union(*map(fields, forms)) | ({"n"} if len(forms) == 2 else set())
        if given != wanted:
            wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {sorted(given ^ wanted)}")
    assert not wrong, "\n".join(wrong)


def words_of(node):
    """The letters of a literal or f-string; "" for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value for part in node.values if isinstance(part, ast.Constant))
    return literal(node) or ""


def covered():
    """(file below the root, tree) of the modules whose errors and sentences a page can show."""
    for path, tree in trees():
        name = path.relative_to(ROOT).as_posix()
        if not SPEAKS_ENGLISH.match(name):
            yield name, tree


def test_an_error_that_a_page_can_show_is_said_in_the_readers_language():
    bare = []
    for name, tree in covered():
        for node in ast.walk(tree):
            called = getattr(node, "func", None)
            word = getattr(called, "attr", getattr(called, "id", ""))
            if isinstance(node, ast.Call) and word in REFUSALS:
                texts = [
                    part for a in node.args[:2] for part in ((a.body, a.orelse) if isinstance(a, ast.IfExp) else (a,))
                ]
                bare += [f"{name}:{node.lineno}: {words_of(a)!r}" for a in texts if " " in words_of(a)]
    assert not bare, "these want said(...) and a translation:\n" + "\n".join(bare[:40])


def untold(tree, known):
    """(line, text) of the sentences of a module that go through no function of core.language."""
    seen = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    told = {*FORMS, "warning", "error", "debug", "exception", "filterwarnings"}  # logs are English
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in told:
            seen |= {id(part) for part in ast.walk(node)}
    for node in ast.walk(tree):
        text = "" if id(node) in seen else words_of(node)
        if isinstance(node, ast.JoinedStr):
            seen |= {id(part) for part in ast.walk(node)}
        if A_SENTENCE.search(text) and text not in known and not NO_SENTENCE.search(text):
            yield node.lineno, text


def test_no_sentence_of_the_data_of_networks_or_of_the_store_is_forgotten():
    known = catalogue("es")
    left = [
        f"{name}:{line}: {text!r}"
        for name, tree in covered()
        if name.startswith(("core/data/", "core/nn/", "core/store/", "core/jobs/", "core/tables"))
        for line, text in untold(tree, known)
    ]
    assert not left, "\n".join(left[:40])


def test_the_searches_find_what_they_look_for():
    tree = ast.parse(
        'def f():\n    "Of no use."\n    g(f"the file {x} is damaged, says {y}")\n    said("the file is no file")\n'
    )
    assert [text for _, text in untold(tree, {})] == ["the file  is damaged, says "]
    assert any(name == "core/nn/inspect_container.py" for name, _ in covered())
    assert not any(name == "core/cli/data.py" for name, _ in covered())


def test_what_is_said_is_english_to_files_and_the_readers_language_to_readers(spanish):
    sentence = said("{name}: {reason}", name="a.png", reason=errors.ImageRefused(said("the file is cut off")))
    assert sentence == "a.png: the file is cut off"
    assert (str(sentence), f"{sentence}") == ("a.png: el archivo está cortado",) * 2
    assert str(errors.ImageRefused(sentence)) == "a.png: el archivo está cortado"
    assert english(sentence) == "a.png: the file is cut off" and type(english(sentence)) is str
    assert str(sentence.without("a.png: ")) == "el archivo está cortado"
    with speaking("en"):
        assert str(sentence) == "a.png: the file is cut off"


def test_what_is_said_survives_a_copy_and_the_way_from_another_process(spanish):
    sentence = said("{what} {number} of {count}.", what=said("Frame"), number=3, count=9)
    for again in (copy.deepcopy(sentence), heard(wired(sentence))):
        assert isinstance(again, Said)
        assert (english(again), str(again)) == ("Frame 3 of 9.", "Fotograma 3 de 9.")
    assert heard(wired("plain")) == "plain"


@pytest.mark.parametrize(
    "document",
    [
        {"text": "{a.__class__}", "many": "", "values": {"a": "x"}},
        {"text": "{a[0]}", "many": "", "values": {"a": "x"}},
        {"text": "{a:>1000000000}", "many": "", "values": {"a": 1}},
        {"text": "{b}", "many": "", "values": {"a": "x"}},
        {"text": "{", "many": "", "values": {}},
        {"text": "one", "many": "{n} of them", "values": {}},
    ],
)
def test_a_sentence_of_another_process_fills_in_names_and_nothing_else(document):
    assert heard(document) == document["text"]
    assert type(heard(document)) is str


def test_an_error_with_many_problems_tells_each_of_them(spanish):
    refused = errors.DatasetInvalid(said("{root} is empty", root="/x"), [said("there is no label")] * 22)
    assert str(refused).startswith("/x está vacía\n  - no hay etiqueta\n")
    assert str(refused).endswith("  - y 2 más (python -m core data check los enumera todos)")
    assert message_of(refused).startswith("/x is empty\n  - there is no label")


def test_lists_and_counts_are_said_too(spanish):
    assert str(said_list(["a", "b", said("there is no label")])) == "a, b y no hay etiqueta"
    assert listing([said("there is no label"), "b"]) == "no hay etiqueta y b"
    assert str(said_together("; ", ["a", said("there is no label")])) == "a; no hay etiqueta"
    assert str(said_n("its {n} bit as stored", "its {n} bits as stored", 8)) == "sus 8 bits tal como están guardados"
    assert t(said("there is no label")) == "no hay etiqueta"


def test_a_stored_sentence_is_told_again_with_its_fields(spanish):
    stored = (
        "Its pixel range was guessed: the first layer is conv (Conv2D): it scales 0 to 1 itself. With another one its "
    )
    assert "la primera capa es conv (Conv2D): ella misma escala de 0 a 1" in retold(stored + "answers would be others.")
    assert retold("Nobody has ever stored this.") == "Nobody has ever stored this."
    with speaking("en"):
        assert retold(stored) == stored


@pytest.mark.parametrize("code", OTHERS)
def test_the_fields_of_stored_sentences_are_plain_for_they_are_found_as_text(code):
    with (language.LOCALE / code / "stored.po").open("rb") as stream:
        forms = [str(message.id) for message in read_po(stream, locale=code) if message.id]
    specs = [f for f in forms for _, _, spec, how in string.Formatter().parse(f) if spec or how]
    assert not specs


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
