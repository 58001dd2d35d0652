"""The book as one PDF file, and what is said where it cannot be printed."""

import re
import subprocess
import sys

import pytest
import yaml

from experiments.sweep.locks import holding
from tests.book import browser
from tests.book.browser import PAGES, chromium_path
from tests.book.conftest import ROOT, load

PROGRAM = ROOT / "tools" / "print_book.py"
SOME = ["book/intro", "book/lemma_1", "book/play", "book/bibliography"]


@pytest.fixture(scope="module")
def program():
    return load(PROGRAM)


@pytest.fixture(scope="module")
def chromium():
    return chromium_path()


class Printed:
    """What a PDF file that Chromium wrote says of itself, in plain text."""

    def __init__(self, file):
        """Read a file."""
        self.text = file.read_bytes().decode("latin-1")
        assert self.text.startswith("%PDF-")

    @property
    def pages(self):
        """How many pages there are."""
        return len(re.findall(r"/Type /Page\b(?!s)", self.text))

    @property
    def headings(self):
        """The texts of the outline."""
        return [
            _string(one)
            for one in re.findall(r"/Title (\(.*?(?<!\\)\)|<[0-9A-Fa-f]*>)", self.text)
        ]

    @property
    def fonts(self):
        """The names of the fonts it brings."""
        return set(re.findall(r"/FontName /(?:[A-Z]{6}\+)?([\w-]+)", self.text))

    @property
    def addresses(self):
        """What its links lead to outside of it."""
        return [_string(one) for one in re.findall(r"/URI (\(.*?\))", self.text)]


def _string(text):
    """Read a string of a PDF file."""
    if text.startswith("<"):
        return bytes.fromhex(text[1:-1]).decode("utf-16")
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def titles(html, names):
    """The titles of built pages, as their headings have them without formulas."""
    pages = [(html / f"{name}.html").read_text("utf-8") for name in names]
    articles = [page.split('<article class="bd-article">')[1] for page in pages]
    heads = [
        re.search(r"<h1>(.*?)<a class=\"headerlink", one, re.S) for one in articles
    ]
    return [" ".join(re.sub("<[^>]*>", "", head.group(1)).split()) for head in heads]


@pytest.fixture(scope="module")
def some(html, program, chromium, tmp_path_factory):
    """A few pages, printed."""
    file = tmp_path_factory.mktemp("pdf") / "new" / "book.pdf"
    program.print_book(html, SOME, file, chromium)
    assert [one.name for one in file.parent.iterdir()] == ["book.pdf"]
    return Printed(file)


# --- what is printed ---------------------------------------------------------------


def test_all_pages_are_in_one_file_with_an_outline(some, html):
    assert some.pages > 12
    positions = [some.headings.index(title) for title in titles(html, SOME)]
    assert positions == sorted(positions)
    assert len(some.headings) > 30


def test_formulas_are_set_in_their_fonts(some):
    assert {"MathJax_Math-Italic", "MathJax_Main-Regular"} <= some.fonts


def test_no_link_leads_to_a_file_of_this_machine(some):
    assert some.addresses, "the bibliography is on the web"
    assert [one for one in some.addresses if not one.startswith("http")] == []
    assert str(ROOT) not in some.text


@pytest.mark.slow
def test_the_whole_book_is_printed(html, program, chromium, tmp_path):
    assert program.pages_of(ROOT) == PAGES
    program.print_book(html, PAGES, tmp_path / "book.pdf", chromium)
    printed = Printed(tmp_path / "book.pdf")
    assert printed.pages > 100
    assert set(titles(html, PAGES)) <= set(printed.headings)


# --- how pages are put together ----------------------------------------------------

FIRST = """\
<!doctype html><html><head><title>First &#8212; A book</title><script>
const done = Promise.resolve();
window.MathJax = {startup: {promise: done}, typesetClear() {}, typesetPromise: () => {
  for (const one of document.querySelectorAll(".math:not(.broken)"))
    one.innerHTML = "<mjx-container>x</mjx-container>";
  return done;
}};</script></head><body>
<nav class="bd-links"><p class="caption">Part one</p><ul><li><a href="b.html">B</a></li>
</ul></nav><article class="bd-article"><h1>First</h1><p id="here">Words</p></article>
<div class="extra_footer">About</div></body></html>
"""
SECOND = """\
<!doctype html><html><head><title>B</title></head><body><article class="bd-article">
<h1>Second<a class="headerlink" href="#x">#</a></h1>{}</article>
<script>document.querySelector("article").append("DRAWN")</script></body></html>
"""


