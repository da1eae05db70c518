"""A comparison as one HTML file that opens from a stick: figures one can point at, nothing fetched.

Plotly travels inside, compressed; the browser unpacks it with its own DecompressionStream, so that the file stays far
under 5 MB. Every text is escaped, and the page forbids itself to load anything from outside.
"""

import base64
import gzip
import json
from datetime import UTC
from functools import cache
from html import escape

from core.figures.comparison import ComparisonReport, Drawing, RunSource
from core.figures.report_html import STYLE
from core.figures.text import NOT_A_DIAGNOSIS
from core.figures.theme import INK
from core.language import spoken, t

POLICY = "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
MORE_STYLE = """
body { max-width: 70rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; margin: 1rem 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(28rem, 100%), 1fr)); column-gap: 2rem; }
.figures article:first-child { grid-column: 1 / -1; } article { min-width: 0; }
.plot { max-width: 46rem; } th[scope=row] { min-width: 9rem; } td { min-width: 5.5rem; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
.wide { overflow-x: auto; } pre { overflow-x: auto; font-size: .8rem; padding: .6rem; border: 1px solid var(--line); }
.verdict { font-size: 1.15rem; }
"""
# Plotly's text colour is a placeholder that the page replaces by its own ink, light or dark
SCRIPT = """
(async () => {
  const bytes = Uint8Array.from(atob(document.getElementById("plotly").textContent.trim()), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const code = document.createElement("script");
  code.textContent = await new Response(stream).text();
  document.head.append(code);
  const draw = () => {
    const ink = getComputedStyle(document.body).color;
    for (const spec of document.querySelectorAll("script.figure")) {
      const figure = JSON.parse(spec.textContent.replaceAll("INK", ink));
      for (const name of Object.keys(figure.layout).filter(name => /^[xy]axis/.test(name)))
        figure.layout[name].gridcolor = "rgba(128, 128, 128, 0.3)";
      Plotly.react(spec.dataset.at, figure.data, figure.layout,
        { responsive: true, displaylogo: false, modeBarButtons: [["toImage"]] });
    }
    document.body.dataset.drawn = "yes";
  };
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
"""


def comparison_html(report: ComparisonReport) -> str:
    """The whole file as text, about 2 MB; write it as UTF-8."""
    created = report.created.astimezone(UTC)
    versions = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    written = t("Written {when} UTC with {versions}.", when=f"{created:%Y-%m-%d %H:%M:%S}", versions=versions)
    return "\n".join([
        "<!doctype html>",
        f'<html lang="{spoken()}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{escape(report.title)}</title><style>{STYLE}{MORE_STYLE}</style></head><body><main>",
        f"<h1>{escape(report.title)}</h1>",
        f'<p class="quiet">{escape(written)}</p>',
        *(f'<p class="verdict">{escape(line)}</p>' for line in report.verdict),
        *(f'<p class="warn" role="note"><strong>{escape(line)}</strong></p>' for line in report.warnings),
        _table(report),
        '<div class="figures">',
        *(_drawing(place, drawing) for place, drawing in enumerate(report.drawings)),
        "</div>",
        f"<article><h2>{escape(t('Where the numbers come from'))}</h2>",
        *map(_source, report.sources),
        "</article>",
        f'<p class="warn" role="note">{escape(t(NOT_A_DIAGNOSIS))}</p>',
        f'</main><script type="text/plain" id="plotly">{_plotly()}</script><script>{SCRIPT}</script></body></html>',
        "",
    ])  # fmt: skip


def _table(report: ComparisonReport) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in report.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in report.rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _drawing(place: int, drawing: Drawing) -> str:
    # "</script" would end the element, wherever in a title it stands
    spec = json.dumps(json.loads(drawing.figure.to_json()), separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<article><h2>{escape(drawing.title)}</h2><figure role="img" aria-label="{escape(drawing.words)}">'
        f'<div class="plot" id="plot-{place}"></div></figure>'
        f'<script type="application/json" class="figure" data-at="plot-{place}">{spec.replace(INK, "INK")}</script>'
        "</article>"
    )


def _source(source: RunSource) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in source.facts.items())
    plan = f"<details><summary>TOML</summary><pre>{escape(source.plan)}</pre></details>"
    return f"<h3>{escape(source.title)}</h3><dl>{rows}</dl>{plan}"


@cache
def _plotly() -> str:
    """Plotly's script, gzipped (without a time, so that equal reports are equal files), as base64."""
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()
