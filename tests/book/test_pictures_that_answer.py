"""Two pictures that answer, driven as readers drive them, against stored records."""

import io
import json
import re
from base64 import b64decode
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.book.browser import CONTRAST, swipe, visit

RESULTS = Path(__file__).resolve().parents[2] / "results"
SETS = ("mnist", "fashion-mnist")
NAMES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
CLASSES = {
    "mnist": [*"0123456789"],
    "fashion-mnist": (
        "T-shirt trouser pullover dress coat sandal shirt sneaker bag boot".split()
    ),
}


def record(pattern):
    """Read one record without the library's code."""
    (path,) = RESULTS.glob(pattern)
    return json.loads(path.read_text(encoding="utf-8"))


def opened(html, browser, name):
    page, trouble = visit(browser, html / "book" / f"{name}.html")
    yield page
    assert trouble == []
    page.close()


def press(page, locator, *keys):
    locator.focus()
    for key in keys:
        page.keyboard.press(key)


def middle(locator):
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def phone(page):
    page.set_viewport_size({"width": 360, "height": 640})
    return page.context.new_cdp_session(page)


@pytest.mark.parametrize(
    ("name", "figure", "script"),
    [
        ("the_algorithm", "fig-certified-bands", "coverage_by_budget"),
        ("all_pairs", "fig-all-pairs-maps", "pair_map"),
    ],
)
def test_without_scripts_a_still_with_words_is_there(html, name, figure, script):
    text = (html / "book" / f"{name}.html").read_text(encoding="utf-8")
    (still,) = re.findall(rf'<figure[^>]*id="{figure}".*?</figure>', text, re.DOTALL)
    (image,) = re.findall(r"<img[^>]*>", still)
    assert len(re.search(r'alt="(.*?)"', image)[1]) > 40
    source = re.search(r'src="(.*?)"', image)[1]
    assert (html / "book" / source).stat().st_size > 1000
    assert len(re.search(r"<figcaption>(.*?)</figcaption>", still, re.DOTALL)[1]) > 80
    # The scripts come after it, and are the book's own.
    after = text[text.index(still) :]
    found = re.findall(r'<script src="\.\./_static/(\w+)\.js"></script>', after)
    assert found[:2] == ["picture_parts", script]


# --- coverage against the budget ---------------------------------------------------

CURVES = [record(f"defense/mnist-{pair}-path.json") for pair in ("0-1", "2-4")]
KEYS = ("none", "ramp", "lower", "upper")


@pytest.fixture
def curves(html, browser):
    yield from opened(html, browser, "the_algorithm")


def shown_numbers(page):
    """What stands below each panel: the words before, and the percentages."""
    panels = page.locator("#coverage_by_budget .play-panels > div")
    return [
        (panel.locator("p").inner_text(), panel.locator("strong").all_inner_texts())
        for panel in panels.all()
    ]


def expected_numbers(place):
    """The same from the records, in decimals; a bound is never rounded down."""
    said = []
    for curve, pair in zip(CURVES, ("0 against 1", "2 against 4"), strict=True):
        at = curve["points"][place]
        shares = [Decimal(str(at[key])) * 100 for key in KEYS]
        ways = [ROUND_HALF_UP] * 3 + [ROUND_CEILING]
        rounded = [
            f"{share.quantize(Decimal('0.1'), way)} %"
            for share, way in zip(shares, ways, strict=True)
        ]
        said.append((f"MNIST, {pair}, at {at['epsilon']:.2f} pixels:", rounded))
    return said


def test_every_budget_shows_what_the_records_say(curves):
    slider = curves.locator("#coverage_by_budget input[type=range]")
    assert shown_numbers(curves) == expected_numbers(10)
    press(curves, slider, "Home")
    for place in range(len(CURVES[0]["points"])):
        assert shown_numbers(curves) == expected_numbers(place)
        said = slider.get_attribute("aria-valuetext")
        multiple = CURVES[0]["points"][place]["multiple"]
        assert said.startswith(f"{multiple:.2f} median margins. ")
        for words, numbers in expected_numbers(place):
            assert words in said
            assert all(number in said for number in numbers)
        press(curves, slider, "ArrowRight")
    # At the end it stays, and back again is another budget.
    assert shown_numbers(curves) == expected_numbers(19)
    press(curves, slider, "ArrowLeft")
    assert shown_numbers(curves) == expected_numbers(18) != expected_numbers(19)


