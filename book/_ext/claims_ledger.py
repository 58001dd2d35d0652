"""Sphinx extension: the ledger of the paper's claims.

The directive ``claims-ledger`` reads ``book/claims.yml``, checks it against the pages
and the tests that are there, and shows each claim as an entry with the anchor
``claim-ID``. An entry is no row of a table, since columns are too narrow on a phone. A mistake in the file is a warning of the build, which the build treats as
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
    """Write the ledger as MyST, an entry for each claim.

    Args:
        claims: The claims, in order.

    Returns:
        A sentence that counts the outcomes, and the entries.
    """
    counts = Counter(claim.outcome for claim in claims)
    total = ", ".join(f"{counts[name]} {name}" for name in OUTCOMES if counts[name])
    entries = "\n\n".join(_entry(claim) for claim in claims)
    new = sum(claim.new for claim in claims)
    head = f"{len(claims)} claims, {new} of them new here: {total}."
    return f"{head}\n\n{entries}\n"


def _entry(claim: Claim) -> str:
    """Write one entry: the outcome comes first.

    Args:
        claim: The claim.

    Returns:
        A box that carries the claim's anchor.
    """
    new = " {bdg-primary}`★ new here`" if claim.new else ""
    parts = [
        f"({claim.anchor})=\n{claim.badge}{new} **{claim.title}**, {claim.where}",
        claim.statement.strip(),
        f"**Here:** {claim.note.strip()}" if claim.note else "",
        _places(claim),
    ]
    text = "\n\n".join(filter(None, parts))
    return f":::{{div}} ledger-entry\n{text}\n:::"


def _places(claim: Claim) -> str:
    """Write where a claim is checked.

    Args:
        claim: The claim.

    Returns:
        Links to the page and to the test's file, the module, and what Coq checked.
    """
    places = []
    if claim.page:
        places.append(f"{{doc}}`/book/{claim.page}`")
    if claim.module:
        places.append(f"`{claim.module}`")
    if claim.test:
        path, _, name = claim.test.partition("::")
        places.append(f"{{download}}`{name or Path(path).name} </{path}>`")
    if claim.proof:
        names = ", ".join(f"{{coq}}`{name}`" for name in claim.proof.split())
        places.append(f"Coq: {names}")
    return f"Checked in {'; '.join(places)}" if places else "Checked nowhere yet"


class ClaimsLedger(SphinxDirective):
    """The directive ``claims-ledger``; its argument is the file, beside the page."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Check the ledger and put it on the page.

        Returns:
            The entries that have no problem.
        """
        relative, absolute = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        root = Path(self.env.srcdir)
        pages = {Path(name).name for name in self.env.found_docs}
        entries = read_entries(Path(absolute))
        for problem in ledger_problems(entries, pages, root):
            LOGGER.warning("%s: %s", relative, problem, location=self.get_location())
        sound = sound_claims(entries, pages, root)
        container = nodes.container(classes=["ledger"])
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
