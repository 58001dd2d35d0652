"""The built book: no warnings, nothing from the network, mathematics on every page."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml

from tests.book.browser import PAGES, faults, visit

ROOT = Path(__file__).resolve().parents[2]

EXTERNAL = re.compile(r"\s*(https?:)?//", re.IGNORECASE)
CSS_REQUEST = re.compile(r"(?:url\(\s*|@import\s+)[\"']?(?:https?:)?//", re.IGNORECASE)
# Attributes through which a page loads something by itself.
LOADING = {
    ("audio", "src"),
    ("embed", "src"),
    ("iframe", "src"),
    ("image", "href"),
    ("img", "src"),
    ("img", "srcset"),
    ("input", "src"),
    ("link", "href"),
    ("object", "data"),
    ("script", "src"),
    ("source", "src"),
    ("source", "srcset"),
    ("track", "src"),
    ("use", "href"),
    ("video", "poster"),
    ("video", "src"),
}


class Page(HTMLParser):
    """What a page loads, links to and writes into styles and scripts."""

    def __init__(self, text):
        """Parse a page."""
        super().__init__()
        self.loaded, self.links, self.styles, self.scripts = [], [], [], []
        self.ids = set()
        self._inside = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Sort the attributes of a tag."""
        for name, value in attrs:
            if (tag, name) in LOADING and value:
                self.loaded.append(value)
            elif (tag, name) == ("a", "href"):
                self.links.append(value)
            elif name == "style":
                self.styles.append(value)
            elif name == "id":
                self.ids.add(value)
        self._inside = tag

    def handle_data(self, data):
        """Keep the text of styles and scripts."""
        if self._inside == "style":
            self.styles.append(data)
        elif self._inside == "script":
            self.scripts.append(data)

    def handle_endtag(self, tag):
        """Leave a tag."""
        self._inside = None

    def requests(self):
        """What the page would ask a network for."""
        return [
            *(value for value in self.loaded if EXTERNAL.match(value)),
            *(text for text in self.styles if CSS_REQUEST.search(text)),
            *(text for text in self.scripts if re.search(r"[\"']https?://", text)),
        ]


@pytest.fixture(scope="module")
def pages(html):
    paths = [path for path in html.rglob("*.html") if "_static" not in path.parts]
    return {path: Page(path.read_text(encoding="utf-8")) for path in paths}


# --- the build -------------------------------------------------------------------


def test_the_book_builds_without_warnings(html):
    assert (html / "index.html").exists()
    assert [name for name in PAGES if not (html / f"{name}.html").exists()] == []


def test_a_false_ledger_does_not_build(source, tmp_path, build_book):
    book = tmp_path / "book"
    build_book.copy_sources(source, book)
    for path in (book / "book").iterdir():
        if path.suffix in {".py", ".ipynb"} or path.name.startswith("api_"):
            path.unlink()
    claims = book / "book" / "claims.yml"
    text = claims.read_text(encoding="utf-8").replace("page: lemma_1", "page: nowhere")
    claims.write_text(text, encoding="utf-8")
    with pytest.raises(build_book.BookError, match="no page 'nowhere'"):
        build_book.build_html(book)


def test_a_stored_error_does_not_build(source, tmp_path, build_book):
    folder = tmp_path / "book"
    build_book.copy_sources(source, folder)
    path = next(folder.glob("book/*.ipynb"))
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.outputs = [
        nbformat.v4.new_output("error", ename="E", evalue="no", traceback=[])
    ]
    nbformat.write(notebook, path)
    with pytest.raises(build_book.BookError, match="stores an error"):
        build_book.build_html(folder)
    path.unlink()
    with pytest.raises(build_book.BookError, match="has no stored outputs"):
        build_book.build_html(folder)


# --- what the pages load ---------------------------------------------------------


def test_pages_ask_the_network_for_nothing(pages):
    found = {path.name: page.requests() for path, page in pages.items()}
    assert {name: what for name, what in found.items() if what} == {}


def test_styles_ask_the_network_for_nothing(html):
    styles = list(html.rglob("*.css"))
    assert styles
    found = [
        path.name
        for path in styles
        if CSS_REQUEST.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://x.org/a.js"></script>',
        '<script>import("https://x.org/a.js")</script>',
        '<link rel="stylesheet" href="//x.org/a.css">',
        '<img src="HTTP://x.org/a.png">',
        '<p style="background: url(https://x.org/a.png)">',
        "<style>@import 'https://x.org/a.css'</style>",
        '<iframe src="https://x.org"></iframe>',
    ],
)
def test_requests_are_found(text):
    assert len(Page(text).requests()) == 1


