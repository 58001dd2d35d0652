"""What a page's ``.py`` file says of its cells reaches the notebook, and nbval."""

import json
import re
import subprocess
import sys

import nbformat
import pytest

ALT = "One dot in the middle of an empty square, both axes from zero to one"
SCRIPT = f"""\
# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% tags=["hide-input"]
from experiments.figures.checks_table import Check, ChecksTable
from paper_lib.plotting.style import new_figure

test = "tests/book/test_cell_metadata.py::test_metadata_survives_a_run"
ChecksTable([Check(what="$1 < 2$", cases=1, figure="1", holds=True, test=test)])

# %% mystnb={{"figure": {{"caption": "A dot.", "name": "fig-dot"}}, "image": {{"alt": "{ALT}"}}}} tags=["hide-input"]
figure, (axis,) = new_figure(1.0, 1.0)
axis.plot(0.5, 0.5, "o")
figure
"""  # noqa: E501 - jupytext keeps a cell's metadata on one line


@pytest.fixture(scope="module")
def notebook(tmp_path_factory, build_book):
    """The notebook of a page that was run as ``make notebooks`` does, twice."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "book").mkdir()
    (folder / "book" / "page.py").write_text(SCRIPT, encoding="utf-8")
    for _ in range(2):
        build_book.make_notebooks(folder, [], jobs=1, timeout=60)
    return folder / "book" / "page.ipynb"


def test_metadata_survives_a_run(notebook, build_book):
    checks, drawn = nbformat.read(notebook, as_version=4).cells
    assert checks.metadata == {"tags": ["hide-input"]}
    assert drawn.metadata == {
        "mystnb": {
            "figure": {"caption": "A dot.", "name": "fig-dot"},
            "image": {"alt": ALT},
        },
        "tags": ["hide-input"],
    }
    assert build_book.pair_in_step(notebook.with_suffix(".py"))


def test_other_metadata_is_another_page(notebook, build_book, tmp_path):
    script = tmp_path / "page.py"
    script.write_text(SCRIPT.replace("One dot", "Two dots"), encoding="utf-8")
    script.with_suffix(".ipynb").write_bytes(notebook.read_bytes())
    assert not build_book.pair_in_step(script)


# What is changed in the cells, and what nbval then says of the first.
CHANGES = (
    ("", "", "PASSED"),
    ("One dot", "Two dots", "PASSED"),  # metadata is no output
    ("| \u2713 holds |", "| \u2717 fails |", "FAILED"),
    ("result 1;", "result 2;", "FAILED"),
)


def test_nbval_compares_the_table_of_checks(notebook, tmp_path):
    stored = nbformat.read(notebook, as_version=4)
    text, cells, wanted = json.dumps(stored.cells, ensure_ascii=False), [], set()
    for before, after, end in CHANGES:
        assert before in text
        for cell in json.loads(text.replace(before, after)):
            wanted.add(("PASSED" if len(cells) % 2 else end, str(len(cells))))
            cells.append(nbformat.from_dict(cell | {"id": f"cell-{len(cells)}"}))
    stored.cells = cells
    nbformat.write(stored, tmp_path / "page.ipynb")
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--nbval", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^([A-Z]+) page\.ipynb::Cell (\d)", done.stdout, re.M)
    assert set(found) == wanted, done.stdout
