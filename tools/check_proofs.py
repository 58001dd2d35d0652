"""Check the proofs in ``proofs/`` with Coq, and print the axioms that they use.

Usage::

    python tools/check_proofs.py                # exits with 3 where there is no coqc
    python tools/check_proofs.py --if-present   # passes there, and says so

The files are copied to a temporary folder and compiled there. Two checks share the
work: the text may hold only commands that are known to prove what they state, and Coq
itself says on which axioms all of the statements together rest. Only the standard
library is needed to run this file.
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NO_COQ = 3  # the exit status where coqc is not installed
INSTALL = "no coqc found; install it with: apt-get install coq (Debian, Ubuntu)"

# The real numbers of Coq's library, its functional extensionality and excluded middle.
ALLOWED_AXIOMS = frozenset(
    {
        "Classical_Prop.classic",
        "ClassicalDedekindReals.sig_forall_dec",
        "ClassicalDedekindReals.sig_not_dec",
        "FunctionalExtensionality.functional_extensionality_dep",
    }
)
# Commands and tactics that leave something unproved, or switch a check of Coq off.
UNPROVED = re.compile(
    r"\b(Admitted|admit|give_up|Axioms?|Parameters?|Conjectures?|Abort|Declare Module"
    r"|Declare ML Module|bypass_check|Unset|Set|Load)\b"
)
NAMED = re.compile(
    r"(Theorem|Lemma|Corollary|Example|Definition|Fixpoint|Record|Notation)\s+([\w']+)"
)
FIELD = re.compile(r"[{;]\s*([\w']+)\s*:")  # of a record
REQUIRED = re.compile(r"Require (?:Export|Import) ([\w ]+)")
ASSUMED_IN_SECTION = ("Hypothesis", "Variable", "Context")
# What a sentence may begin with: these commands, or a tactic, which begins small.
KNOWN = re.compile(
    rf"{NAMED.pattern}(?!\w)|{REQUIRED.pattern}|From Coq Require (?:Export|Import) "
    rf"|(?:{'|'.join(ASSUMED_IN_SECTION)}|Section|End|Implicit|Arguments|Ltac|Proof|Qed"
    r"|Defined)\b|Global Open Scope R_scope$|[a-z(\[]"
)
# Quotation marks, letters that look like others, and a comment in a comment.
MISLEADING = re.compile(r'"|[^\x00-\x7f]|\(\*(?=(?:(?!\*\)).)*?\(\*)', re.DOTALL)
SENTENCE = re.compile(r"(?:[\s{}+*-]|\d[\d, -]*:)*(.*?)(?:\.(?=\s|$)|$)", re.DOTALL)


class ProofError(Exception):
    """The proofs do not stand; the message says where and why."""


def without_comments(text: str) -> str:
    """Blank out the comments of a Coq file, which may be nested.

    Args:
        text: The file.

    Returns:
        The text, every character of a comment but the line ends a space.

    Raises:
        ProofError: If a comment is not closed.
    """
    kept, depth = [], 0
    for piece in re.split(r"(\(\*|\*\))", text):
        depth += piece == "(*"
        kept.append(re.sub(r"[^\n]", " ", piece) if depth else piece)
        depth -= piece == "*)" and depth > 0
    if depth:
        raise ProofError("a comment is not closed.")
    return "".join(kept)


def sentences(text: str) -> list[tuple[int, str]]:
    """Split a Coq file as Coq does, at the full stops before a space.

    Args:
        text: The file.

    Returns:
        Where each sentence begins, and its text; comments, bullets, braces and the
        numbers of goals are left out.
    """
    found = SENTENCE.finditer(without_comments(text))
    return [(one.start(1), one.group(1)) for one in found if one.group(1)]


def named_in(text: str) -> list[tuple[str, str]]:
    """List the definitions and statements of a file.

    Args:
        text: The file.

    Returns:
        For each its kind and its name, in order; the fields of a record follow it.
    """
    named = []
    for _, sentence in sentences(text):
        if found := NAMED.match(sentence):
            named.append((found.group(1), found.group(2)))
            if found.group(1) == "Record":
                named += [("field", field) for field in FIELD.findall(sentence)]
    return named


def text_problems(name: str, text: str) -> list[str]:
    """List what in a file lets a statement pass without a proof, or hides one.

    Quotation marks are refused: between them Coq reads no comment, and with them a
    notation can give a statement another meaning.

    Args:
        name: The file's name, for the messages.
        text: The file.

    Returns:
        One line per place; empty if there is none.
    """
    problems = [
        (found.start(), f"{found.group()} is not allowed")
        for found in UNPROVED.finditer(without_comments(text))
    ]
    problems += [
        (found.start(), f"{found.group()!a} is not allowed")
        for found in MISLEADING.finditer(text)
    ]
    depth = 0
    for place, sentence in sentences(text):
        first = sentence.split()[0]
        depth += (first == "Section") - (first == "End")
        if first in ASSUMED_IN_SECTION and depth < 1:
            problems.append((place, f"{first} outside a section"))
        if not KNOWN.match(sentence):
            problems.append((place, f"{first} is no command that is known here"))
    return [
        f"{name}:{text.count(chr(10), 0, place) + 1}: {problem}"
        for place, problem in sorted(problems)
    ]


def folder_problems(texts: Mapping[str, str]) -> list[str]:
    """List what is wrong with the files, each and all together.

    Args:
        texts: The files by name, without suffix.

    Returns:
        One line per problem; empty if there is none.
    """
    problems = [] if texts else ["there are no proofs."]
    names = Counter(name for text in texts.values() for _, name in named_in(text))
    problems += [f"{name} is named twice" for name in names if names[name] > 1]
    for name, text in texts.items():
        if not re.fullmatch("[a-z][a-z0-9_]*", name):
            problems.append(f"{name}.v: the name has to be in small letters")
        problems += text_problems(f"{name}.v", text)
        for other in sorted(set(_required(text)) - set(texts)):
            problems.append(f"{name}.v: requires {other}, which is not in the folder")
    return problems


def _required(text: str) -> list[str]:
    """List the files of the folder that a file requires."""
    found = [REQUIRED.match(sentence) for _, sentence in sentences(text)]
    return [name for one in found if one for name in one.group(1).split()]


def in_order(texts: Mapping[str, str]) -> list[str]:
    """Sort the files so that each comes after those it requires.

    Args:
        texts: The files by name, without suffix.

    Returns:
        Their names, those that are required first.
    """
    needs = {name: _required(text) for name, text in sorted(texts.items())}
    return list(TopologicalSorter(needs).static_order())


def axioms_in(output: str) -> list[str]:
    """Read the axioms from what Coq prints.

    Args:
        output: The answer to ``Print Assumptions``.

    Returns:
        Their full names, sorted; empty where nothing is assumed.

    Raises:
        ProofError: If the answer is of neither known form.
    """
    if output.strip() == "Closed under the global context":
        return []
    first, *entries = re.findall(r"^\S.*(?:\n\s.*)*", output, re.MULTILINE)
    found = [re.match(r"([\w.']+)\s+:\s", entry) for entry in entries]
    if first != "Axioms:" or not entries or not all(found):
        raise ProofError(f"Coq's list of axioms cannot be read:\n{output}")
    return sorted(entry.split()[0] for entry in entries)


def compile_file(coqc: str, folder: Path, name: str) -> str:
    """Compile one file.

    Args:
        coqc: The compiler.
        folder: Where the file and those it requires lie.
        name: Its name, without suffix.

    Returns:
        What the compiler printed.

    Raises:
        ProofError: If Coq refuses it.
    """
    command = [coqc, "-q", "-Q", ".", "", f"{name}.v"]
    # Files that COQPATH leads to would come before those of the folder.
    surroundings = {key: text for key, text in os.environ.items() if key != "COQPATH"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ProofError(f"{name}.v: Coq refuses it:\n{done.stdout}{done.stderr}")
    return done.stdout


def _seconds() -> float:
    """Tell how long the compiler has run so far, in seconds of one processor."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def check(proofs: Path, build: Path, coqc: str) -> list[str]:
    """Check every file of a folder.

    Args:
        proofs: The folder with the files; nothing is written there.
        build: An empty folder to compile in.
        coqc: The compiler.

    Returns:
        The axioms that all statements together rest on.

    Raises:
        ProofError: If a file is refused, or rests on an axiom that is not allowed.
    """
    texts = {file.stem: file.read_text(encoding="utf-8") for file in proofs.glob("*.v")}
    if problems := folder_problems(texts):
        raise ProofError("\n".join(problems))
    for name in in_order(texts):
        (build / f"{name}.v").write_text(texts[name], encoding="utf-8")
        start = _seconds()
        compile_file(coqc, build, name)
        print(f"{name}.v: checked in {_seconds() - start:.1f} s")
    return used_axioms(texts, build, coqc)