def test_a_link_and_a_local_file_are_no_requests():
    page = Page('<a href="https://x.org">x</a><img src="../a.png"><p>https://x.org</p>')
    assert page.requests() == []


def test_everything_a_page_names_is_there(pages):
    missing = [
        (path.name, value)
        for path, page in pages.items()
        for value in [*page.loaded, *page.links]
        if not target_exists(path, value, pages)
    ]
    assert missing == []


def target_exists(path, value, pages):
    """Tell whether a local link leads to a file, and to a place in it."""
    parts = urlsplit(value)
    if parts.scheme or parts.netloc:
        return True
    target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
    if not parts.fragment or target not in pages:
        return target.is_file()
    return unquote(parts.fragment) in pages[target].ids


def mathjax_options(text):
    """What a page tells MathJax."""
    found = re.search(r"window\.MathJax = (\{.*?\})</script>", text)
    return json.loads(found.group(1))


def test_mathjax_comes_with_the_book(html, pages):
    script = html / "_static" / "mathjax" / "startup.js"
    fonts = list((script.parent / "output/chtml/fonts/woff-v2").glob("*.woff"))
    assert script.is_file()
    assert len(fonts) > 20
    intro = html / "book" / "intro.html"
    assert "../_static/mathjax/startup.js" in pages[intro].loaded
    components = mathjax_options(intro.read_text("utf-8"))["loader"]["load"]
    assert "a11y/assistive-mml" in components, "what screen readers read"
    for name in components:
        assert (script.parent / f"{name}.js").is_file()


def test_nothing_of_live_cells_is_left(pages):
    scripts = [text for page in pages.values() for text in page.scripts]
    assert [text for text in scripts if "THEBE" in text] == []


def test_no_table_or_role_is_left_as_text(html):
    raw = re.compile(r"<p>\s*\||\|\s*:?[-\u2013\u2014]+:?\s*\||\{[a-z:]+\}<code")
    assert raw.search("<p>| a | b |\n| :\u2013 | \u2013: |")
    assert raw.search('{doc}<code class="docutils">')
    left = [
        name
        for name in PAGES
        if raw.search((html / f"{name}.html").read_text(encoding="utf-8"))
    ]
    assert left == []


def test_the_ledger_is_a_page_with_an_anchor_for_each_claim(html, pages):
    path = html / "book" / "ledger.html"
    text = path.read_text(encoding="utf-8")
    claims = yaml.safe_load((ROOT / "book" / "claims.yml").read_text(encoding="utf-8"))
    new = sum(claim.get("new", False) for claim in claims)
    assert f"{len(claims)} claims, {new} of them new here: " in text
    titles = [c["title"] for c in claims]
    assert [one for one in titles if f"<strong>{one}</strong>" not in text] == []
    assert {f"claim-{c['id']}" for c in claims} <= pages[path].ids


def test_the_first_page_begins_with_what_came_out(html):
    text = (html / "book" / "intro.html").read_text(encoding="utf-8")
    written = yaml.safe_load((ROOT / "book" / "came_out.yml").read_text("utf-8"))
    box = text.split('<div class="came-out docutils container">')[1].split("<h2")[0]
    claims = yaml.safe_load((ROOT / "book" / "claims.yml").read_text("utf-8"))
    for claim in claims:
        row = f'href="ledger.html#claim-{claim["id"]}"'
        page = re.search(rf'href="{claim["page"]}\.html"', box)
        assert page if claim["id"] in written["headlines"] else row in box, claim["id"]
    assert f'alt="{written["alt"]}"' in box
    assert "What became of each claim" in text.split("came-out")[0]


def test_formulas_are_no_tab_stops(html):
    """The menu of MathJax makes each one; what screen readers read stays."""
    for name in PAGES:
        text = (html / f"{name}.html").read_text(encoding="utf-8")
        if "mathjax/startup.js" in text:
            options = mathjax_options(text)["options"]
            assert options["enableMenu"] is False, name
            assert options.get("enableAssistiveMml", True), name


