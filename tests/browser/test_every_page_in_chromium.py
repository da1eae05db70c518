"""Every page of the router fits a screen and a phone, fetches nothing, and axe-core finds nothing serious in it."""

import ast
from pathlib import Path

import axe_playwright_python
import pytest

ROOT = Path(__file__).resolve().parents[2]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
GRAVE = ("serious", "critical")
GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 23, 30)"}
GROUND = "() => getComputedStyle(document.querySelector('[data-testid=\"stApp\"]')).backgroundColor"
FITS = "() => document.documentElement.scrollWidth <= window.innerWidth + 1"


def paths():
    """The URL of every page, from the router's own text; the default page lies at /."""
    for node in ast.walk(ast.parse((ROOT / "app.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "st.Page":
            settings = {k.arg: ast.literal_eval(k.value) for k in node.keywords if isinstance(k.value, ast.Constant)}
            if settings.get("visibility") != "hidden":
                yield "" if settings.get("default") else settings["url_path"]


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=() if path == "" else pytest.mark.slow) for path in paths()],
)
def test_it_fits_wide_and_narrow_and_has_no_serious_violation_light_or_dark(app, visit, path):
    page = visit(f"{app}/{path}")
    page.evaluate(AXE)
    found = []
    for look, ground in GROUNDS.items():
        page.emulate_media(color_scheme=look)
        page.wait_for_function(f"({GROUND})() === '{ground}'", timeout=10_000)
        page.wait_for_timeout(150)  # colours fade over
        for one in page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]:
            if one["impact"] in GRAVE:
                found.append(f"{look}: {one['id']}: {one['nodes'][0]['html'][:200]}")
    assert not found, "\n".join(found)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(FITS, timeout=10_000)
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.faults == []
    assert page.foreign == []  # nothing is fetched from another machine
