"""The 25 items as a model card to take along: Markdown, HTML, or JSON."""

import json
from collections.abc import Sequence
from html import escape

from core.figures.reporting import ReportItem
from core.language import spoken, t

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#1c2430}"
    "h2{font-size:1.05rem;margin:1.4rem 0 .2rem}ul{margin:.2rem 0}.none{color:#6b7280;font-style:italic}"
)


def not_stated() -> str:
    """What stands where an item has no answer."""
    return t("not stated")


def card_markdown(title: str, items: Sequence[ReportItem]) -> str:
    """A card as Markdown; letters that Markdown would read are escaped."""
    lines = [f"# {_quiet(title)}", ""]
    for item in items:
        lines.append(f"## {item.number}. {_quiet(item.title)}")
        lines.append("")
        lines += [f"- {_quiet(answer)}" for answer in item.answers] or [f"*{not_stated()}*"]
        lines.append("")
    return "\n".join(lines)


def card_html(title: str, items: Sequence[ReportItem]) -> str:
    """A card as one HTML file that loads nothing."""
    parts = [
        f'<!doctype html><html lang="{spoken()}"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>',
        f"<main><h1>{escape(title)}</h1>",
    ]
    for item in items:
        parts.append(f"<h2>{item.number}. {escape(item.title)}</h2>")
        if item.answers:
            parts.append("<ul>" + "".join(f"<li>{escape(answer)}</li>" for answer in item.answers) + "</ul>")
        else:
            parts.append(f'<p class="none">{escape(not_stated())}</p>')
    return "\n".join([*parts, "</main></body></html>", ""])


def card_json(title: str, items: Sequence[ReportItem]) -> str:
    """A card as JSON: title, and per item its number, title and answers; an empty list is "not stated"."""
    data = {
        "schema_version": 1,
        "title": title,
        "items": [{"number": i.number, "title": i.title, "answers": list(i.answers)} for i in items],
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _quiet(text: str) -> str:
    plain = " ".join(text.split())
    for letter in "\\`*_{}[]<>#|":
        plain = plain.replace(letter, f"\\{letter}")
    return plain
