"""The book as readers use it: keys, icons, themes, downloads over a server."""

import functools
import hashlib
import io
import re
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.book.browser import visit


@pytest.fixture
def reader(html, browser):
    """A page of the book on a desk."""
    page, trouble = visit(browser, html / "book" / "lemma_2.html")
    page.set_viewport_size({"width": 1280, "height": 900})
    yield page
    assert trouble == []
    page.close()


def focused(page, what):
    return page.evaluate(f"document.activeElement.{what}")


# --- keys --------------------------------------------------------------------------

STOP_BEFORE = """summary => {
  const stops = [...document.querySelectorAll('a[href], button, summary, input')]
    .filter(e => e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true}));
  stops[stops.indexOf(summary) - 1].focus();
}"""


def test_the_first_tab_skips_to_the_content(reader):
    reader.keyboard.press("Tab")
    assert focused(reader, "textContent").strip() == "Skip to main content"
    reader.keyboard.press("Enter")
    reader.wait_for_url("**#main-content")  # the address follows a moment later
    reader.keyboard.press("Tab")
    assert reader.evaluate(
        "!!document.activeElement.closest('#main-content, .bd-main, main')"
    )


def test_tab_reaches_a_fold_and_enter_opens_and_closes_it(reader):
    fold = reader.locator("details.sd-dropdown").first
    reader.evaluate(STOP_BEFORE, fold.locator("summary").element_handle())
    reader.keyboard.press("Tab")
    assert focused(reader, "tagName") == "SUMMARY"
    for expected in (True, False):
        reader.keyboard.press("Enter")
        assert fold.evaluate("fold => fold.open") == expected


def test_enter_on_the_switch_opens_all_code(reader):
    cells = reader.locator(".bd-article div.cell > details.hide")
    reader.locator(".code-switch").focus()
    for expected in (True, False):
        reader.keyboard.press("Enter")
        assert {one.evaluate("fold => fold.open") for one in cells.all()} == {expected}


def test_a_folded_cell_is_named_by_what_stands_on_it(reader):
    summary = reader.locator(".tag_hide-input > details > summary").first
    assert summary.get_attribute("aria-label") is None
    assert summary.inner_text().strip().startswith("Show the")


def test_keys_open_the_search_and_lead_to_the_page(reader):
    reader.keyboard.press("Control+k")
    field = reader.locator("#pst-search-dialog input")
    field.wait_for(state="visible")
    glass = reader.locator("#pst-search-dialog svg.page-icon").bounding_box()
    assert glass["x"] + glass["width"] < field.bounding_box()["x"] + 1
    reader.keyboard.press("Escape")
    field.wait_for(state="hidden")
    reader.keyboard.press("Control+k")
    reader.keyboard.type("Lemma 3")
    reader.keyboard.press("Enter")
    first = reader.locator("#search-results li a").first
    first.wait_for()
    first.focus()
    reader.keyboard.press("Enter")
    reader.wait_for_url("**/lemma_3.html*")


# --- to the eye --------------------------------------------------------------------

BUTTONS = {
    "menu": "button.primary-toggle",
    "download": ".dropdown-download-buttons > button",
    "whole screen": ".btn-fullscreen-button",
    "theme": ".theme-switch-button",
    "search": "button.search-button",
    "contents": "button.secondary-toggle",
}
DRAWN = """button => [...button.querySelectorAll('svg.page-icon')].some(icon => {
  const box = icon.getBoundingClientRect();
  const drawn = icon.querySelector('path').getBBox();
  return box.width > 8 && box.height > 8 && drawn.width > 0;
})"""


@pytest.mark.parametrize("width", [360, 1280])
def test_every_button_has_its_icon(width, reader):
    reader.set_viewport_size({"width": width, "height": 800})
    shown = {
        name: button.evaluate(DRAWN)
        for name, pattern in BUTTONS.items()
        if (button := reader.locator(f"{pattern}:visible").first).count()
    }
    assert len(shown) >= 4
    assert {name for name, drawn in shown.items() if not drawn} == set()
    copy = reader.locator("div.cell_input:visible button.copybtn").first
    assert copy.locator("svg").count() == 1


def test_no_icon_is_left_to_a_script(html):
    left = re.compile(r'<(?!svg)\w+ [^>]*class="(?:[^"]*\s)?(?:fa[bsr]|fa-solid)[\s"]')
    assert left.search('<span class="fa-solid fa-bars"></span>')
    pages = [page for page in html.rglob("*.html") if "_static" not in page.parts]
    assert len(pages) > 20
    assert [page.name for page in pages if left.search(page.read_text("utf-8"))] == []


def test_the_theme_is_kept_from_page_to_page(reader):
    button = reader.locator(".theme-switch-button:visible").first
    icon = "[...document.querySelectorAll('.theme-switch-button')].map(b => "
    icon += "[...b.querySelectorAll('.theme-switch')].filter(i => i.checkVisibility())"
    icon += ".map(i => i.dataset.mode)).find(shown => shown.length)"
    while reader.evaluate("document.documentElement.dataset.mode") != "dark":
        button.click()
    assert reader.evaluate(icon) == ["dark"]
    dark = reader.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(c) for c in re.findall(r"\d+", dark)[:3]) < 150
    reader.reload()
    assert reader.evaluate("document.documentElement.dataset.theme") == "dark"
    reader.evaluate("localStorage.clear()")


# --- downloads ---------------------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    """A server that writes no log."""

    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture(scope="module")
def address(html):
    """Where the book is served: files that are opened as such are not downloaded."""
    handler = functools.partial(Quiet, directory=str(html))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def downloaded(page, link):
    """The bytes that a click gives."""
    with page.expect_download() as waiting:
        link.click()
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def test_the_button_downloads_the_notebook(address, html, browser):
    page = browser.new_page()
    page.goto(f"{address}/book/lemma_2.html")
    page.locator(".dropdown-download-buttons > button").click()
    name, content = downloaded(page, page.locator("a.btn-download-source-button"))
    assert name == "lemma_2.ipynb"
    assert content == (html / "_sources" / "book" / name).read_bytes()
    page.close()


def test_the_records_are_downloaded_with_the_digests_on_the_page(address, browser):
    page = browser.new_page()
    page.goto(f"{address}/book/all_pairs.html")
    link = page.locator(".page-footer a[href$='.zip']").first
    name, content = downloaded(page, link)
    said = page.locator("details.records").text_content()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        records = archive.namelist()
        assert len(records) > 30, name
        for record in records:
            digest = hashlib.sha256(archive.read(record)).hexdigest()
            assert f"{digest[:12]} {record}: " in said
    page.close()
