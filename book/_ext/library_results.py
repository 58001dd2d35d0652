"""The classes of ``paper_lib`` that a reader is handed and does not import.

A public function returns them, or a public class holds them in an attribute. Read from
the annotations in the sources, without running them.
"""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from library_names import (
    PublicName,
    described,
    imports_of,
    parts,
    public_names,
    statements_of,
    targets,
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """A class that comes out of the public names of its part.

    Attributes:
        of: The part.
        name: The class, under the module that defines it.
        givers: What it comes from: the full name of a function, or of a class, with
            the method that returns it or the attribute that holds it.
    """

    of: str
    name: PublicName
    givers: tuple[tuple[str, str], ...]

    @property
    def origin(self) -> str:
        """What it comes from, as links in reStructuredText."""
        links = [
            f":py:obj:`{whole.rsplit('.', 1)[1]}{member} <{whole}>`"
            for whole, member in self.givers
        ]
        return f"What one gets from {', '.join(links)}; no name to import."


@functools.cache
def results(root: Path) -> tuple[Result, ...]:
    """List the classes that public names hand out.

    Args:
        root: The project.

    Returns:
        Part by part, those of its own modules, in the order in which they are handed
        out; what the attributes of such a class hold is among them.
    """
    open_names = [(one.module, one.name, one.whole) for one in public_names(root)]
    public = {(module, name) for module, name, _ in open_names}
    givers: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for module, name, whole in open_names:
        for member, annotation in _annotations(statements_of(module, root)[name]):
            for place in _classes_in(annotation, module, root):
                if place in public:
                    continue
                if place not in givers:
                    open_names.append((*place, ".".join(place)))
                givers.setdefault(place, []).append((whole, member))
    return tuple(
        Result(
            of=part,
            name=described(place[0], *place, root),
            givers=tuple(dict.fromkeys(found)),
        )
        for part in parts(root)
        for place, found in givers.items()
        if f"{place[0]}.".startswith(f"{part}.")
    )


def _annotations(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """List the types that a name hands out.

    Args:
        node: What defines it.

    Yields:
        What hands it out, behind the name, and the type: what a function returns; what
        public methods of a class return, and its attributes hold.
    """
    members = {"": node}
    if isinstance(node, ast.ClassDef):
        inside = targets(node.body).items()
        members = {f".{name}": it for name, it in inside if not name.startswith("_")}
    for member, it in members.items():
        if isinstance(it, ast.FunctionDef) and it.returns:
            yield member, it.returns
        elif isinstance(it, ast.AnnAssign) and member:
            yield member, it.annotation


def _classes_in(
    annotation: ast.expr, module: str, root: Path
) -> Iterator[tuple[str, str]]:
    """Find the classes of the library that a type names.

    Args:
        annotation: The type.
        module: The module it stands in.
        root: The project.

    Yields:
        Module and name of each that is not private.
    """
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name) and not node.id.startswith("_"):
            place = (module, node.id)
            while found := imports_of(place[0], root).get(place[1]):
                place = found
            if isinstance(statements_of(place[0], root).get(place[1]), ast.ClassDef):
                yield place
