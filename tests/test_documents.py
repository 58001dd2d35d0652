"""What README, CONTRIBUTING, CHANGELOG and docstrings name is there.

The pages of the book have a test of their own, ``tests/book/test_book_pages.py``.
"""

import ast
import functools
import importlib
import re
import runpy
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("paper_lib", "experiments", "benchmarks", "tools", "tests")
ROLE = re.compile(r":(?:func|mod|class|meth|data|attr|exc):`~?([\w.]+)`")
CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w-]+(?:/[\w-]+)*(?:/|\.(?:py|md|ipynb|json|ya?ml|csv|cff|toml))")
# What a reader is to put in their place, and data that is not in the tree.
ELSEWHERE = {"book/NAME.py", "book/NAME.ipynb", "MNIST/raw/", "FashionMNIST/raw/"}


@functools.cache
def resolve(name):
    """Give the module a dotted name is of, or what is inside one; None: neither."""
    parts = name.split(".")
    if not parts[0]:
        return None  # a relative name, which no reader can look up
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            fields = getattr(found, "__annotations__", {})
            found = getattr(found, part, fields.get(part))
        return found
    return None


def is_there(name):
    """Tell whether a dotted name is a module, or something inside one."""
    return resolve(name) is not None


def roles(source):
    """Names that docstrings refer to, each with the class it stands in, if any."""
    inside = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            inside |= {child: node.name for child in ast.walk(node)}
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node) or ""
            yield from ((name, inside.get(node)) for name in ROLE.findall(text))


def dangling(module, source):
    """References that lead nowhere: neither whole, nor from module or class."""
    for name, owner in roles(source):
        places = [name, f"{module}.{name}"]
        if owner is not None:
            places.append(f"{module}.{owner}.{name}")
        if not any(map(is_there, places)):
            yield name


def files_named(text):
    """Files and folders that a text sets as code."""
    words = (word for code in CODE.findall(text) for word in code.split())
    return {word for word in words if FILE.fullmatch(word)} - ELSEWHERE


def is_in_the_tree(name):
    """Tell whether a file is there, by its whole path or by the end of it."""
    parts = Path(name).parts
    folders = ("paper_lib", "experiments", "tools", "tests", "results", "book")
    found = (path for folder in folders for path in (ROOT / folder).rglob(parts[-1]))
    return (ROOT / name).exists() or any(
        path.parts[-len(parts) :] == parts for path in found
    )


def module_of(path):
    """Name a module as it is imported; the tools lie on the path by themselves."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removeprefix("tools.").removesuffix(".__init__")


@pytest.mark.parametrize("folder", FOLDERS)
def test_references_in_docstrings_lead_somewhere(folder):
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    wrong = {
        str(path): found
        for path in paths
        if (found := list(dangling(module_of(path), path.read_text(encoding="utf-8"))))
    }
    assert wrong == {}


def test_a_reference_that_leads_nowhere_is_found():
    source = '"""See :func:`fgm`, :mod:`paper_lib.guard` and :func:`gone`."""'
    assert list(dangling("paper_lib.attacks", source)) == ["paper_lib.guard", "gone"]
    source = 'class PGDReading:\n    """See :meth:`attack` and :meth:`run`."""'
    assert list(dangling("paper_lib.attacks", source)) == ["run"]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_files_that_are_named_exist(name):
    named = files_named((ROOT / name).read_text(encoding="utf-8"))
    assert len(named) >= 10
    assert [word for word in sorted(named) if not is_in_the_tree(word)] == []


def test_a_file_that_is_not_there_is_found():
    named = files_named("`paper_lib/guard.py`, `bounds/held_out.py`, `figures/`, `a.b`")
    missing = {word for word in named if not is_in_the_tree(word)}
    assert (len(named), missing) == (3, {"paper_lib/guard.py"})


def moves():
    """The table of moves: what a line names as the new places."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.strip().startswith("| `"):
            yield [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def new_places(text):
    """Modules that a cell names, with what stands in braces spelled out."""
    for name in CODE.findall(text):
        if match := re.fullmatch(r"(.*)\{(.*)\}", name):
            for part in match[2].split(","):
                yield match[1] + part.strip()
        elif re.fullmatch(r"(?:paper_lib|experiments)(?:\.\w+)+", name):
            yield name


def test_what_moved_is_where_the_changelog_says():
    """Where a line names functions, the new module has each of them."""
    lines = list(moves())
    assert len(lines) >= 25
    places = [place for _, new in lines for place in new_places(new)]
    assert len(places) >= 20
    assert [place for place in places if not is_there(place)] == []
    for old, new in lines:
        names = [name for name in CODE.findall(old) if "." not in name]
        place = new.strip("`")
        if names and isinstance(resolve(place), ModuleType):
            assert [name for name in names if not is_there(f"{place}.{name}")] == []


WRITERS = [
    "tools/choose_classifier.py",
    "tools/compare_defenses.py",
    "tests/regression/regenerate.py",
]


@pytest.mark.bad_input
@pytest.mark.parametrize("option", ["--help", "--nodes=3"])
@pytest.mark.parametrize("script", WRITERS)
def test_an_option_does_not_start_a_script_that_writes_records(
    script, option, monkeypatch, capsys
):
    """Who asks for help must not find published results written anew."""

    def begin(*_):
        raise AssertionError("it began")

    monkeypatch.setattr("torch.set_num_threads", begin)
    monkeypatch.setattr(Path, "write_text", begin)
    monkeypatch.setattr("sys.argv", [script, option])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(ROOT / script), run_name="__main__")
    assert stopped.value.code == (0 if option == "--help" else 2)
    assert "usage: " in "".join(capsys.readouterr())
