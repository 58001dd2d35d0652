"""The reference of the library: every public name, an example, links to the paper."""

import html as entities
import importlib
import inspect
import re
import typing

import pytest

from tests.book import small_book
from tests.book.browser import PAGES, visit
from tests.book.small_book import text
from tests.test_structure import ORDER


@pytest.fixture(scope="module")
def names(library_names, root):
    return library_names.public_names(root)


# --- what is public --------------------------------------------------------------


def test_the_parts_are_those_of_the_library_in_its_order(library_names, root):
    known = [part for part in ORDER if part.startswith("paper_lib.")]
    assert library_names.parts(root) == known


def test_names_are_what_a_stranger_can_import(names):
    assert len(names) > 100
    for name in names:
        found = getattr(importlib.import_module(name.part), name.name)
        kind = "class" if inspect.isclass(found) and name.kind != "data" else "function"
        assert name.kind in (kind, "data"), name
        assert name.kind == "data" or found.__module__ == name.module, name


def imported(part):
    """What a part defines or imports from its own modules, found by running it."""
    return {
        name
        for name, value in vars(importlib.import_module(part)).items()
        if not name.startswith("_")
        and f"{getattr(value, '__module__', '')}.".startswith(f"{part}.")
    }


def test_no_name_is_left_out(names, library_names, root):
    for part in library_names.parts(root):
        listed = [name.name for name in names if name.part == part]
        assert len(listed) == len(set(listed))
        assert imported(part) <= set(listed), part


def without_example(names):
    return [n.whole for n in names if n.kind != "data" and ">>> " not in n.words]


def test_every_public_name_has_an_example(names):
    assert without_example(names) == []


def test_a_name_without_an_example_is_found(library_names, tmp_path):
    source = (
        "#: At most\n#: three.\nLIMIT = 3\n\n\n"
        'def f():\n    """Do."""\n\n\nclass C:\n    """Be."""\n\n'
        '    def do(self):\n        """>>> 1\n        1\n        """\n\n\n'
        "def _g():\n    pass\n"
    )
    (tmp_path / "paper_lib").mkdir()
    (tmp_path / "paper_lib" / "__init__.py").write_text('"""Has ``a``."""\n', "utf-8")
    (tmp_path / "paper_lib" / "a.py").write_text(source, "utf-8")
    found = library_names.public_names(tmp_path)
    assert [(name.name, name.kind) for name in found] == [
        ("LIMIT", "data"),
        ("f", "function"),
        ("C", "class"),
    ]
    assert [name.first_line for name in found] == ["At most three.", "Do.", "Be."]
    assert without_example(found) == ["paper_lib.a.f"]
    defined = {"paper_lib", "paper_lib.a", "paper_lib.a.C.do", "paper_lib.a._g"}
    assert defined <= library_names.defined_names(tmp_path)


@pytest.mark.parametrize(
    ("words", "cited"),
    [
        ("see Eq. (7), over V", ["Eq. (7)"]),
        ("Eqs. (11),\n(19) and (20)", ["Eq. (11)", "Eq. (19)", "Eq. (20)"]),
        ("Lemmas 2 and 3, Theorem 1 (Sec. 3)", ["Lemma 2", "Lemma 3", "Theorem 1"]),
        (
            "Corollary 2.1. Definition 1; Fig. 4",
            ["Corollary 2.1", "Definition 1", "Figure 4"],
        ),
        ("Lemma 2 and 3 points, Tables 1 to 3", ["Lemma 2", "Table 1", "Table 3"]),
        ("Eq. 7, a table of 3, Lemma (2), Sec. 4", []),
    ],
)
def test_what_a_docstring_cites(words, cited, library_names):
    found = list(library_names.citations(words))
    assert [one.what for one in found] == cited
    for one in found:
        number = re.search(r"[\d.]+", one.what)[0].strip(".")
        assert words[one.start : one.end].strip("()").endswith(number)


# --- what public names hand out ----------------------------------------------------


def classes_in(hint):
    """The classes of the library in a type, found by taking it apart."""
    found = {hint} if inspect.isclass(hint) else set()
    for one in typing.get_args(hint):
        found |= classes_in(one)
    return {
        one for one in found if getattr(one, "__module__", "").startswith("paper_lib.")
    }


