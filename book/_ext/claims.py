"""The ledger of the paper's claims as data: what an entry holds, what is wrong with it.

``book/claims.yml`` holds one entry per numbered statement. What is read here is shown
by ``claims_ledger`` and ``page_form``.
"""

import ast
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import yaml
from formal_statements import FOLDER, STATEMENTS, read_statements

# Each outcome with its mark and the color of its badge.
OUTCOMES = {
    "holds": ("✓", "success"),
    "corrected": ("✎", "info"),
    "fails": ("✗", "danger"),
    "not reproduced": ("≠", "warning"),
    "open": ("○", "light"),
}
# What differs from the paper needs a sentence that says how.
NEEDS_NOTE = ("corrected", "fails", "not reproduced")
MOST_SHORT = 100
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
        short: What came out, in one line of at most `MOST_SHORT` characters, for the
            head of a page; the key may be left out.
        new: Whether this book claims it and the paper does not; the key may be left out.
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
    short: str | None = None
    new: bool = False

    @property
    def line(self) -> str:
        """What came out, in one line; the statement where none was written."""
        return self.short or " ".join(self.statement.split())

    @property
    def badge(self) -> str:
        """The outcome as MyST: a mark and a word, so that color is no news."""
        mark, color = OUTCOMES[self.outcome]
        return f"{{bdg-{color}}}`{mark} {self.outcome}`"

    @property
    def anchor(self) -> str:
        """The label of its row in the ledger."""
        return f"claim-{self.id}"


KEYS = {field.name for field in fields(Claim)}
OPTIONAL = {"short", "new"}
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
    if wrong := sorted((set(entry) - KEYS) | (KEYS - OPTIONAL - set(entry))):
        return [f"keys unknown or missing: {', '.join(map(str, wrong))}"]
    problems = [f"'{key}' is empty" for key in REQUIRED if not entry[key]]
    problems += [
        f"'{key}' is no text: {value!r}"
        for key, value in entry.items()
        if key != "new" and not isinstance(value, str | None)
    ]
    if not isinstance(entry.get("new", False), bool):
        problems.append(f"'new' is neither true nor false: {entry['new']!r}")
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
            _short_problem(claim),
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
    return missing_test(claim.test, root) if claim.test else None


def missing_test(test: str, root: Path) -> str | None:
    """Check that a test is there.

    Args:
        test: ``path`` or ``path::name``.
        root: The project.

    Returns:
        The problem, or None.
    """
    path, _, name = test.partition("::")
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


def _short_problem(claim: Claim) -> str | None:
    """Check that the short line is one, and short.

    Args:
        claim: The claim.

    Returns:
        The problem, or None.
    """
    if claim.short is None:
        return None
    line = claim.short.strip()
    if not line or len(line.splitlines()) > 1 or len(line) > MOST_SHORT:
        return f"'short' is not one line of 1 to {MOST_SHORT} characters"
    return None


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


def sound_claims(
    entries: Sequence[object], pages: Collection[str], root: Path
) -> list[Claim]:
    """Keep the entries without a problem.

    Args:
        entries: The entries as the file has them.
        pages: The pages of the book, without folder and suffix.
        root: The project, for the paths of tests.

    Returns:
        The claims, in the order of the file.
    """
    return [
        Claim(**entry)
        for entry in entries
        if isinstance(entry, Mapping) and not entry_problems(entry, pages, root)
    ]
