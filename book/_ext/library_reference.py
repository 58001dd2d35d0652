"""Sphinx extension: the reference of ``paper_lib``, written from its docstrings.

The directive ``library-part`` documents every public name of one part and the classes
that these hand out; ``library-names`` lists the names of all parts. No name is typed:
``library_names`` reads them from the sources, autodoc sets them with a part of napoleon,
viewcode adds the source. Where a docstring cites the paper, as in "Lemma 2" or "Eq. (7)",
the citation becomes a link to the place in the book; a citation without a place, or a role
that names nothing of the library, fails the build.
"""

import functools
import sys
from collections.abc import Iterator
from pathlib import Path

from claims import read_entries
from docutils import nodes
from library_names import (
    LIBRARY,
    PublicName,
    citations,
    defined_names,
    parts,
    public_names,
)
from library_results import results
from paper_places import (
    LAST,
    TAG,
    anchor,
    equation_numbers,
    page_text,
    sections,
    slug,
)
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

LOGGER = logging.getLogger(__name__)
PART = "library-part"
EXTENSIONS = ("sphinx.ext.autodoc", "sphinx.ext.viewcode")
FOLDER = "book"
EQUATIONS = f"{FOLDER}/paper_to_here"
DIRECTIVES = {
    "class": ".. autoclass:: {}\n   :members:",
    "function": ".. autofunction:: {}",
    "data": ".. autodata:: {}\n   :no-value:",
}
# What holds text that is shown as it stands.
AS_IT_STANDS = (nodes.literal, nodes.literal_block, nodes.math, nodes.reference)
# Short signatures, one argument a line where they are long; no value of this machine.
SETTINGS = {
    "add_module_names": False,
    "autodoc_member_order": "bysource",
    "autodoc_preserve_defaults": True,
    "html_domain_indices": False,
    "python_maximum_signature_line_length": 60,
    "toc_object_entries_show_parents": "hide",
}
# Types stand in the signatures.
SECTIONS = Config(
    napoleon_attr_annotations=False, napoleon_use_ivar=True, napoleon_use_rtype=False
)


class LibraryPart(SphinxDirective):
    """The directive ``library-part``; its argument is the part, in full."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Put the reference of a part on the page.

        Returns:
            Its own docstring and the names, in their order; behind them the classes
            that they hand out.
        """
        part, root = self.arguments[0], Path(self.env.srcdir)
        if part not in parts(root):
            LOGGER.warning("no part %r", part, location=self.get_location())
            return []
        names = [name for name in public_names(root) if name.part == part]
        blocks = [f".. automodule:: {part}"]
        blocks += [DIRECTIVES[name.kind].format(name.whole) for name in names]
        blocks += [
            f"{DIRECTIVES['class'].format(one.name.whole)}\n\n   {one.origin}"
            for one in results(root)
            if one.of == part
        ]
        (box,) = _boxed(self, PART, "\n\n".join(blocks))
        # The sources lead back to a class as if it were a name of its package.
        for signature in box.findall(addnodes.desc_signature):
            if signature.get("module") not in (None, part):
                signature["ids"].append(f"{part}.{signature['fullname']}")
        return [box]


class LibraryNames(SphinxDirective):
    """The directive ``library-names``: each public name and what it is for."""

    def run(self) -> list[nodes.Node]:
        """Put the list on the page.

        Returns:
            For each part a list.
        """
        names = public_names(Path(self.env.srcdir))
        lines = []
        for part in parts(Path(self.env.srcdir)):
            lines += [f":py:mod:`{part}`", ""]
            lines += [f"- {_entry(name)}" for name in names if name.part == part]
            lines += [""]
        return _boxed(self, "library-names", "\n".join(lines))


def _boxed(directive: SphinxDirective, name: str, text: str) -> list[nodes.Node]:
    """Put reStructuredText on the page.

    Args:
        directive: What asks for it.
        name: The class of the box around it.
        text: What to show.

    Returns:
        The box.
    """
    box = nodes.container(classes=[name])
    box += directive.parse_text_to_nodes(text)
    return [box]