def returned(names):
    """The classes that public functions return, found by running the library."""
    found = set()
    for name in names:
        value = getattr(importlib.import_module(name.part), name.name)
        if name.kind == "function":
            hint = inspect.signature(value, eval_str=True).return_annotation
            found |= classes_in(hint)
    return {f"{one.__module__}.{one.__name__}" for one in found}


def test_every_class_that_a_function_returns_is_public_or_a_result(
    names, library_results, root
):
    public = {f"{name.module}.{name.name}" for name in names}
    given = {one.name.whole for one in library_results.results(root)}
    hidden = returned(names) - public
    assert len(hidden) >= 12
    assert hidden <= given
    assert given.isdisjoint(public)


@pytest.fixture
def handing_out(tmp_path):
    """A library whose one public class and one function hand out others."""
    modules = {
        "__init__": '"""Has ``sums``."""',
        "sums/__init__": "from paper_lib.sums.exact import Sum, add",
        "sums/exact": (
            "from paper_lib.sums import deep\n"
            "from paper_lib.sums.way import Step as S, _Hidden\n"
            "from paper_lib.other import Far\n"
            "class Sum:\n    steps: tuple[S, ...]\n    _own: Hidden\n"
            "    def best(self) -> 'S | None': ...\n"
            "    def _worst(self) -> Unseen: ...\n"
            "class Unseen: ...\n"
            "def add(x: Unseen) -> list[Sum] | Far | _Hidden: ...\n"
        ),
        "sums/deep": "class Step:\n    part: Part\nclass Part: ...\nclass _Hidden: ...",
        "sums/way": "from paper_lib.sums.deep import Step, _Hidden",
        "other": "class Far: ...",
    }
    for name, source in modules.items():
        file = (tmp_path / "paper_lib" / name).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, "utf-8")
    return tmp_path


def test_classes_are_found_where_an_annotation_names_them(handing_out, library_results):
    found = library_results.results(handing_out)
    assert [(one.of, one.name.whole) for one in found] == [
        ("paper_lib.sums", "paper_lib.sums.deep.Step"),
        ("paper_lib.sums", "paper_lib.sums.deep.Part"),
    ]
    step, part = found
    assert step.givers == (
        ("paper_lib.sums.Sum", ".steps"),
        ("paper_lib.sums.Sum", ".best"),
    )
    assert part.givers == (("paper_lib.sums.deep.Step", ".part"),)
    assert part.origin == (
        "What one gets from :py:obj:`Step.part <paper_lib.sums.deep.Step>`; "
        "no name to import."
    )


# --- a small book ----------------------------------------------------------------

SOURCE = '''
"""Sets."""
from dataclasses import dataclass, field

from paper_lib.sums.deep import Tally, helper


@dataclass
class Sets:
    """Sets of Lemma 1; see :func:`count`, :func:`~paper_lib.sums.exact.count`.

    Attributes:
        rows: The rows of ``Lemma 1``.
    """

    rows: list[int] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Rows, counted: all of them."""
        return len(self.rows)


def times(sets: Sets) -> list[Tally]:
    """Count twice."""
    return [Tally(rows=2)]


def count(sets: Sets, fast: bool = True) -> int:
    """Count as :func:`helper` does; :mod:`paper_lib.sums.deep`, Eq. (7).

    More in Eq. (6).

    Returns:
        How many: a number.

    Raises:
        ValueError: If there is none.

    Example:
        >>> count(Sets([1]))
        1
    """
    return helper(sets)
'''
DEEP = '''
"""Deep."""
from dataclasses import dataclass


@dataclass
class Tally:
    """A number of rows, as :func:`count` counts them.

    Attributes:
        rows: How many; see Lemma 1.
    """

    rows: int


def helper(sets):
    """Help."""
    return len(sets.rows)
'''
TAGGED = (
    "# A page\n\n## The sum\n\n$$x \\tag{7}$$\n\n## The rest of Eqs. (6) and (7)\n\n"
    "Eq. (3).\n"
)


REFERENCE = (
    small_book.REFERENCE
    + """
## Sums

```{eval-rst}
.. library-part:: paper_lib.sums
```
"""
)


