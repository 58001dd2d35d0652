"""What a reader meets on a built page, counted in its HTML: what is folded is not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(
    "area base br col embed hr img input link meta source track wbr".split()
)
VERDICT = re.compile(r"(^|\s)(True|False)\s*$")
MOST_CODE, MOST_CODE_IN_ALL = 40, 450
MOST_VERDICTS = MOST_LONG_TABLES = 4
LONG = 15  # rows of a table that is read at a glance, without its head


@dataclass
class Measures:
    """What is in view on a page.

    Attributes:
        in_form: Whether the page carries the strip of outcomes.
        code: Lines of code.
        verdicts: Printed lines that end in True or False.
        tables: Rows of each table, without its head.
        alts: The texts in place of images, folded ones as well.
    """

    in_form: bool = False
    code: int = 0
    verdicts: int = 0
    tables: list[int] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)

    @property
    def long_tables(self) -> int:
        """How many tables have more rows than are read at a glance."""
        return sum(rows > LONG for rows in self.tables)


class _Reader(HTMLParser):
    """Walks through a page; ``open`` holds the elements that are not closed yet."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, set[str]]] = []
        self.found = Measures()
        self.text: str | None = None  # of the block of code or print that is read

    def handle_starttag(self, tag, attrs):
        """Note an element, and count it if it is in view."""
        of = {name: value or "" for name, value in attrs}
        classes = set(of.get("class", "").split())
        if tag == "details" and "open" not in of:
            classes.add("folded")
        if tag not in VOID:
            self.open.append((tag, classes))
        self.found.in_form |= tag == "div" and "outcomes" in classes
        if tag == "img" and self._inside("bd-article"):
            self.found.alts.append(of.get("alt", ""))
        if self._inside("folded"):
            return
        if tag == "table":
            self.found.tables.append(0)
        if tag == "tr" and any(name == "tbody" for name, _ in self.open):
            self.found.tables[-1] += 1
        if tag == "pre":
            self.text = ""

    def handle_data(self, data):
        """Keep the text of a block."""
        if self.text is not None:
            self.text += data

    def handle_endtag(self, tag):
        """Close an element; at the end of a block its lines are counted."""
        if tag == "pre" and self.text is not None:
            lines = self.text.rstrip("\n").split("\n")
            if self._inside("cell_input"):
                self.found.code += len(lines)
            elif self._inside("cell_output"):
                self.found.verdicts += sum(bool(VERDICT.search(one)) for one in lines)
            self.text = None
        if any(name == tag for name, _ in self.open):
            while self.open.pop()[0] != tag:
                pass

    def _inside(self, name: str) -> bool:
        """Tell whether an element of a class is open."""
        return any(name in classes for _, classes in self.open)


def measure(page: str) -> Measures:
    """Measure a built page."""
    reader = _Reader()
    reader.feed(page)
    return reader.found


def over_the_limits(pages: dict[str, Measures]) -> Iterator[str]:
    """Say which limits the pages of a book are over, page by page and in all."""
    for name, page in pages.items():
        if page.code > MOST_CODE:
            yield f"{name}: {page.code} lines of code in view, at most {MOST_CODE}"
    for what, most in (
        ("code", MOST_CODE_IN_ALL),
        ("verdicts", MOST_VERDICTS),
        ("long_tables", MOST_LONG_TABLES),
    ):
        counts = {name: getattr(page, what) for name, page in pages.items()}
        if sum(counts.values()) > most:
            yield f"{what}: {counts} in all, at most {most}"
