"""The game to play with, driven as readers drive it: keys, mouse, finger, dark mode."""

import json
import math

import pytest
import torch

from paper_lib.game import equilibrium
from paper_lib.linearize import linearize
from tests.book.browser import CONTRAST, swipe, visit
from tests.oracles import Formula


class Game:
    """The picture on its page, driven as a reader drives it."""

    def __init__(self, page):
        """Find its parts."""
        self.page, self.root = page, page.locator("#play-the-game")
        self.handles = self.root.locator(".play-handle")

    @property
    def state(self):
        """What the reader has set."""
        return json.loads(self.root.get_attribute("data-state"))

    @property
    def value(self):
        """The value that is shown."""
        return float(self.root.get_attribute("data-value"))

    def press(self, locator, keys):
        """Press keys on a handle or a slider."""
        locator.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def middle(self, locator):
        """Where a handle is on the screen."""
        locator.scroll_into_view_if_needed()
        box = locator.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def agrees(self):
        """Tell whether the library finds the same value."""
        state = self.state
        pieces = state["pieces"]
        slopes = torch.tensor([one["normal"] for one in pieces], dtype=torch.float64)
        offsets = torch.tensor([one["offset"] for one in pieces], dtype=torch.float64)
        model = Formula(lambda x: (x @ slopes.T + offsets).min(dim=1).values)
        places = torch.tensor([p["at"] for p in state["points"]], dtype=torch.float64)
        best = equilibrium(
            linearize(model, places),
            epsilon=float(state["epsilon"]),
            attack_epsilon=float(state["attackEpsilon"]),
        )
        return self.value == pytest.approx(best.value, abs=1e-9)


@pytest.fixture
def game(html, browser):
    page, trouble = visit(browser, html / "book" / "play.html")
    yield Game(page)
    assert trouble == []
    page.close()


def test_the_game_agrees_with_the_library_at_the_start(game):
    assert game.agrees()
    assert game.handles.count() == len(game.state["points"]) + 1
    for handle in game.handles.all():
        assert handle.get_attribute("tabindex") == "0"
        assert "arrow keys" in handle.get_attribute("aria-label")


def test_arrow_keys_move_inputs_and_budgets(game):
    before, value = game.state, game.value
    game.press(game.handles.first, ["ArrowRight", "Shift+ArrowUp"])
    old, new = (s["points"][0]["at"] for s in (before, game.state))
    assert new == pytest.approx([old[0] + 0.05, old[1] + 0.25])
    assert game.agrees()
    budgets = game.root.locator("input[type=range]")
    game.press(budgets.first, ["ArrowLeft"] * 8)
    assert game.state["epsilon"] == game.state["attackEpsilon"] == pytest.approx(0.6)
    assert game.agrees()
    assert game.value < value
    game.root.get_by_label("the same for both").uncheck()
    game.press(budgets.last, ["ArrowRight"] * 20)
    assert game.state["epsilon"] == pytest.approx(0.6)
    assert game.state["attackEpsilon"] == pytest.approx(1.6)
    assert game.agrees()
    game.root.get_by_text("start again").click()
    assert game.state == before


def test_the_mouse_drags_inputs_and_v_stays_in_the_ball(game):
    mouse = game.page.mouse
    for handle in (game.handles.first, game.handles.last):
        before = game.state
        x, y = game.middle(handle)
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + 30, y - 40, steps=3)
        mouse.move(x + 400, y - 40)
        mouse.up()
        mouse.move(x, y)  # after the button is up nothing follows
        assert game.state != before
        assert game.agrees()
    v = game.state["v"]
    assert math.hypot(*v) == pytest.approx(game.state["epsilon"])
    game.root.get_by_text("move v into V*").click()
    assert "an equilibrium" in game.root.locator(".play-summary").inner_text()


# --- by finger, on a phone ---------------------------------------------------------


@pytest.fixture
def on_a_phone(html, game):
    """The page as wide as a phone, and a finger on it."""
    game.page.set_viewport_size({"width": 360, "height": 640})
    return game, game.page.context.new_cdp_session(game.page)


def scrolled(game):
    return game.page.evaluate("window.scrollY")


@pytest.mark.parametrize("by", [(40, 0), (-20, -60), (10, 60)])
def test_a_finger_drags_in_every_direction_and_the_page_stays(by, on_a_phone):
    game, session = on_a_phone
    start = game.middle(game.handles.first)
    before, top = game.state["points"][0]["at"], scrolled(game)
    scale = 7.2 / game.root.locator("svg").first.bounding_box()["width"]
    swipe(session, start, by)
    moved = [b - a for a, b in zip(before, game.state["points"][0]["at"], strict=True)]
    assert moved == pytest.approx([by[0] * scale, -by[1] * scale], abs=0.1)
    assert scrolled(game) == top
    assert game.agrees()


def test_a_finger_beside_the_handles_scrolls_the_page(on_a_phone):
    game, session = on_a_phone
    game.middle(game.handles.first)
    before, top = game.state, scrolled(game)
    box = game.root.locator("svg").first.bounding_box()
    swipe(session, (box["x"] + 20, box["y"] + box["height"] - 20), (0, -200))
    game.page.wait_for_function("top => window.scrollY > top + 50", arg=top)
    assert game.state == before


# --- to the eye --------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_word_stands_out_from_what_is_behind_it(theme, game):
    game.page.evaluate(f"document.documentElement.dataset.theme = {theme!r}")
    game.page.wait_for_timeout(400)  # the theme fades
    found = game.root.evaluate(CONTRAST)
    assert len(found) > 30
    assert {text: ratio for text, ratio in found if ratio < 4.5} == {}