def test_the_bibliography_names_works_as_the_text_cites_them(html):
    page = (html / "book" / "bibliography.html").read_text(encoding="utf-8")
    entries = re.findall(r'id="([^"]*)" role="listitem">(.*?)</span><', page, re.S)
    labels = {name: re.sub("<[^>]*>|[][]", "", text) for name, text in entries}
    assert len(labels) > 30
    wrong = [
        o
        for o in labels.values()
        if not re.fullmatch(r"[^{}]+, \d{4}[a-z]?", o.strip())
    ]
    assert wrong == []
    cited = re.compile(r'href="bibliography\.html#([^"]*)"[^>]*>(.*?)</a>')
    found = {
        (name, re.sub("<[^>]*>", "", words))
        for page in PAGES
        for name, words in cited.findall((html / f"{page}.html").read_text("utf-8"))
    }
    assert len(found) > 30
    assert [one for one in found if one[1] not in labels[one[0]]] == []


# --- how much it weighs ------------------------------------------------------------


def weight(folder):
    """The bytes of a folder with all that is in it, as ``du -sb`` counts them."""
    return sum(path.lstat().st_size for path in (folder, *folder.rglob("*")))


def test_the_book_is_light(html, pages):
    assert len(list(html.rglob("*.html"))) > 20
    assert weight(html) < 30_000_000
    heavy = {path.name: path.stat().st_size for path in pages}
    assert {name: size for name, size in heavy.items() if size > 1_500_000} == {}


def test_what_the_theme_ships_for_nobody_is_not_in_the_book(html):
    static = html / "_static"
    gone = (
        "**/*.map",
        "**/fontawesome.js",
        "**/*.ttf",
        "locales",
        "**/all-packages.js",
    )
    assert [path for name in gone for path in static.glob(name)] == []
    fonts = [path.name for path in (static / "vendor").rglob("*") if path.is_file()]
    assert fonts == ["fa-solid-900.woff"]
    styles = "".join(path.read_text("utf-8") for path in static.rglob("*.css"))
    for address in re.findall(r"url\(\.\./(vendor/[^)]*)\)", styles):
        assert (static / address).is_file()


# --- in a browser ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["search", "genindex"])
def test_a_page_beside_the_chapters_opens_from_a_file(name, html, browser):
    page, trouble = visit(browser, html / f"{name}.html")
    assert faults(page, trouble) == []
    page.close()


def test_the_index_leads_to_the_intro(html, browser):
    page = browser.new_page()
    page.goto((html / "index.html").as_uri(), wait_until="commit")
    page.wait_for_url("**/book/intro.html")
    page.close()


def test_fonts_of_formulas_are_loaded(html, browser):
    page, trouble = visit(browser, html / "book" / "intro.html")
    fonts = page.evaluate(
        "[...document.fonts].filter(font => font.status === 'loaded')"
        ".map(font => font.family)"
    )
    assert any("MJX" in family for family in fonts)
    assert trouble == []
    page.close()


def test_search_works_from_a_file(html, browser):
    page, trouble = visit(browser, html / "search.html")
    page.goto((html / "search.html").as_uri() + "?q=coverage")
    page.wait_for_selector("#search-results li a")
    assert trouble == []
    page.close()


@pytest.mark.parametrize(
    "text",
    [
        "<p class=math>x</p>",
        "<p class=math><mjx-container><mjx-merror>x</mjx-merror></mjx-container></p>",
        "<mjx-assistive-mml><mtext mathcolor=red>x</mtext></mjx-assistive-mml>",
    ],
)
def test_formulas_that_are_not_set_are_noticed(text, tmp_path, browser):
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><title>x</title>{text}", encoding="utf-8")
    page, trouble = visit(browser, path)
    assert trouble == []
    assert len(faults(page, trouble)) == 1
    page.close()


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("<script>let a; let a;</script>", "script error"),
        ("<script>console.error('bad')</script>", "bad"),
        ("<script src='http://127.0.0.1:9/a.js'></script>", "request: http"),
        ("<img src='gone.png'>", "failed: file"),
    ],
)
def test_trouble_is_noticed(text, trouble, tmp_path, browser):
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><title>x</title>{text}", encoding="utf-8")
    page, found = visit(browser, path)
    assert trouble in "\n".join(found)
    page.close()
