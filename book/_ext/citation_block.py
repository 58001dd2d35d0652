"""Sphinx extension: how to cite the paper and this book, as BibTeX.

The directive ``citation`` takes a key of the bibliography, or the name of the file
``CITATION.cff``, from which it makes an entry with version and commit. Nothing is typed
twice; the theme's button copies the block.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import yaml
from docutils import nodes
from edition import Edition, read_edition
from pybtex.database import BibliographyData, Entry, Person, parse_file
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)
CFF = "CITATION.cff"
KEY = "paper_lib"
ADDRESSES = {"url", "doi"}  # TeX packages that set them read them as they are


def as_tex(text: str) -> str:
    """Write plain text as TeX reads it.

    Args:
        text: The text.

    Returns:
        The text with its special characters escaped and its quotation marks paired.
    """
    text = re.sub(r"([&%$#_{}])", r"\\\1", text)
    return re.sub(r'"([^"]*)"', r"``\1''", text)


def software_entry(cff: Mapping, edition: Edition) -> Entry:
    """Make an entry for the software.

    Args:
        cff: What the citation file holds.
        edition: What is built; its commit is named where it is known, and gives the
            year of what was not released.

    Returns:
        The entry; a field whose value the file does not have is left out.
    """
    fields = {
        "title": f"{{{as_tex(cff['title'])}}}",
        "version": as_tex(edition.version),
        "year": str(cff.get("date-released") or edition.date or "")[:4],
        "url": cff.get("repository-code", ""),
        "license": as_tex(cff.get("license", "")),
        "note": _commit(edition),
    }
    people = [Person(_name(author)) for author in cff["authors"]]
    kept = {name: text for name, text in fields.items() if text}
    return Entry("software", fields=kept, persons={"author": people})


def _commit(edition: Edition) -> str:
    """Name the commit.

    Args:
        edition: What is built.

    Returns:
        A phrase; empty where there is none.
    """
    if edition.commit is None:
        return ""
    return f"Commit {edition.commit}{', with changes' * edition.changes}"


def _name(author: Mapping[str, str]) -> str:
    """Write an author as BibTeX takes one.

    Args:
        author: What the citation file says of one.

    Returns:
        Family and given names, or the name of a group in braces.
    """
    if "name" in author:
        return f"{{{as_tex(author['name'])}}}"
    return f"{as_tex(author['family-names'])}, {as_tex(author['given-names'])}"


def bibtex(key: str, entry: Entry) -> str:
    """Write an entry.

    Args:
        key: Its key.
        entry: The entry.

    Returns:
        BibTeX, each value in braces, addresses as they are.
    """
    text = BibliographyData({key: entry}).to_string("bibtex")
    # pybtex doubles the backslash of an escaped character in a name.
    text = text.replace("\\\\", "\\")
    text = re.sub(r'= "(.*)"(,?)$', r"= {\1}\2", text, flags=re.M).strip()
    for name in ADDRESSES & entry.fields.keys():
        field = f"{name} = {{{entry.fields[name]}}}"  # which pybtex escapes, as text
        pattern = rf"\b{name} = \{{.*\}}(?=,?$)"
        text = re.sub(pattern, lambda _, field=field: field, text, flags=re.M)
    return text


class Citation(SphinxDirective):
    """The directive ``citation``."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Put the entry on the page.

        Returns:
            A block of BibTeX; none, and a warning, where the bibliography lacks the key.
        """
        key, root = self.arguments[0], Path(self.env.srcdir)
        if key == CFF:
            cff = yaml.safe_load((root / CFF).read_text(encoding="utf-8"))
            key, entry = KEY, software_entry(cff, read_edition(root))
        else:
            entry = self._of_bibliography(key, root)
        if entry is None:
            LOGGER.warning("no entry %r to cite", key, location=self.get_location())
            return []
        text = bibtex(key, entry)
        return [nodes.literal_block(text, text, language="bibtex")]

    def _of_bibliography(self, key: str, root: Path) -> Entry | None:
        """Look a key up.

        Args:
            key: The key.
            root: The folder of the sources.

        Returns:
            Its entry, or None.
        """
        for name in getattr(self.config, "bibtex_bibfiles", ()):
            self.env.note_dependency(name)
            entries = parse_file(root / name).entries
            if key in entries:
                return entries[key]
        return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.add_directive("citation", Citation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
