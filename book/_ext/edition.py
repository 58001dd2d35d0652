"""Sphinx extension: which edition of the book this is, at the foot of every page.

The version is that of ``pyproject.toml``, the commit what ``tools/checkout.py`` wrote
beside the sources, the license the file ``LICENSE``, which comes with the book.
"""

import json
import shutil
import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

CHECKOUT = "checkout.json"
LICENSE = "LICENSE"
LICENSE_PAGE = "LICENSE.txt"  # with a suffix that browsers show
SHOWN = 12
HOW_TO_GET_IT = "book/getting_and_citing"


@dataclass(frozen=True, kw_only=True)
class Edition:
    """What was built.

    Attributes:
        version: The version of the project.
        license: The name of its license.
        commit: The commit in full; None where the sources were no checkout.
        changes: Whether the sources differed from that commit.
        date: The day of the commit, as ``2026-11-29``; None where it is not known.
    """

    version: str
    license: str
    commit: str | None = None
    changes: bool = False
    date: str | None = None

    @property
    def words(self) -> str:
        """Version and commit, as HTML."""
        if self.commit is None:
            return f"Version {escape(self.version)}"
        changed = " with changes" if self.changes else ""
        commit = f"<code>{escape(self.commit[:SHOWN])}</code>{changed}"
        return f"Version {escape(self.version)}, commit {commit}"


def read_edition(root: Path) -> Edition:
    """Read which edition the sources are of.

    Args:
        root: The folder of the sources.

    Returns:
        The edition.
    """
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    file = root / CHECKOUT
    checkout = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return Edition(version=project["version"], license=project["license"], **checkout)


def _add_to_footer(
    app: Sphinx,
    page: str,
    template: str,
    context: dict[str, object],
    document: nodes.document | None,
) -> None:
    """Put the edition at the foot of a page.

    Args:
        app: The running build.
        page: Its name.
        template: The theme's template of it.
        context: What the template shows; the theme's footer is added to.
        document: The page itself, or None where it has no source.
    """
    edition, path = read_edition(Path(app.srcdir)), context["pathto"]
    links = f'<a href="{path(LICENSE_PAGE, 1)}">{escape(edition.license)} license</a>'
    if HOW_TO_GET_IT in app.env.found_docs:
        links += f'. <a href="{path(HOW_TO_GET_IT)}">Getting and citing this book</a>'
    said = f'<p class="edition">{edition.words}. {links}.</p>'
    context["theme_extra_footer"] = f"{context.get('theme_extra_footer') or ''}{said}"


def _add_license(app: Sphinx, exception: Exception | None) -> None:
    """Put the license beside the pages once they are written.

    Args:
        app: The running build.
        exception: What ended the build early, or None.
    """
    if exception is None and app.builder.format == "html":
        shutil.copyfile(Path(app.srcdir) / LICENSE, Path(app.outdir) / LICENSE_PAGE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.connect("html-page-context", _add_to_footer)
    app.connect("build-finished", _add_license)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