def test_curves_and_band_are_drawn_where_the_records_say(curves):
    panels = curves.locator("#coverage_by_budget .play-panels > div > svg")
    for svg, curve in zip(panels.all(), CURVES, strict=True):
        zero, _, one = (
            float(line.get_attribute("y1")) for line in svg.locator("line").all()[:3]
        )
        *lines, band = (
            [
                (zero - float(pair.split(",")[1])) / (zero - one)
                for pair in drawn.get_attribute("points").split()
            ]
            for drawn in (*svg.locator("polyline").all(), svg.locator("polygon"))
        )
        shares = [[at[key] for at in curve["points"]] for key in KEYS]
        assert np.allclose(lines, shares)
        assert np.allclose(band, shares[2] + shares[3][::-1])
        dots = [
            (zero - float(dot.get_attribute("cy"))) / (zero - one)
            for dot in svg.locator("circle").all()
        ]
        assert dots == pytest.approx([line[10] for line in shares])


def sheet_colors(html, page, figure):
    source = page.locator(f"#{figure} img").get_attribute("src")
    stored = (html / "book" / source).read_bytes()
    return np.asarray(Image.open(io.BytesIO(stored)).convert("RGB")).astype(int)


def tile_colors(colors, tile):
    """The part of a sheet that a tile shows."""
    image = tile.locator("image")
    x, y, width, height = (
        int(image.get_attribute(name)) for name in ("x", "y", "width", "height")
    )
    assert (width, height) == (colors.shape[1], colors.shape[0])
    return colors[-y : 28 - y, -x : 28 - x].reshape(784, 3)


def signed_bytes(text):
    """Levels from -127 to 127."""
    return np.frombuffer(b64decode(text), np.uint8).astype(int) - 128


def agrees_in_color(tile, levels):
    """Tell whether it is red where levels are above zero, blue below, else white."""
    redness = tile[:, 0] - tile[:, 2]
    strong = np.abs(levels) > 40
    return (
        (np.sign(redness[strong]) == np.sign(levels[strong])).all()
        and (tile[np.abs(levels) <= 1] > 235).all()
        and strong.any()
    )


def test_the_images_are_those_of_the_budget(html, curves):
    colors = sheet_colors(html, curves, "fig-budget-images")
    root = curves.locator("#coverage_by_budget")
    seen = []
    for place in (0, 16):
        press(
            curves, root.locator("input[type=range]"), "Home", *["ArrowRight"] * place
        )
        tiles = root.locator(".tile").all()
        assert len(tiles) == 4
        for tile, (pair, found) in zip(
            tiles, product(("0-1", "2-4"), ("ramp", "lower")), strict=True
        ):
            stored = record(f"defense/mnist-{pair}-path-images.json")["points"][place]
            part = tile_colors(colors, tile)
            assert agrees_in_color(part, signed_bytes(stored[found]["levels"]))
            seen.append(part)
    # Negative control: no two of them agree.
    levels = signed_bytes(stored["lower"]["levels"])
    assert [agrees_in_color(part, levels) for part in seen].count(True) == 1


def test_mouse_and_finger_choose_a_budget(curves):
    root = curves.locator("#coverage_by_budget")
    svg = root.locator(".play-panels > div > svg").first
    x, y = middle(svg)
    curves.mouse.click(x, y)
    first = int(root.get_attribute("data-place"))
    curves.mouse.move(x, y)
    curves.mouse.down()
    curves.mouse.move(x + 60, y, steps=3)
    curves.mouse.up()
    curves.mouse.move(x - 60, y)  # after the button is up nothing follows
    assert int(root.get_attribute("data-place")) > first
    session = phone(curves)
    x, y = middle(svg)
    swipe(session, (x, y), (-90, 0))
    last = int(root.get_attribute("data-place"))
    assert last < first
    assert shown_numbers(curves) == expected_numbers(last)
    top = curves.evaluate("window.scrollY")
    swipe(session, (x, y), (0, -150))
    curves.wait_for_function("top => window.scrollY > top + 50", arg=top)