def composed(program, chromium, folder, body, look=None):
    """Put two pages together; what went wrong, and what a script sees there."""
    from playwright.sync_api import sync_playwright

    (folder / "a.html").write_text(FIRST, encoding="utf-8")
    (folder / "b.html").write_text(SECOND.format(body), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=program.FLAGS
        )
        context = browser.new_context()
        files = [folder / "a.html", folder / "b.html"]
        problems = program._compose(context, files, folder / "out.pdf")
        seen = context.pages[0].evaluate(look) if look else None
        browser.close()
    return problems, seen


def test_what_is_folded_is_shown_but_for_code_and_records(program, chromium, tmp_path):
    def cell(tag, inside):
        return (
            f'<div class="cell {tag}"><details><summary>Show it</summary>{inside}'
            "</details></div>"
        )

    code = '<div class="cell_input"><div class="highlight">CODE</div></div>'
    out = '<div class="cell_output">OUTPUT</div>'

    def fold(title, inside):
        return f"<details><summary>{title}</summary>{inside}</details>"

    body = "".join(
        [
            cell("tag_hide-input", code) + '<div class="cell_output">SHOWN</div>',
            cell("tag_hide-cell", code + out),
            fold("Solution", "<p>ANSWER</p><div class='highlight'>LINES</div>"),
            fold("How it is proved", "<div class='highlight'>PROOF</div>"),
            fold("The records and their data", "<p>RECORD</p>"),
            '<div class="cell_input">OPEN</div><button>PRESS</button>',
        ]
    )
    look = "document.querySelectorAll('article')[1].innerText"
    problems, text = composed(program, chromium, tmp_path, body, look)
    assert problems == []
    for word in ("SHOWN", "OUTPUT", "Solution", "ANSWER", "LINES", "OPEN", "DRAWN"):
        assert word in text
    for word in ("CODE", "PROOF", "RECORD", "Show it", "PRESS", "How it", "#"):
        assert word not in text
    assert text.index("Part one") < text.index("Second")
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF-")


def test_links_lead_within_the_document(program, chromium, tmp_path):
    body = (
        '<p id="here">x</p><a href="a.html#here">1</a><a href="#here">2</a>'
        '<a href="a.html">3</a><a href="c.csv">4</a><a href="https://x.org/">5</a>'
    )
    look = (
        "[...document.querySelectorAll('article a')].map(a => a.getAttribute('href'))"
    )
    problems, found = composed(program, chromium, tmp_path, body, look)
    assert problems == []
    assert found == ["#a--here", "#b--here", "#a", "https://x.org/"]


WRONG = {
    '<p class="math broken">y</p>': "a formula is not set: y",
    "<mjx-merror>no</mjx-merror>": "a formula is wrong: no",
    '<a href="a.html#gone">x</a>': "no place #a--gone",
    '<img src="gone.png">': "gone.png",
    '<img src="http://127.0.0.1:9/a.png">': "a page asks for http://127.0.0.1:9/",
}


def test_what_is_wrong_is_not_printed(program, chromium, tmp_path):
    problems, _ = composed(program, chromium, tmp_path, "".join(WRONG))
    told = "\n".join(problems)
    assert [said for said in WRONG.values() if said not in told] == []
    assert not (tmp_path / "out.pdf").exists()


def test_one_fault_is_enough_for_that(program, chromium, tmp_path):
    link = '<a href="a.html#gone">x</a>'
    (problem,), _ = composed(program, chromium, tmp_path, link)
    assert WRONG[link] in problem
    assert not (tmp_path / "out.pdf").exists()


# --- what cannot be printed --------------------------------------------------------


