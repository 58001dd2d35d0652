"""What the theme brings and no page needs: icons, fonts, files; records in archives."""

import hashlib
import io
import os
import re
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pydata_sphinx_theme
import pytest
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

from tests.book.conftest import load

EXTENSIONS = Path(__file__).resolve().parents[2] / "book" / "_ext"
THEME = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"
FONT = THEME / "vendor/fontawesome/webfonts/fa-solid-900.ttf"
SCRIPT = (
    'x={moon:[384,512,[127769,9214],"f186","M144 7c-17"]};d("far",x);'
    'y={"circle-dot":[512,256,[128280,"dot-circle"],"f192","M2 5z"],'
    'moon:[300,512,[],"f186","M1 1"]};d("fas",y)'
)
MOON = (
    '<i class="theme-switch fa-solid fa-moon fa-lg" data-mode="dark" title="Dark"></i>'
)


@pytest.fixture(scope="module")
def page_icons():
    return load(EXTENSIONS / "page_icons.py")


@pytest.fixture(scope="module")
def page_styles():
    return load(EXTENSIONS / "page_styles.py")


@pytest.fixture(scope="module")
def lighter_pages(page_icons, page_styles):
    return load(EXTENSIONS / "lighter_pages.py")


@pytest.fixture
def icons(page_icons):
    return page_icons.read_icons(SCRIPT)


# --- icons -----------------------------------------------------------------------


def test_icons_are_read_by_style_and_by_every_name(icons):
    assert sorted(icons) == [
        ("far", "moon"),
        ("fas", "circle-dot"),
        ("fas", "dot-circle"),
        ("fas", "moon"),
    ]
    assert icons["far", "moon"].path == "M144 7c-17"
    dot = icons["fas", "dot-circle"]
    assert (dot.width, dot.height, dot.path) == ("512", "256", "M2 5z")


def test_the_theme_has_the_icons_and_they_are_drawings(page_icons):
    script = (THEME / "scripts/fontawesome.js").read_text("utf-8")
    icons = page_icons.read_icons(script)
    styles = {style for style, _ in icons}
    assert styles == {"fas", "far", "fab"}
    assert len(icons) > 2000
    assert ("fas", "search") in icons, "another name of the magnifying glass"
    assert ("fab", "github") in icons
    assert [key for key, icon in icons.items() if icon.path[0] not in "Mm"] == []
    solid, outline = icons["fas", "moon"], icons["far", "moon"]
    assert solid != outline
    assert len(outline.path) > len(solid.path)


def test_a_drawing_keeps_what_styles_and_scripts_ask_for(page_icons, icons):
    drawn = page_icons.draw_icons(f"<p>a</p>{MOON}<i>b</i>", icons)
    assert drawn.startswith("<p>a</p><svg ")
    assert drawn.endswith("</svg><i>b</i>")
    for kept in (
        'class="page-icon theme-switch fa-moon fa-lg"',
        'data-mode="dark"',
        'viewBox="0 0 300 512"',
        "<title>Dark</title>",
        'aria-hidden="true"',
        'd="M1 1"',
    ):
        assert kept in drawn


def test_an_icon_is_any_empty_element_of_an_icons_class(page_icons, icons):
    other = '<span class="sofas fast">a</span><i class="fa-lg"></i><span></span>'
    assert page_icons.draw_icons(other, icons) == other
    drawn = page_icons.draw_icons('<span class="fas fa-moon"></span>', icons)
    assert drawn.startswith('<svg class="page-icon fa-moon" aria')


@pytest.mark.parametrize("name", ["fas fa-gone", "fa-regular fa-circle-dot", "fab"])
def test_an_icon_that_there_is_not_is_an_error(name, page_icons, icons):
    with pytest.raises(ValueError, match="the theme has no icon"):
        page_icons.draw_icons(f'<i class="{name}"></i>', icons)


def test_the_icons_of_styles_are_found(page_icons):
    found = page_icons.named_glyphs(
        'a:before{content:"\\f107"}b{--x:"\uf058"}c{d:#f00}'
    )
    assert found == {0xF107, 0xF058}


