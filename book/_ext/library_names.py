"""The public names of ``paper_lib`` as data: where each is defined, what its words cite.

Read from the sources, without running them. Public is what a package of ``paper_lib``
imports from its own modules, and what a module at the top defines.
"""

import ast
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LIBRARY = "paper_lib"
# A numbered statement, figure or table of the paper, or several of a kind.
NUMBER = r"(?:\(\d+\)|\d+(?:\.\d+)?)"
CITATION = re.compile(
    r"\b(?P<kind>Eq|Lemma|Theorem|Definition|Figure|Fig|Table|Corollary)"
    rf"(?P<many>s)?\.?\s+(?P<numbers>{NUMBER}"
    rf"(?:(?:\s*,\s*|,?\s+(?:and|or|to)\s+){NUMBER})*)"
)
KINDS = {"Fig": "Figure"}


@dataclass(frozen=True, kw_only=True)
class PublicName:
    """A name that a stranger imports.

    Attributes:
        part: The package or module it is imported from.
        name: The name.
        module: The module that defines it.
        kind: ``"class"``, ``"function"`` or ``"data"``.
        words: Its docstring, and those of its public methods; of data the comment.
    """

    part: str
    name: str
    module: str
    kind: str
    words: str

    @property
    def whole(self) -> str:
        """The name with its package."""
        return f"{self.part}.{self.name}"

    @property
    def link(self) -> str:
        """A link to its reference, in MyST."""
        return f"{{py:obj}}`{self.name} <{self.whole}>`"

    @property
    def first_line(self) -> str:
        """The first line of its docstring."""
        return self.words.split("\n", 1)[0]


@dataclass(frozen=True, kw_only=True)
class Cited:
    """A place in a text that cites the paper.

    Attributes:
        start: Where the place begins.
        end: Where it ends.
        what: What is cited, such as ``"Eq. (7)"`` or ``"Lemma 2"``.
    """

    start: int
    end: int
    what: str


def citations(text: str) -> Iterator[Cited]:
    """Find what a text cites of the paper.

    Args:
        text: The text.

    Yields:
        Each number that is written out, in order; the first of several together with
        the word before it.

    Example:
        >>> [cited.what for cited in citations("Eqs. (8) and (9), Lemma 2; Fig. 4")]
        ['Eq. (8)', 'Eq. (9)', 'Lemma 2', 'Figure 4']
    """
    for found in CITATION.finditer(text):
        kind = KINDS.get(found["kind"], found["kind"])
        start = found.start()
        for number in re.finditer(NUMBER, found["numbers"]):
            if number[0].startswith("(") == (kind == "Eq"):
                end = found.start("numbers") + number.end()
                dot = "." if kind == "Eq" else ""
                yield Cited(start=start, end=end, what=f"{kind}{dot} {number[0]}")
            if not found["many"]:
                break
            behind = re.search(NUMBER, found["numbers"][number.end() :])
            if behind:
                start = found.start("numbers") + number.end() + behind.start()


def parts(root: Path) -> list[str]:
    """List the parts of the library, in the order that it gives.

    Args:
        root: The project.

    Returns:
        Their names, in full; none where there is no library.
    """
    file = root / LIBRARY / "__init__.py"
    words = _docstring(_parsed(file)) if file.exists() else ""
    return [f"{LIBRARY}.{name}" for name in re.findall(r"``(\w+)``", words)]


@functools.cache
def public_names(root: Path) -> tuple[PublicName, ...]:
    """List the public names of the library.

    Args:
        root: The project.

    Returns:
        Part by part, in the order in which each imports or defines them.
    """
    return tuple(name for part in parts(root) for name in _names_of(part, root))


@functools.cache
def defined_names(root: Path) -> set[str]:
    """List all that the library defines, public or not.

    Args:
        root: The project.

    Returns:
        The full names of modules, functions, classes and methods.
    """
    found = set()
    for file in sorted((root / LIBRARY).rglob("*.py")):
        module = ".".join(file.relative_to(root).with_suffix("").parts)
        module = module.removesuffix(".__init__")
        found.add(module)
        for node in ast.walk(_parsed(file)):
            inside = getattr(node, "body", [])
            if isinstance(node, ast.Module | ast.ClassDef):
                owner = (
                    module if isinstance(node, ast.Module) else f"{module}.{node.name}"
                )
                found |= {f"{owner}.{name}" for name in targets(inside)}
    return found


