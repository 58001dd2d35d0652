"""Which commit of the project is at hand, and whether anything was changed since."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

FILE = "checkout.json"


def ask_git(root: Path, *words: str) -> str | None:
    """Ask git about a folder.

    Args:
        root: The folder.
        *words: The command and its arguments.

    Returns:
        What git printed; None where it failed or is not installed.
    """
    # A hook of another repository sets these, and git would answer for that one.
    clean = {name: text for name, text in os.environ.items() if name[:4] != "GIT_"}
    command = ["git", "-C", str(root), *words]
    try:
        done = subprocess.run(
            command, env=clean, text=True, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.rstrip("\n")


def describe(root: Path, names: Sequence[str]) -> dict[str, object]:
    """Say which commit is checked out.

    Args:
        root: The project.
        names: The files and folders of the project that count.

    Returns:
        ``commit``, its day under ``date``, and under ``changes`` whether one of them
        differs from it or is not in it; empty where the folder is no checkout of
        git's, such as an unpacked archive, also one that lies in a checkout of
        something else.
    """
    top, commit = (ask_git(root, "rev-parse", w) for w in ("--show-toplevel", "HEAD"))
    if not top or not commit or Path(top).resolve() != root.resolve():
        return {}
    there = [name for name in names if (root / name).exists()]
    changed = ask_git(root, "status", "--porcelain", "--", *there)
    date = ask_git(root, "show", "--no-patch", "--format=%cs", "HEAD")
    return {"commit": commit, "date": date, "changes": changed != ""}


def write(folder: Path, facts: dict[str, object]) -> None:
    """Put the facts beside a copy of the sources, which is no checkout itself.

    Args:
        folder: The copy.
        facts: What `describe` returned.
    """
    text = json.dumps(facts, indent=1) + "\n"
    (folder / FILE).write_text(text, encoding="utf-8")
