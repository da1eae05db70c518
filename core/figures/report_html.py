"""A report as one HTML file: pictures inside it, no script, nothing fetched, so that it opens anywhere and offline.

Every text is escaped, and the page forbids itself to load anything or to run anything.
"""

import base64
from html import escape

from core.figures.report import Report, ReportPicture, limits_title, overlay_caption, written_line
from core.figures.text import NOT_A_DIAGNOSIS
from core.language import spoken, t

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --ink: #16212b; --paper: #fff; --quiet: #55636f; --line: #d5dee6; --warn: #fff4d6; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #10171e; --quiet: #9fb0be; --line: #31404e; --warn: #3a3013; }
}
@media print { :root { --ink: #000; --paper: #fff; --quiet: #333; --line: #999; --warn: #fff; } }
body { margin: 0 auto; max-width: 58rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
       font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
.warn { background: var(--warn); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .9rem; }
article { border-top: 1px solid var(--line); padding: 1.2rem 0; break-inside: avoid; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1rem; margin: .8rem 0; }
figure { margin: 0; } img { width: 100%; height: auto; display: block; } figcaption, .quiet { color: var(--quiet); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; font-size: .9rem; margin: .8rem 0 0; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
"""


def report_html(report: Report) -> str:
    """The whole file as text; write it as UTF-8."""
    return "\n".join([
        "<!doctype html>",
        f'<html lang="{spoken()}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{escape(report.title)}</title><style>{STYLE}</style></head><body><main>",
        f"<h1>{escape(report.title)}</h1>",
        f'<p class="quiet">{escape(written_line(report))}</p>',
        f'<p class="warn" role="note"><strong>{escape(t(NOT_A_DIAGNOSIS))}</strong></p>',
        *map(_article, report.pictures),
        *(_limits(title, lines) for title, lines in report.limits.items()),
        "</main></body></html>",
        "",
    ])  # fmt: skip


def _article(picture: ReportPicture) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in picture.facts.items())
    return "\n".join([
        f"<article><h2>{escape(picture.name)}</h2>",
        *(f"<p>{escape(line)}</p>" for line in picture.said[:1]),
        '<div class="pair">',
        _figure(picture.picture, picture.picture_alt, t("As it came")),
        _figure(picture.overlay, picture.overlay_alt, overlay_caption(picture.class_name)),
        "</div>",
        *(f"<p>{escape(line)}</p>" for line in picture.said[1:]),
        f"<dl>{rows}</dl></article>",
    ])  # fmt: skip


def _figure(jpeg: bytes, alt: str, caption: str) -> str:
    data = base64.b64encode(jpeg).decode()
    return (
        f'<figure><img src="data:image/jpeg;base64,{data}" alt="{escape(alt)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _limits(title: str, lines: tuple[str, ...]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<article><h2>{escape(limits_title(title))}</h2><ul>{items}</ul></article>"
