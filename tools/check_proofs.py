"""Check the proofs in ``proofs/`` with Coq, and print the axioms that they use.

Usage::

    python tools/check_proofs.py                # exits with 3 where there is no coqc
    python tools/check_proofs.py --if-present   # passes there, and says so

The files are copied to ``_build/proofs`` and compiled there. Two checks share the work:
the text may hold no command that lets a statement pass without a proof, and Coq itself
says on which axioms all of the statements together rest. Only the standard library is
needed to run this file.
"""

import argparse
import re
import resource
import shutil
import subprocess
import sys
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
    r"|Declare ML Module|bypass_check|Unset|Set)\b"
)
ASSUMED_IN_SECTION = re.compile(r"\b(Hypothes[ie]s|Variables?|Context)\b")
SECTION = re.compile(r"\b(Section|End)\s+\w+\s*\.")
REQUIRED = re.compile(r"^Require (?:Export|Import) ([\w ]+)\.", re.MULTILINE)
NAMED = re.compile(
    r"^(?:Theorem|Lemma|Corollary|Example|Fact|Remark|Proposition|Definition|Fixpoint)"
    r"\s+(\w+)",
    re.MULTILINE,
)


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


def text_problems(name: str, text: str) -> list[str]:
    """List what in a file lets a statement pass without a proof.

    Args:
        name: The file's name, for the messages.
        text: The file.

    Returns:
        One line per place; empty if there is none.
    """
    code = without_comments(text)
    problems = [
        (found.start(), f"{found.group()} is not allowed")
        for found in UNPROVED.finditer(code)
    ]
    for found in ASSUMED_IN_SECTION.finditer(code):
        before = SECTION.findall(code[: found.start()])
        if before.count("Section") <= before.count("End"):
            problems.append((found.start(), f"{found.group()} outside a section"))
    return [
        f"{name}:{code.count(chr(10), 0, place) + 1}: {problem}"
        for place, problem in sorted(problems)
    ]


def in_order(texts: Mapping[str, str]) -> list[str]:
    """Sort the files so that each comes after those it requires.

    Args:
        texts: The files by name, without suffix.

    Returns:
        Their names, those that are required first.
    """
    needs = {
        name: {
            other for line in REQUIRED.findall(text) for other in line.split()
        }.intersection(texts)
        for name, text in sorted(texts.items())
    }
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
    if "Closed under the global context" in output:
        return []
    if not output.startswith("Axioms:"):
        raise ProofError(f"Coq's list of axioms cannot be read:\n{output}")
    return sorted(re.findall(r"^([\w.]+)(?=\s*(?::|$))", output[7:], re.MULTILINE))


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
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False
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
        build: The folder to compile in; what it held is removed.
        coqc: The compiler.

    Returns:
        The axioms that all statements together rest on.

    Raises:
        ProofError: If a file is refused, or rests on an axiom that is not allowed.
    """
    texts = {file.stem: file.read_text(encoding="utf-8") for file in proofs.glob("*.v")}
    problems = [
        line
        for name, text in texts.items()
        for line in text_problems(f"{name}.v", text)
    ]
    if problems or not texts:
        raise ProofError("\n".join(problems) or f"no proofs in {proofs}.")
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
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
        for one in NAMED.findall(without_comments(text))
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
    parser.add_argument("--build", type=Path, default=ROOT / "_build" / "proofs")
    chosen = parser.parse_args(arguments)
    coqc = shutil.which("coqc")
    if coqc is None:
        print(f"proofs not checked: {INSTALL}", file=sys.stderr)
        return 0 if chosen.if_present else NO_COQ
    start = _seconds()
    try:
        axioms = check(chosen.proofs, chosen.build, coqc)
    except ProofError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(f"  {name}" for name in axioms) or "  (none)")
    print(f"all proofs checked in {_seconds() - start:.1f} s of processor time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
