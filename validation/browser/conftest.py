"""A server of the built pages and a browser; every page is watched for what it asks for."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from playwright.sync_api import sync_playwright

from validation.browser.pages import BUILT

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="session")
def site():
    """The address of the built documentation, served as a reader would serve it."""
    if not (BUILT / "index.html").is_file():
        pytest.fail(f"There is no documentation in {BUILT}: run `tox -e docs` first.")
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "-d", BUILT]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            port = re.search(r"port (\d+)", server.stdout.readline())[1]
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def browser():
    """An installed Chromium; none is downloaded."""
    named = os.environ.get("REFDIFF_CHROMIUM")
    program = named or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.fail("No Chromium was found: install one, or name its program in REFDIFF_CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser, site):
    """Open a page of the site in a window of its own, and wait until its formulas are drawn.

    Afterwards: nothing was asked of another machine, nothing was missing, and no script failed.
    """
    contexts, complaints = [], []

    def watch(request):
        if not request.url.startswith((site, "data:", "blob:")):
            complaints.append(f"asks for {request.url}")

    def answered(response):
        if response.status >= 400:
            complaints.append(f"{response.status} for {response.url}")

    def open_page(path, width=1280, scheme="light", theme="auto", prepare=""):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            reduced_motion="reduce",
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        context.set_default_timeout(60_000)
        context.on("request", watch)
        context.on("response", answered)
        context.add_init_script(f"localStorage.setItem('theme', '{theme}'); {prepare}")
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"a script failed: {error}"))
        page.goto(site + path)
        wait_for_formulas(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def wait_for_formulas(page):
    """Wait until MathJax, where the page has it, has drawn what there is to draw."""
    page.evaluate("() => window.MathJax?.startup?.promise")