def test_a_font_keeps_the_glyphs_that_are_named(page_icons):
    cut = page_icons.cut_font(FONT, {0xF107, 0xF058, 0xE999})
    assert cut == page_icons.cut_font(FONT, {0xF058, 0xF107})
    assert len(cut) < 0.01 * FONT.stat().st_size
    with TTFont(io.BytesIO(cut)) as font, TTFont(FONT) as whole:
        assert set(font.getBestCmap()) == {0xF107, 0xF058}
        assert font.flavor == "woff"
        name = whole.getBestCmap()[0xF107]
        assert font["hmtx"][font.getBestCmap()[0xF107]][0] == (whole["hmtx"][name][0])
        kept = {record.nameID for record in font["name"].names}
        assert kept <= {0, 13, 14}, "the license reserves the font's name"
        assert 0 in kept


# --- pages, styles, files ----------------------------------------------------------


def test_a_page_loses_the_script_and_keeps_the_rest(lighter_pages, icons):
    page = (
        '<script src="../_static/scripts/fontawesome.js?digest=1"></script>'
        '<script src="../_static/scripts/bootstrap.js"></script>'
        '<img alt="A" src="../_images/a.png" style="width: 4px"><img src="logo.png">'
        '<img loading="eager" src="../_images/b.png">'
        '<p role="doc-biblioentry"><summary aria-label="Toggle hidden content">'
    )
    light = lighter_pages.lighten(page, icons)
    assert "fontawesome.js" not in light
    assert "Font Awesome Free, CC BY 4.0" in light
    assert '<script src="../_static/scripts/bootstrap.js"></script>' in light
    assert '<img loading="lazy" alt="A" src="../_images/a.png" style' in light
    assert '<img src="logo.png"><img loading="eager" src="../_images/b.png">' in light
    assert light.endswith('<p role="listitem"><summary>')
    assert lighter_pages.lighten(light, icons) == light


def test_arguments_and_arrows_are_told_to_screen_readers(lighter_pages, icons):
    page = (
        '<summary><span class="toctree-toggle">'
        '<dl class="py"><dt class="sig py">f(<dl><dd>a</dd></dl>)</dt><dd>Text.'
        "<dl><dt>A</dt><dd>b</dd></dl></dd></dl>"
    )
    light = lighter_pages.lighten(page, icons)
    assert light == page.replace(
        "<summary>", '<summary aria-label="Its chapters">'
    ).replace("f(<dl><dd>", 'f(<dl role="presentation"><dd role="presentation">')
    assert lighter_pages.lighten(light, icons) == light


def test_a_style_sheet_keeps_one_icon_font_and_its_own_rules(page_styles):
    url = "url(../vendor/fontawesome/webfonts/fa-{0}.woff2) format(x),url(fa-{0}.ttf)"
    faces = "".join(
        f"@font-face{{font-family:Font Awesome\\ 6 Free;src:{url.format(name)}}}"
        for name in ("solid-900", "brands-400")
    )
    icon_rules = '.fa-0:before{content:"0"}.fa-a:before,.fa-b:before{content:"\\f001"}'
    own = '.fa-lg{font-size:2em}a:before{content:"x"}@font-face{font-family:Mine}'
    assert page_styles.with_one_icon_font(faces + icon_rules + own) == (
        "@font-face{font-family:Font Awesome\\ 6 Free;"
        "src:url(../vendor/fontawesome/webfonts/fa-solid-900.woff) "
        f'format("woff")}}{own}'
    )


def test_only_rules_for_classes_that_nothing_has_go(page_styles):
    words = {"mt-2", "tooltip", "bs-tip-", "x-"}
    kept = (
        "a{b:c}.mt-2{m:0}.mt-3,.mt-2{m:1}.bs-tip-top{m:2}.gone:hover{m:3}"
        ".gone .mt-2{m:4}@media print{.mt-2{m:5}}:root{--x:.5}@x{p.gone{m:6}}"
    )
    more = kept.replace("a{b:c}", "a{b:c}.gone{m:7}.mt-3,.also-gone{m:8}")
    more = more.replace("print{", "print{.gone{m:9}")
    assert page_styles.without_unused_classes(more, words) == kept


@pytest.fixture
def theme_copy(tmp_path):
    """A page in the theme's own static files, as a build leaves them."""
    static = tmp_path / "_static"
    for name in (
        *("scripts/fontawesome.js", "scripts/fontawesome.js.map"),
        *("scripts/bootstrap.js", "scripts/bootstrap.js.map"),
        *("styles/pydata-sphinx-theme.css", "styles/pydata-sphinx-theme.css.map"),
        "vendor/fontawesome/webfonts/fa-solid-900.ttf",
        "vendor/fontawesome/webfonts/fa-solid-900.woff2",
    ):
        (static / name).parent.mkdir(parents=True, exist_ok=True)
        (static / name).write_bytes((THEME / name).read_bytes())
    (tmp_path / "page.html").write_text(MOON, encoding="utf-8")
    return tmp_path


