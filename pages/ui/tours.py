"""Tours: TOML files in pages/tours/ whose every step is a link, read and checked without Streamlit.

    minutes = 5
    [title]                             each text in English, and in the other languages of core.language
    en = "Five minutes for stakeholders"
    es = "..."
    [summary]
    en = "For whom, and what they take home."
    [[steps]]
    page = "compare"                    a file of pages/
    query = { dataset = "chest_xray" }  what stands behind the ? of the link
    [steps.say]
    en = "A sentence to say."

A tour that leads to a page, run, model or data set that is not there is refused, with the step and the reason.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from core.errors import SpecInvalid, StoreError
from core.language import ENGLISH, said, said_together, spoken
from core.registry.datasets import DATASETS
from core.registry.labels import AS_IS, LABEL_SCHEMES
from core.registry.lessons import LESSONS
from core.store.models import list_models
from core.store.names import is_folder_name
from core.store.runs import run_status

PAGES = Path(__file__).resolve().parents[1]
TOURS = PAGES / "tours"
RESERVED = ("present", "tour", "step", "lang")  # set by the presenter's view itself

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One link of a tour, and what to say there."""

    page: str
    query: Mapping[str, str]
    say: Words


@dataclass(frozen=True, slots=True)
class Tour:
    """A named way through the pages; `minutes` is how long it takes to speak."""

    key: str
    title: Words
    summary: Words
    minutes: int
    steps: tuple[Step, ...]


def in_words(words: Words) -> str:
    """The text in the reader's language, in English where it has none."""
    return words.get(spoken()) or words[ENGLISH]


def link_of(tour: Tour, number: int) -> str:
    """The address of a step, counted from 1, behind the app's own: what to copy, and what Next opens."""
    step = tour.steps[number - 1]
    return f"/{step.page}?{urlencode(query_of(tour, number))}"


def query_of(tour: Tour, number: int) -> dict[str, str]:
    """The query parameters of a step, counted from 1, with those of the presenter's view."""
    return {**tour.steps[number - 1].query, "present": "1", "tour": tour.key, "step": str(number)}


def tour_keys(folder: Path = TOURS) -> list[str]:
    """The tours of a folder, the shortest first; those that cannot be read stand at the end."""
    keys = sorted(path.stem for path in folder.glob("*.toml"))
    return sorted(keys, key=lambda key: _minutes(key, folder))


def _minutes(key: str, folder: Path) -> float:
    try:
        return load_tour(key, folder).minutes
    except SpecInvalid:
        return float("inf")


def load_tour(key: str, folder: Path = TOURS) -> Tour:
    """The tour `key`, its form checked and its links not yet. Raises SpecInvalid naming the step and the field."""
    path = folder / f"{key}.toml"
    if not is_folder_name(key) or not path.is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.toml"))) or said("none")
        raise SpecInvalid(
            said("There is no tour {key}. Tours: {known}; each is a file in pages/tours/.", key=repr(key), known=known)
        )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecInvalid(said("{name} is not a TOML file: {reason}.", name=path.name, reason=error)) from error
    unknown = sorted(set(content) - {"title", "summary", "minutes", "steps"})
    steps = content.get("steps")
    if unknown or not isinstance(steps, list) or not steps or not isinstance(content.get("minutes"), int):
        what = (
            said("unknown entries {listed}", listed=", ".join(unknown))
            if unknown
            else said("no minutes as a whole number, or no [[steps]]")
        )
        raise SpecInvalid(
            said(
                "{name}: {what}. A tour has [title], [summary], minutes and one or more [[steps]].",
                name=path.name,
                what=what,
            )
        )
    return Tour(
        key=key,
        title=_words(content.get("title"), f"{path.name}, title"),
        summary=_words(content.get("summary"), f"{path.name}, summary"),
        minutes=content["minutes"],
        steps=tuple(
            _step(entry, said("{name}, step {n}", name=path.name, n=n)) for n, entry in enumerate(steps, start=1)
        ),
    )


def _step(entry: object, where: str) -> Step:
    if not isinstance(entry, Mapping) or set(entry) - {"page", "query", "say"} or "page" not in entry:
        raise SpecInvalid(said("{where}: expected page, say, and where the link has any, query.", where=where))
    query = entry.get("query", {})
    if not isinstance(query, Mapping) or not all(isinstance(v, str) for v in query.values()):
        raise SpecInvalid(said("{where}: query is a table of names and texts, such as {{ run = '...' }}.", where=where))
    taken = sorted(set(query) & set(RESERVED))
    if taken:
        raise SpecInvalid(
            said(
                "{where}: {listed} is set by the presenter's view; leave it out of query.",
                where=where,
                listed=", ".join(taken),
            )
        )
    return Step(page=str(entry["page"]), query=dict(query), say=_words(entry.get("say"), f"{where}, say"))


def _words(entry: object, where: str) -> Words:
    if not isinstance(entry, Mapping) or not entry.get(ENGLISH) or not all(isinstance(v, str) for v in entry.values()):
        raise SpecInvalid(
            said("{where}: expected texts by language, at least {english} = '...'.", where=where, english=ENGLISH)
        )
    return dict(entry)


def _is_run(value: str) -> bool:
    try:
        return run_status(value) == "done"
    except StoreError:
        return False


# query parameter -> (what it names, does it exist?); names that no page knows are refused
CHECKS: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "run": ("finished run in results/", _is_run),
    "model": ("model in models/", lambda value: value in {card.name for card in list_models().cards}),
    "dataset": ("data set of the catalogue", lambda value: value in DATASETS),
    "task": ("label scheme of the catalogue", lambda value: value in LABEL_SCHEMES or value == AS_IS),
    "lesson": ("lesson of the Learn page", lambda value: value in LESSONS),
}


def broken_links(tour: Tour) -> list[str]:
    """Why a tour cannot be shown as it is, one sentence per fault; empty where every step leads somewhere."""
    faults = []
    for number, step in enumerate(tour.steps, start=1):
        if not is_folder_name(step.page) or not (PAGES / f"{step.page}.py").is_file():
            faults.append(
                said(
                    "Step {number} leads to the page {page}, which does not exist.", number=number, page=repr(step.page)
                )
            )
        for name, value in step.query.items():
            if name not in CHECKS:
                faults.append(
                    said(
                        "Step {number} asks for {name}; links here know {listed}.",
                        number=number,
                        name=repr(name),
                        listed=", ".join(CHECKS),
                    )
                )
            elif not CHECKS[name][1](value):
                faults.append(
                    said(
                        "Step {number} needs the {what} {value}, which is not there.",
                        number=number,
                        what=said(CHECKS[name][0]),
                        value=repr(value),
                    )
                )
    return faults


def checked_tour(key: str, folder: Path = TOURS) -> Tour:
    """The tour `key`, every link of it looked up. Raises SpecInvalid with everything that is wrong."""
    tour = load_tour(key, folder)
    faults = broken_links(tour)
    if faults:
        raise SpecInvalid(
            said("The tour {key} cannot be shown. {faults}", key=repr(key), faults=said_together(" ", faults))
        )
    return tour
