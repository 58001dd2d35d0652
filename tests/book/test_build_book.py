"""The program behind ``make book`` and ``make notebooks``, on a book of one page."""

import errno
import fcntl
import os
import shutil
from unittest.mock import Mock

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

SCRIPT = """\
# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
#     formats: ipynb,py:percent
#     notebook_metadata_filter: -jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A page

# %% tags=["parameters"]
seed = 0
epsilon: float = 3.0

# %%
import os

print(seed, epsilon, os.path.basename(os.getcwd()), os.environ["OMP_NUM_THREADS"])
"""


@pytest.fixture
def project(tmp_path):
    """A project with one notebook that was never executed."""
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "page.py").write_text(SCRIPT, encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def stored(build_book, tmp_path_factory):
    """The notebook, executed."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "book").mkdir()
    (folder / "book" / "page.py").write_text(SCRIPT, encoding="utf-8")
    return refresh(build_book, folder).read_bytes()


@pytest.fixture
def executed(project, stored):
    """The notebook of the project, with its outputs."""
    path = project / "book" / "page.ipynb"
    path.write_bytes(stored)
    return path


def output_of(path):
    cells = nbformat.read(path, as_version=4).cells
    return [output.text for cell in cells for output in cell.get("outputs", [])]


def refresh(build_book, project):
    build_book.make_notebooks(project, [], jobs=1, timeout=60)
    return project / "book" / "page.ipynb"


# --- notebooks as data -----------------------------------------------------------


def test_strip_removes_what_differs_between_runs(build_book):
    cell = new_code_cell("1", execution_count=1)
    cell.metadata.update({"papermill": {}, "execution": {}, "tags": []})
    kept = new_code_cell("2", execution_count=2)
    kept.metadata["tags"] = ["hide-input"]
    notebook = new_notebook(cells=[cell, kept])
    notebook.metadata.update({"papermill": {}, "language_info": {}, "kernelspec": {}})
    stripped = build_book.strip_run_metadata(notebook)
    assert dict(stripped.metadata) == {"kernelspec": {}}
    assert stripped.cells[0].metadata == {}
    assert stripped.cells[1].metadata == {"tags": ["hide-input"]}
    assert "papermill" in notebook.metadata, "the argument must stay as it was"


def test_text_that_came_in_pieces_is_put_together(build_book):
    cell = new_code_cell("print(1, 2)")
    shown = new_output("display_data", {"text/plain": "x"})
    pieces = [("stdout", "1 "), ("stdout", "2\n"), ("stderr", "!"), ("stdout", "3")]
    streams = [new_output("stream", name=name, text=text) for name, text in pieces]
    cell.outputs = [*streams, shown, new_output("stream", name="stdout", text="4")]
    stripped = build_book.strip_run_metadata(new_notebook(cells=[cell]))
    found = [output.get("text") for output in stripped.cells[0].outputs]
    assert found == ["1 2\n", "!", "3", None, "4"]
    assert len(cell.outputs) == 6, "the argument must stay as it was"


def test_stored_errors_are_listed(build_book):
    error = new_output("error", ename="ValueError", evalue="no", traceback=[])
    notebook = new_notebook(cells=[new_code_cell("1"), new_code_cell("2")])
    assert build_book.stored_errors(notebook) == []
    notebook.cells[1].outputs = [error]
    assert build_book.stored_errors(notebook) == ["cell 1: ValueError: no"]


def tagged(source):
    cell = new_code_cell(source)
    cell.metadata["tags"] = ["parameters"]
    return new_notebook(cells=[cell, new_code_cell("other = 1")])


def test_parameters_are_the_names_of_the_tagged_cell(build_book):
    notebook = tagged("a = 1\nb: int = 2\nc, d = 3, 4\nprint(a)")
    assert build_book.parameter_names(notebook) == {"a", "b", "c", "d"}


def test_unknown_parameters_are_refused(build_book):
    build_book.check_parameters(tagged("seed = 0"), {"seed": 1})
    with pytest.raises(build_book.BookError, match="'sed'; this notebook has seed"):
        build_book.check_parameters(tagged("seed = 0"), {"sed": 1})
    with pytest.raises(build_book.BookError, match="'other'"):
        build_book.check_parameters(tagged("seed = 0"), {"other": 1})
    with pytest.raises(build_book.BookError, match="has no parameters"):
        build_book.check_parameters(new_notebook(), {"seed": 1})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("1e-5", 1e-5),
        ("(0, 1)", (0, 1)),
        ("None", None),
        ("0-1", "0-1"),
        ("fashion-mnist", "fashion-mnist"),
    ],
)
def test_values_are_literals_or_text(build_book, text, value):
    assert build_book.parse_value(text) == value


# --- pairs -----------------------------------------------------------------------


def test_scripts_are_found_beside_helpers(build_book, project):
    book = project / "book"
    for name in ("_ext/helper.py", "part/other.py", ".ipynb_checkpoints/page.py"):
        (book / name).parent.mkdir(exist_ok=True)
        (book / name).write_text("", encoding="utf-8")
    expected = [book / "page.py", book / "part" / "other.py"]
    assert build_book.notebook_scripts(book) == expected
    nbformat.write(new_notebook(), book / "alone.ipynb")
    with pytest.raises(build_book.BookError, match=r"alone\.ipynb has no text form"):
        build_book.notebook_scripts(book)


def test_a_pair_out_of_step_is_noticed(build_book, project, stored):
    script = project / "book" / "page.py"
    assert not build_book.pair_in_step(script)
    script.with_suffix(".ipynb").write_bytes(stored)
    assert build_book.pair_in_step(script)
    script.write_text(SCRIPT + "\n# %%\n1 + 1\n", encoding="utf-8")
    assert not build_book.pair_in_step(script)


def test_edits_in_the_notebook_are_not_overwritten(build_book, project, executed):
    path = executed
    edited = nbformat.read(path, as_version=4)
    edited.cells[0].source = "# My own words"
    nbformat.write(edited, path)
    os.utime(project / "book" / "page.py", (0, 0))
    with pytest.raises(build_book.BookError, match="and is newer"):
        refresh(build_book, project)
    assert "My own words" in path.read_text(encoding="utf-8")
    os.utime(path, (0, 0))
    (project / "book" / "page.py").touch()
    assert "My own words" not in refresh(build_book, project).read_text(
        encoding="utf-8"
    )


# --- running ---------------------------------------------------------------------


def test_refreshing_twice_gives_the_same_bytes(build_book, project, executed, stored):
    assert output_of(executed) == ["0 3.0 book 1\n"]
    assert refresh(build_book, project).read_bytes() == stored
    assert sorted(p.name for p in (project / "book").iterdir()) == [
        "page.ipynb",
        "page.py",
    ]


def test_a_failing_cell_leaves_the_notebook_as_it_was(
    build_book, project, executed, stored, capfd
):
    script = project / "book" / "page.py"
    script.write_text(SCRIPT + "\n# %%\n1 / 0\n", encoding="utf-8")
    with pytest.raises(build_book.BookError, match=r"executing page\.ipynb failed"):
        build_book.refresh_all([script], workspace=project / "run", jobs=2)
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert executed.read_bytes() == stored


def test_two_notebooks_run_at_once(build_book, project, capfd):
    other = project / "book" / "other.py"
    other.write_text(SCRIPT, encoding="utf-8")
    build_book.make_notebooks(project, [], jobs=2, timeout=60)
    assert output_of(other.with_suffix(".ipynb")) == ["0 3.0 book 1\n"]
    assert "notebooks: 100%" in capfd.readouterr().err


def test_a_notebook_that_is_not_in_the_book_is_refused(build_book, project):
    with pytest.raises(build_book.BookError, match="no notebook of the book"):
        build_book.make_notebooks(project, [project / "x.py"], jobs=1, timeout=60)


def test_two_builds_do_not_mix(build_book, project):
    with build_book.only_one(project / "_build"):
        with pytest.raises(build_book.BookError, match="another build"):
            refresh(build_book, project)
    with build_book.only_one(project / "_build"):
        pass


def test_a_file_system_without_locks_builds_with_a_warning(
    build_book, tmp_path, monkeypatch
):
    def refuse(*arguments):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.warns(UserWarning, match=r"_build/\.lock has no locks"):
        with build_book.only_one(tmp_path / "_build"):
            pass


def test_run_sets_parameters_and_leaves_the_book_alone(build_book, project):
    output = project / "out" / "page.ipynb"
    build_book.run_notebook(
        project / "book" / "page.ipynb",
        output,
        {"seed": 7, "epsilon": 1e-5},
        timeout=60,
    )
    assert output_of(output) == ["7 1e-05 book 1\n"]
    assert [p.name for p in (project / "book").iterdir()] == ["page.py"]


def test_a_failed_run_ends_with_what_its_cell_raised(build_book, project):
    page, output = project / "book" / "page.py", project / "o.ipynb"
    page.write_text(f"{SCRIPT}\nassert seed == 0, 'seed must be 0'\n", encoding="utf-8")
    with pytest.raises(
        build_book.BookError, match=r"\nAssertionError: seed must be 0$"
    ):
        build_book.run_notebook(page, output, {"seed": 1}, timeout=60)


def test_run_refuses_before_running(build_book, project):
    page = project / "book" / "page.py"
    with pytest.raises(build_book.BookError, match="unknown parameter 'sead'"):
        build_book.run_notebook(page, project / "o.ipynb", {"sead": 1}, timeout=60)
    with pytest.raises(build_book.BookError, match="outside"):
        build_book.run_notebook(page, page.with_name("o.ipynb"), {}, timeout=60)
    with pytest.raises(build_book.BookError, match="no such notebook"):
        build_book.run_notebook(project / "x.py", project / "o", {}, timeout=60)
    assert not (project / "o.ipynb").exists()


NO_ROOM = f"OSError: [Errno {errno.ENOSPC}] {os.strerror(errno.ENOSPC)}: 'x'"


def test_a_full_disk_is_the_last_thing_said(build_book, capsys, monkeypatch):
    program = f'import sys; print("""{NO_ROOM}"""); print("more\\n" * 99); sys.exit(1)'
    with pytest.raises(build_book.BookError) as failed:
        build_book.run_command([build_book.sys.executable, "-c", program], what="x")
    assert str(failed.value).splitlines()[-1] == NO_ROOM

    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "_build/x")
    for error in (full, shutil.Error([("x", "_build/x", str(full))] * 9)):
        monkeypatch.setattr(build_book, "make_book", Mock(side_effect=error))
        assert build_book.main(["book"]) == 1
        assert capsys.readouterr().err == f"error: {full}\n"


def test_a_notebook_cut_off_by_a_full_disk_keeps_the_cause(
    build_book, project, monkeypatch
):
    def fail(command, **options):
        output.write_text('{"cells": [', encoding="utf-8")
        raise build_book.BookError(f"executing failed\n{NO_ROOM}")

    output = project / "o.ipynb"
    monkeypatch.setattr(build_book, "run_command", fail)
    with pytest.raises(build_book.BookError, match=r"No space left on device: 'x'$"):
        build_book.papermill(project / "x.ipynb", output, folder=project)


def test_a_path_is_taken_from_here_and_as_it_is(
    build_book, tmp_path, monkeypatch, capsys
):
    seen = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        build_book, "run_notebook", lambda *words, timeout: seen.append(words[2])
    )
    paths = ("123", "it's", "None", "/a b")
    for path in paths:
        assert build_book.main(["run", "x", "y", "--path", "store", path]) == 0
    assert seen == [{"store": os.path.join(tmp_path, path)} for path in paths]


def test_errors_end_with_a_message_and_status_1(build_book, capsys):
    assert build_book.main(["run", "nowhere.ipynb", "out.ipynb"]) == 1
    assert capsys.readouterr().err.startswith("error: no such notebook")


def test_a_finished_folder_replaces_the_last_one(build_book, tmp_path):
    for name in ("new", "html", "html.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "page").write_text(name, encoding="utf-8")
    build_book.replace_folder(tmp_path / "new", tmp_path / "html")
    assert [path.name for path in tmp_path.iterdir()] == ["html"]
    assert (tmp_path / "html" / "page").read_text(encoding="utf-8") == "new"