def reference_of(folder, source, reference=REFERENCE):
    library = {
        "__init__": '"""A library: ``robust_sets``, ``sums``."""',
        "sums/__init__": "from paper_lib.sums.exact import Sets, count, times",
        "sums/exact": source,
        "sums/deep": DEEP,
    }
    small_book.write(folder, [text(TAGGED)], library=library, reference=reference)
    out, warnings, failed = small_book.build(folder)
    return (out / "book" / "api.html").read_text("utf-8"), warnings, failed


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    page, warnings, failed = reference_of(folder, SOURCE)
    assert (warnings, failed) == ("", False)
    return page


def signature(page, name):
    """The signature of a name, as it is read."""
    head = page.split(f'id="paper_lib.sums.{name}"')[1].split("</dt>")[0]
    return " ".join(
        entities.unescape(re.sub("<[^>]*>", "", head.split(">", 1)[1])).split()
    )


def test_citations_lead_to_the_pages_of_the_book(small):
    assert re.findall(r'class="paper-place[^>]*href="([^"]*)">([^<]*)', small) == [
        ("page.html", "Lemma 1"),
        ("page.html#the-sum", "Eq. (7)"),
        ("page.html#the-rest-of-eqs-6-and-7", "Eq. (6)"),
        ("page.html", "Lemma 1"),
    ]


def test_roles_lead_to_public_names_and_to_no_others(small):
    role = re.compile(r'<a class="reference internal" href="([^"]*)"[^>]*><code')
    roles = [one for one in role.findall(small) if "#" in one]
    counted, times = "#paper_lib.sums.count", "#paper_lib.sums.times"
    assert roles == [counted, counted, counted, times]
    for name in ("helper()", "paper_lib.sums.deep"):
        assert re.search(rf'<code[^>]*><span class="pre">{re.escape(name)}', small)


def test_signatures_are_read_and_say_what_they_may(small):
    assert signature(small, "Sets") == "class Sets(rows: list[int] = ...)[source]#"
    said = "count( sets: Sets, fast: bool = True, ) → int[source]#"
    assert signature(small, "count") == said
    assert 'href="#paper_lib.sums.Sets"' in small.split("count</span>")[-1]
    assert "<p>How many: a number.</p>" in small
    assert "<p>Rows, counted: all of them.</p>" in small
    assert "Attributes" in small
    assert "Variables" not in small


def test_what_a_function_returns_has_an_entry_that_leads_back(small):
    assert small.count('id="paper_lib.sums.deep.Tally"') == 1
    arrow = small.split('id="paper_lib.sums.times"')[1].split("</dt>")[0]
    assert 'href="#paper_lib.sums.deep.Tally"' in arrow.split("sig-return")[-1]
    entry = small.split('id="paper_lib.sums.deep.Tally"')[1]
    assert signature(small, "deep.Tally") == "class Tally(rows: int)[source]#"
    said = "What one gets from times; no name to import."
    assert said in entities.unescape(re.sub("<[^>]*>", "", entry))
    assert 'href="../_modules/paper_lib/sums/deep.html#Tally"' in entry


def test_the_source_comes_from_the_book(small):
    assert 'href="../_modules/paper_lib/sums/exact.html#count"' in small


WRONG = {
    ":func:`count`": (":func:`cuont`", "reference target not found: cuont"),
    "paper_lib.sums.deep`": ("paper_lib.sums.dep`", "not found: paper_lib.sums.dep"),
    "Lemma 1;": ("Lemma 9;", "the book has no place for Lemma 9"),
    "Eq. (7)": ("Eq. (8)", "the book has no place for Eq. (8)"),
}


def test_what_leads_nowhere_fails_the_build(tmp_path):
    source, part = SOURCE, "\n```{eval-rst}\n.. library-part:: paper_lib.x\n```\n"
    for old, (new, _) in WRONG.items():
        assert SOURCE.count(old) == 1
        source = source.replace(old, new)
    _, warnings, failed = reference_of(tmp_path, source, REFERENCE + part)
    assert failed
    wanted = [*(said for _, said in WRONG.values()), "no part 'paper_lib.x'"]
    assert [said for said in wanted if said not in warnings] == []
    assert len(warnings.splitlines()) == len(wanted)


# --- the book --------------------------------------------------------------------

REFERENCES = [page for page in PAGES if page.startswith("book/api_")]


@pytest.fixture(scope="module")
def references(html):
    return [(html / f"{page}.html").read_text("utf-8") for page in REFERENCES]


