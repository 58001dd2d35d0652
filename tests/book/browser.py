"""The built pages in a real browser: which there are, and how one is opened."""

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from print_book import BROWSERS, FLAGS  # noqa: F401 - the flags are for importers

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)


def chromium_path():
    """The browser; without one, whoever set NEED_BROWSER is told that tests fail."""
    if CHROMIUM is None:
        end = pytest.fail if os.environ.get("NEED_BROWSER") == "yes" else pytest.skip
        end(f"none of {', '.join(BROWSERS)} is on PATH")
    return CHROMIUM


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


def swipe(session, start, by, steps=8):
    """Put a finger down, move it, and lift it."""
    (x, y), (dx, dy) = start, by
    touch = "Input.dispatchTouchEvent"
    session.send(touch, {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for k in range(1, steps + 1):
        place = {"x": x + dx * k / steps, "y": y + dy * k / steps}
        session.send(touch, {"type": "touchMove", "touchPoints": [place]})
    session.send(touch, {"type": "touchEnd", "touchPoints": []})


# Contrast of each text with what lies behind it, as accessibility guidelines define it.
CONTRAST = """root => {
  const channels = text => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const color = channels(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const words = 'figcaption, label, button, p, li, th, td';
  return [...root.querySelectorAll(words)].map(e => {
    const pair = [channels(getComputedStyle(e).color), behind(e)].map(light);
    const [low, high] = pair.sort((one, other) => one - other);
    return [e.textContent.slice(0, 30), (high + 0.05) / (low + 0.05)];
  });
}"""
