"""The frame of the project: imports, pins, dependencies, and the README's code."""

import ast
import functools
import io
import os
import re
import subprocess
import sys
import tokenize
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]

# Each module imports only from those before it: the library's, then the experiments'.
ORDER = [
    "paper_lib.files",
    "paper_lib.checks",
    "paper_lib.geometry",
    "paper_lib.arrangement",
    "paper_lib.data",
    "paper_lib.models",
    "paper_lib.linearize",
    "paper_lib.robust_sets",
    "paper_lib.attacks",
    "paper_lib.isotropic",
    "paper_lib.defense",
    "paper_lib.game",
    "paper_lib.generalization",
    "paper_lib.bounds",
    "paper_lib.local_linearity",
    "paper_lib.evaluation",
    "paper_lib.plotting",
    "experiments.store",
    "experiments.sweep",
    "experiments.z3_questions",
    "experiments.populations",
    "experiments.section5",
    "experiments.tables",
    "experiments.assumption",
    "experiments.study",
    "experiments.gpu",
    "experiments.figures",
]
PACKAGES = ("paper_lib", "experiments")


def imported_names(source: str) -> set[str]:
    """List every module a source file names, functions' own imports too."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
    return names


def parts_imported(source: str) -> set[str]:
    """Reduce the imports of a file to parts of the library and the experiments."""
    return {
        ".".join(name.split(".")[:2])
        for name in imported_names(source)
        if name.startswith(tuple(f"{package}." for package in PACKAGES))
    }


def part_of(path: Path) -> str:
    package, part = path.relative_to(ROOT).parts[:2]
    return f"{package}.{part.removesuffix('.py')}"


def backward_imports(part: str, source: str) -> set[str]:
    """Find the imports of modules that come later."""
    allowed = ORDER[: ORDER.index(part) + 1]
    return {other for other in parts_imported(source) if other not in allowed}


SOURCES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
TOP = [f"{package}.__init__" for package in PACKAGES]


def test_every_module_has_its_place_in_the_order():
    assert {part_of(path) for path in SOURCES} - set(TOP) == set(ORDER)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path):
    if part_of(path) in TOP:
        assert parts_imported(path.read_text()) == set()
    else:
        assert backward_imports(part_of(path), path.read_text()) == set()


def test_an_import_of_a_later_module_would_be_found():
    """Negative control, for each way to write it."""
    for line in (
        "import paper_lib.attacks",
        "from paper_lib.attacks import fgm",
        "from paper_lib import attacks",
        "def f():\n    from paper_lib.attacks import fgm",
    ):
        assert backward_imports("paper_lib.linearize", line) == {"paper_lib.attacks"}
        assert backward_imports("paper_lib.evaluation", line) == set()
    line = "from experiments.store import record_files"
    assert backward_imports("paper_lib.plotting", line) == {"experiments.store"}


def outside(name: str) -> set[str]:
    """What a package has no business with."""
    others = {"tests", "book", "tools", "benchmarks", "pytest"}
    return others | ({"experiments"} if name == "paper_lib" else set())


def test_the_library_imports_nothing_of_experiments_nor_either_of_tests_or_tools():
    for path in SOURCES:
        tops = {name.split(".")[0] for name in imported_names(path.read_text())}
        assert tops.isdisjoint(outside(path.relative_to(ROOT).parts[0])), path


def test_no_two_modules_share_a_base_name():
    names = [path.stem for path in SOURCES if path.stem != "__init__"]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_no_export_hides_the_module_it_lives_in():
    for init in ROOT.glob("paper_lib/*/__init__.py"):
        modules = {path.stem for path in init.parent.iterdir()}
        names = {
            alias.name
            for node in ast.parse(init.read_text()).body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert names.isdisjoint(modules), init


def code_lines(source: str) -> set[int]:
    """List the lines that are neither blank nor comment nor docstring."""
    lines = set()
    silent = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in silent:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        documented = ast.Module | ast.ClassDef | ast.FunctionDef
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines


def test_lines_of_code_are_counted_without_words():
    source = (
        '''"""Words."""\n\n# why\ndef f(\n    x,\n):\n    """Say."""\n    return x\n'''
    )
    assert code_lines(source) == {4, 5, 6, 8}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_and_functions_are_short(path):
    source = path.read_text()
    assert len(source.splitlines()) <= 300
    lines = code_lines(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            body = [n for n in lines if node.lineno <= n <= node.end_lineno]
            assert len(body) <= 40, node.name


# What the library and the experiments may hold: lines of code, exported names.
LARGEST = {"paper_lib": 8500, "experiments": 9320}
MOST_EXPORTS = 130


@pytest.mark.parametrize("name", PACKAGES)
def test_both_packages_stay_small(name):
    sources = [path.read_text() for path in (ROOT / name).rglob("*.py")]
    assert sum(len(code_lines(source)) for source in sources) <= LARGEST[name]


def exports() -> list[str]:
    """List what packages import and what modules at the top define for others."""
    found = []
    for path in (*ROOT.glob("paper_lib/*/__init__.py"), *ROOT.glob("paper_lib/*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom) and path.stem == "__init__":
                found += [alias.name for alias in node.names]
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.append(node.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = getattr(node, "targets", None) or [node.target]
                found += [target.id for target in targets]
    return [name for name in found if not name.startswith("_")]


def test_the_library_exports_what_a_stranger_calls_and_no_more():
    assert len(exports()) <= MOST_EXPORTS


def test_neither_package_prints():
    for path in SOURCES:
        calls = [
            n.func for n in ast.walk(ast.parse(path.read_text())) if type(n) is ast.Call
        ]
        assert not any(isinstance(f, ast.Name) and f.id == "print" for f in calls), path


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DECLARED = [
    Requirement(line)
    for line in [*PROJECT["dependencies"], *(r for e in EXTRAS.values() for r in e)]
]


def constraint_lines() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    bare = [line.split("#")[0].strip() for line in lines]
    return [Requirement(line) for line in bare if line]


def test_every_dependency_is_declared_once():
    names = [canonicalize_name(requirement.name) for requirement in DECLARED]
    assert len(names) == len(set(names))


def test_every_constraint_is_one_exact_version():
    for pin in constraint_lines():
        assert re.fullmatch(r"==[^*,]+", str(pin.specifier)), pin
        assert not pin.extras


ENVIRONMENTS = [
    {"platform_machine": machine, "sys_platform": system, "python_version": python}
    for machine in ("x86_64", "aarch64")
    for system in ("linux", "darwin")
    for python in ("3.11", "3.13")
]


@pytest.mark.parametrize("requirement", DECLARED, ids=lambda r: r.name)
def test_every_dependency_has_one_pin_within_its_range(requirement):
    """On each platform: markers may tell pins apart, but not leave one out."""
    pins = [
        pin
        for pin in constraint_lines()
        if canonicalize_name(pin.name) == canonicalize_name(requirement.name)
    ]
    for environment in ENVIRONMENTS:
        chosen = [p for p in pins if p.marker is None or p.marker.evaluate(environment)]
        assert len(chosen) == 1, environment
        version = str(chosen[0].specifier).removeprefix("==")
        assert requirement.specifier.contains(version, prereleases=True)
    assert str(requirement.specifier), "a range says what the code is meant for"


def test_the_pins_agree_with_what_is_installed():
    """The tests speak of these versions, so they must be the ones that run."""
    from importlib import metadata

    for pin in constraint_lines():
        if pin.marker is not None and not pin.marker.evaluate():
            continue
        try:
            version = metadata.version(pin.name)
        except metadata.PackageNotFoundError:
            continue  # of an extra that is not installed
        assert pin.specifier.contains(version.split("+")[0], prereleases=True), pin


def test_conda_gets_python_and_what_pyproject_says():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    names = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (by_pip,) = [e["pip"] for e in environment["dependencies"] if isinstance(e, dict)]
    python = next(name for name in names if name.startswith("python"))
    assert {re.split("[<>=]", name)[0] for name in names} == {"python", "pip"}
    version = re.search(r"\d+\.\d+", python).group()
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(
        version
    )

    flags = {"-c": "--constraint", "-e": "--editable"}
    options = dict(entry.split(maxsplit=1) for entry in by_pip)
    options = {flags.get(flag, flag): value for flag, value in options.items()}
    assert options.keys() == {"--constraint", "--editable"}
    assert (ROOT / options["--constraint"]).samefile(ROOT / "constraints.txt")
    extras = re.fullmatch(r"\.\[([\w,]+)\]", options["--editable"]).group(1).split(",")
    assert set(extras) == {"data", "plot", "book", "test", "cluster"}
    assert EXTRAS.keys() == set(extras) | {"lab"}, "`make lab` alone installs that one"


# The name under which a package is imported or called, where it is not its own.
OTHER_NAMES = {
    "pyyaml": {"yaml"},
    "z3-solver": {"z3"},
    "pytest-xdist": {"--dist"},
    "jupyter-book": {"jupyter-book", "jupyter_book"},
    "sphinx-book-theme": {"sphinx_book_theme"},
    "sphinx-proof": {"sphinx_proof"},
    "sphinx-mathjax-offline": {"sphinx_mathjax_offline", "sphinx-mathjax-offline"},
    "ipykernel": {"ipykernel", "kernelspec"},
    "nbval": {"--nbval"},
    "pre-commit": {"repos:"},  # of its configuration
}


@functools.cache
def all_imports() -> set[str]:
    folders = ("paper_lib", "experiments", "tests", "tools", "benchmarks", "book")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return {
        name.split(".")[0]
        for path in files
        for name in imported_names(path.read_text(encoding="utf-8"))
    }


def commented_dependencies() -> set[str]:
    """Dependencies whose line in pyproject.toml gives a reason."""
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    found = [re.match(r'\s+"([\w.-]+).*"\s*,\s*#\s*\w', line) for line in lines]
    return {canonicalize_name(match.group(1)) for match in found if match}


@pytest.mark.parametrize("requirement", DECLARED, ids=lambda r: r.name)
def test_every_dependency_is_used_or_explained(requirement):
    name = canonicalize_name(requirement.name)
    words = OTHER_NAMES.get(name, {name, name.replace("-", "_")})
    commands = ["Makefile", ".ci/run", "_config.yml", ".pre-commit-config.yaml"]
    texts = " ".join((ROOT / file).read_text() for file in commands)
    imported = not words.isdisjoint(all_imports())
    called = any(re.search(rf"(?<![\w-]){re.escape(word)}", texts) for word in words)
    assert imported or called or name in commented_dependencies()


def third_party(source: str) -> set[str]:
    tops = {name.split(".")[0] for name in imported_names(source)}
    return tops - sys.stdlib_module_names - set(PACKAGES)


# Imported where it is needed, in one module that names the extra which brings it.
OPTIONAL = {
    "paper_lib/data/complete.py": {"torchvision"},
    "paper_lib/data/embedded.py": {"mlxtend"},
    "paper_lib/models/training.py": {"tqdm"},
    "paper_lib/plotting/half_planes.py": {"matplotlib"},
    "paper_lib/plotting/perturbations.py": {"matplotlib"},
    "paper_lib/plotting/style.py": {"matplotlib"},
    "experiments/z3_questions.py": {"z3"},
    "experiments/sweep/cluster.py": {"distributed"},
}


def declared(*lists: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for one in lists for line in one}


def test_every_package_that_is_imported_is_declared():
    core = declared(PROJECT["dependencies"])
    more = {
        "paper_lib": set(),
        "experiments": declared(EXTRAS["data"], EXTRAS["plot"]),
    }
    for path in SOURCES:
        name = path.relative_to(ROOT)
        allowed = core | more[name.parts[0]] | OPTIONAL.get(name.as_posix(), set())
        assert third_party(path.read_text()) <= allowed, path


def readme_blocks() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


# Said at the end of a process: how long its processor worked, whatever else ran.
SPENT = """
import resource
spent = resource.getrusage(resource.RUSAGE_SELF)
print(spent.ru_utime + spent.ru_stime)
"""


@pytest.mark.slow  # the page's example, which is the same, runs with all tests
def test_the_code_in_the_readme_runs(tmp_path):
    """As a reader would: blocks in order, in a fresh interpreter, warnings shown."""
    blocks = readme_blocks()
    assert blocks
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join([*blocks, SPENT])],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"} | {"PAPER_LIB_DATA": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
    *lines, seconds = done.stdout.splitlines()
    assert 0 < float(seconds) < 30
    printed = [re.findall(r"\d\.\d+", line) for line in lines]
    assert len(printed) >= 3
    assert all(numbers for numbers in printed)
    assert all(0.5 < float(value) <= 1.0 for numbers in printed for value in numbers)


def test_make_regen_calls_a_script_that_is_there():
    (line,) = re.findall(r"tests/\S+\.py", (ROOT / "Makefile").read_text())
    assert (ROOT / line).is_file()