def test_every_name_has_one_place_and_the_list_leads_to_it(references, names, html):
    found = [
        one
        for page in references
        for one in re.findall(r'id="(paper_lib\.[^"]*)"', page)
    ]
    assert [one for one in names if found.count(one.whole) != 1] == []
    listed = (html / "book" / "api.html").read_text("utf-8").split("library-names")[1]
    entry = re.compile(r'<li><p><a[^>]*href="api_\w+\.html#(paper_lib\.[^"]*)"')
    links = entry.findall(listed)
    assert links == [name.whole for name in names]


def test_every_class_that_names_hand_out_has_one_place(
    references, library_results, root
):
    for one in library_results.results(root):
        pages = [page for page in references if f'id="{one.name.whole}"' in page]
        (page,) = pages
        assert page.count(f'id="{one.name.whole}"') == 1
        assert f'href="#{one.name.whole}"' in page, "from an annotation"


def test_every_part_has_one_place_in_the_order_of_the_library(
    references, library_names, root
):
    found = [
        one for page in references for one in re.findall(r'id="module-([^"]*)"', page)
    ]
    assert found == library_names.parts(root)


def part_of(pages, name):
    """What the reference says of a name, up to the next one."""
    (page,) = [page for page in pages if f'id="{name}"' in page]
    return page.split(f'id="{name}"')[1].split('<dl class="py')[0]


def test_every_function_has_its_source_and_its_example(references, names):
    for name in names:
        if name.kind != "data":
            place = (
                f'href="../_modules/{name.module.replace(".", "/")}.html#{name.name}"'
            )
            assert place in part_of(references, name.whole), name.whole
    assert sum(page.count("highlight-default") for page in references) >= 115


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("defense.maximize_coverage", 'the_algorithm.html#the-problem">Eq. (7)'),
        ("game.attacker_best_response", 'lemma_2.html#paper-lemma-2">Lemma 2'),
        ("game.equilibrium", 'theorem_1.html#paper-theorem-1">Theorem 1'),
        (
            "generalization.difference_bounds",
            'the_vc_bound.html#bounded-differences-eqs-8-to-10">Eq. (8)',
        ),
        (
            "generalization.shatter_coefficient",
            'the_vc_bound.html#shatter-coefficients-eq-12">Eq. (12)',
        ),
    ],
)
def test_an_equation_leads_to_its_page_and_back(name, link, references, html):
    assert f'href="{link}</a>' in part_of(references, f"paper_lib.{name}")
    back = (html / "book" / "paper_to_here.html").read_text("utf-8")
    assert re.search(rf'href="api_\w+\.html#paper_lib\.{name}"', back)


def test_the_coverage_leads_to_its_formula(references):
    said = part_of(references, "paper_lib.robust_sets.RobustSets.coverage")
    assert 'href="the_algorithm.html#the-problem">Eq. (5)</a>' in said


def test_pages_lead_to_the_modules_behind_them(html):
    page = (html / "book" / "lemma_2.html").read_text("utf-8")
    assert 'href="api_game.html#module-paper_lib.game"' in page.split("page-footer")[1]


def written(html):
    """The pages that the reference adds to the book."""
    pages = [html / f"{page}.html" for page in ("book/api", *REFERENCES, "genindex")]
    return [*pages, *(html / "_modules").rglob("*.html")]


def test_nothing_hangs_on_the_machine(html, source, root):
    pages = written(html)
    assert len(pages) > 40
    for page in pages:
        text = page.read_text("utf-8")
        assert not re.search(r"\bat 0x[0-9a-f]{6,}|&lt;factory&gt;", text), page
        assert [one for one in (source, root) if str(one) in text] == [], page
        assert len(text.encode()) < 500_000, page


@pytest.mark.parametrize("name", ["RobustSets", "maximize_coverage"])
def test_the_search_finds_a_name(name, html, browser):
    page, trouble = visit(browser, html / "search.html")
    page.goto((html / "search.html").as_uri() + f"?q={name}")
    page.wait_for_selector("#search-results li a")
    link = page.locator("#search-results li a").first.get_attribute("href")
    assert re.search(rf"api_\w+\.html#paper_lib\.\w+\.{name}$", link.split("?")[0])
    assert trouble == []
    page.close()
