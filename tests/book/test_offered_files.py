"""Files to take away: links that lead to them, citations, checksums."""

import hashlib
import io
import json
import re
import shutil
import subprocess
import zipfile

import checkout
import pytest
import yaml
from pybtex.database import parse_file, parse_string

from tests.book import small_book
from tests.book.browser import PAGES, visit
from tests.book.conftest import ROOT, load
from tests.book.small_book import FOOT, HEAD, text

COMMIT = "0123456789abcdef" * 2 + "01234567"
BLOCK = re.compile(r'<div class="highlight-bibtex.*?<pre>(.*?)</pre>', re.DOTALL)
GETTING = "# Get\n\n```{citation} CITATION.cff\n```\n\n```{offered-files}\n```\n"
NAMES = ("page.ipynb", "page.py", "page.zip")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The sources and the built pages of a small book."""
    folder = tmp_path_factory.mktemp("small") / "book"
    folder.mkdir()
    small_book.write(folder, [text(HEAD), text(GETTING), text(FOOT)])
    (folder / "results" / "sub").mkdir()
    (folder / "results" / "sub" / "table.csv").write_text("a,b\n1,2\n")
    cff = (ROOT / "CITATION.cff").read_text("utf-8")
    (folder / "CITATION.cff").write_text(cff, encoding="utf-8")
    facts = {"commit": COMMIT, "date": "2031-02-03", "changes": True}
    checkout.write(folder, facts)
    out, warnings, failed = small_book.build(folder)
    assert (warnings, failed) == ("", False)
    return folder, out


@pytest.fixture(scope="module")
def citing():
    load(ROOT / "book" / "_ext" / "edition.py")
    return load(ROOT / "book" / "_ext" / "citation_block.py")


def lines_of(out):
    text = (out / "SHA256SUMS").read_text("utf-8")
    return dict(reversed(line.split("  ")) for line in text.splitlines())


# --- files -------------------------------------------------------------------------


def test_a_notebook_page_offers_its_two_files_alone_and_together(book):
    folder, out = book
    page = (out / "book" / "page.html").read_text("utf-8")
    footer = page.split('<div class="page-footer docutils container">')[1]
    found = re.findall(r'<a class="reference download" download href="(.*?)">', footer)
    assert found[:3] == [f"../_sources/book/{name}" for name in NAMES]
    sources = folder / "book"
    for name in NAMES[:2]:
        built = (out / "_sources" / "book" / name).read_bytes()
        assert built == (sources / name).read_bytes()
    with zipfile.ZipFile(out / "_sources" / "book" / "page.zip") as archive:
        assert archive.namelist() == list(NAMES[:2])
        assert archive.read("page.py") == (sources / "page.py").read_bytes()
        bare = json.loads(archive.read("page.ipynb"))
    whole = json.loads((sources / "page.ipynb").read_text("utf-8"))
    for one in (bare, whole):
        one["cells"] = [cell["source"] for cell in one["cells"]]
    assert bare == whole


def test_the_menu_at_the_head_offers_them_too(book):
    _, out = book
    page = (out / "book" / "page.html").read_text("utf-8")
    menu = page.split('<div class="dropdown dropdown-download-buttons">')[1]
    links = re.findall(r'<a href="(.*?)"', menu.split("</ul>")[0])
    assert links == [f"../_sources/book/{name}" for name in NAMES]
    other = (out / "book" / "intro.html").read_text("utf-8")
    assert ".zip" not in other


def test_the_list_has_sizes_and_checksums_of_what_is_offered(book):
    folder, out = book
    page = (out / "book" / "page.html").read_text("utf-8")
    box = page.split('<div class="offered-files docutils container">')[1]
    said = " ".join(re.sub("<[^>]*>", " ", box).split())
    assert re.search(r"page\.ipynb \d+ kB, page\.py 1 kB, page\.zip \d+ kB", said)
    assert "results/sub/table.csv (1 kB)" in said
    for file in [out / "_sources" / "book" / name for name in NAMES]:
        assert hashlib.sha256(file.read_bytes()).hexdigest() in box
    table = folder / "results" / "sub" / "table.csv"
    assert hashlib.sha256(table.read_bytes()).hexdigest() in box


def test_the_checksums_are_those_of_the_built_files(book):
    _, out = book
    expected = {f"_sources/book/{name}" for name in NAMES} | {"claims.json"}
    assert expected < lines_of(out).keys()
    assert any(re.fullmatch(r"_downloads/\w+/table\.csv", n) for n in lines_of(out))
    for name, digest in lines_of(out).items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    check = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=out, check=False).returncode == 0


def test_two_builds_give_the_same_bytes(book, tmp_path):
    folder, out = book
    again = tmp_path / "elsewhere"
    shutil.copytree(folder, again, ignore=shutil.ignore_patterns("_build"))
    other, warnings, failed = small_book.build(again)
    assert (warnings, failed) == ("", False)
    for name in [*lines_of(out), "SHA256SUMS", "LICENSE.txt", "book/page.html"]:
        assert (other / name).read_bytes() == (out / name).read_bytes(), name


def test_a_tampered_file_is_found_by_its_checksum(book, tmp_path, offered_files):
    _, out = book
    (tmp_path / "claims.json").write_bytes((out / "claims.json").read_bytes() + b" ")
    (line,) = offered_files.sums(tmp_path, ("claims.json", "gone"))
    digest, name = line.split("  ")
    assert lines_of(out)[name] != digest


def test_an_archive_is_the_same_whenever_it_is_made(
    tmp_path, offered_files, monkeypatch
):
    ran = {"cell_type": "code", "outputs": [{"text": "2"}], "execution_count": 3}
    told = {"cell_type": "markdown", "source": "as before"}
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [ran, told]}))
    (tmp_path / "a.py").write_text("# %%\n")
    first = offered_files.content(tmp_path / "a.ipynb", ".zip")
    monkeypatch.setattr("time.time", lambda: 2e9)
    offered_files.content.cache_clear()
    assert offered_files.content(tmp_path / "a.ipynb", ".zip") == first
    archive = zipfile.ZipFile(io.BytesIO(first))
    assert archive.testzip() is None
    empty = {"cell_type": "code", "outputs": [], "execution_count": None}
    assert json.loads(archive.read("a.ipynb")) == {"cells": [empty, told]}


def test_small_files_are_not_said_to_be_empty(offered_files):
    assert [offered_files.size(b"a" * n) for n in (1, 1400, 1_234_567)] == [
        "1 kB",
        "1 kB",
        "1,235 kB",
    ]


# --- citations ---------------------------------------------------------------------


def entry_on(page, key):
    """An entry of the page, as a program for bibliographies reads it."""
    blocks = [re.sub("<[^>]*>", "", block) for block in BLOCK.findall(page)]
    text = "\n".join(blocks).replace("&#39;", "'").replace("&quot;", '"')
    return parse_string(text, "bibtex").entries[key]


def test_the_software_is_cited_in_the_edition_at_hand(book):
    _, out = book
    entry = entry_on((out / "book" / "page.html").read_text("utf-8"), "paper_lib")
    assert entry.type == "software"
    assert [str(p) for p in entry.persons["author"]] == [
        r"{The paper\_lib contributors}"
    ]
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    title = entry.fields["title"].strip("{}").replace("``", '"').replace("''", '"')
    assert title == cff["title"]
    assert entry.fields["version"] == cff["version"]
    assert entry.fields["license"] == cff["license"]
    assert entry.fields["note"] == f"Commit {COMMIT}, with changes"
    assert "date-released" not in cff
    assert entry.fields["year"] == "2031", "that of the commit"


def test_without_release_and_commit_there_is_no_year(citing):
    cff = {"title": "A", "authors": [{"name": "B"}]}
    entry = citing.software_entry(cff, citing.Edition(version="1.0", license="MIT"))
    assert "year" not in entry.fields


def test_a_release_brings_a_year_and_an_address(citing):
    edition = citing.Edition(version="1.0", license="MIT", date="2031-02-03")
    cff = {
        "title": "100% {A} \"B\" & 'C'",
        "authors": [{"family-names": "Doe", "given-names": "Jo"}],
        "date-released": "2027-01-02",
        "repository-code": "https://example.org/a",
    }
    text = citing.bibtex("key", citing.software_entry(cff, edition))
    fields = parse_string(text, "bibtex").entries["key"].fields
    assert fields["year"] == "2027"
    assert fields["url"] == "https://example.org/a"
    assert fields["title"] == r"{100\% \{A\} ``B'' \& 'C'}"
    assert not {"note", "license"} & set(fields)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a_b/c%20d?e=f&g#h",
        r"https://example.org/~a/\1",
        "https://x",
    ],
)
def test_an_address_is_written_as_it_is(citing, url):
    cff = {"title": "A_B", "authors": [{"name": "C_D"}], "repository-code": url}
    edition = citing.Edition(version="1.0", license="MIT", commit=COMMIT)
    entry = citing.software_entry(cff, edition)
    entry.fields["doi"] = "10.1/a_b"
    lines = [line.strip(" ,") for line in citing.bibtex("key", entry).splitlines()]
    assert f"url = {{{url}}}" in lines
    assert "doi = {10.1/a_b}" in lines
    assert r"title = {{A\_B}}" in lines
    assert r"author = {{C\_D}}" in lines


def test_an_unknown_key_fails_the_build(tmp_path):
    cells = [text(HEAD), text("```{citation} nobody2000\n```")]
    _, warnings, failed = small_book.built(tmp_path, cells)
    assert failed
    assert "no entry 'nobody2000' to cite" in warnings


def test_the_files_about_the_project_agree(root):
    """The citation file with the project's version, and with the bibliography."""
    cff = yaml.safe_load((root / "CITATION.cff").read_text("utf-8"))
    project = (root / "pyproject.toml").read_text("utf-8")
    assert f'\nversion = "{cff["version"]}"\n' in project
    assert f'\nlicense = "{cff["license"]}"\n' in project
    (paper,) = cff["references"]
    entry = parse_file(root / "book" / "references.bib").entries["pal2020game"]
    assert paper["title"] == entry.fields["title"]
    assert paper["collection-title"] == entry.fields["booktitle"]
    assert str(paper["year"]) == entry.fields["year"]
    assert str(paper["volume"]) == entry.fields["volume"]
    assert paper["url"].endswith(entry.fields["eprint"])
    names = [person.last_names for person in entry.persons["author"]]
    assert names == [[person["family-names"]] for person in paper["authors"]]


