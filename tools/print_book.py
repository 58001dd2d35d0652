"""Print the built book as one PDF file, with an installed Chromium.

::

    python tools/print_book.py            # _build/html becomes _build/pdf/NAME.pdf
    python tools/print_book.py --check    # only say whether a browser is there

The browser opens each page of ``_build/html`` from its file, as a reader does, and what
its scripts draw is kept. All articles become one document there (``print_book.js``),
whose links lead from page to page, with the styles of the book and of
``print_book.css``, and MathJax sets its formulas. Folded code and lists of records are
left out; text, tables and outputs that are folded are shown. Nothing but files is asked
for.
"""

import argparse
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from experiments.sweep.locks import holding

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(__file__).resolve().parent
HTML, PDF = Path("_build/html"), Path("_build/pdf/additive-attacks-game.pdf")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
LOCAL = ("file", "data", "blob")
SCALE = 0.8  # of a page as wide as the book's column on a desk
WIDTH = 840
FOOT = (
    '<div style="width: 100%; text-align: center; font-size: 8px; color: #555">'
    '<span class="pageNumber"></span></div>'
)


class PrintError(Exception):
    """The book cannot be printed; the message says why and what to do."""


def find_browser(which: Callable[[str], str | None] = shutil.which) -> str:
    """Find an installed Chromium.

    Args:
        which: What finds a program on the path.

    Returns:
        Its path.

    Raises:
        PrintError: If there is none, or nothing to drive it with.
    """
    try:
        import playwright.sync_api  # noqa: F401 - whether it is there
    except ImportError:
        raise PrintError(
            "printing the book needs the package playwright, of the extra 'test': "
            "run 'make setup'."
        ) from None
    found = next(filter(None, map(which, BROWSERS)), None)
    if found is None:
        raise PrintError(
            "printing the book needs Chromium, and none of "
            f"{', '.join(BROWSERS)} is on the path. Install it, on Debian or Ubuntu "
            "with 'apt-get install chromium', and run the same command again."
        )
    return found


def pages_of(root: Path) -> list[str]:
    """List the pages of the book.

    Args:
        root: The project.

    Returns:
        Their names with folders, in the order of the table of contents.
    """
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return list(_files({"file": toc["root"], "parts": toc.get("parts", [])}))


def _files(entry: dict) -> list[str]:
    """List an entry of the table of contents and those below it.

    Args:
        entry: A page, a part or a list of sections.

    Returns:
        The files that they name, in order.
    """
    below = [
        name
        for key in ("parts", "chapters", "sections", "entries")
        for one in entry.get(key, ())
        for name in _files(one)
    ]
    return [*([entry["file"]] if "file" in entry else []), *below]


@contextlib.contextmanager
def undisturbed(folder: Path) -> Iterator[None]:
    """Hold the build folder, so that no build replaces the pages that are printed.

    Args:
        folder: The build folder.

    Yields:
        Nothing; the folder is held until the block ends.

    Raises:
        PrintError: If a build or another print holds the folder, or if there is none.
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(holding(folder / ".lock"))
        except BlockingIOError:
            raise PrintError(f"a build or print is at work in {folder}.") from None
        except FileNotFoundError:
            raise PrintError(f"no folder {folder}: run 'make book' first.") from None
        yield


def print_book(html: Path, names: Sequence[str], output: Path, browser: str) -> None:
    """Print the pages, and leave nothing but the file, or what was there before.

    Args:
        html: The folder of the built book.
        names: Its pages, in order.
        output: The PDF file to write; its folder is made if need be.
        browser: The path of Chromium.

    Raises:
        PrintError: If a build or another print is at work there, if a page is not
            built, if a formula or an image is not shown, if a link leads nowhere, or
            if something that is no file is asked for.
    """
    with undisturbed(html.resolve().parent):
        files = [(html / f"{name}.html").resolve() for name in names]
        if gone := [str(file) for file in files if not file.is_file()]:
            raise PrintError(f"no page {', '.join(gone)}: run 'make book' first.")
        output.parent.mkdir(parents=True, exist_ok=True)
        # Beside the output, of a name that no other print has; gone at the end.
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=".print-") as own:
            part = Path(own) / output.name
            _print(files, part, browser)
            part.replace(output)


def _print(files: Sequence[Path], output: Path, browser: str) -> None:
    """Open a browser and print the pages there.

    Args:
        files: The pages, in order.
        output: The PDF file to write.
        browser: The path of Chromium.

    Raises:
        PrintError: If the browser fails, or if something is wrong on a page.
    """
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser, args=FLAGS)
            context = chromium.new_context(viewport={"width": WIDTH, "height": 1100})
            problems = _compose(context, files, output)
            chromium.close()
    except Error as error:
        raise PrintError(f"{browser} failed: {error.message}") from error
    if problems:
        raise PrintError("\n".join(["the book is not printed:", *problems]))


def _compose(context: object, files: Sequence[Path], output: Path) -> list[str]:
    """Make one document of all pages and print it.

    Args:
        context: An empty window of the browser.
        files: The pages, in order.
        output: The PDF file to write.

    Returns:
        What went wrong; nothing is written then.
    """
    asked: list[str] = []

    def only_files(route: object) -> None:
        """Let files through, and note what else is asked for."""
        if urlsplit(route.request.url).scheme in LOCAL:
            route.continue_()
        else:
            asked.append(f"a page asks for {route.request.url}")
            route.abort()

    context.route("**/*", only_files)
    whole, addresses = context.new_page(), [file.as_uri() for file in files]
    whole.goto(addresses[0])
    whole.evaluate((TOOLS / "print_book.js").read_text(encoding="utf-8"))
    whole.evaluate("pages => printBook.begin(pages)", addresses)
    whole.add_style_tag(content=(TOOLS / "print_book.css").read_text(encoding="utf-8"))
    reader = context.new_page()
    reader.route("**/mathjax/**", lambda route: route.abort())  # set later, once
    for address in addresses:
        reader.goto(address)
        article = reader.locator("article.bd-article").evaluate("one => one.outerHTML")
        whole.evaluate("([html, at]) => printBook.add(html, at)", [article, address])
    whole.emulate_media(media="print", color_scheme="light")
    problems = [*whole.evaluate("printBook.finish()"), *asked]
    if not problems:
        whole.pdf(
            path=output,
            prefer_css_page_size=True,
            print_background=True,
            scale=SCALE,
            outline=True,
            tagged=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOT,
        )
    return problems


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The words after the program's name; None: the process's own.

    Returns:
        The exit status: 0; 1 if the book could not be printed; 2 without a browser.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only look for a browser")
    parser.add_argument("--html", type=Path, default=ROOT / HTML)
    parser.add_argument("--output", type=Path, default=ROOT / PDF)
    options = parser.parse_args(arguments)
    try:
        browser = find_browser()
    except PrintError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.check:
        return 0
    try:
        print_book(options.html, pages_of(ROOT), options.output, browser)
    except (PrintError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"The book is printed. Open {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
