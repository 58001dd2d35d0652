"""The strip and the footer of a page, the texts of its images, the code switch."""

import html
import re
import shlex

import pytest
from nbformat.v4 import new_code_cell, new_output

from experiments.figures.checks_table import Check, ChecksTable
from tests.book import small_book
from tests.book.browser import visit
from tests.book.small_book import ALT, CLAIM, FOOT, HEAD, TEST, drawing, text

OTHER = CLAIM | {"id": "lemma-2", "title": "Lemma 2", "page": "intro"}
CHECKS = f"✓ holds: $1 < 2$ (1 cases; result 1; {TEST.replace('one', 'two')})"
SETTINGS = (
    'seed = 0  # of all draws\nname: str = "two words"\npair = "0-1"\ndigit = "3"'
)


def table_cell(plain=CHECKS):
    """A cell that displays a table of checks."""
    check = Check(what="one is less", cases=1, figure="1", holds=True, test=TEST)
    shown = {
        "text/markdown": ChecksTable([check])._repr_markdown_(),
        "text/plain": plain,
    }
    return new_code_cell("table", outputs=[new_output("display_data", shown)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A page with everything, built."""
    folder = tmp_path_factory.mktemp("small") / "book"
    folder.mkdir()
    foot = FOOT.replace(
        "page-footer}", "page-footer}\n:records: results/*.json tests/*.py"
    )
    cells = [text(HEAD), small_book.parameters(SETTINGS), drawing(), table_cell()]
    small_book.write(folder, [*cells, text(foot)], claims=[CLAIM, OTHER])
    out, warnings, failed = small_book.build(folder)
    assert (warnings, failed) == ("", False)
    return out / "book"


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "page.html").read_text("utf-8")


def words(piece):
    """The text of a piece of a page."""
    return " ".join(re.sub("<[^>]*>", " ", piece).split())


def part(page, name):
    """What a page holds behind the start of a box."""
    return page.split(f'<div class="{name} docutils container">')[1]


# --- the strip -------------------------------------------------------------------


def test_the_strip_says_what_came_out_and_leads_to_the_ledger(page, folder):
    strip = part(page, "outcomes").split("</div>")[0]
    assert words(strip) == "✓ holds Lemma 1 : nothing was found against it"
    assert 'href="intro.html#claim-lemma-1"' in strip
    assert 'id="claim-lemma-1"' in (folder / "intro.html").read_text("utf-8")


def test_a_strip_of_named_claims(tmp_path):
    head = HEAD.replace("{outcomes}", "{outcomes} lemma-2 lemma-1")
    page, warnings, failed = small_book.built(
        tmp_path, [text(head)], claims=[CLAIM | {"short": None}, OTHER]
    )
    assert (warnings, failed) == ("", False)
    assert re.findall(r"Lemma \d", words(part(page, "outcomes")))[:2] == [
        "Lemma 2",
        "Lemma 1",
    ]
    assert "A statement." in part(page, "outcomes")


def test_what_is_not_there_fails_the_build(tmp_path):
    """Each on its own would: warnings are errors."""
    wrong = [
        "{outcomes} lemma-9",
        "{outcomes}",
        "{page-footer} lemma-8",
        "{page-footer}\n:records: results/*.txt",
        "{paper-equations}",
    ]
    gone = table_cell(CHECKS.replace("test_two", "test_gone"))
    cells = [text(f"# A page\n\n```{directive}\n```") for directive in wrong]
    _, warnings, failed = small_book.built(tmp_path, [*cells, gone], claims=[OTHER])
    assert failed
    for message in (
        "no claim lemma-9 in",
        "no claim of page 'page' in claims.yml",
        "no claim lemma-8 in",
        "no record 'results/*.txt'",
        "no page speaks of Eq. (42)",
        "no test 'test_gone' in tests/test_claim.py",
    ):
        assert message in warnings


# --- the footer ------------------------------------------------------------------


def test_the_footer_names_claims_tests_modules_and_notes(page):
    footer = part(page, "page-footer")
    said = words(footer)
    assert "Lemma 1 : holds, test_one" in said
    assert (
        ".venv/bin/python -m pytest \\ tests/test_claim.py::test_one \\ tests" in said
    )
    assert "tests/test_claim.py::test_two" in said, "named by the table of checks"
    assert "Modules paper_lib.robust_sets" in said
    assert 'href="api.html#module-paper_lib.robust_sets"' in footer
    assert 'href="reading_notes.html#what-is-meant"' in footer
    assert "What is not" not in said.split("Reading notes")[1].split("Records")[0]


def test_the_footer_describes_the_records_by_what_they_hold(page, folder):
    said = words(part(page, "page-footer"))
    assert "Records results/*.json : 2 records, sha256 of all" in said
    assert "tests/*.py : 1 record, sha256 of all" in said
    assert said.count("The records and their data") == 1
    assert "ffffffffffff (embedded)" in said
    assert "names no data" in said
    root = folder.parents[2]
    digest = re.search(r"sha256 of all (\w{12})", said).group(1)
    (root / "results" / "two.json").write_text('{"a": 1}', "utf-8")
    out, _, _ = small_book.build(root)
    again = words(part((out / "book" / "page.html").read_text("utf-8"), "page-footer"))
    assert digest not in again


def test_the_footer_runs_the_page_with_its_parameters(page, build_book):
    block = part(page, "page-footer").split("(papermill):")[1].split("</pre>")[0]
    command = html.unescape(re.sub("<[^>]*>", "", block))
    program, tool, *rest = shlex.split(command.replace("\\\n", ""))
    assert (program, tool) == (".venv/bin/python", "tools/build_book.py")
    options = build_book.parse_arguments(rest)
    assert str(options.notebook) == "book/page.ipynb"
    assert str(options.output) == "_build/page.ipynb"
    names, values = zip(*options.parameter, strict=True)
    assert names == ("seed", "name", "pair", "digit")
    assert tuple(map(build_book.parse_value, values)) == (0, "two words", "0-1", "3")


def test_parameters_are_what_the_runner_reads_back(page_facts, build_book):
    cell = small_book.parameters(f"{SETTINGS}\nnone = None\npair_of = (0, 1)\nx = -1.5")
    values = {
        name: build_book.parse_value(word)
        for name, word in page_facts.parameters([cell, new_code_cell("other = 1")])
    }
    assert values == {
        "seed": 0,
        "name": "two words",
        "pair": "0-1",
        "digit": "3",
        "none": None,
        "pair_of": (0, 1),
        "x": -1.5,
    }


# --- the table of checks ---------------------------------------------------------


def test_the_table_of_checks_is_one_that_styles_reach(page, folder):
    (table,) = re.findall(r'<table class="checks[^"]*">.*?</table>', page, re.DOTALL)
    assert words(table).startswith("what was checked cases result verdict repeated by")
    assert "✓ holds" in table
    assert "checks" not in (folder / "intro.html").read_text("utf-8")


# --- images ----------------------------------------------------------------------


def test_a_figure_has_number_caption_anchor_text_and_opens_its_file(page, folder):
    figure = re.search(r"<figure.*?</figure>", page, re.DOTALL).group()
    assert 'id="fig-squares"' in figure
    assert f'alt="{ALT}"' in figure
    assert words(figure).startswith("Fig. 1 Two squares.")
    (file,) = re.findall(r'<a class="[^"]*image-reference"[^>]* href="([^"]*)"', figure)
    assert (folder / file).read_bytes().startswith(b"\x89PNG")
    assert re.search(r'src="([^"]*)"', figure).group(1) == file


def test_images_that_do_not_say_what_they_show_fail_the_build(tmp_path):
    drawings = [
        drawing(None, name="fig-0", gray=1),
        drawing("two squares", name="fig-1", gray=2),
        drawing(name="fig-2", gray=3),
        drawing(name="fig-3", gray=4),
    ]
    _, warnings, failed = small_book.built(tmp_path, [text(HEAD), *drawings])
    assert failed
    assert [line.split("WARNING: ")[1] for line in warnings.splitlines()] == [
        "an image without alt text",
        "an alt text under 40 characters: 'two squares'",
        f"an alt text that repeats another text: {ALT!r}",
    ]


@pytest.mark.parametrize(
    ("said", "others", "problem"),
    [
        (ALT, ["Two squares."], None),
        (ALT[:40], [], None),
        (ALT[:39], [], "under 40 characters"),
        (" " * 50, [], "without alt text"),
        ("../_images/" + "0123456789" * 4 + ".png", [], "that is a path"),
        ("0123456789" * 5 + ".svg", [], "that is a path"),
        (f"{ALT} ", ["x", ALT.upper()], "repeats another text"),
    ],
)
def test_a_text_in_place_of_an_image(said, others, problem, image_texts):
    found = image_texts.text_problem(said, others)
    assert (found is None) if problem is None else (problem in found)


def test_a_page_without_the_strip_is_left_alone(tmp_path):
    cells = [text("# A page"), drawing("two squares"), text(FOOT)]
    page, warnings, failed = small_book.built(tmp_path, cells)
    assert (warnings, failed) == ("", False)
    assert "image-reference" not in page


# --- the switch ------------------------------------------------------------------


def test_the_switch_opens_and_closes_all_code_by_keyboard(folder, browser):
    page, trouble = visit(browser, folder / "page.html")
    cells = page.locator("div.cell > details.hide")
    switch = page.get_by_role("button", name="Show all code")
    assert cells.count() == 1
    assert cells.evaluate_all("all => all.map(cell => cell.open)") == [False]
    switch.focus()
    page.keyboard.press("Enter")
    assert cells.evaluate_all("all => all.map(cell => cell.open)") == [True]
    page.get_by_role("button", name="Hide all code").press("Space")
    assert cells.evaluate_all("all => all.map(cell => cell.open)") == [False]
    cells.locator("summary").press("Enter")
    page.get_by_role("button", name="Hide all code").wait_for()
    assert trouble == []
    page.close()


def focused(page, count, key="Tab"):
    """Press a key so often; the text of what has the focus after each."""
    found = []
    for _ in range(count):
        page.keyboard.press(key)
        found.append(page.locator(":focus:not(body)").all_text_contents())
    return ["".join(texts).strip() for texts in found]


def test_lists_of_links_are_one_tab_stop_and_folded_code_is_none(folder, browser):
    page, trouble = visit(browser, folder / "page.html")
    stops = focused(page, 40)
    lists = {
        name: page.locator(f"{name} a").evaluate_all(
            "all => all.map(one => one.textContent.trim())"
        )
        for name in ("nav.bd-links", "nav.page-toc")
    }
    assert lists["nav.bd-links"] == ["A page", "Reading notes"]
    assert "Show all code" in stops
    assert not any("Show code cell source" in one for one in stops)
    assert stops.count("Reading notes") == 0 < stops.count("A page")
    page.locator("nav.bd-links a").first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert focused(page, 3, "ArrowDown") == ["Reading notes", "A page", "Reading notes"]
    assert focused(page, 1, "ArrowUp") == ["A page"]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Tab")
    assert focused(page, 1) == ["Reading notes"], (
        "the list is entered where it was left"
    )
    assert trouble == []
    page.close()


def test_after_a_click_the_arrow_keys_scroll(folder, browser):
    page, trouble = visit(browser, folder / "page.html")
    page.set_viewport_size({"width": 1280, "height": 300})
    link = page.locator("nav.page-toc a").first
    link.click()
    # It scrolls smoothly: not before it rests is there anything to compare with.
    rests = "() => { const was = window.was; window.was = scrollY; return was > 0 && "
    page.wait_for_function(f"{rests} was === scrollY; }}", polling=100)
    before = page.evaluate("[document.activeElement.textContent, scrollY]")
    page.keyboard.press("ArrowUp")
    page.wait_for_function(f"scrollY < {before[1]}")
    assert page.evaluate("document.activeElement.textContent") == before[0]
    assert trouble == []
    page.close()


def test_images_keep_their_shape_on_a_phone(folder, browser):
    page, trouble = visit(browser, folder / "page.html")
    page.set_viewport_size({"width": 360, "height": 640})
    image = page.locator("figure img")
    image.evaluate("one => one.style = 'width: 800px; height: 400px'")
    width, height = image.evaluate("one => [one.clientWidth, one.clientHeight]")
    assert width < 360
    assert round(width / height, 1) == 2.0
    assert trouble == []
    page.close()


def test_without_folded_code_there_is_no_switch(folder, browser):
    page, trouble = visit(browser, folder / "intro.html")
    assert page.locator(".code-switch").count() == 0
    assert trouble == []
    page.close()


def test_without_scripts_each_cell_opens_by_itself(folder, browser):
    context = browser.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "page.html").as_uri())
    assert page.locator(".code-switch").count() == 0
    source = page.locator("div.cell > details.hide .cell_input")
    assert not source.is_visible()
    page.locator("div.cell > details.hide summary").click()
    assert source.is_visible()
    context.close()