# --- the map of pairs --------------------------------------------------------------


@pytest.fixture
def pairs(html, browser):
    yield from opened(html, browser, "all_pairs")


def pair_of(row, column):
    dataset = SETS[row > column]
    return dataset, (min(row, column), max(row, column))


PLAYS = {
    "no attack, no defense": ("none", "none", "none"),
    "FGM, no defense": ("FGM", "none", "none"),
    "FGM, SMOOTH": ("FGM", "FGM", "v = 0"),
    "PGD, no defense": ("ball", "none", "none"),
    "PGD, SMOOTH": ("ball", "own", "v = 0"),
}


def kept(dataset, pair, cell):
    """True and approximate accuracy, the mean over seeds, by counting once more."""
    shares = []
    for seed in (60, 61, 62):
        stored = record(f"study/{dataset}-{pair[0]}-{pair[1]}-seed{seed}-*.json")
        assert stored["config"]["classifier"]["train"]["hidden"] == 500
        ((true, approximate),) = (
            one[4:] for one in stored["cells"] if one[:4] == ["test", *cell]
        )
        size = stored["sizes"]["test"]
        shares.append([Fraction(100 * n, size) for n in (true, approximate)])
    return [float(sum(some) / 3) for some in zip(*shares, strict=True)]


def shown_pair(page):
    """What stands beside the map: its title, and each play with both numbers."""
    root = page.locator("#pair_map")
    rows = [
        row.locator("th, td").all_inner_texts()
        for row in root.locator("tbody tr").all()
    ]
    numbers = {
        name: [float(text.removesuffix(" %")) for text in texts]
        for name, *texts in rows
    }
    return root.locator("strong").inner_text(), numbers


def check_pair(page, row, column):
    dataset, pair = pair_of(row, column)
    first, second = (CLASSES[dataset][one] for one in pair)
    title, numbers = shown_pair(page)
    assert title == f"{NAMES[dataset]}, {first} against {second}"
    assert [*numbers] == [*PLAYS]
    focused = page.locator("#pair_map [tabindex='0']").get_attribute("aria-label")
    for name, cell in PLAYS.items():
        true, approximate = kept(dataset, pair, cell)
        assert numbers[name] == pytest.approx([approximate, true], abs=0.0501)
        assert f"{name} {numbers[name][0]:.1f} %" in focused
    assert focused.startswith(title)


def at(page):
    return tuple(map(int, page.locator("#pair_map").get_attribute("data-pair").split()))


def test_keys_lead_to_every_pair_and_its_numbers_are_the_records(pairs):
    cells = pairs.locator("#pair_map [role=gridcell]")
    assert cells.count() == 90
    assert pairs.locator("#pair_map [role=grid] > [role=row]").count() == 10
    check_pair(pairs, 3, 8)
    press(pairs, pairs.locator("#pair_map [tabindex='0']"), "ArrowDown")
    assert at(pairs) == (4, 8)
    for keys, place in (
        (["ArrowDown"] * 4, (9, 8)),  # over the diagonal, and into the other set
        (
            ["ArrowDown", "ArrowRight"],
            (9, 8),
        ),  # at the edge and by the diagonal it stays
        (["ArrowLeft"] * 8, (9, 0)),
        (["ArrowUp"] * 8, (1, 0)),
        (["ArrowRight"], (1, 2)),
    ):
        for key in keys:
            pairs.keyboard.press(key)
        assert at(pairs) == place
        check_pair(pairs, *place)
    assert pairs.locator("#pair_map [tabindex='0']").count() == 1
    assert pairs.locator("#pair_map [aria-selected=true]").count() == 1
    ring = "getComputedStyle(document.activeElement.querySelector('rect')).stroke"
    assert pairs.evaluate(ring) == "rgb(213, 94, 0)"


