"""Sphinx extension: the ledger of the paper's claims, as a table.

The directive ``claims-ledger`` reads ``book/claims.yml``, checks it against the pages
and the tests that are there, and turns it into a table. Each row carries the anchor
``claim-ID``. A mistake in the file is a warning of the build, which the build treats as
an error.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from claims import OUTCOMES, Claim, ledger_problems, read_entries, sound_claims
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)


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
        "```{list-table}\n:header-rows: 1\n:widths: 15 39 18 12 16\n:class: ledger\n\n"
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
    return (
        f"* - ({claim.anchor})=\n\n    **{claim.title}**\n\n    {claim.where}\n"
        f"  - {claim.statement.strip()}{note}\n"
        f"  - {_places(claim)}\n"
        f"  - {_theorems(claim)}\n"
        f"  - {claim.badge}"
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
        sound = sound_claims(entries, pages, root)
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
