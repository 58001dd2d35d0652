"""Sphinx extension: what every page begins and ends with, generated.

The directive ``outcomes`` puts a strip at the head of a page: the paper's claims that the
page checks, each with its outcome, one short line, and a link to its row in the ledger.
The directive ``page-footer`` says at the end what stands behind the page: tests with the
one command that runs them, modules, reading notes, stored records, and the command that
runs the page with other parameters. Nothing of this is typed twice.
"""

from collections.abc import Sequence
from pathlib import Path

import nbformat
from claims import Claim, missing_test, read_entries, sound_claims
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from library_names import parts
from offered_files import links, pairs
from page_facts import (
    named_tests,
    noted,
    records_markdown,
    run_command_line,
    test_command_line,
)
from record_archives import MOST_LINKED, archive_link
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)
LEDGER = "claims.yml"
# The first title of the table that ``experiments.figures.checks_table`` writes.
CHECKS = "what was checked"
# Marks a page in this form: its images are held to more, see ``image_texts``.
STRIP = "outcomes"


class OfClaims(SphinxDirective):
    """A directive about claims; its arguments are their ids, else all of the page."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = False

    @property
    def page(self) -> str:
        """The page without folder and suffix."""
        return Path(self.env.docname).name

    @property
    def root(self) -> Path:
        """The folder of the sources."""
        return Path(self.env.srcdir)

    def warn(self, message: str, *args: object) -> None:
        """Warn, which fails the build of the book.

        Args:
            message: What is wrong.
            args: What the message has places for.
        """
        LOGGER.warning(message, *args, location=self.get_location())

    def ledger(self) -> list[Claim]:
        """Read the ledger.

        Returns:
            All its claims that are sound.
        """
        relative, absolute = self.env.relfn2path(LEDGER)
        self.env.note_dependency(relative)
        pages = {Path(name).name for name in self.env.found_docs}
        return sound_claims(read_entries(Path(absolute)), pages, self.root)

    def claims(self) -> list[Claim]:
        """Pick the claims from the ledger.

        Returns:
            Those named, in that order, or those of the page; none where the ledger lacks
            one that is named.
        """
        known = self.ledger()
        if not self.arguments:
            return [claim for claim in known if claim.page == self.page]
        by_id = {claim.id: claim for claim in known}
        names = self.arguments[0].split()
        if gone := [name for name in names if name not in by_id]:
            self.warn("no claim %s in %s", ", ".join(gone), LEDGER)
            return []
        return [by_id[name] for name in names]

    def parsed(self, text: str, name: str) -> list[nodes.Node]:
        """Put MyST on the page.

        Args:
            text: What to show.
            name: The class of the box around it.

        Returns:
            The box.
        """
        box = nodes.container(classes=[name])
        lines = StringList(text.splitlines(), source=LEDGER)
        self.state.nested_parse(lines, self.content_offset, box)
        return [box]


class Outcomes(OfClaims):
    """The directive ``outcomes``."""

    def run(self) -> list[nodes.Node]:
        """Put the strip on the page.

        Returns:
            One line for each claim.
        """
        claims = self.claims()
        if not claims and not self.arguments:
            self.warn("no claim of page %r in %s", self.page, LEDGER)
        # The search puts this page first for the names of its claims.
        names = [claim.title for claim in claims if claim.page == self.page]
        entries = [("single", name, "", "main", None) for name in names]
        index = addnodes.index(entries=entries)
        return [index, *self.parsed(outcomes_markdown(claims), STRIP)]


class PageFooter(OfClaims):
    """The directive ``page-footer``; the option ``records`` takes patterns of files."""

    option_spec = {"records": directives.unchanged_required}  # noqa: RUF012 - docutils' name

    def run(self) -> list[nodes.Node]:
        """Put the footer on the page.

        Returns:
            What stands behind the page.
        """
        claims, cells = self.claims(), self._cells()
        tests = dict.fromkeys([claim.test for claim in claims if claim.test])
        tests |= dict.fromkeys(named_tests(cells))
        for test in tests:
            if problem := missing_test(test, self.root):
                self.warn("%s", problem)
        parts = [
            _claims_part(claims),
            test_command_line(list(tests)),
            _modules_part(claims, self.root),
            _notes_part(noted(self.state.document)),
            self._records(),
            run_command_line(self.env.docname, cells),
            self._files(),
        ]
        return self.parsed("\n\n".join(filter(None, parts)), "page-footer")

    def _files(self) -> str:
        """Offer the page's own files.

        Returns:
            MyST; empty where the page is no pair of a notebook and its text.
        """
        if (page := self.env.docname) not in pairs(self.env):
            return ""
        one, other, both = links(page).values()
        return f"**This page** {one}, {other}, or both as {both}"

    def _cells(self) -> list[nbformat.NotebookNode]:
        """Read the page's cells.

        Returns:
            The cells with their outputs; none where the page is no notebook.
        """
        file = Path(self.env.doc2path(self.env.docname))
        if file.suffix != ".ipynb":
            return []
        return nbformat.read(file, as_version=4).cells

    def _records(self) -> str:
        """Describe the stored records.

        Returns:
            MyST; a pattern that fits no file warns.
        """
        found, patterns = {}, self.options.get("records", "")
        self.env.metadata[self.env.docname]["records"] = patterns  # for ``claims_file``
        for pattern in patterns.split():
            found[pattern] = sorted(self.root.glob(pattern))
            if not found[pattern]:
                self.warn("no record %r", pattern)
            for file in found[pattern]:
                self.env.note_dependency(file.relative_to(self.root).as_posix())
        archives = {
            pattern: archive_link(self.env.app, self.env.docname, pattern)
            for pattern, files in found.items()
            if len(files) > MOST_LINKED
        }
        return records_markdown(found, self.root, archives)


def outcomes_markdown(claims: Sequence[Claim]) -> str:
    """Write the strip.

    Args:
        claims: The claims, in order.

    Returns:
        A list: outcome, title with a link to the ledger, one line.
    """
    return "\n".join(
        f"- {claim.badge} {{ref}}`{claim.title} <{claim.anchor}>`: {claim.line}"
        for claim in claims
    )


def _claims_part(claims: Sequence[Claim]) -> str:
    """Write which claims the page checks, and which test checks each.

    Args:
        claims: The claims.

    Returns:
        A list; nothing where there is no claim.
    """
    lines = []
    for claim in claims:
        line = f"- {{ref}}`{claim.title} <{claim.anchor}>`: {claim.outcome}"
        if claim.test:
            path, _, name = claim.test.partition("::")
            line += f", {{download}}`{name or Path(path).name} </{path}>`"
        lines.append(line)
    return "\n".join(["**Claims and their tests**", "", *lines]) if lines else ""


def _modules_part(claims: Sequence[Claim], root: Path) -> str:
    """Write which modules compute what the page claims.

    Args:
        claims: The claims.
        root: The folder of the sources.

    Returns:
        A line; nothing where no claim has a module.
    """
    names = dict.fromkeys(claim.module for claim in claims if claim.module)
    words = [_module_link(name, root) for name in names]
    return f"**Modules** {', '.join(words)}" if words else ""


def _module_link(name: str, root: Path) -> str:
    """Write a module's name, as a link to the reference of the part it belongs to.

    A module of the experiments has none, and leads to its source.

    Args:
        name: The module, in full.
        root: The folder of the sources.

    Returns:
        MyST.
    """
    part = ".".join(name.split(".")[:2])
    if part in parts(root):
        return f"{{py:mod}}`{name} <{part}>`"
    path = name.replace(".", "/")
    for file in (f"{path}.py", f"{path}/__init__.py"):
        if (root / file).is_file():
            return f"{{download}}`{name} </{file}>`"
    return f"`{name}`"


def _notes_part(targets: Sequence[str]) -> str:
    """Write which reading notes the page speaks of.

    Args:
        targets: Links to them; their text is the note's heading.

    Returns:
        A list; nothing where there is none.
    """
    lines = [f"- [](<{target}>)" for target in targets]
    return "\n".join(["**Reading notes**", "", *lines]) if lines else ""


def mark_checks(app: Sphinx, document: nodes.document, page: str) -> None:
    """Name the tables of checks, so that styles reach them; a cell's output has no class.

    Args:
        app: The running build.
        document: The page, as it is written.
        page: Its name.
    """
    for table in document.findall(nodes.table):
        if table.astext().lstrip().startswith(CHECKS):
            table["classes"].append("checks")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.setup_extension("offered_files")
    app.add_directive("outcomes", Outcomes)
    app.add_directive("page-footer", PageFooter)
    app.add_js_file("code_switch.js")
    app.add_js_file("tab_stops.js")
    app.connect("doctree-resolved", mark_checks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
