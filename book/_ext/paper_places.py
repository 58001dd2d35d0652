r"""Sphinx extension: where each equation of the paper is discussed in the book.

The directive ``paper-equations`` reads the text of all pages and the ledger, and lists
for each equation the claims it belongs to, the sections that speak of it and the public
names of the library whose docstring cites it. Nothing is typed: a page that says
"Eqs. (21) to (29)" or sets ``\tag{3}`` is found. An equation that
no page speaks of fails the build. Each equation is an entry of the index as well, so that
the search finds it by its number.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import nbformat
from claims import Claim
from docutils import nodes
from library_names import PublicName, citations, public_names
from page_form import OfClaims
from sphinx import addnodes
from sphinx.application import Sphinx

LAST = 42  # the paper's equations are (1) to (42)
NUMBERED = r"\(\d+\)(?:\s*(?:,|and|to)\s*\(\d+\))*"
CITED = re.compile(rf"\bEqs?\.\s*({NUMBERED})")
TAG = re.compile(r"\\tag\{(\d+)\}")
HEADING = re.compile(r"(#{1,3})\s+(\S.*)")
FENCE = re.compile(r"\s*(`{3,}|:{3,})")

Places = Mapping[int, Sequence[str]]


def equation_numbers(text: str) -> list[int]:
    """Find the equations that a text speaks of.

    Args:
        text: Markdown, on one line or several.

    Returns:
        Their numbers, in order, once; ranges are spelled out.

    Example:
        >>> equation_numbers("Eqs. (5) to (7) and (9), see Eq. (2)")
        [2, 5, 6, 7, 9]
    """
    found = {int(number) for number in TAG.findall(text)}
    for group in CITED.findall(" ".join(text.split())):
        parts, last = re.findall(r"to|\d+", group), 0
        for before, part in zip(["", *parts], parts, strict=False):
            if part == "to":
                continue
            first = last + 1 if before == "to" else int(part)
            last = int(part)
            found.update(range(first, last + 1))
    return sorted(found)


def sections(text: str) -> Iterator[tuple[str, str]]:
    """Cut a page at its headings.

    Args:
        text: Markdown.

    Yields:
        Heading and text of each section; the first heading is the page's title.
    """
    heading, lines, fence = "", [], ""
    for line in text.splitlines():
        if (mark := FENCE.match(line)) and not (fence and mark[1] != fence):
            fence = "" if fence else mark[1]
        found = None if fence else HEADING.match(line)
        if found:
            yield heading, "\n".join(lines)
            heading, lines = found[2].strip(), []
        else:
            lines.append(line)
    yield heading, "\n".join(lines)


def slug(heading: str) -> str:
    """Write the anchor that MyST gives a heading.

    Args:
        heading: Its text.

    Returns:
        The anchor.
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def page_text(file: Path) -> str:
    """Read the text of a page.

    Args:
        file: Markdown or a notebook.

    Returns:
        Its Markdown.
    """
    if file.suffix != ".ipynb":
        return file.read_text(encoding="utf-8")
    cells = nbformat.read(file, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def places_on(file: Path) -> dict[int, str]:
    """Find where a page speaks of which equation.

    Args:
        file: The page.

    Returns:
        By the equation, links to the page and to its sections.
    """
    found: dict[int, list[str]] = {}
    title, *rest = [part for part in sections(page_text(file)) if part[0]]
    for heading, text in (title, *rest):
        for number in equation_numbers(f"{heading} {text}"):
            links = found.setdefault(number, [f"[{title[0]}]({file.name})"])
            if heading != title[0]:
                links.append(f"[{heading}]({file.name}#{slug(heading)})")
    return {
        number: links[0] + (f": {', '.join(links[1:])}" if links[1:] else "")
        for number, links in found.items()
    }


def claims_of(claims: Sequence[Claim]) -> dict[int, list[str]]:
    """Find the claims that an equation belongs to.

    Args:
        claims: The ledger.

    Returns:
        By the equation, links to rows of the ledger.
    """
    found: dict[int, list[str]] = {}
    for claim in claims:
        for number in equation_numbers(claim.where):
            link = f"{{ref}}`{claim.title} <{claim.anchor}>`"
            found.setdefault(number, []).append(link)
    return found


def cited_by(names: Sequence[PublicName]) -> dict[int | str, list[str]]:
    """Find the public names that speak of the paper's equations and statements.

    Args:
        names: The public names, with their docstrings.

    Returns:
        By an equation's number, or a statement such as ``"Lemma 2"``, links to the
        reference.
    """
    found: dict[int | str, list[str]] = {}
    for name in names:
        statements = dict.fromkeys(cited.what for cited in citations(name.words))
        for what in (*equation_numbers(name.words), *statements):
            found.setdefault(what, []).append(name.link)
    return found


def equations_markdown(claims: Places, pages: Places, names: Places) -> str:
    """Write the list.

    Args:
        claims: Links to claims, by the equation.
        pages: Links to pages and sections, by the equation.
        names: Links to public names of the library, by the equation.

    Returns:
        A box for each equation, or for several that are discussed in the same places.
    """

    def places(number: int) -> list[Sequence[str]]:
        return [found.get(number, []) for found in (claims, pages, names)]

    boxes = []
    for (of_claims, of_pages, of_names), group in groupby(
        range(1, LAST + 1), key=places
    ):
        numbers = list(group)
        anchors = "\n".join(f"({anchor(number)})=" for number in numbers)
        last = (
            f" {'to' if numbers[2:] else 'and'} ({numbers[-1]})" if numbers[1:] else ""
        )
        whose = f", of {', '.join(of_claims)}" if of_claims else ""
        title = f"**({numbers[0]}){last}**{whose}"
        lines = [title, *(f"- {one}" for one in of_pages)]
        if of_names:
            lines.append(f"- In the library: {', '.join(of_names)}")
        text = "\n".join([anchors, lines[0], "", *lines[1:]])
        boxes.append(f":::{{div}} ledger-entry\n{text}\n:::")
    return "\n\n".join(boxes)


def anchor(number: int) -> str:
    """Name the place of an equation in the list.

    Args:
        number: The paper's number.

    Returns:
        A label.
    """
    return f"paper-equation-{number}"


def index_of(number: int) -> addnodes.index:
    """Make the search find an equation by its number.

    Args:
        number: The paper's number.

    Returns:
        Entries of the index.
    """
    names = (f"Eq. ({number})", f"Equation {number}", str(number))
    entries = [("single", name, anchor(number), "main", None) for name in names]
    return addnodes.index(entries=entries)


class PaperEquations(OfClaims):
    """The directive ``paper-equations``."""

    def run(self) -> list[nodes.Node]:
        """Put the list on the page.

        Returns:
            The entries of the index, and the list.
        """
        pages: dict[int, list[str]] = {}
        for name in sorted(self.env.found_docs - {self.env.docname}):
            file = Path(self.env.doc2path(name))
            self.env.note_dependency(file.relative_to(self.root).as_posix())
            for number, links in places_on(file).items():
                pages.setdefault(number, []).append(links)
        for number in range(1, LAST + 1):
            if number not in pages:
                self.warn("no page speaks of Eq. (%s)", number)
        names = cited_by(public_names(self.root))
        text = equations_markdown(claims_of(self.ledger()), pages, names)
        entries = [index_of(number) for number in range(1, LAST + 1)]
        return [*entries, *self.parsed(text, "paper-equations")]


class PaperClaims(OfClaims):
    """The directive ``paper-claims``: each claim, its page, names that speak of it."""

    def run(self) -> list[nodes.Node]:
        """Put the list on the page.

        Returns:
            A list.
        """
        names = cited_by(public_names(self.root))
        lines = []
        for claim in self.ledger():
            if claim.page and not claim.new:
                claimed = f"{{ref}}`{claim.title} <{claim.anchor}>` ({claim.where})"
                places = [f"{{doc}}`/book/{claim.page}`", *names.get(claim.title, [])]
                lines.append(f"- {claimed}: {', '.join(places)}")
        return self.parsed("\n".join(lines), "paper-claims")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.add_directive("paper-equations", PaperEquations)
    app.add_directive("paper-claims", PaperClaims)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
