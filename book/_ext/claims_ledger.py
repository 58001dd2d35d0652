"""Sphinx extension: the ledger of the paper's claims, as a table.

``book/claims.yml`` holds one entry per numbered statement. The directive
``claims-ledger`` reads it, checks it against the pages and the tests that are there,
and turns it into a table. A mistake in the file is a warning of the build, which the
build treats as an error.
"""

import ast
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from formal_statements import FOLDER, STATEMENTS, read_statements
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)

# Each outcome with the color of its badge.
OUTCOMES = {
    "holds": "success",
    "corrected": "info",
    "fails": "danger",
    "not reproduced": "warning",
    "open": "light",
}
# What differs from the paper needs a sentence that says how.
NEEDS_NOTE = ("corrected", "fails", "not reproduced")
MODULE = re.compile(r"(paper_lib|experiments)(\.[a-z0-9_]+)+")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One numbered statement of the paper.

    Attributes:
        id: Short name, unique in the file.
        title: Its name and number in the paper.
        where: Section, appendix and equations.
        statement: What it says, in one sentence.
        page: The page of the book that checks it, without folder and suffix.
        module: The module of the library that computes it.
        test: ``path`` or ``path::name`` of the test that checks it.
        proof: The theorems of ``proofs`` that state it for all dimensions, in one line.
        outcome: One of `OUTCOMES`.
        note: What to know about the outcome.
    """

    id: str
    title: str
    where: str
    statement: str
    page: str | None
    module: str | None
    test: str | None
    proof: str | None
    outcome: str
    note: str | None


KEYS = tuple(field.name for field in fields(Claim))
REQUIRED = ("id", "title", "where", "statement", "outcome")


def read_entries(path: Path) -> list[object]:
    """Read the ledger without judging it.

    Args:
        path: The YAML file.

    Returns:
        Its entries; empty if the file is.
    """
    return yaml.safe_load(path.read_text(encoding="utf-8")) or []


def entry_problems(
    entry: Mapping[str, object], pages: Collection[str], root: Path
) -> list[str]:
    """List what is wrong with one entry.

    Args:
        entry: The entry as the file has it.
        pages: The pages of the book, without folder and suffix.
        root: The project, for the paths of tests.

    Returns:
        One sentence per problem; empty if the entry is sound.
    """
    if wrong := sorted(set(entry) ^ set(KEYS)):
        return [f"keys unknown or missing: {', '.join(map(str, wrong))}"]
    problems = [f"'{key}' is empty" for key in REQUIRED if not entry[key]]
    problems += [
        f"'{key}' is no text: {value!r}"
        for key, value in entry.items()
        if not isinstance(value, str | None)
    ]
    if problems:
        return problems
    claim = Claim(**entry)
    return [
        problem
        for problem in (
            _outcome_problem(claim),
            _page_problem(claim, pages),
            _module_problem(claim),
            _test_problem(claim, root),
            _proof_problem(claim, root),
        )
        if problem
    ]


def _outcome_problem(claim: Claim) -> str | None:
    """Check the outcome and what it calls for.

    Args:
        claim: The claim.

    Returns:
        The problem, or None.
    """
    if claim.outcome not in OUTCOMES:
        return f"outcome {claim.outcome!r} is none of {', '.join(OUTCOMES)}"
    if claim.outcome != "open" and not (claim.page and claim.test):
        return f"outcome {claim.outcome!r} needs a page and a test"
    if claim.outcome in NEEDS_NOTE and not claim.note:
        return f"outcome {claim.outcome!r} needs a note"
    return None


def _page_problem(claim: Claim, pages: Collection[str]) -> str | None:
    """Check that the page is in the book.

    Args:
        claim: The claim.
        pages: The pages of the book.

    Returns:
        The problem, or None.
    """
    if claim.page and claim.page not in pages:
        return f"no page {claim.page!r} in the table of contents"
    return None


def _module_problem(claim: Claim) -> str | None:
    """Check that the module is named in full.

    Args:
        claim: The claim.

    Returns:
        The problem, or None.
    """
    if claim.module and not MODULE.fullmatch(claim.module):
        return f"{claim.module!r} is no module of paper_lib or experiments"
    return None


def _test_problem(claim: Claim, root: Path) -> str | None:
    """Check that the test is there.

    Args:
        claim: The claim.
        root: The project.

    Returns:
        The problem, or None.
    """
    if not claim.test:
        return None
    path, _, name = claim.test.partition("::")
    file = root / path
    if not (path.startswith("tests/") and file.is_file()):
        return f"no test file {path!r}"
    if name and name not in _function_names(file):
        return f"no test {name!r} in {path}"
    return None


def _proof_problem(claim: Claim, root: Path) -> str | None:
    """Check that the theorems are there.

    Args:
        claim: The claim.
        root: The project.

    Returns:
        The problem, or None.
    """
    if not claim.proof:
        return None
    known = read_statements(root / FOLDER).values()
    theorems = {one.name for one in known if one.kind in STATEMENTS}
    gone = sorted(set(claim.proof.split()) - theorems)
    return f"no theorem {', '.join(gone)} in {FOLDER}" if gone else None


def _function_names(file: Path) -> set[str]:
    """Name the functions that a file defines.

    Args:
        file: A Python file.

    Returns:
        Their names.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def ledger_problems(
    entries: Sequence[object], pages: Collection[str], root: Path
) -> list[str]:
    """List what is wrong with the ledger.

    Args:
        entries: The entries as the file has them.
        pages: The pages of the book, without folder and suffix.
        root: The project, for the paths of tests.

    Returns:
        One line per problem, naming the entry; empty if the ledger is sound.
    """
    problems = []
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, Mapping):
            problems.append(f"entry {number}: no mapping")
            continue
        name = entry.get("id", f"entry {number}")
        problems += [f"{name}: {text}" for text in entry_problems(entry, pages, root)]
    ids = Counter(str(e.get("id")) for e in entries if isinstance(e, Mapping))
    problems += [f"{name}: id used twice" for name, count in ids.items() if count > 1]
    return problems