def test_the_map_shows_each_pair_under_the_chosen_play(pairs):
    choice = pairs.locator("#pair_map select")
    for number, (name, cell) in enumerate(PLAYS.items()):
        if name == "FGM, no defense":
            continue  # calibrated: all squares are alike
        choice.select_option(str(number))
        rows = pairs.locator("#pair_map [role=row]").all()
        for row in (0, 5, 9):
            texts = rows[row].locator("text").all_text_contents()
            columns = [column for column in range(10) if column != row]
            for column, text in zip(columns, texts, strict=True):
                value = kept(*pair_of(row, column), cell)[1]
                assert abs(int(text) - value) <= 0.501


INK = """map => [...map.querySelectorAll('[role=gridcell]')].map(cell => {
  const light = color => color.match(/[0-9.]+/g).map(Number)
    .map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const fill = name => getComputedStyle(cell.querySelector(name)).fill;
  const pair = ['rect', 'text'].map(name => light(fill(name)));
  return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
})"""


def test_numbers_stand_out_from_their_squares(pairs):
    ratios = []
    for play in range(5):
        pairs.locator("#pair_map select").select_option(str(play))
        ratios += pairs.locator("#pair_map [role=grid]").evaluate(INK)
    assert len(ratios) == 5 * 90
    assert min(ratios) >= 4.5


def test_images_and_signs_are_those_of_the_pair(html, pairs):
    colors = sheet_colors(html, pairs, "fig-all-pairs-views")
    root = pairs.locator("#pair_map")
    cells = root.locator("[role=gridcell]").all()
    for row, column in ((0, 9), (4, 9), (6, 2)):
        x, y = middle(cells[9 * row + column - (column > row)])
        pairs.mouse.click(x, y)
        assert at(pairs) == (row, column)
        dataset, pair = pair_of(row, column)
        stored = record(f"study/view-{dataset}-{pair[0]}-{pair[1]}-seed60-*.json")
        tiles = [tile_colors(colors, one) for one in root.locator(".tile").all()]
        image = np.frombuffer(b64decode(stored["image"]), np.uint8).astype(int)
        attack, defense = (signed_bytes(stored[n]) for n in ("attack", "defense"))
        steps = [255 * stored["reach"] * one / 127 for one in (attack, defense)]
        sums = [image, image + steps[0], image + steps[0] + steps[1]]
        for tile, gray in zip(tiles[::2], sums, strict=True):
            assert np.abs(tile - gray.clip(0, 255)[:, None]).max() < 3
        for tile, levels in ((tiles[1], attack), (tiles[3], defense)):
            redness = tile[:, 0] - tile[:, 2]
            clear = np.abs(levels) > 20
            assert (np.sign(redness[clear]) == np.sign(levels[clear])).all()
        names = [CLASSES[dataset][one] for one in pair]
        f, tangent = (
            [names[sign >= 0] for sign in stored[key]] for key in ("logits", "tangent")
        )
        assert root.locator("p").last.inner_text() == (
            f"f calls x {f[0]}. With a of FGM the tangent says {tangent[1]} and f "
            f"{f[1]}; with v of SMOOTH as well the tangent says {tangent[2]} and f "
            f"{f[2]}."
        )


def test_a_finger_chooses_a_pair_on_a_phone(pairs):
    session = phone(pairs)
    assert pairs.evaluate("document.documentElement.scrollWidth") <= 360
    cell = pairs.locator("#pair_map [role=gridcell]").nth(9 * 6 + 1)
    box = cell.bounding_box()
    assert min(box["width"], box["height"]) > 18
    swipe(session, middle(cell), (0, 0), steps=0)
    pairs.wait_for_function(
        "document.querySelector('#pair_map').dataset.pair === '6 1'"
    )
    check_pair(pairs, 6, 1)


# --- to the eye --------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["the_algorithm", "all_pairs"])
def test_words_of_both_pictures_stand_out(theme, name, html, browser):
    page, _ = visit(browser, html / "book" / f"{name}.html")
    page.evaluate(f"document.documentElement.dataset.theme = {theme!r}")
    page.wait_for_timeout(400)  # the theme fades
    found = page.locator(".answering").evaluate(CONTRAST)
    assert len(found) > 3
    assert {text: ratio for text, ratio in found if ratio < 4.5} == {}
    page.close()
