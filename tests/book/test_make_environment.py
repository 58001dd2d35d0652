"""The set-up: aside and whole, one at a time, and only this checkout's library."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.book.conftest import ROOT, load

PROGRAM = ROOT / "tools" / "make_environment.py"


def install(root, *command):
    """Stand in for ``python -m venv`` and pip: no network, under a second."""
    if "venv" in command:
        made = [sys.executable, "-m", "venv", "--without-pip", str(command[-1])]
        subprocess.run(made, check=True)
        return
    with (root / "installs").open("a") as log:
        log.write(f"{command[-1]}\n")
    bin_folder = Path(command[0]).parent
    (packages,) = bin_folder.parent.glob("lib/python*/site-packages")
    (packages / "__editable__paper_lib.pth").unlink(missing_ok=True)
    (packages / "__editable__paper_lib.pth").write_text("import __editable__paper\n")
    literal = repr(str(root))
    finder = f"import sys; sys.path.append({literal})\n"
    (packages / "__editable__paper.py").write_text(finder)
    tool = bin_folder / "tool"
    tool.unlink(missing_ok=True)
    tool.write_text(f"#!{command[0]}\nimport sys, paper_lib\nprint(sys.prefix)\n")
    tool.chmod(0o755)


@pytest.fixture
def program(monkeypatch):
    module = load(PROGRAM)
    monkeypatch.delenv("UPDATE", raising=False)
    monkeypatch.setattr(module, "run", install)
    return module


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "checkout"
    (root / "paper_lib").mkdir(parents=True)
    (root / "paper_lib" / "__init__.py").touch()
    for name in ("pyproject.toml", "constraints.txt", "experiments/sweep/locks.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    return root


def installs(root):
    log = root / "installs"
    return len(log.read_text().splitlines()) if log.exists() else 0


def extras(root):
    """What each install was asked for beside the usual."""
    usual = ".[data,plot,book,test,cluster"
    lines = (root / "installs").read_text().splitlines()
    assert all(line.startswith(usual) and line.endswith("]") for line in lines)
    return [line.removeprefix(usual).strip(",]") for line in lines]


def prefix(root):
    """Where a script of the environment runs, by its own first line."""
    done = subprocess.run(
        [root / ".venv" / "bin" / "tool"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def change_pins(root):
    with (root / "constraints.txt").open("a") as pins:
        pins.write("# changed\n")


def leftovers(root):
    return sorted(path.name for path in root.glob(".venv?*"))


def fail_with_no_network(program, monkeypatch):
    def fail(root, *command):
        if "venv" in command:
            return install(root, *command)
        raise program.SetUpError("no network.")

    monkeypatch.setattr(program, "run", fail)


def test_an_environment_is_made_once(program, project):
    assert program.flaw(project) == "there is no environment"
    assert program.main(project) == program.main(project) == 0
    assert prefix(project) == str(project / ".venv")
    assert installs(project) == 1
    assert leftovers(project) == [".venv.lock"]


def test_new_pins_update_a_copy_that_takes_the_old_ones_place(program, project):
    program.main(project)
    kept = project / ".venv" / "kept"
    kept.touch()
    change_pins(project)
    assert program.main(project) == 0
    assert installs(project) == 2
    assert kept.exists(), "what is installed is not fetched again"
    assert prefix(project) == str(project / ".venv")


def test_what_worked_stays_when_there_is_no_network(
    program, project, monkeypatch, capsys
):
    program.main(project)
    change_pins(project)
    fail_with_no_network(program, monkeypatch)
    for _ in range(2):
        assert program.main(project) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert re.match(r"error: no network\. .* is as it was\. .*UPDATE=no", error)
        assert prefix(project) == str(project / ".venv")
    monkeypatch.setenv("UPDATE", "no")
    assert program.main(project) == 0
    monkeypatch.setattr(program, "run", install)
    monkeypatch.delenv("UPDATE")
    assert program.main(project) == 0
    assert program.read_stamp(project / ".venv")["inputs"] == program.fingerprint(
        project
    )


@pytest.mark.parametrize(
    "text",
    ["null", "[1]", "[]", "3", '"ab"', "{}", '{"place": "x"}'],
)
def test_a_stamp_that_says_something_else_is_none(program, project, text):
    program.main(project)
    (project / ".venv" / program.STAMP).write_text(text)
    assert program.read_stamp(project / ".venv") == {}
    assert program.flaw(project) == "it was left half made"
    assert program.main(project) == program.main(project) == 0
    assert installs(project) == 2
    assert prefix(project) == str(project / ".venv")


def test_extras_that_are_no_list_are_no_stamp(program, project):
    program.main(project)
    stamp = program.read_stamp(project / ".venv")
    assert program.is_stamp(stamp)
    assert not program.is_stamp(stamp | {"extras": None})


def test_an_extra_is_installed_once_and_stays(program, project):
    program.main(project)
    (project / ".venv" / "kept").touch()
    assert program.main(project, ["lab"]) == program.main(project, ["lab"]) == 0
    assert program.main(project) == 0
    assert extras(project) == ["", "lab"]
    assert (project / ".venv" / "kept").exists(), "what is there is not fetched again"
    change_pins(project)
    assert program.main(project) == 0
    moved = project.with_name("checkout 2")
    project.rename(moved)
    assert program.main(moved, ["lab"]) == 0
    assert extras(moved) == ["", "lab", "lab"]
    (moved / ".venv" / "pyvenv.cfg").unlink()
    shutil.rmtree(moved / ".venv" / "bin")
    assert program.main(moved) == 0
    assert extras(moved) == ["", "lab", "lab", "lab"]


def test_an_extra_comes_with_the_first_environment(program, project):
    assert program.main(project, ["lab"]) == program.main(project) == 0
    assert extras(project) == ["lab"]


def test_without_a_network_an_extra_is_named_as_missing(
    program, project, monkeypatch, capsys
):
    program.main(project)
    fail_with_no_network(program, monkeypatch)
    monkeypatch.setenv("UPDATE", "no")
    assert program.main(project, ["lab"]) == 1
    captured = capsys.readouterr()
    assert "lab is not installed" in captured.out
    assert captured.err == (
        "error: no network. The environment is as it was, without lab. Run the same "
        "command again with the network at hand.\n"
    )
    assert prefix(project) == str(project / ".venv")
    assert program.main(project) == 0


def test_half_an_environment_is_none(program, project, monkeypatch, capsys):
    fail_with_no_network(program, monkeypatch)
    monkeypatch.setenv("UPDATE", "no")
    assert program.main(project) == 1
    assert "No environment could be made" in capsys.readouterr().err
    assert not (project / ".venv").exists()
    assert leftovers(project) == [".venv.lock"]
    install(project, "venv", project / ".venv")
    assert program.flaw(project) == "it was left half made"


@pytest.mark.parametrize(
    "name", ["moved", "checkout it's 2", "checkout/inner", "c" * 120]
)
def test_a_moved_checkout_runs_its_own_library(program, project, name, capsys):
    program.main(project)
    moved = project.parent / "elsewhere" / name
    moved.parent.mkdir(parents=True)
    project.rename(moved)
    assert program.main(moved) == program.main(moved) == 0
    assert "pointing it here" in capsys.readouterr().out
    assert prefix(moved) == str(moved / ".venv")
    assert program.flaw(moved) == ""
    assert installs(moved) == 1


def test_a_copy_leaves_the_original_as_it_was(program, project):
    program.main(project)
    copy = project.with_name("checkout copy")
    shutil.copytree(project, copy, symlinks=True, copy_function=os.link)
    assert program.flaw(copy) == f"it was made as {project}/.venv"
    assert program.main(copy) == program.main(project) == 0
    assert prefix(copy) == str(copy / ".venv")
    assert prefix(project) == str(project / ".venv")
    assert installs(project) == 1


def test_pointing_twice_is_pointing_once(program, project):
    """As after a run that was killed before it could say that it is done."""
    program.main(project)
    moved = project.with_name("checkout 2")
    project.rename(moved)
    for _ in range(2):
        program.point_at(moved / ".venv", old=project / ".venv", new=moved / ".venv")
    assert prefix(moved) == str(moved / ".venv")


def test_a_library_of_another_checkout_is_replaced(program, project, capsys):
    program.main(project)
    other = project.with_name("other")
    shutil.copytree(project / "paper_lib", other / "paper_lib")
    (finder,) = project.glob(".venv/lib/python*/site-packages/__editable__paper.py")
    finder.write_text(f"import sys; sys.path.append({str(other)!r})\n")
    assert program.main(project) == 0
    assert f"its paper_lib is {other}" in capsys.readouterr().out
    assert program.flaw(project) == ""


def test_an_interpreter_that_has_vanished_is_named(program, project, capsys):
    program.main(project)
    python = project / ".venv" / "bin" / "python"
    home = re.search("home = (.*)", (project / ".venv/pyvenv.cfg").read_text()).group(1)
    python.unlink()
    python.symlink_to(project / "gone")
    assert program.main(project) == 0
    assert f"its interpreter is gone from {home}" in capsys.readouterr().out
    assert program.flaw(project) == ""


def test_a_broken_environment_without_its_settings_is_made_anew(program, project):
    program.main(project)
    (project / ".venv" / "pyvenv.cfg").unlink()
    python = project / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(project / "gone")
    assert program.main(project) == 0
    assert program.flaw(project) == ""


def test_a_run_killed_between_two_moves_loses_nothing(program, project):
    program.main(project)
    (project / ".venv").rename(project / ".venv.old")
    (project / ".venv.new").mkdir()
    assert program.main(project) == 0
    assert installs(project) == 1


def test_one_set_up_waits_for_another(project):
    """Two at once in a new checkout: the second finds what the first has made."""
    driver = (
        "import sys, time; from pathlib import Path\n"
        f"sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tools')!r}]\n"
        "from tests.book.test_make_environment import PROGRAM, install, load\n"
        "program = load(PROGRAM)\n"
        "def slowly(root, *command):\n"
        "    install(root, *command)\n"
        "    while '--editable' in command and not (root / 'go').exists():\n"
        "        time.sleep(0.05)\n"
        "program.run = slowly\n"
        "print('started', flush=True)\n"
        "sys.exit(program.main(Path(sys.argv[1])))\n"
    )
    command = [sys.executable, "-c", driver, str(project)]
    first, second = (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)
    )
    said = {first: first.stdout.readline(), second: second.stdout.readline()}
    for process in said:
        said[process] += process.stdout.readline()
    (project / "go").touch()
    texts = [said[process] + process.communicate()[0] for process in said]
    assert first.returncode == second.returncode == 0
    assert sum("waiting" in text for text in texts) == 1
    assert installs(project) == 1


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0), (4, 11, 0)])
def test_another_python_is_refused_by_name(
    program, project, version, monkeypatch, capsys
):
    monkeypatch.setattr(program.sys, "version_info", version)
    assert program.main(project) == 1
    error = capsys.readouterr().err
    assert f"Python 3.11 to 3.13 is needed, and {sys.executable} is" in error
    assert not (project / ".venv").exists()


def test_an_old_python_can_read_the_program_far_enough_to_be_refused():
    ast.parse(PROGRAM.read_text(encoding="utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize("first", ["#!/a b/python", f"#!/{'a' * 130}/python3"])
def test_a_first_line_the_system_cannot_read_is_left_to_the_shell(program, first):
    said = program.with_short_shebang(f"{first}\nprint()\n")
    assert said.splitlines()[:2] == [
        "#!/bin/sh",
        f'\'\'\'exec\' "{first[2:]}" "$0" "$@"',
    ]
    ast.parse(said)
    for text in ("#!/a/python\nprint()\n", "#!/bin/sh\n'''exec' x\n", "no script\n"):
        assert program.with_short_shebang(text) == text
