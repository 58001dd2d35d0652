"""Sphinx extension: what the theme brings and no page of the book needs is left out.

Once the pages are written: icons are drawn by the build (see ``page_icons``), pictures
are loaded when a reader comes near them, and what a page cannot ask for any more, or
never could, is removed: source maps, the icon fonts in two formats, the theme's
translations. The theme's own faults that screen readers would meet are mended here too.
"""

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from page_icons import Icon, draw_icons, read_icons
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

ICON_SCRIPT = "scripts/fontawesome.js"
# The drawings keep the licence of the icons, which asks to be named.
ICON_LICENSE = "scripts/fontawesome.js.LICENSE.txt"
ICON_NOTE = "<!-- Icons: Font Awesome Free, CC BY 4.0, fontawesome.com/license/free -->"
UNUSED = (ICON_SCRIPT, "vendor/fontawesome", "locales", "**/*.map")
ICON_TAG = re.compile(r'<script src="[^"]*scripts/fontawesome\.js[^"]*"></script>')
ICON_RULES = re.compile(
    r"@font-face\{[^}]*font-family:Font Awesome[^}]*\}"
    r'|(?:\.fa-[a-z0-9-]+:+before,?)+\{content:"[^"]*"\}'
)
MAP_NOTE = re.compile(r"\n?(?:/\*#|//#) sourceMappingURL=\S+(?: \*/)?")
PICTURE = re.compile(r'<img (?=[^>]*src="[^"]*_images/)(?![^>]*loading=)')
# The bibliography: a list whose entries are no items of it is none to a screen reader.
ENTRY, ITEM = 'role="doc-biblioentry"', 'role="listitem"'


def lighten(page: str, icons: Mapping[tuple[str, str], Icon]) -> str:
    """Take from a page what it does not need.

    Args:
        page: The page's HTML.
        icons: The theme's icons.

    Returns:
        The page, which shows the same.

    Raises:
        ValueError: If the page names an icon that there is not.
    """
    drawn = draw_icons(ICON_TAG.sub(ICON_NOTE, page), icons)
    return PICTURE.sub('<img loading="lazy" ', drawn).replace(ENTRY, ITEM)


def without_icon_fonts(style: str) -> str:
    """Take from a style sheet the fonts of the icons, and a rule for each of 2,000.

    Args:
        style: The style sheet.

    Returns:
        The style sheet without them.
    """
    return ICON_RULES.sub("", style)


def rewrite(file: Path, change: Callable[[str], str]) -> None:
    """Change a file of text, if there is anything to change.

    Args:
        file: The file.
        change: What becomes of its text.
    """
    before = file.read_text(encoding="utf-8")
    after = change(before)
    if after != before:
        file.write_text(after, encoding="utf-8")


def drop_unused(static: Path) -> None:
    """Remove the theme's files that no page asks for, and what asks for them.

    Args:
        static: The folder of the static files.
    """
    for pattern in UNUSED:
        for path in sorted(static.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for file in [*static.glob("styles/*.css"), *static.glob("scripts/*.js")]:
        rewrite(file, lambda text: MAP_NOTE.sub("", without_icon_fonts(text)))


def _lighten_all(app: Sphinx, exception: Exception | None) -> None:
    """Lighten the pages once they are written.

    Args:
        app: The running build.
        exception: What ended the build early, or None.

    Raises:
        ExtensionError: If a page names an icon that there is not.
    """
    static = Path(app.outdir) / "_static"
    if exception is not None or not (static / ICON_SCRIPT).exists():
        return
    icons = read_icons((static / ICON_SCRIPT).read_text(encoding="utf-8"))
    for file in sorted(Path(app.outdir).rglob("*.html")):
        if static in file.parents:
            continue
        try:
            rewrite(file, lambda page: lighten(page, icons))
        except ValueError as error:
            raise ExtensionError(f"{file.name}: {error}") from error
    drop_unused(static)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.connect("build-finished", _lighten_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