# --- the book itself ---------------------------------------------------------------


def test_every_notebook_page_of_the_book_offers_its_files(html, root):
    notebooks = sorted(path.stem for path in (root / "book").glob("*.ipynb"))
    assert len(notebooks) >= 13
    listed = (html / "book" / "getting_and_citing.html").read_text("utf-8")
    for name in notebooks:
        page = (html / "book" / f"{name}.html").read_text("utf-8")
        for suffix in (".ipynb", ".py", ".zip"):
            link = f'download href="../_sources/book/{name}{suffix}"'
            assert link in page, name
            assert link in listed, name
            assert (html / "_sources" / "book" / f"{name}{suffix}").is_file()


def test_the_book_cites_the_paper_as_its_bibliography_does(html, root):
    page = (html / "book" / "getting_and_citing.html").read_text("utf-8")
    known = parse_file(root / "book" / "references.bib").entries["pal2020game"]
    assert entry_on(page, "pal2020game") == known
    assert entry_on(page, "paper_lib").fields["version"]


def test_files_are_saved_from_a_folder(html, browser):
    """What no server serves: the archive of a notebook, and a table."""
    page, trouble = visit(browser, html / "book" / "getting_and_citing.html")
    names = ("lemma_1.zip", "results/table1.csv")
    for name in names:
        with page.expect_download() as saved:
            page.get_by_role("link", name=name).first.click()
        content = saved.value.path().read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        assert digest in page.content()
    # A browser gives up to go where it saves what is there.
    assert [one.split("/")[-1] for one in trouble] == ["lemma_1.zip", "table1.csv"]
    page.close()