def test_without_a_browser_one_sentence_names_what_to_install(tmp_path):
    done = subprocess.run(
        [sys.executable, PROGRAM],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(
        r"error: printing the book needs Chromium, .*'apt-get install chromium'.*\n",
        done.stderr,
    )


@pytest.mark.parametrize(("need", "end"), [("", "skip"), ("yes", "fail")])
def test_without_a_browser_tests_fail_where_one_is_needed(monkeypatch, need, end):
    monkeypatch.setattr(browser, "CHROMIUM", None)
    monkeypatch.setenv("NEED_BROWSER", need)
    with pytest.raises(getattr(pytest, end).Exception, match="none of chromium, "):
        chromium_path()


@pytest.mark.parametrize("name", [".ci/run", ".github/workflows/ci.yml"])
def test_continuous_integration_looks_for_the_same_browsers(program, name):
    text = (ROOT / name).read_text("utf-8")
    assert f"command -v {' '.join(program.BROWSERS)} " in text


def test_a_page_that_is_not_built_is_named(program, tmp_path, chromium):
    with pytest.raises(program.PrintError, match=r"no page .*gone\.html: run 'make"):
        program.print_book(tmp_path, ["gone"], tmp_path / "out.pdf", chromium)


def test_a_browser_that_fails_is_named(program, tmp_path):
    (tmp_path / "a.html").write_text("<title>a</title>")
    with pytest.raises(program.PrintError, match="/bin/false failed"):
        program.print_book(tmp_path, ["a"], tmp_path / "out.pdf", "/bin/false")
    assert not (tmp_path / "out.pdf").exists()


@pytest.fixture
def one_page(tmp_path):
    """A built page, in a folder as ``make book`` leaves it."""
    html = tmp_path / "_build" / "html"
    html.mkdir(parents=True)
    (html / "a.html").write_text(FIRST, encoding="utf-8")
    return html


def test_a_browser_that_fails_leaves_nothing_behind(program, one_page):
    output = one_page.parent / "pdf" / "out.pdf"
    with pytest.raises(program.PrintError, match="/bin/false failed"):
        program.print_book(one_page, ["a"], output, "/bin/false")
    assert list(output.parent.iterdir()) == []


def test_nothing_is_printed_while_a_build_is_at_work(program, one_page):
    build = one_page.parent
    with holding(build / ".lock"):
        with pytest.raises(program.PrintError, match=f"at work in {build}"):
            program.print_book(one_page, ["a"], build / "out.pdf", "/bin/false")
    with pytest.raises(program.PrintError, match="/bin/false failed"):
        program.print_book(one_page, ["a"], build / "out.pdf", "/bin/false")


def test_where_nothing_was_built_that_is_said(program, tmp_path):
    html = tmp_path / "gone" / "html"
    with pytest.raises(program.PrintError, match=r"no folder .*gone: run 'make book'"):
        program.print_book(html, ["a"], tmp_path / "out.pdf", "/bin/false")
    assert not html.parent.exists()


def test_a_print_holds_the_build_and_has_a_file_of_its_own(
    program, one_page, monkeypatch
):
    output, parts = one_page.parent / "pdf" / "out.pdf", []

    def look(files, part, browser):
        """Stand in for the browser."""
        with pytest.raises(BlockingIOError), holding(one_page.parent / ".lock"):
            pass
        parts.append(part)
        part.write_text(f"print {len(parts)}")
        if len(parts) == 3:
            raise program.PrintError("the third goes wrong")

    monkeypatch.setattr(program, "_print", look)
    for number in (1, 2):
        program.print_book(one_page, ["a"], output, "chromium")
        assert output.read_text() == f"print {number}"
    with pytest.raises(program.PrintError, match="third"):
        program.print_book(one_page, ["a"], output, "chromium")
    assert len(set(parts)) == 3
    assert output.read_text() == "print 2", "what was there stays"
    assert list(output.parent.iterdir()) == [output]


def test_the_target_looks_for_a_browser_before_it_builds():
    done = subprocess.run(
        ["make", "--dry-run", "pdf"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    look, build, printing = (
        done.stdout.index(part)
        for part in ("print_book.py --check", "build_book.py book", "print_book.py\n")
    )
    assert look < build < printing


def test_sections_below_a_chapter_are_pages_too(program, tmp_path):
    toc = {
        "root": "a",
        "parts": [
            {"caption": "p", "chapters": [{"file": "b", "sections": [{"file": "c"}]}]},
            {"caption": "q", "chapters": [{"file": "d"}]},
        ],
    }
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump(toc))
    assert program.pages_of(tmp_path) == ["a", "b", "c", "d"]
