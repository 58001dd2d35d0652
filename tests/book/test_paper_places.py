"""From the paper to the book: every equation has a place, and the search finds it."""

import json
import re

import pytest

from tests.book.browser import visit

CLAIM = {
    "id": "lemma-9",
    "title": "Lemma 9",
    "where": "Section 9; Eqs. (21) to (23)",
    "statement": "All is well.",
    "page": "lemma_9",
    "module": None,
    "test": None,
    "proof": None,
    "outcome": "open",
    "note": None,
}
PAGE = """\
# A page

See Eq. (3).

## A part of it

By Eqs.
(5) to (7) and (9), and Eq. (12).

```python
# ## no heading, Eq. (13)
```

### Signs, Eq. (28)

$$a = b \\tag{30}$$
"""


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Eq. (3)", [3]),
        ("Eqs. (5) to (7)", [5, 6, 7]),
        ("Eqs. (8) to (10), (15) and (18)", [8, 9, 10, 15, 18]),
        ("by Eqs.\n(11)\nand (19).", [11, 19]),
        (r"$$x \tag{2}$$ and Eq. (1)", [1, 2]),
        ("see (28), Section 5, f(7), Eq. 4", []),
        ("Eq. (3) to the left of (5)", [3]),
    ],
)
def test_the_equations_that_a_text_speaks_of(text, numbers, paper_places):
    assert paper_places.equation_numbers(text) == numbers


def test_sections_of_a_page(tmp_path, paper_places):
    (tmp_path / "page.md").write_text(PAGE, encoding="utf-8")
    places = paper_places.places_on(tmp_path / "page.md")
    part = "[A page](page.md): [A part of it](page.md#a-part-of-it)"
    signs = "[A page](page.md): [Signs, Eq. (28)](page.md#signs-eq-28)"
    assert places[3] == "[A page](page.md)"
    assert {number for number, at in places.items() if at == part} == {
        5,
        6,
        7,
        9,
        12,
        13,
    }
    assert places[28] == places[30] == signs


def test_equations_with_the_same_places_stand_together(claims, paper_places):
    of_claims = paper_places.claims_of([claims.Claim(**CLAIM)])
    pages = {21: ["x"], 22: ["x"], 23: ["y"]}
    text = paper_places.equations_markdown(of_claims, pages, {23: ["f", "g"]})
    boxes = [box.splitlines() for box in text.split(":::{div} ledger-entry\n")[1:]]
    assert boxes[1][:4] == [
        "(paper-equation-21)=",
        "(paper-equation-22)=",
        "**(21) and (22)**, of {ref}`Lemma 9 <claim-lemma-9>`",
        "",
    ]
    assert boxes[1][4] == "- x"
    assert "**(23)**, of {ref}`Lemma 9 <claim-lemma-9>`" in boxes[2]
    assert boxes[2][3:5] == ["- y", "- In the library: f, g"]
    assert "**(1) to (20)**" in boxes[0]
    names = re.findall(r"paper-equation-(\d+)\)=", text)
    assert [int(name) for name in names] == list(range(1, 43))


def test_names_stand_where_their_docstrings_cite(paper_places, library_names):
    words = "Apply Lemma 1. Paper: Eqs. (3) to (5)."
    name = library_names.PublicName(
        part="paper_lib.a",
        name="f",
        module="paper_lib.a.b",
        kind="function",
        words=words,
    )
    link = "{py:obj}`f <paper_lib.a.f>`"
    found = paper_places.cited_by([name])
    assert [found[what] for what in (3, 4, 5, "Lemma 1")] == [[link]] * 4
    assert 6 not in found


# --- the book --------------------------------------------------------------------


def test_every_equation_has_an_anchor_and_a_page(html):
    text = (html / "book" / "paper_to_here.html").read_text(encoding="utf-8")
    boxes = re.split(r'<div class="ledger-entry', text)[1:]
    found = {}
    for box in boxes:
        pages = set(re.findall(r'href="(\w+)\.html', box.split("</ul>")[0])) - {
            "ledger"
        }
        for number in re.findall(r'id="paper-equation-(\d+)"', box):
            found[int(number)] = pages
    assert sorted(found) == list(range(1, 43))
    assert [number for number, pages in found.items() if not pages] == []
    assert {"lemma_2", "reading_notes"} <= found[28]
    assert "lemma_1" in found[3]
    assert {"the_algorithm", "api_defense"} <= found[7]


def test_the_index_leads_to_equations_and_claims(html):
    script = (html / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(
        script.removeprefix("Search.setIndex(").rstrip().removesuffix(")")
    )
    pages = index["docnames"]

    def main(name):
        found = index["indexentries"].get(name, [])
        return [(pages[file], place) for file, place, is_main in found if is_main]

    for number in range(1, 43):
        place = [("book/paper_to_here", f"paper-equation-{number}")]
        assert main(f"eq. ({number})") == main(f"equation {number}") == place
    assert main("lemma 2") == [("book/lemma_2", "")]
    assert main("corollary 2.1") == [("book/lemma_2", "")]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("Lemma 2", "book/lemma_2.html"),
        ("lemma 2", "book/lemma_2.html"),
        ("Eq. (28)", "book/paper_to_here.html#paper-equation-28"),
        ("equation 8", "book/paper_to_here.html#paper-equation-8"),
        ("(28)", "book/paper_to_here.html#paper-equation-28"),
        ("28", "book/paper_to_here.html#paper-equation-28"),
        ("SMOOTH", "book/lemma_3.html#index-0"),
    ],
)
def test_the_search_puts_it_first(query, first, html, browser):
    page, trouble = visit(browser, html / "search.html")
    page.goto((html / "search.html").as_uri() + f"?q={query}")
    page.wait_for_selector("#search-results li a")
    link = page.locator("#search-results li a").first.get_attribute("href")
    assert link.split("?")[0].endswith(first)
    assert page.locator("#search-results p.context").count() == 0, (
        "no excerpts of files"
    )
    assert trouble == []
    page.close()
