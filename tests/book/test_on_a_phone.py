"""The book by finger: folds, menu, switches and the game answer to a tap on a phone."""

import json

import pytest

from tests.book.browser import visit
from tests.book.conftest import opened_browser


@pytest.fixture(scope="module")
def phone(tmp_path_factory):
    """A browser as a phone has it: narrow, and touched rather than clicked."""
    of_a_phone = {"has_touch": True, "is_mobile": True}
    screen = {"width": 360, "height": 740}
    with opened_browser(
        tmp_path_factory.mktemp("phone"), viewport=screen, **of_a_phone
    ) as context:
        yield context


@pytest.fixture
def open_page(phone, html):
    """Open pages; whatever goes wrong on one fails the test."""
    opened = []

    def one(name):
        opened.append(visit(phone, html / "book" / f"{name}.html"))
        return opened[-1][0]

    yield one
    for page, trouble in opened:
        assert trouble == []
        page.close()


def is_open(fold):
    return fold.evaluate("fold => fold.open")


def test_a_tap_opens_and_closes_folded_parts(open_page):
    page = open_page("lemma_2")
    for kind in ("details.sd-dropdown", ".tag_hide-input > details"):
        fold = page.locator(f".bd-article {kind}").first
        for expected in (True, False):
            fold.locator("summary").tap()
            assert is_open(fold) == expected


def test_a_tap_shows_all_code_and_hides_it(open_page):
    page = open_page("lemma_2")
    cells = page.locator(".bd-article div.cell > details.hide")
    assert cells.count() > 3
    for expected in (True, False):
        page.locator(".code-switch").tap()
        assert {is_open(cell) for cell in cells.all()} == {expected}


def test_a_tap_opens_the_menu_and_leads_to_a_page(open_page):
    page = open_page("lemma_2")
    link = page.locator("nav.bd-links a", has_text="Lemma 1").first
    assert not link.is_visible()
    page.locator("button.primary-toggle").tap()
    link.wait_for(state="visible")
    link.tap()
    page.wait_for_url("**/lemma_1.html")


def test_a_tap_changes_the_theme(open_page):
    page = open_page("lemma_2")
    theme = "document.documentElement.dataset.theme"
    seen = {page.evaluate(theme)}
    for _ in range(2):
        page.locator(".theme-switch-button:visible").first.tap()
        seen.add(page.evaluate(theme))
    assert seen == {"light", "dark"}


def test_taps_play_the_game(open_page):
    root = open_page("play").locator("#play-the-game")
    before = json.loads(root.get_attribute("data-state"))
    root.get_by_label("the same for both").tap()
    assert not root.get_by_label("the same for both").is_checked()
    root.get_by_text("move v into V*").tap()
    assert json.loads(root.get_attribute("data-state"))["v"] != before["v"]
    assert "an equilibrium" in root.locator(".play-summary").inner_text()
    root.get_by_text("start again").tap()
    assert json.loads(root.get_attribute("data-state")) == before
