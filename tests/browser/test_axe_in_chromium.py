"""What axe-core says of every page, light and dark: no serious violation of the accessibility rules."""

import ast
from pathlib import Path

import axe_playwright_python

ROOT = Path(__file__).resolve().parents[2]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
GRAVE = ("serious", "critical")


def paths():
    """The URL of every page, from the router's own text; the default page lies at /."""
    for node in ast.walk(ast.parse((ROOT / "app.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "st.Page":
            settings = {k.arg: ast.literal_eval(k.value) for k in node.keywords if isinstance(k.value, ast.Constant)}
            if settings.get("visibility") != "hidden":
                yield "" if settings.get("default") else settings["url_path"]


def test_no_page_has_a_serious_violation_light_or_dark(app, chromium):
    page = chromium.new_page(viewport={"width": 1300, "height": 1000})
    found = []
    for path in paths():
        page.emulate_media(color_scheme="light")
        page.goto(f"{app}/{path}")
        page.wait_for_selector("h1", timeout=60_000)
        page.wait_for_selector("[data-testid=stSkeleton], [data-testid=stSpinner]", state="detached", timeout=60_000)
        page.wait_for_function("document.querySelectorAll('[data-testid=stSidebarNavItems] li[role=none]').length > 3")
        page.evaluate(AXE)
        inks = []
        for look in ("light", "dark"):
            page.emulate_media(color_scheme=look)
            page.wait_for_timeout(150)  # the theme's colours fade over
            inks.append(page.evaluate("getComputedStyle(document.querySelector('h1')).color"))
            for one in page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]:
                if one["impact"] in GRAVE:
                    found.append(f"/{path}, {look}: {one['id']}: {one['nodes'][0]['html'][:200]}")
        assert inks[0] != inks[1], f"/{path} did not follow the look"
    page.close()
    assert not found, "\n".join(found)
