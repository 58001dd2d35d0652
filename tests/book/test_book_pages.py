"""What the pages say about the code: names, files, targets and parameters exist."""

import functools
import importlib
import pkgutil
import re

import jupytext
import pytest

import experiments
import paper_lib

CODE = re.compile(r"`([^`]+)`")
IDENTIFIER = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
# Words set as code on the two pages that are no names of the library.
OTHER_WORDS = {"d", "paper_lib"}


def resolve(module, name):
    """Tell whether ``name`` (dots reach into classes) is an attribute of a module."""
    found = module
    for part in name.split("."):
        if part not in getattr(found, "__dataclass_fields__", {}):
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
    return True


@functools.cache
def modules():
    return [
        importlib.import_module(info.name)
        for package in (paper_lib, experiments)
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]


def notation_rows(text):
    """Name, module and whether it is planned, for each name of the notation table."""
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("|")]
    for *_, names, module in rows[2:]:
        for name in CODE.findall(names):
            yield name, CODE.findall(module)[0], "planned" in module


def module_has(module, name):
    """Names of the library's modules are short, the experiments' are whole."""
    whole = module if module.startswith("experiments.") else f"paper_lib.{module}"
    try:
        return resolve(importlib.import_module(whole), name)
    except ModuleNotFoundError:
        return False


@pytest.fixture(scope="module")
def page(root):
    return lambda name: (root / "book" / name).read_text(encoding="utf-8")


def test_names_in_the_notation_table_exist_unless_planned(page):
    rows = list(notation_rows(page("notation.md")))
    assert len(rows) > 25
    wrong = [row for row in rows if module_has(row[1], row[0]) == row[2]]
    assert wrong == [], "planned names must not exist yet, all others must"


def test_every_public_object_of_the_design_is_in_the_table(page):
    names = {name for name, _, _ in notation_rows(page("notation.md"))}
    assert {"linearize", "RobustSets", "fgm", "pgd", "ramp_ascent"} <= names


@pytest.mark.parametrize("name", ["notation.md", "reading_notes.md"])
def test_names_in_the_text_exist(page, name):
    text = page(name)
    planned = {row[0] for row in notation_rows(page("notation.md")) if row[2]}
    words = {word for word in CODE.findall(text) if IDENTIFIER.fullmatch(word)}
    short = {module.__name__.removeprefix("paper_lib.") for module in modules()}
    planned |= {row[1] for row in notation_rows(page("notation.md")) if row[2]}
    unknown = [
        word
        for word in words - planned - short - OTHER_WORDS
        if not any(resolve(module, word) for module in modules())
    ]
    # Roles such as {cite:p}`key` are set in the same marks.
    roles = set(re.findall(r"\}`([^`]+)`", text))
    assert sorted(set(unknown) - roles) == []


def test_files_named_on_the_pages_exist(page, root):
    found = set()
    for name in ("reproduce.md", "reading_notes.md"):
        found |= set(re.findall(r"`((?:\w+/)*\w+\.(?:py|yml|toml|txt))`", page(name)))
    assert "tests/book/test_reading_notes.py" in found
    assert [name for name in sorted(found) if not (root / name).exists()] == []


def test_make_targets_on_the_page_exist(page, root):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake ([a-z]+)\b", page("reproduce.md")))
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, flags=re.MULTILINE))
    assert {"book", "test", "notebooks"} <= named
    assert named <= targets


@pytest.mark.parametrize("file", ["book/reproduce.md", "Makefile", "README.md"])
def test_runs_name_parameters_of_their_notebook(file, root, build_book):
    text = (root / file).read_text(encoding="utf-8").replace("\\\n", " ")
    runs = re.findall(r"build_book\.py run (\S+)([^\n`]*)", text)
    assert runs or file != "book/reproduce.md"
    for notebook, options in runs:
        names = re.findall(r"-p (\w+)", options)
        cells = jupytext.read((root / notebook).with_suffix(".py"))
        build_book.check_parameters(cells, dict.fromkeys(names))


def test_resolve_tells_names_apart():
    module = importlib.import_module("paper_lib.robust_sets")
    assert resolve(module, "RobustSets.normals")
    assert not resolve(module, "RobustSets.normal")
    assert not resolve(module, "robustsets")
    assert not module_has("nowhere", "x")