def ledger_markdown(claims: Sequence[Claim]) -> str:
    """Write the ledger as a MyST table.

    Args:
        claims: The claims, in the order of the table.

    Returns:
        A sentence that counts the outcomes, and the table.
    """
    counts = Counter(claim.outcome for claim in claims)
    total = ", ".join(f"{counts[name]} {name}" for name in OUTCOMES if counts[name])
    rows = "\n".join(_row(claim) for claim in claims)
    return (
        f"{len(claims)} claims: {total}.\n\n"
        "```{list-table}\n:header-rows: 1\n:widths: 15 41 19 13 12\n:class: ledger\n\n"
        "* - Claim\n  - What it says\n  - Checked in\n  - Proved for all dimensions\n"
        "  - Outcome\n"
        f"{rows}\n```\n"
    )


def _row(claim: Claim) -> str:
    """Write one row of the table.

    Args:
        claim: The claim.

    Returns:
        Five cells of a ``list-table``.
    """
    note = f"\n\n    *{claim.note.strip()}*" if claim.note else ""
    badge = f"{{bdg-{OUTCOMES[claim.outcome]}}}`{claim.outcome}`"
    return (
        f"* - **{claim.title}**\n\n    {claim.where}\n"
        f"  - {claim.statement.strip()}{note}\n"
        f"  - {_places(claim)}\n"
        f"  - {_theorems(claim)}\n"
        f"  - {badge}"
    )


def _places(claim: Claim) -> str:
    """Write where a claim is checked.

    Args:
        claim: The claim.

    Returns:
        A link to the page, the module's name and a link to the test's file.
    """
    places = []
    if claim.page:
        places.append(f"{{doc}}`/book/{claim.page}`")
    if claim.module:
        places.append(f"`{claim.module}`")
    if claim.test:
        path, _, name = claim.test.partition("::")
        places.append(f"{{download}}`{name or Path(path).name} </{path}>`")
    return "\n\n    ".join(places) or "none yet"


def _theorems(claim: Claim) -> str:
    """Write what Coq checked of a claim.

    Args:
        claim: The claim.

    Returns:
        The theorems' names, or a dash.
    """
    names = (claim.proof or "").split()
    return "\n\n    ".join(f"{{coq}}`{name}`" for name in names) or "—"


class ClaimsLedger(SphinxDirective):
    """The directive ``claims-ledger``; its argument is the file, beside the page."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Check the ledger and put its table on the page.

        Returns:
            The table, without the entries that have a problem.
        """
        relative, absolute = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        root = Path(self.env.srcdir)
        pages = {Path(name).name for name in self.env.found_docs}
        entries = read_entries(Path(absolute))
        for problem in ledger_problems(entries, pages, root):
            LOGGER.warning("%s: %s", relative, problem, location=self.get_location())
        sound = [
            Claim(**entry)
            for entry in entries
            if isinstance(entry, Mapping) and not entry_problems(entry, pages, root)
        ]
        container = nodes.container(classes=["ledger-container"])
        text = StringList(ledger_markdown(sound).splitlines(), source=absolute)
        self.state.nested_parse(text, self.content_offset, container)
        return [container]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.add_directive("claims-ledger", ClaimsLedger)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
