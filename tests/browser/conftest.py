"""A served app and a real Chromium; left out, and said so, where there is no Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
START_SECONDS = 60


def pytest_collection_modifyitems(items):
    """Every test of this folder needs a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="Chromium not found"))


@contextmanager
def served(**settings):
    """The app on a free port, with the runs and models of the repository unless `settings` say otherwise.

    `settings` are variables of its environment; yields its address.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MEDLENS_")} | settings
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        address, end = f"http://localhost:{port}", time.monotonic() + START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                if time.monotonic() > end or process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def cold_app():
    """An app that nobody has opened yet."""
    with served() as address:
        yield address


@pytest.fixture(scope="session")
def app():
    """One served app for all tests of the session."""
    with served() as address:
        yield address


@pytest.fixture(scope="session")
def serve_app():
    """serve_app(MEDLENS_MODELS=...) -> a context with the address of an app that is served with these settings."""
    return served


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests of the session."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def note_foreign(page, url):
    """Remember what the page fetches from another machine."""
    if url.startswith("http") and not url.startswith("http://localhost:"):
        page.foreign.append(url)


def settle(page):
    """Wait until the script has run, its spinners are gone and its charts are drawn."""
    page.wait_for_selector('[data-testid="stApp"]', timeout=60_000)
    page.wait_for_function(
        """() => {
            const app = document.querySelector('[data-testid="stApp"]');
            return app && app.getAttribute('data-test-script-state') !== 'running'
                && document.querySelector('h1')
                && !document.querySelector('[data-testid="stSpinner"]')
                && !document.querySelector('[data-testid="stSkeleton"]');
        }""",
        timeout=120_000,
    )


@pytest.fixture
def visit(chromium):
    """visit(address, width=..., dark=...) -> a settled page that notes what it asked of other machines."""
    opened = []

    def visited(address, *, width=1280, dark=False):
        page = chromium.new_page(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", accept_downloads=True
        )
        opened.append(page)
        page.foreign = []
        page.faults = []
        page.on(
            "request",
            lambda r: page.foreign.append(r.url) if "//localhost" not in r.url and r.url[:4] == "http" else None,
        )
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.goto(address)
        settle(page)
        return page

    visited.settle = settle
    yield visited
    for page in opened:
        page.close()
