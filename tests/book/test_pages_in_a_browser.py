"""Every page opens from a file: formulas whole, light to load, open to everyone."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.book.accessibility import THEMES, grave_findings
from tests.book.browser import PAGES, faults, visit

MOST_LOADED, MOST_HTML = 2_000_000, 1_500_000  # bytes, unpacked
WIDTHS = (360, 414, 768, 1280)

# Where the glyphs of a formula end, against every box around them that cuts or scrolls.
# Whoever scrolls is as wide as it looks, and is measured on in place of its content.
CUT = """() => [...document.querySelectorAll('.math')].flatMap(formula => {
  const math = formula.querySelector('mjx-math');
  if (!math) return [];
  const shown = [...math.querySelectorAll('*')]
    .map(part => part.getBoundingClientRect()).filter(box => box.width > 0);
  let left = Math.min(...shown.map(box => box.left));
  let right = Math.max(...shown.map(box => box.right));
  const said = by => [`${formula.textContent.trim().slice(0, 40)}: ${by}`];
  for (let e = math.parentElement; e.parentElement; e = e.parentElement) {
    const { overflowX, display } = getComputedStyle(e);
    if (overflowX === 'visible' || display === 'inline') continue;
    const box = e.getBoundingClientRect();
    if (left > box.left - 1 && right < box.right + 1) continue;
    const reached = box.left + e.scrollWidth > right - 1 && left > box.left - 1;
    if (overflowX === 'hidden' || overflowX === 'clip' || !reached)
      return said(`cut by ${e.tagName} at ${box.right}, ends at ${right}`);
    [left, right] = [box.left, box.right];
  }
  const page = document.documentElement.clientWidth;
  return right > page + 1 ? said(`leaves the page of ${page}, ends at ${right}`) : [];
})"""


def cut_formulas(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("new Promise(done => requestAnimationFrame(() => done(true)))")
    return page.evaluate(CUT)


SCROLLING = """() => [...document.querySelectorAll('div.math mjx-container')]
  .filter(box => box.scrollWidth > box.clientWidth + 1)
  .map(box => box.textContent.trim().slice(0, 40))"""


BOXES = """() => [...document.querySelectorAll('span.math')]
  .filter(box => getComputedStyle(box).overflowX !== 'visible').length"""


STOPS = """() => [...document.querySelectorAll(
    'a[href], button, summary, input, select, textarea, [tabindex]')]
  .filter(e => e.tabIndex >= 0 && !e.disabled && e.checkVisibility(
    {visibilityProperty: true, contentVisibilityAuto: false})).length"""
MOST_STOPS = 60


WIDE = """() => [...document.querySelectorAll('.bd-article pre, .bd-article table')]
  .filter(box => box.checkVisibility() && (box.getBoundingClientRect().right
    > document.documentElement.clientWidth + 1 || (box.tagName === 'PRE'
    && box.scrollWidth > box.clientWidth + 1)))
  .map(box => box.textContent.trim().slice(0, 40))"""


def sizes(asked):
    """The size of each file among addresses, unpacked."""
    paths = {Path(unquote(urlsplit(one).path)) for one in asked if one[:5] == "file:"}
    return {path.name: path.stat().st_size for path in paths}


# What is on paper: folded text is shown, and no fold leaves its frame alone behind.
ON_PAPER = """() => [...document.querySelectorAll('.bd-article details')].map(fold => {
  const shown = [...fold.querySelectorAll('*')].filter(e => !e.closest('summary')
    && e.checkVisibility({contentVisibilityAuto: false}) && e.textContent.trim()
    && e.getBoundingClientRect().height > 0);
  const title = fold.querySelector('summary').textContent.trim().slice(0, 40);
  return {title, shown: shown.length > 0, height: fold.getBoundingClientRect().height,
    code: fold.matches('.hide, .records')};
})"""


@pytest.fixture(scope="module", params=PAGES)
def opened(request, html, browser):
    """A page, and what went wrong: opened once, since MathJax takes its time."""
    page, trouble = visit(browser, html / f"{request.param}.html", asked := [])
    page.first_load = sizes(asked)
    yield page, trouble
    page.close()


def test_page_opens_from_a_file(opened):
    assert faults(*opened) == []


def test_the_first_load_is_light(opened):
    page, _ = opened
    first = page.first_load
    assert len(first) > 15
    assert sum(first.values()) < MOST_LOADED, first
    assert first[urlsplit(page.url).path.split("/")[-1]] < MOST_HTML
    assert "searchindex.js" not in first, "who reads a page does not search yet"


def test_formulas_are_whole_and_on_a_desk_need_no_scrolling(opened):
    page, trouble = opened
    cut = {width: cut_formulas(page, width) for width in WIDTHS}
    assert cut == {width: [] for width in WIDTHS}
    assert page.evaluate(SCROLLING) == []
    assert page.locator(".math [tabindex]").count() == 0, "a formula is a tab stop"
    assert page.evaluate(BOXES) == 0, "a box that scrolls is a tab stop"
    assert trouble == []


def test_a_page_asks_for_few_tab_stops_and_no_scrolling_aside(opened):
    page, _ = opened
    page.set_viewport_size({"width": 1280, "height": 900})
    assert page.evaluate(STOPS) < MOST_STOPS
    assert page.evaluate(WIDE) == []


def test_on_paper_there_are_no_empty_boxes(opened):
    page, _ = opened
    page.emulate_media(media="print")
    folds = page.evaluate(ON_PAPER)
    page.emulate_media(media="screen")
    assert [one for one in folds if one["height"] > 1 and not one["shown"]] == []
    assert [one for one in folds if not one["code"] and not one["shown"]] == []


# The last of the opened page: they open what is folded, and take away words.
@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_grave(theme, opened):
    page, trouble = opened
    assert grave_findings(page, theme) == []
    assert trouble == []


@pytest.mark.slow  # sixty pages of source, twice
def test_pages_beside_the_chapters_are_light_and_open_to_everyone(html, browser):
    """The search, the index, sources: whatever there is."""
    chapters = {html / f"{name}.html" for name in PAGES} | {html / "index.html"}
    beside = [
        path
        for path in sorted(html.rglob("*.html"))
        if path not in chapters and "_static" not in path.parts
    ]
    assert {"search", "genindex"} <= {path.stem for path in beside}
    found = {}
    for path in beside:
        page, trouble = visit(browser, path, asked := [])
        weight = sum(sizes(asked).values())
        found[path.name] = [
            *trouble,
            *([f"{weight} bytes"] if weight > MOST_LOADED else []),
            *(one for theme in THEMES for one in grave_findings(page, theme)),
        ]
        page.close()
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_the_arrow_keys_reach_what_is_no_tab_stop(html, browser):
    page, _ = visit(browser, html / "book" / "paper_to_here.html")
    links = page.locator(".paper-claims a[href]")
    assert links.count() > 10
    page.keyboard.press("Tab")  # so that focus is shown
    links.nth(0).focus()
    seen = []
    for _ in range(3):
        page.keyboard.press("ArrowDown")
        seen.append(page.evaluate("document.activeElement.href"))
    assert seen == [links.nth(place).evaluate("e => e.href") for place in (1, 2, 3)]
    # Where it was left is where Tab comes back to.
    assert [links.nth(place).evaluate("e => e.tabIndex") for place in (0, 3)] == [-1, 0]
    page.close()


@pytest.mark.parametrize(
    ("style", "is_cut"),
    [("hidden", True), ("clip", True), ("auto", False), ("visible", True)],
)
def test_a_cut_formula_is_noticed(style, is_cut, tmp_path, browser):
    path = tmp_path / "page.html"
    path.write_text(
        "<!doctype html><title>x</title>"
        f"<div class=math style='overflow-x: {style}; width: 90%'><mjx-math>"
        "<i style='display: block; width: 2000px'>x</i></mjx-math></div>",
        encoding="utf-8",
    )
    page, _ = visit(browser, path)
    assert bool(cut_formulas(page, 360)) == is_cut
    page.close()


def written(folder, body):
    """A small page."""
    path = folder / "page.html"
    start = (
        "<!doctype html><html lang=en><title>x</title><main class=bd-article><h1>x</h1>"
    )
    path.write_text(start + body, encoding="utf-8")
    return path


LINES = (
    "<style>.faint, tr:nth-child(even), li:first-child {color: #eee}</style>"
    "<p>words</p><p>words</p>"
)
GRAY = "<style>[data-theme=dark] p {color: #777; background: #555}</style><p>words</p>"


@pytest.mark.parametrize(
    ("body", "theme", "said"),
    [
        ("<p>words</p>", "light", ""),
        (GRAY, "light", ""),
        (GRAY, "dark", "serious: color-contrast"),
        (f"<details><summary>x</summary>{GRAY}</details>", "dark", "color-contrast"),
        ("<img src='data:,'>", "light", "critical: image-alt"),
        ("<div role=list><b>a</b></div>", "light", "critical: aria-required-children"),
        (f"{LINES}<p class=faint>words", "light", "color-contrast"),
        (f"{LINES}<p style='color: #eee'>words", "light", "color-contrast"),
        (f"{LINES}<div class=faint><p>words</div>", "light", "color-contrast"),
        (f"{LINES}<table>{'<tr><td>words' * 6}</table>", "light", "color-contrast"),
        (f"{LINES}<ol>{'<li>words' * 6}</ol>", "light", "color-contrast"),
    ],
)
def test_what_is_grave_is_noticed(body, theme, said, tmp_path, browser):
    page, _ = visit(browser, written(tmp_path, body))
    found = grave_findings(page, theme)
    assert len(found) == bool(said)
    assert said in "".join(found)
    page.close()


def test_of_texts_that_look_alike_in_both_themes_the_first_is_judged(tmp_path, browser):
    body = f"{LINES}{'<p class=faint>words' * 3}<p class=night>night"
    dark = "<style>[data-theme=dark] .night {color: #eee}</style>"
    page, _ = visit(browser, written(tmp_path, dark + body))
    assert len(grave_findings(page, "light")) == 1
    text = page.locator("main").inner_text().split()
    assert text == ["x", "words", "words", "night"]
    assert len(grave_findings(page, "dark")) == 2
    page.close()


SHOWN = "<style>::details-content {content-visibility: visible; display: block}</style>"


@pytest.mark.parametrize(
    ("fold", "shown"),
    [
        ("<details><summary>Solution</summary><p>It is so.</p></details>", False),
        (f"{SHOWN}<details><summary>Solution</summary><p>It is</p></details>", True),
        (f"{SHOWN}<details><summary>Solution</summary></details>", False),
        ("<details open><summary>Solution</summary><p>It is so.</p></details>", True),
    ],
)
def test_an_empty_box_is_noticed(fold, shown, tmp_path, browser):
    page, _ = visit(browser, written(tmp_path, fold))
    page.emulate_media(media="print")
    (found,) = page.evaluate(ON_PAPER)
    assert found["shown"] is shown
    assert found["height"] > 1
    page.close()
