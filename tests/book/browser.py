"""The built pages in a real browser: which there are, and how one is opened."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


def toc_pages():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter for part in toc["parts"] for chapter in part["chapters"]]
    pages = [one for c in chapters for one in (c, *c.get("sections", []))]
    return [toc["root"], *(page["file"] for page in pages)]


PAGES = toc_pages()


def visit(browser, path, asked=None):
    """Open a file; return the page and everything that went wrong on the way."""
    page, trouble = browser.new_page(), []
    if asked is not None:  # a list, for the addresses of what the page loads
        page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: trouble.append(f"script error: {error}"))
    page.on("requestfailed", lambda request: trouble.append(f"failed: {request.url}"))
    page.on(
        "console",
        lambda message: message.type == "error" and trouble.append(message.text),
    )
    page.on(
        "request",
        lambda request: (
            urlsplit(request.url).scheme not in {"file", "data", "blob"}
            and trouble.append(f"request: {request.url}")
        ),
    )
    page.goto(path.as_uri(), wait_until="load")
    page.evaluate("window.MathJax?.startup?.promise")
    page.evaluate("document.fonts.ready.then(() => true)")
    return page, trouble


def faults(page, trouble):
    """List what is wrong with an opened page: its mathematics, what it asked for."""
    found, formulas = list(trouble), page.locator(".math").count()
    if page.locator("mjx-container").count() < formulas:
        found.append(f"not all of {formulas} formulas are set")
    # MathJax sets a command that it does not know in red, and goes on.
    for mark in ("mjx-merror", "mjx-assistive-mml mtext[mathcolor=red]"):
        found += page.locator(mark).all_text_contents()
    return found
