"""The theme's icons, drawn on each page by the build.

The theme brings a script of 1.5 MB, which puts a drawing in the place of each
``<i class="fa-solid fa-moon">`` once the page is open. The book has a dozen of them, so
that the build does what the script would do, and no page loads it. The icons that style
sheets name come from a font of 1,400, of which the build keeps those.
"""

import html
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

STYLES = {
    "fas": "fas",
    "fa-solid": "fas",
    "far": "far",
    "fa-regular": "far",
    "fab": "fab",
    "fa-brands": "fab",
}
# What the script stores: the icons of one style, then the name of the style.
STORED = re.compile(
    r'[{,]"?(?P<name>[a-z0-9-]+)"?:\[(?P<width>\d+),(?P<height>\d+),'
    r'\[(?P<others>[^\]]*)\],"[^"]*","(?P<path>[^"]+)"\]'
    r'|"(?P<style>fa[brs])",'
)
PLACE = re.compile(
    r'<(i|span) (?=[^>]*class="(?:[^"]*\s)?(?:fa[bsr]|fa-solid|fa-regular|fa-brands)[\s"])'
    r"(?P<attributes>[^>]*)></\1>"
)
# A style sheet names an icon by its place in the font, among those for private use.
GLYPH = re.compile(r"[\ue000-\uf8ff]|\\(?P<code>[ef][0-9a-f]{3})\b")
# Of the names in the font: whose it is, and its license, which reserves the others.
NAMES_KEPT = (0, 13, 14)
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


@dataclass(frozen=True)
class Icon:
    """A drawing.

    Attributes:
        width: Of its box.
        height: Of its box.
        path: Its outline, as SVG writes it.
    """

    width: str
    height: str
    path: str


def read_icons(script: str) -> dict[tuple[str, str], Icon]:
    """Read the drawings that the theme's script holds.

    Args:
        script: The text of the script.

    Returns:
        Each by its style and name, and by its other names.
    """
    found: dict[tuple[str, str], Icon] = {}
    pending: dict[str, Icon] = {}
    for stored in STORED.finditer(script):
        if style := stored["style"]:
            found |= {(style, name): icon for name, icon in pending.items()}
            pending = {}
            continue
        icon = Icon(stored["width"], stored["height"], stored["path"])
        others = re.findall(r'"([^"]+)"', stored["others"])
        pending |= dict.fromkeys([stored["name"], *others], icon)
    return found


def draw_icons(page: str, icons: Mapping[tuple[str, str], Icon]) -> str:
    """Put the drawings on a page.

    Args:
        page: The page's HTML.
        icons: What `read_icons` returns.

    Returns:
        The page with a drawing in the place of each icon; the rest is as it was.

    Raises:
        ValueError: If there is no such icon.
    """
    return PLACE.sub(lambda place: _drawing(place["attributes"], icons), page)


def _drawing(attributes: str, icons: Mapping[tuple[str, str], Icon]) -> str:
    """Write the drawing in the place of one icon.

    Args:
        attributes: Those of its ``<i>`` element.
        icons: What `read_icons` returns.

    Returns:
        An ``<svg>`` element that screen readers pass over.

    Raises:
        ValueError: If there is no such icon.
    """
    given = dict(ATTRIBUTE.findall(attributes))
    words = given.pop("class").split()
    title = given.pop("title", "")
    icon = next(_named(words, icons), None)
    if icon is None:
        raise ValueError(f"the theme has no icon {' '.join(words)!r}.")
    # Styles tell by the name of a style, which the script drops, icons from drawings.
    classes = " ".join(word for word in words if word not in STYLES)
    kept = "".join(f' {name}="{value}"' for name, value in given.items())
    inside = f"<title>{html.escape(html.unescape(title))}</title>" if title else ""
    return (
        f'<svg class="page-icon {classes}"{kept} aria-hidden="true" '
        f'viewBox="0 0 {icon.width} {icon.height}">{inside}'
        f'<path fill="currentColor" d="{icon.path}"></path></svg>'
    )


def _named(words: list[str], icons: Mapping[tuple[str, str], Icon]) -> Iterator[Icon]:
    """Find the icon that classes name.

    Args:
        words: The classes.
        icons: What `read_icons` returns.

    Yields:
        The icons of a style and name among the classes.
    """
    for style in [STYLES[word] for word in words if word in STYLES]:
        for word in words:
            if (style, word.removeprefix("fa-")) in icons:
                yield icons[style, word.removeprefix("fa-")]


def named_glyphs(style: str) -> set[int]:
    """Find the icons that a style sheet shows.

    Args:
        style: The style sheet, without a rule for each icon that there is.

    Returns:
        Their code points.
    """
    return {
        int(glyph["code"], 16) if glyph["code"] else ord(glyph[0])
        for glyph in GLYPH.finditer(style)
    }


def cut_font(font: Path, glyphs: set[int]) -> bytes:
    """Cut a font down to some of its glyphs; equal ones give equal bytes.

    Args:
        font: The font, TrueType.
        glyphs: The code points to keep; those that the font lacks are passed over.

    Returns:
        The font as WOFF.
    """
    options = Options(name_IDs=list(NAMES_KEPT), layout_features=[], hinting=False)
    cut, file = Subsetter(options), io.BytesIO()
    with TTFont(font, recalcTimestamp=False) as whole:
        cut.populate(unicodes=glyphs)
        cut.subset(whole)
        whole.flavor = "woff"
        whole.save(file)
    return file.getvalue()