def test_the_button_copies_a_citation(html, browser):
    page, trouble = visit(browser, html / "book" / "getting_and_citing.html")
    browser.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("div.highlight-bibtex").first.hover()
    page.locator("div.highlight-bibtex button.copybtn").first.click()
    page.wait_for_selector(".copybtn.success")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "Vidal" in str(parse_string(copied, "bibtex").entries["pal2020game"].persons)
    assert trouble == []
    page.close()


def test_the_menu_saves_and_does_not_show(html, browser):
    page, trouble = visit(browser, html / "book" / "lemma_1.html")
    links = page.locator(".dropdown-download-buttons a")
    wished = links.evaluate_all("all => all.map(one => one.hasAttribute('download'))")
    assert wished == [True] * 3
    page.locator(".dropdown-download-buttons button").first.click()
    with page.expect_download() as saved:
        links.filter(has_text=".zip").click()
    assert saved.value.suggested_filename == "lemma_1.zip"
    assert trouble == []
    page.close()


def test_the_foot_of_a_page_is_one_tab_stop(html, browser):
    page, trouble = visit(browser, html / "book" / "bibliography.html")
    links = page.locator(".extra_footer a")
    assert links.count() == 2
    stops = links.evaluate_all("all => all.map(one => one.tabIndex)")
    assert sorted(stops) == [-1, 0]
    assert trouble == []
    page.close()


def test_every_page_says_the_same_edition(html):
    said = {
        re.search(r'class="edition">(.*?)<a', (html / f"{n}.html").read_text()).group(1)
        for n in PAGES
    }
    assert len(said) == 1
