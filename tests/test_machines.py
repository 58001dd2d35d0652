"""Any machine that the README promises: its Python, its paths, its line ends."""

import json
import os
import re
import shutil
import subprocess
from importlib import metadata

import pytest
from packaging.specifiers import SpecifierSet

from tests.test_structure import PROJECT, ROOT, constraint_lines

REQUIRED = SpecifierSet(PROJECT["requires-python"])
PROMISED = [
    version
    for minor in range(8, 20)
    for patch in range(30)
    if REQUIRED.contains(version := f"3.{minor}.{patch}")
]


def refused(pins, requires_python):
    """Pair each pin with the promised versions on which it does not install."""
    found = {}
    for pin in pins:
        versions = SpecifierSet(requires_python(pin))
        if lacks := [v for v in PROMISED if not versions.contains(v)]:
            found[str(pin)] = lacks
    return found


def installed_requirement(pin):
    """What the pinned version says, where it is the one that is installed."""
    try:
        facts = metadata.metadata(pin.name)
    except metadata.PackageNotFoundError:
        return ""
    here = pin.specifier.contains(facts["Version"].split("+")[0], prereleases=True)
    return (here and facts.get("Requires-Python")) or ""


def test_every_pin_installs_on_every_python_promised():
    assert {"3.11.0", "3.11.2", "3.12.1", "3.13.0"} <= set(PROMISED)
    assert refused(constraint_lines(), installed_requirement) == {}


def test_a_pin_narrower_than_the_promise_would_be_found():
    pin = constraint_lines()[0]
    assert refused([pin], lambda _: ">=3.11.5") == {
        str(pin): [f"3.11.{patch}" for patch in range(5)]
    }
    assert refused([pin], lambda _: "!=3.13.1,>=3.9") == {str(pin): ["3.13.1"]}
    assert refused([pin], lambda _: "!=3.14.1,>=3.9") == {}


@pytest.mark.parametrize("name", ["README.md", "Makefile", "book/reproduce.md"])
def test_each_text_promises_the_same_pythons(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    least, most = re.search(r"need Python 3\.(\d+) to 3\.(\d+)", text).groups()
    assert PROJECT["requires-python"] == f">=3.{least},<3.{int(most) + 1}"


# --- paths ------------------------------------------------------------------------

FAKE = """#!/bin/sh
exec {python} -I -c 'import json, os, sys
print(json.dumps([sys.argv[1:], dict(os.environ)]))' "$@"
"""


@pytest.fixture
def called(tmp_path):
    """Call a target whose Python only says how it was called."""
    (tmp_path / "python").write_text(FAKE.format(python=shutil.which("python3")))
    (tmp_path / "python").chmod(0o755)

    def call(*words, **variables):
        # As from a user's shell, not from the make that may have called the tests.
        given = {"PATH": os.environ["PATH"]} | variables
        done = subprocess.run(
            ["make", "-s", f"BIN={tmp_path}", "PYTHON=true", *words],
            cwd=ROOT,
            env=given,
            capture_output=True,
            text=True,
            check=True,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return call


@pytest.mark.parametrize("path", ["/its/o'clock", "a b", '/"quoted"/$HOME', "/a;b#c&d"])
def test_any_path_goes_through_make(called, path):
    given = {"STORE": path, "PAPER_LIB_DATA": path}
    words = [f"{name}={path.replace('$', '$$')}" for name in given]
    for lines in (called("experiments", **given), called("experiments", *words)):
        (command, environment) = lines[1]
        assert command[command.index("--path") :][:3] == ["--path", "store", path]
        assert environment["PAPER_LIB_DATA"] == path


def test_a_part_goes_to_a_store_of_its_own(called):
    ((words, _),) = called("experiments", "PAIRS=0-1", "WORKERS=it's")
    assert words[words.index("--path") :][:3] == [
        *("--path", "store", "_build/experiments/table1")
    ]
    assert words[words.index("workers") + 1] == "it's"
    whole = called("experiments")
    assert [words[2].split("/")[1] for words, _ in whole] == [
        "mnist_0_against_1.ipynb",
        "all_pairs.ipynb",
        "sharper_bounds.ipynb",
        "local_linearity.ipynb",
    ]


def test_settings_of_another_python_stop_at_make(called):
    foreign = {"PYTHONPATH": "/x", "PYTHONHOME": "/y", "PYTHONOPTIMIZE": "2"}
    ((_, environment),) = called("book", **foreign, PYTHONUNBUFFERED="1")
    assert foreign.keys().isdisjoint(environment)
    assert environment["PYTHONUNBUFFERED"] == "1"


# --- the tree ---------------------------------------------------------------------


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout of git")
def test_line_ends_are_the_same_on_every_system(tmp_path):
    copy = tmp_path / "checkout"
    clone = ["git", "clone", "--quiet", "--config", "core.autocrlf=true", "--depth=1"]
    subprocess.run([*clone, ROOT.as_uri(), copy], check=True)
    for name in (
        "constraints.txt",
        "book/claims.yml",
        "results/classifier_choice.json",
    ):
        assert b"\r" not in (copy / name).read_bytes()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout of git")
@pytest.mark.parametrize(
    "name",
    ["build/lib/x.py", "dist/x.whl", ".venv.new/x", ".venv.lock", "_build/home/x"],
)
def test_what_commands_leave_is_ignored(name):
    done = subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=False)
    assert done.returncode == 0
