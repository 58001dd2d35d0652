"""Sphinx extension: what the theme brings and no page of the book needs is left out.

Once the pages are written: icons are drawn by the build (see ``page_icons``), pictures
are loaded when a reader comes near them, and what a page cannot ask for any more, or
never could, is removed: source maps, most of the icon fonts, the theme's translations.
The theme's own faults that readers would meet are mended here and in ``theme_mends.css``.
"""

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from page_icons import Icon, cut_font, draw_icons, named_glyphs, read_icons
from page_styles import (
    ICON_FONT,
    ICON_FONTS,
    WORD,
    with_one_icon_font,
    without_unused_classes,
)
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

ICON_SCRIPT = "scripts/fontawesome.js"
ICON_NOTE = "<!-- Icons: Font Awesome Free, CC BY 4.0, fontawesome.com/license/free -->"
UNUSED = (f"{ICON_FONTS}/*", "locales", "**/*.map")
ICON_TAG = re.compile(r'<script src="[^"]*scripts/fontawesome\.js[^"]*"></script>')
MAP_NOTE = re.compile(r"\n?(?:/\*#|//#) sourceMappingURL=\S+(?: \*/)?")
PICTURE = re.compile(r'<img (?=[^>]*src="[^"]*_images/)(?![^>]*loading=)')
# To a screen reader a list whose entries are no items of it is none, all folded cells have
# one name in place of what stands on them, and an arrow has none.
FAULTS = {
    'role="doc-biblioentry"': 'role="listitem"',
    '<summary aria-label="Toggle hidden content">': "<summary>",
    '<summary><span class="toctree-toggle"': (
        '<summary aria-label="Its chapters"><span class="toctree-toggle"'
    ),
}
# The arguments of a function are set as the second half of a list without a first.
SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', re.DOTALL)
ARGUMENTS = re.compile(r"<(dl|dd)>")


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
    mended = PICTURE.sub('<img loading="lazy" ', drawn)
    for fault, better in FAULTS.items():
        mended = mended.replace(fault, better)
    return SIGNATURE.sub(_arguments_as_lines, mended)


def _arguments_as_lines(signature: re.Match[str]) -> str:
    return ARGUMENTS.sub(r'<\1 role="presentation">', signature[0])


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


def written_words(outdir: Path) -> set[str]:
    """Collect every word of the pages and of the scripts, the names of classes among them.

    Args:
        outdir: The folder of the pages.

    Returns:
        The words.
    """
    files = [*outdir.rglob("*.html"), *outdir.glob("_static/**/*.js")]
    return set().union(*(WORD.findall(file.read_text("utf-8")) for file in files))


def drop_unused(outdir: Path) -> None:
    """Remove the theme's files and styles that no page asks for, and what asks for them.

    Args:
        outdir: The folder of the pages.
    """
    static = outdir / "_static"
    sheets, words = sorted(static.glob("styles/*.css")), written_words(outdir)
    for file in [*sheets, *static.glob("sphinx-design*.css")]:
        rewrite(file, lambda text: without_unused_classes(text, words))
    for file in [*sheets, *static.glob("scripts/*.js")]:
        rewrite(file, lambda text: MAP_NOTE.sub("", with_one_icon_font(text)))
    shown = set().union(*(named_glyphs(file.read_text("utf-8")) for file in sheets))
    fonts = static / ICON_FONTS
    font = cut_font(fonts / f"{ICON_FONT}.ttf", shown)
    for pattern in UNUSED:
        for path in sorted(static.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (fonts / f"{ICON_FONT}.woff").write_bytes(font)


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
    (static / ICON_SCRIPT).unlink()  # its words are no page's
    drop_unused(Path(app.outdir))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.add_css_file("theme_mends.css")
    app.connect("build-finished", _lighten_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
