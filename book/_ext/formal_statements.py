"""Sphinx extension: statements of the Coq files, shown as they stand there.

The directive ``coq`` puts definitions and theorems on a page, by name; the role ``coq``
mentions one. Both read ``proofs/*.v`` when the book is built, so no statement is typed
twice, and a name that is not there is a warning of the build.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

LOGGER = logging.getLogger(__name__)
FOLDER = "proofs"
STATEMENTS = ("Theorem", "Lemma", "Corollary", "Example")
DEFINITIONS = ("Definition", "Fixpoint", "Notation", "Record")
ASSUMPTIONS = ("Context", "Hypothesis", "Implicit", "Variable")
# A comment, or what stands up to a full stop.
PIECE = re.compile(
    r"\(\*.*?\*\)|[^\s(.](?:[^.]|\.(?=\S))*\.|\((?!\*)[^.]*\.", re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A named definition or theorem.

    Attributes:
        kind: The command that it begins with, one of `STATEMENTS` or `DEFINITIONS`.
        name: Its name, unique in the folder.
        file: The file that holds it, without folder and suffix.
        comment: The comment right above it, or nothing.
        assumed: What its section says of the letters in it, a line each.
        text: What it says.
        proof: How it is proved, or nothing.
    """

    kind: str
    name: str
    file: str
    comment: str
    assumed: tuple[str, ...]
    text: str
    proof: str


def read_statements(folder: Path) -> dict[str, Statement]:
    """Read all statements of a folder.

    Args:
        folder: The folder with the Coq files.

    Returns:
        The statements by name, file by file, in the order in which they stand there.
    """
    return {
        statement.name: statement
        for file in sorted(folder.glob("*.v"))
        for statement in _statements_of(file.stem, file.read_text(encoding="utf-8"))
    }


def _statements_of(file: str, code: str) -> Iterator[Statement]:
    """Read the statements of one file.

    Args:
        file: Its name, without suffix.
        code: Its text.

    Yields:
        The statements, in order.
    """
    pieces = list(PIECE.finditer(code))
    assumed: list[str] = []
    for number, piece in enumerate(pieces):
        first, *rest = piece.group().split(maxsplit=2)
        if first in ("Section", "End"):
            assumed = []
        elif first in ASSUMPTIONS:
            assumed.append(piece.group())
        elif first in STATEMENTS + DEFINITIONS:
            above = pieces[number - 1]
            close = code[above.end() : piece.start()] == "\n"
            comment = above.group() if close and above.group().startswith("(*") else ""
            proof = code[piece.end() :].lstrip()
            yield Statement(
                kind=first,
                name=rest[0],
                file=file,
                comment=comment,
                assumed=tuple(assumed),
                text=piece.group(),
                proof=_proof_at_start(proof),
            )


def _proof_at_start(code: str) -> str:
    """Cut out the proof that a text begins with.

    Args:
        code: What follows a statement.

    Returns:
        The proof, or nothing where none follows.
    """
    if not code.startswith("Proof."):
        return ""
    return re.split(r"(?<=Qed\.)|(?<=Defined\.)", code, maxsplit=1)[0]


def statements_markdown(statements: Sequence[Statement]) -> str:
    """Write statements of one file as MyST, with the proofs of theorems folded.

    What a definition is made of may stand in its proof, so that is shown.

    Args:
        statements: The statements; at least one.

    Returns:
        The text; what the section assumes comes first, once.
    """
    assumed = list(dict.fromkeys(line for one in statements for line in one.assumed))
    blocks = ["\n".join(assumed)] if assumed else []
    folded = []
    for one in statements:
        blocks.append(f"{one.comment}\n{one.text}".strip())
        if one.kind in DEFINITIONS and one.proof:
            blocks[-1] += f"\n{one.proof}"
        elif one.proof:
            folded.append(f"(* {one.name} *)\n{one.proof}")
    shown, proofs = "\n\n".join(blocks), "\n\n".join(folded)
    file = f"{FOLDER}/{statements[0].file}.v"
    text = (
        f"```{{code-block}} coq\n{shown}\n```\n\n"
        f"From {{download}}`{file} </{file}>`, checked by `make proofs`.\n"
    )
    if proofs:
        block = f"```{{code-block}} coq\n{proofs}\n```"
        text += f"\n:::{{dropdown}} How it is proved\n{block}\n:::\n"
    return text


class CoqStatements(SphinxDirective):
    """The directive ``coq``; its arguments are names, all of one file."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Put the statements on the page.

        Returns:
            Their text and proofs; nothing for a name that is not there.
        """
        known = read_statements(Path(self.env.srcdir) / FOLDER)
        names = self.arguments[0].split()
        chosen = [known[name] for name in names if name in known]
        for name in sorted(set(names) - set(known)):
            LOGGER.warning("no %r in the proofs", name, location=self.get_location())
        if not chosen:
            return []
        self.env.note_dependency(f"{FOLDER}/{chosen[0].file}.v")
        if len({one.file for one in chosen}) > 1:
            LOGGER.warning("names of several files", location=self.get_location())
        container = nodes.container(classes=["formal-statements"])
        lines = StringList(statements_markdown(chosen).splitlines(), source=FOLDER)
        self.state.nested_parse(lines, self.content_offset, container)
        return [container]


class CoqName(SphinxRole):
    """The role ``coq``: a name of the proofs, in the font of code."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Check that the name is there.

        Returns:
            The name, and no messages of its own.
        """
        if self.text not in read_statements(Path(self.env.srcdir) / FOLDER):
            LOGGER.warning(
                "no %r in the proofs", self.text, location=self.get_location()
            )
        return [nodes.literal(self.text, self.text)], []


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.add_directive("coq", CoqStatements)
    app.add_role("coq", CoqName())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