def used_axioms(texts: Mapping[str, str], build: Path, coqc: str) -> list[str]:
    """Ask Coq what all statements together rest on.

    Args:
        texts: The files by name, without suffix, compiled in ``build``.
        build: The folder with the compiled files.
        coqc: The compiler.

    Returns:
        The axioms' full names.

    Raises:
        ProofError: If one of them is not allowed.
    """
    names = [
        f"let _ := @{name}.{one} in"
        for name, text in texts.items()
        for kind, one in named_in(text)
        if kind != "Notation"
    ]
    question = (
        f"Require {' '.join(texts)}.\n"
        f"Definition everything := {' '.join(names)} True.\n"
        "Print Assumptions everything.\n"
    )
    (build / "assumptions.v").write_text(question, encoding="utf-8")
    axioms = axioms_in(compile_file(coqc, build, "assumptions"))
    if foreign := sorted(set(axioms) - ALLOWED_AXIOMS):
        raise ProofError(f"axioms that are not allowed: {', '.join(foreign)}")
    print(f"{len(names)} definitions and statements, which rest on the axioms")
    return axioms


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What follows the program's name; None: the command line.

    Returns:
        The exit status: 0, 1 where a proof does not stand, 3 where there is no Coq.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--if-present", action="store_true", help="pass without coqc")
    parser.add_argument("--proofs", type=Path, default=ROOT / "proofs")
    chosen = parser.parse_args(arguments)
    coqc = shutil.which("coqc")
    if coqc is None:
        print(f"proofs not checked: {INSTALL}", file=sys.stderr)
        return 0 if chosen.if_present else NO_COQ
    start = _seconds()
    try:
        with tempfile.TemporaryDirectory() as build:
            axioms = check(chosen.proofs, Path(build), coqc)
    except ProofError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(f"  {name}" for name in axioms) or "  (none)")
    print(f"all proofs checked in {_seconds() - start:.1f} s of processor time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
