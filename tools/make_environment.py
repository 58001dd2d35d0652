"""Make the project's environment, ``.venv``, or see that it still is what it should be.

``make`` calls this before anything else, with the system's Python and no package but
the standard library; ``make lab`` names an extra to have besides. An environment is
built beside the old one, as ``.venv.new``, and takes its place once it is whole;
whatever fails leaves the old one as it was. One that was copied or moved with its
checkout is pointed at the new place.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INPUTS = ("pyproject.toml", "constraints.txt")
EXTRAS = ("data", "plot", "book", "test", "cluster")
STAMP = ".ready"  # written last: what it was made from and with, and where
PROBE = """\
import importlib.util, sys
found = importlib.util.find_spec("paper_lib")
print(sys.prefix, found.origin if found else "nowhere", sep="\\n")
"""


class SetUpError(Exception):
    """There is no environment to work with; the message says why and what to do."""


# --- what is there ---------------------------------------------------------------


def fingerprint(root: Path) -> str:
    """Hash what an environment is made from.

    Args:
        root: The project.

    Returns:
        A checksum of `INPUTS`.
    """
    texts = [(root / name).read_bytes() for name in INPUTS]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def read_stamp(venv: Path) -> dict:
    """Read what a whole environment says of itself.

    Args:
        venv: The environment.

    Returns:
        ``inputs``, ``place`` and, since there are any, the ``extras`` beside `EXTRAS`;
        empty where it was left half made, or where that says something else.
    """
    try:
        stamp = json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except OSError:
        return {}
    except ValueError:  # of an older version of this program, which named no place
        return {"inputs": "", "place": str(venv)}
    return stamp if is_stamp(stamp) else {}


def is_stamp(found: object) -> bool:
    """Tell whether a file holds what `write_stamp` writes.

    Args:
        found: What it holds.

    Returns:
        Whether all that is read of it is there and of its kind.
    """
    return (
        isinstance(found, dict)
        and isinstance(found.get("inputs"), str)
        and isinstance(found.get("place"), str)
        and isinstance(found.get("extras", []), list)
    )


def write_stamp(venv: Path, *, inputs: str, place: Path, extras: list) -> None:
    """Say of an environment what it was made from and where it is.

    Args:
        venv: The environment, whole.
        inputs: The fingerprint of what it was made from.
        place: The path that its scripts hold.
        extras: What it holds beside `EXTRAS`.
    """
    text = json.dumps({"inputs": inputs, "place": str(place), "extras": extras})
    replace_text(venv / STAMP, text)


def flaw(root: Path) -> str:
    """Find out what keeps the environment from running this checkout's library.

    Args:
        root: The project.

    Returns:
        What is wrong, as the end of a sentence; empty if it works.
    """
    venv = root / ".venv"
    python = venv / "bin" / "python"
    if not python.exists():
        if not os.path.lexists(str(python)):
            return "there is no environment"
        config = venv / "pyvenv.cfg"
        text = config.read_text(encoding="utf-8") if config.exists() else ""
        home = re.search("^home = (.*)$", text, re.M)
        return f"its interpreter is gone from {home.group(1) if home else python}"
    place = read_stamp(venv).get("place")
    if place != str(venv):
        return f"it was made as {place}" if place else "it was left half made"
    done = subprocess.run(
        [str(python), "-I", "-c", PROBE], stdout=subprocess.PIPE, check=False
    )
    prefix, origin = [*os.fsdecode(done.stdout).splitlines(), "", ""][:2]
    if done.returncode or Path(prefix).resolve() != venv.resolve():
        return f"{python} does not run in it"
    if Path(origin).resolve() != root / "paper_lib" / "__init__.py":
        return f"its paper_lib is {origin}"
    return ""


def check_python(root: Path) -> None:
    """Refuse a Python that the pins are not meant for.

    Args:
        root: The project, whose ``pyproject.toml`` names the versions.

    Raises:
        SetUpError: If this interpreter is older or newer.
    """
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', text)
    least, beyond = int(found.group(1)), int(found.group(2))
    if not (3, least) <= sys.version_info[:2] < (3, beyond):
        raise SetUpError(
            f"Python 3.{least} to 3.{beyond - 1} is needed, and {sys.executable} is "
            f"{sys.version.split()[0]}. Name another one: make PYTHON=/path/to/python3"
        )


# --- pointing an environment at another place --------------------------------------


def replace_text(path: Path, text: str) -> None:
    """Write a file anew, so that a hard link to the old one keeps what it had.

    Args:
        path: The file; its mode stays.
        text: What it holds from now on.
    """
    part = path.with_name(path.name + ".part")
    part.write_bytes(os.fsencode(text))
    if path.exists():
        shutil.copymode(str(path), str(part))
    part.replace(path)


def files_with_paths(venv: Path) -> list:
    """List the files of an environment that hold its path or the project's.

    Args:
        venv: The environment.

    Returns:
        Scripts, settings, and what points at an editable install.
    """
    scripts = [path for path in (venv / "bin").iterdir() if path.is_file()]
    found = [path for path in scripts if not path.is_symlink() and is_text(path)]
    for packages in venv.glob("lib/python*/site-packages"):
        for pattern in ("*.pth", "__editable__*", "*.dist-info/direct_url.json"):
            found += packages.glob(pattern)
    return [*found, venv / "pyvenv.cfg"]


def is_text(path: Path) -> bool:
    """Tell a script from a program.

    Args:
        path: A file in ``bin``.

    Returns:
        Whether it holds no zero byte where a program has one.
    """
    with path.open("rb") as file:
        return b"\0" not in file.read(4096)


def point_at(venv: Path, *, old: Path, new: Path) -> None:
    """Put one place for another in all that holds an environment's path.

    Args:
        venv: The environment, wherever it lies.
        old: The path it was made for, ``.venv`` or ``.venv.new`` of a project.
        new: The path to put there; where the project is another, it follows.
    """
    pairs = [(old, new), (old.parent, new.parent)]
    pairs += [(now, now) for _, now in pairs]  # what points there already stays
    for path in files_with_paths(venv):
        write = in_literal if path.suffix == ".py" else str
        becomes = {str(was): write(now) for was, now in pairs}
        becomes.update({in_literal(was): write(now) for was, now in pairs})
        becomes.update({was.as_uri(): now.as_uri() for was, now in pairs})
        names = "|".join(map(re.escape, sorted(becomes, key=len, reverse=True)))
        before = os.fsdecode(path.read_bytes())
        text = re.sub(
            rf"(?<![\w.-])({names})(?![\w.-])",  # no part of another name
            lambda match, becomes=becomes: becomes[match.group()],
            before,
        )
        if text != before:
            replace_text(path, with_short_shebang(text))


def in_literal(path: Path) -> str:
    """Write a path as it stands between the quotes of a string in Python.

    Args:
        path: Any path.

    Returns:
        Its text, with what could end the string escaped.
    """
    return re.sub(r"([\\'\"])", r"\\\1", str(path))


def with_short_shebang(script: str) -> str:
    """Start a script through the shell where the system cannot read its first line.

    Args:
        script: A text whose first line may name an interpreter.

    Returns:
        The text; where that line is long or has a space, a shell reads it instead.
    """
    first, _, rest = script.partition("\n")
    if not re.match("#!.*/python", first) or (len(first) < 127 and " " not in first):
        return script
    return f"#!/bin/sh\n'''exec' \"{first[2:]}\" \"$0\" \"$@\"\n' '''\n{rest}"


# --- making one --------------------------------------------------------------------


def run(root: Path, *command: object) -> None:
    """Run one step of the set-up, showing what it says.

    Args:
        root: The project.
        *command: The program and its arguments.

    Raises:
        SetUpError: If it fails.
    """
    words = [str(word) for word in command]
    print(" ".join(words), flush=True)
    try:
        subprocess.run(words, cwd=str(root), check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        full = shutil.disk_usage(str(root)).free < 2**26
        raise SetUpError(f"{error}{' The disk is full.' * full}") from error


def link_or_copy(source: str, target: str) -> None:
    """Copy a file without a second copy of its bytes, where the system can.

    Args:
        source: The file.
        target: The new name.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target)