def _entry(name: PublicName) -> str:
    """Write one line of the list of names.

    Args:
        name: The name.

    Returns:
        A link, and the first line of its docstring.
    """
    link = f":py:obj:`{name.name} <{name.whole}>`"
    return f"{link}: {name.first_line}" if name.words else link


# --- references between docstrings --------------------------------------------------


def resolve_name(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, shown: nodes.Node
) -> nodes.Node | None:
    """Find what a docstring or a signature names, where Sphinx does not.

    Args:
        app: The running build.
        env: Its environment.
        node: The reference.
        shown: What stands in its place.

    Returns:
        A link where the name is public; what is shown, without one, where it is a
        name of the library that is not, or in a signature, or of another package; else
        None, which fails the build.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    root = Path(app.srcdir)
    if place := env.domains["py"].objects.get(_documented(target, root)):
        return make_refnode(
            app.builder, node["refdoc"], place[0], place[1], shown, target
        )
    in_signature = not isinstance(shown, nodes.literal)
    elsewhere = "." in target and target.split(".")[0] != LIBRARY
    return shown if in_signature or elsewhere or _is_defined(target, root) else None


def _documented(target: str, root: Path) -> str:
    """Name an object as the reference does.

    Args:
        target: A full name, by the module that defines it, or the name alone.
        root: The folder of the sources.

    Returns:
        The name by the package that exports it, or by its module where it is a class
        that a public name hands out; the target where there is none.
    """
    for name in (*public_names(root), *(one.name for one in results(root))):
        for own in (f"{name.module}.{name.name}", name.name):
            if f"{target}.".startswith(f"{own}."):
                return name.whole + target.removeprefix(own)
    return target


def _is_defined(target: str, root: Path) -> bool:
    """Tell whether the library defines a name.

    Args:
        target: The name, in full or its end.
        root: The folder of the sources.

    Returns:
        True if it does.
    """
    return any(f".{name}".endswith(f".{target}") for name in defined_names(root))


class Docstring(GoogleDocstring):
    """A docstring that says what is returned, and what a property is, in prose.

    Napoleon would take what stands before a colon for the type.
    """

    def _consume_returns_section(
        self, preprocess_types: bool = False
    ) -> list[tuple[str, str, list[str]]]:
        """Read such a section.

        Args:
            preprocess_types: As for napoleon; there are no types.

        Returns:
            One description, without name and type.
        """
        return [("", "", self._dedent(self._consume_to_next_section()))]


def read_docstring(
    app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]
) -> None:
    """Turn a docstring into reStructuredText.

    Args:
        app: The running build.
        what: The kind of what is documented.
        name: Its name.
        value: What is documented.
        options: Those of the directive.
        lines: The docstring; changed in place.
    """
    kind = "method" if what in {"property", "data"} else what
    lines[:] = str(Docstring(lines, SECTIONS, app, kind, name, value)).splitlines()


def write_defaults(
    app: Sphinx,
    what: str,
    name: str,
    value: object,
    options: object,
    *written: str | None,
) -> tuple[str | None, ...]:
    """Write a default that is made anew each time as an ellipsis.

    What a dataclass says in its place is no Python, and Sphinx would not read the rest.

    Args:
        app: The running build.
        what: The kind of what is documented.
        name: Its name.
        value: What is documented.
        options: Those of the directive.
        *written: Its arguments and what it returns, as text.

    Returns:
        Both, mended.
    """
    return tuple(one and one.replace("<factory>", "...") for one in written)


def source_of(app: Sphinx, part: str, attribute: str) -> str | None:
    """Tell viewcode which module defines a name.

    Args:
        app: The running build.
        part: The package that exports it.
        attribute: The name, or a method of it.

    Returns:
        The module, or None.
    """
    whole = f"{part}.{attribute.split('.')[0]}"
    modules = {name.whole: name.module for name in public_names(Path(app.srcdir))}
    return modules.get(whole)


# --- from docstrings to the paper's places ------------------------------------------


@functools.cache
def places(env: BuildEnvironment) -> dict[str, tuple[str, str]]:
    """Find where the book has what the paper numbers.

    Args:
        env: The environment of the build.

    Returns:
        By what docstrings cite, page and anchor: the theorem or the displayed equation,
        the page of the claim, a section whose heading names the equation, else the
        equation's entry in *From the paper to here*.
    """
    found = {}
    if EQUATIONS in env.found_docs:
        numbers = range(1, LAST + 1)
        found |= {f"Eq. ({number})": (EQUATIONS, anchor(number)) for number in numbers}
    tagged = {}
    for docname in sorted(env.found_docs):
        for heading, text in sections(page_text(Path(env.doc2path(docname)))):
            place = (docname, slug(heading))
            for number in equation_numbers(heading):
                found[f"Eq. ({number})"] = place
            for number in TAG.findall(text):
                tagged[f"Eq. ({number})"] = place
    found |= tagged
    for entry in read_entries(Path(env.srcdir) / FOLDER / "claims.yml"):
        docname = f"{FOLDER}/{entry['page']}"
        if docname in env.found_docs:
            label = f"paper-{entry['id']}"
            labeled = f":label: {label}\n" in page_text(Path(env.doc2path(docname)))
            found[entry["title"]] = (docname, label if labeled else "")
    return found


def link_citations(app: Sphinx, document: nodes.document, docname: str) -> None:
    """Make links of what docstrings cite.

    Args:
        app: The running build.
        document: A page, as it is written.
        docname: Its name.
    """
    boxes = [one for one in document.findall(nodes.container) if PART in one["classes"]]
    for text in [text for box in boxes for text in box.findall(nodes.Text)]:
        if not any(isinstance(one, AS_IT_STANDS) for one in _ancestors(text)):
            pieces = list(_linked(app, text, docname))
            if len(pieces) > 1:
                text.parent.replace(text, pieces)


def _ancestors(node: nodes.Node) -> Iterator[nodes.Node]:
    """List what a node stands in.

    Args:
        node: The node.

    Yields:
        Parent after parent.
    """
    while node.parent is not None:
        node = node.parent
        yield node


def _linked(app: Sphinx, text: nodes.Text, docname: str) -> Iterator[nodes.Node]:
    """Cut a text at its citations.

    Args:
        app: The running build.
        text: The text.
        docname: The page that holds it.

    Yields:
        Text and links, in order.
    """
    words, done = text.astext(), 0
    known = places(app.env)
    for cited in citations(words):
        if cited.what not in known:
            LOGGER.warning("the book has no place for %s", cited.what, location=text)
            continue
        page, label = known[cited.what]
        uri = app.builder.get_relative_uri(docname, page) + (
            f"#{label}" if label else ""
        )
        link = nodes.reference(
            "", "", internal=True, refuri=uri, classes=["paper-place"]
        )
        link += nodes.Text(words[cited.start : cited.end])
        yield from (nodes.Text(words[done : cited.start]), link)
        done = cited.end
    yield nodes.Text(words[done:])


def name_attributes(app: Sphinx, document: nodes.document) -> None:
    """Call attributes so; Sphinx calls them variables.

    Args:
        app: The running build.
        document: A page, as it was read.
    """
    for name in document.findall(nodes.field_name):
        if name.astext() == "Variables":
            name[:] = [nodes.Text("Attributes")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    for name in EXTENSIONS:
        app.setup_extension(name)
    for name, value in SETTINGS.items():
        app.config[name] = value
    # The library of these sources, not one that is installed.
    sys.path.insert(0, str(app.srcdir))
    app.add_directive(PART, LibraryPart)
    app.add_directive("library-names", LibraryNames)
    app.connect("autodoc-process-docstring", read_docstring)
    app.connect("autodoc-process-signature", write_defaults)
    app.connect("missing-reference", resolve_name)
    app.connect("viewcode-follow-imported", source_of)
    app.connect("doctree-read", name_attributes)
    app.connect("doctree-resolved", link_citations)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