def _names_of(part: str, root: Path) -> Iterator[PublicName]:
    """List the public names of one part.

    Args:
        part: The part.
        root: The project.

    Yields:
        The names.
    """
    if _file_of(part, root).name.startswith("__init__"):
        found = [
            (module, name)
            for module, name in imports_of(part, root).values()
            if f"{module}.".startswith(f"{part}.")
        ]
    else:
        found = [(part, name) for name in statements_of(part, root)]
    for module, name in found:
        if not name.startswith("_"):
            yield described(part, module, name, root)


def described(part: str, module: str, name: str, root: Path) -> PublicName:
    """Read what there is to say of a name.

    Args:
        part: The package or module it is imported from.
        module: The module that defines it.
        name: The name.
        root: The project.

    Returns:
        The name with its words.
    """
    node = statements_of(module, root)[name]
    words = _words(node) or _comment(node, _file_of(module, root))
    return PublicName(
        part=part, name=name, module=module, kind=_kind(node), words=words
    )


def statements_of(module: str, root: Path) -> dict[str, ast.stmt]:
    """Find what a module defines.

    Args:
        module: Its full name.
        root: The project.

    Returns:
        By its name what defines it.
    """
    return targets(_parsed(_file_of(module, root)).body)


def imports_of(module: str, root: Path) -> dict[str, tuple[str, str]]:
    """Find what a module imports from modules of the library.

    Args:
        module: Its full name.
        root: The project.

    Returns:
        By the name in the module, the module it comes from and its name there.
    """
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(_parsed(_file_of(module, root)))
        if isinstance(node, ast.ImportFrom)
        and f"{node.module}.".startswith(f"{LIBRARY}.")
        for alias in node.names
        if node.module
    }


def _file_of(module: str, root: Path) -> Path:
    """Find the file of a module.

    Args:
        module: Its full name.
        root: The project.

    Returns:
        The file.
    """
    path = root.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@functools.cache
def _parsed(file: Path) -> ast.Module:
    """Read a module.

    Args:
        file: The file.

    Returns:
        Its syntax tree.
    """
    return ast.parse(file.read_text(encoding="utf-8"))


def targets(body: Sequence[ast.stmt]) -> dict[str, ast.stmt]:
    """Find what statements define.

    Args:
        body: The statements of a module or a class.

    Returns:
        By its name what defines it.
    """
    found: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            found |= dict.fromkeys(names, node)
    return found


def _kind(node: ast.stmt) -> str:
    """Say what a statement defines.

    Args:
        node: The statement.

    Returns:
        The kind.
    """
    if isinstance(node, ast.ClassDef):
        return "class"
    return "function" if isinstance(node, ast.FunctionDef) else "data"


def _docstring(node: ast.AST) -> str:
    """Read a docstring.

    Args:
        node: A module, class or function, or what has none.

    Returns:
        The docstring, or nothing.
    """
    documented = ast.Module | ast.ClassDef | ast.FunctionDef
    return (ast.get_docstring(node) or "") if isinstance(node, documented) else ""


def _words(node: ast.stmt) -> str:
    """Collect what the reference says of a name.

    Args:
        node: What defines it.

    Returns:
        Its docstring and those of its public methods.
    """
    inside = targets(node.body) if isinstance(node, ast.ClassDef) else {}
    methods = [one for name, one in inside.items() if not name.startswith("_")]
    return "\n".join(filter(None, map(_docstring, [node, *methods])))


def _comment(node: ast.stmt, file: Path) -> str:
    """Read the comment that documents data.

    Args:
        node: What defines it.
        file: Where.

    Returns:
        What stands behind ``#:`` above it, on one line.
    """
    words: list[str] = []
    for line in reversed(
        file.read_text(encoding="utf-8").splitlines()[: node.lineno - 1]
    ):
        if not line.startswith("#: "):
            break
        words.insert(0, line.removeprefix("#: "))
    return " ".join(words)