def build(root: Path, *, from_old: bool, extras: list) -> None:
    """Make an environment beside the old one, and put it in its place.

    Args:
        root: The project.
        from_old: Whether to start from the old one, which works.
        extras: What to install beside `EXTRAS`.
    """
    venv, new = root / ".venv", root / ".venv.new"
    shutil.rmtree(str(new), ignore_errors=True)
    if from_old:
        shutil.copytree(str(venv), str(new), symlinks=True, copy_function=link_or_copy)
        point_at(new, old=venv, new=new)
    else:
        run(root, sys.executable, "-m", "venv", new)
    pip = [new / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    pins = ["--constraint", "constraints.txt"]
    project = f".[{','.join([*EXTRAS, *extras])}]"
    run(root, *pip, "install", *pins, "--editable", project)
    point_at(new, old=new, new=venv)
    write_stamp(new, inputs=fingerprint(root), place=venv, extras=extras)
    take_place(new, venv)


def take_place(new: Path, venv: Path) -> None:
    """Put a whole environment in the place of the old one.

    Args:
        new: The whole one; moved.
        venv: Where it goes; what was there is deleted.
    """
    old = venv.with_name(".venv.old")
    if os.path.lexists(str(venv)):
        venv.rename(old)
    new.rename(venv)
    discard(old)


def discard(path: Path) -> None:
    """Delete an environment, or the link to one.

    Args:
        path: What to delete, if it is there.
    """
    if path.is_symlink():
        path.unlink()
    shutil.rmtree(str(path), ignore_errors=True)


def recover(root: Path) -> None:
    """Put back what a run that was killed between two moves had set aside.

    Args:
        root: The project.
    """
    venv, old = root / ".venv", root / ".venv.old"
    if not os.path.lexists(str(venv)) and os.path.lexists(str(old)):
        old.rename(venv)
    discard(old)


def mend(root: Path, more: list) -> None:
    """Bring the environment to what it should be; the caller holds the lock.

    Args:
        root: The project.
        more: Extras that are asked for; those installed before stay.

    Raises:
        SetUpError: If that fails; the environment that was there is as before.
    """
    recover(root)
    venv = root / ".venv"
    wrong, stamp = flaw(root), read_stamp(venv)
    has = stamp.get("extras", [])
    if wrong and stamp.get("place", str(venv)) != str(venv) and not venv.is_symlink():
        print(f"{venv}: {wrong}; pointing it here", flush=True)
        point_at(venv, old=Path(stamp["place"]), new=venv)
        write_stamp(venv, inputs=stamp["inputs"], place=venv, extras=has)
        wrong = flaw(root)
    missing = [name for name in more if name not in has]
    if is_ready(root, wrong, stamp, missing):
        return
    why = f"{', '.join(missing)} is not installed" if missing else ""
    why = wrong or why or "pyproject.toml or the pins have changed"
    print(f"{venv}: {why}", flush=True)
    try:
        build(root, from_old=not wrong, extras=[*has, *missing])
    except SetUpError as error:
        discard(root / ".venv.new")
        raise SetUpError(f"{error} {rescue(wrong, missing)}") from error


def is_ready(root: Path, wrong: str, stamp: dict, missing: list) -> bool:
    """Tell whether there is nothing to install.

    Args:
        root: The project.
        wrong: What `flaw` returned.
        stamp: What the environment says of itself.
        missing: Extras that are asked for and not there.

    Returns:
        True if it works and has all, in the pinned versions or, with ``UPDATE=no``, in
        those that it has.
    """
    if wrong or missing:
        return False
    return stamp["inputs"] == fingerprint(root) or os.environ.get("UPDATE") == "no"


def rescue(wrong: str, missing: list) -> str:
    """Say what to do after nothing could be installed.

    Args:
        wrong: What is wrong with the environment, if it does not work.
        missing: Extras that were asked for and are not there.

    Returns:
        Two sentences.
    """
    again = "Run the same command again with the network at hand"
    if wrong:
        return f"No environment could be made ({wrong}). {again}."
    if missing:
        names = ", ".join(missing)
        return f"The environment is as it was, without {names}. {again}."
    return (
        f"The environment could not be brought up to date, and is as it was. {again}, "
        "or go on with the old one: add UPDATE=no to the command."
    )


def main(root: Path = ROOT, more: list = ()) -> int:
    """See to the environment.

    Args:
        root: The project.
        more: Extras to install beside `EXTRAS`, such as ``lab``.

    Returns:
        The exit status: 0, or 1 with a message on standard error.
    """
    try:
        stamp = read_stamp(root / ".venv")
        missing = [name for name in more if name not in stamp.get("extras", [])]
        if is_ready(root, flaw(root), stamp, missing):
            return 0
        check_python(root)
        sys.path.insert(0, str(root))
        from experiments.sweep.locks import holding

        with contextlib.ExitStack() as held:
            lock = root / ".venv.lock"
            try:
                held.enter_context(holding(lock))
            except BlockingIOError:
                print("another make is at work on the environment: waiting", flush=True)
                held.enter_context(holding(lock, wait=True))
            mend(root, list(more))
    except (SetUpError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(more=sys.argv[1:]))