def finish(lighter_pages, folder):
    lighter_pages._lighten_all(SimpleNamespace(outdir=folder), None)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_unused_files_go_and_nothing_asks_for_them(lighter_pages, theme_copy):
    left = finish(lighter_pages, theme_copy)
    assert sorted(left) == [
        "_static/scripts/bootstrap.js",
        "_static/styles/pydata-sphinx-theme.css",
        "_static/vendor/fontawesome/webfonts/fa-solid-900.woff",
        "page.html",
    ]
    for name, content in left.items():
        if not name.endswith(".woff"):
            assert b".map" not in content[-200:], name
    assert b"<svg" in left["page.html"]
    style = left["_static/styles/pydata-sphinx-theme.css"].decode()
    assert re.findall(r"url\(([^)]*webfonts[^)]*)\)", style) == [
        "../vendor/fontawesome/webfonts/fa-solid-900.woff"
    ]
    assert len(style) < 200_000
    # Done to its own result it changes nothing.
    assert finish(lighter_pages, theme_copy) == left


def test_a_build_that_failed_is_left_alone(lighter_pages, theme_copy):
    lighter_pages._lighten_all(SimpleNamespace(outdir=theme_copy), ValueError())
    assert (theme_copy / "page.html").read_text("utf-8") == MOON


def test_a_page_with_an_unknown_icon_fails_the_build(lighter_pages, theme_copy):
    (theme_copy / "page.html").write_text('<i class="fas fa-gone"></i>', "utf-8")
    with pytest.raises(ExtensionError, match=r"page\.html: the theme has no icon"):
        lighter_pages._lighten_all(SimpleNamespace(outdir=theme_copy), None)


# --- records in archives -----------------------------------------------------------


@pytest.fixture
def records(tmp_path):
    """A folder of records, one of them in a folder of its own."""
    root = tmp_path / "root"
    (root / "results" / "more").mkdir(parents=True)
    for name in ("a-1", "a-2", "more/b"):
        (root / "results" / f"{name}.json").write_text(f'{{"at": "{name}"}}', "utf-8")
    return root


def app_of(root, asked):
    """A build whose pages ask for archives."""
    return SimpleNamespace(
        srcdir=root,
        outdir=root / "html",
        builder=SimpleNamespace(
            format="html", get_target_uri=lambda page: f"{page}.html"
        ),
        env=SimpleNamespace(metadata=asked),
    )


def test_an_archive_holds_the_records_and_is_the_same_each_time(
    record_archives, records
):
    files = sorted(records.glob("results/**/*.json"))
    packed = record_archives.archive(files, records)
    for file in files:
        os.utime(file, (0, 2_000_000_000))
    assert record_archives.archive(files, records) == packed
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            file.relative_to(records).as_posix(): file.read_bytes() for file in files
        }


def test_a_page_gets_the_archive_it_links_to(record_archives, records):
    app = app_of(records, {"book/page": {}, "book/other": {}})
    link = record_archives.archive_link(app, "book/page", "results/a-*.json")
    assert 'href="../_downloads/records/results-a.zip"' in link
    record_archives._write_archives(app, None)
    (file,) = (records / "html" / "_downloads" / "records").iterdir()
    assert zipfile.ZipFile(file).namelist() == ["results/a-1.json", "results/a-2.json"]
    again = file.read_bytes()
    record_archives._write_archives(app, None)
    assert file.read_bytes() == again


def test_two_archives_of_one_name_are_an_error(record_archives, records):
    app = app_of(records, {"book/page": {}})
    for pattern in ("results/a-*.json", "results/a-?.json"):
        record_archives.archive_link(app, "book/page", pattern)
    with pytest.raises(ExtensionError, match="have one name"):
        record_archives._write_archives(app, None)


def test_many_records_are_named_without_links(record_archives, records, page_facts):
    many, few = ["results/a-*.json"], ["results/more/*.json"]
    found = {p: sorted(records.glob(p)) for p in [*many, *few]}
    text = page_facts.records_markdown(found, records, {many[0]: "<a>all</a>"})
    assert "`results/a-*.json`: 2 records, sha256 of all " in text
    assert text.count("<a>all</a>") == 1
    assert text.count("{download}") == 1
    for file in found[many[0]]:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert f"{digest[:12]} results/{file.name}: names no data" in text
    assert sys.modules["record_archives"].MOST_LINKED >= 2
