"""No page asks too much of a reader: code, verdicts and tables in view, image texts."""

import pytest

from tests.book.browser import PAGES
from tests.book.page_measures import (
    LONG,
    MOST_CODE,
    MOST_CODE_IN_ALL,
    MOST_LONG_TABLES,
    MOST_VERDICTS,
    Measures,
    measure,
    over_the_limits,
)


@pytest.fixture(scope="module")
def pages(html):
    """Each page of the book and what is in view on it."""
    return {
        path.stem: measure(path.read_text(encoding="utf-8"))
        for path in (html / f"{name}.html" for name in PAGES)
    }


def test_every_notebook_has_the_form(pages, root):
    notebooks = {path.stem for path in (root / "book").glob("*.ipynb")}
    assert {name for name in notebooks if not pages[name].in_form} == set()


def test_no_page_in_the_form_is_over_a_limit(pages):
    formed = {name: page for name, page in pages.items() if page.in_form}
    assert len(formed) >= 3
    assert list(over_the_limits(formed)) == []


def test_pages_without_code_print_no_verdicts(pages, root):
    plain = {path.stem for path in (root / "book").glob("*.md")} & pages.keys()
    assert {name: pages[name].verdicts for name in plain} == dict.fromkeys(plain, 0)


def test_texts_of_images_are_sound(pages, image_texts):
    """Each is a text of its own over all pages in the form, and the first page."""
    said = []
    for name, page in pages.items():
        if page.in_form or name == "intro":
            for alt in page.alts:
                assert image_texts.text_problem(alt, said) is None, (name, alt)
                said.append(alt)
    assert len(said) > 8


# --- what is counted -------------------------------------------------------------


def page_of(body):
    return measure(f'<article class="bd-article">{body}</article>')


def code(lines):
    source = "\n".join(["x"] * lines)
    return (
        f'<div class="cell"><div class="cell_input"><pre>{source}\n</pre></div></div>'
    )


def table(rows):
    body = "<tr><td>1</td></tr>" * rows
    return f"<table><thead><tr><th>n</th></tr></thead><tbody>{body}</tbody></table>"


def printed(text):
    return f'<div class="cell_output"><div><pre>{text}\n</pre></div></div>'


def test_what_is_in_view_is_counted():
    found = page_of(
        code(3) + "<br>" + code(2) + table(4) + table(16) + printed("a\nb: True\nFalse")
    )
    assert found.code == 5
    assert found.tables == [4, 16]
    assert found.long_tables == 1
    assert found.verdicts == 2
    assert not found.in_form


@pytest.mark.parametrize("text", ["True story", "is it True?", "Truest", "xTrue"])
def test_words_are_no_verdicts(text):
    assert page_of(printed(text)).verdicts == 0


def test_what_is_folded_is_not_counted():
    inside = code(3) + table(16) + printed("True") + "<details open></details>"
    assert page_of(f"<details><summary>s</summary>{inside}</details>") == Measures()
    opened = page_of(f"<details open>{inside}</details>" + code(1))
    assert (opened.code, opened.tables, opened.verdicts) == (4, [16], 1)


def test_the_strip_and_the_texts_of_images_are_found():
    found = page_of('<div class="outcomes docutils"></div><img src="x" alt="A"><img>')
    assert (found.in_form, found.alts) == (True, ["A", ""])


def test_images_outside_of_the_article_are_none_of_the_pages():
    assert measure('<img alt="logo"><article class="bd-article"></article>').alts == []


def test_an_end_without_a_start_closes_nothing():
    found = page_of("</section></p>" + code(1) + '<img alt="A">')
    assert (found.code, found.alts) == (1, ["A"])


def many(**what):
    return {"one": Measures(**what), "two": Measures()}


@pytest.mark.parametrize(
    "within",
    [
        {"code": MOST_CODE},
        {"verdicts": MOST_VERDICTS},
        {"tables": [LONG + 1] * MOST_LONG_TABLES + [LONG] * 9},
    ],
)
def test_a_book_within_its_limits_passes(within):
    assert list(over_the_limits(many(**within))) == []


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"code": MOST_CODE + 1}, "one: 41 lines"),
        ({"verdicts": MOST_VERDICTS + 1}, "verdicts"),
        ({"tables": [LONG + 1] * (MOST_LONG_TABLES + 1)}, "long_tables"),
    ],
)
def test_a_book_over_a_limit_fails(over, said):
    (problem,) = over_the_limits(many(**over))
    assert problem.startswith(said)


def test_many_pages_of_code_are_too_much_in_all():
    count = MOST_CODE_IN_ALL // MOST_CODE
    book = {str(number): Measures(code=MOST_CODE) for number in range(count)}
    assert list(over_the_limits(book)) == []
    book["last"] = Measures(code=MOST_CODE)
    (problem,) = over_the_limits(book)
    assert problem.startswith("code")
