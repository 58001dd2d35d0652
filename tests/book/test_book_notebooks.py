"""The pairs in ``book/``: in step, executed, free of errors and of definitions."""

import ast
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

BOOK = Path(__file__).resolve().parents[2] / "book"
NOTEBOOKS = sorted(
    path
    for path in BOOK.rglob("*.ipynb")
    if not any(part.startswith((".", "_")) for part in path.relative_to(BOOK).parts)
)
EXEMPT_TAGS = {"nbval-ignore-output", "nbval-skip", "raises-exception"}
EXEMPT_COMMENTS = ("NBVAL_IGNORE_OUTPUT", "NBVAL_SKIP", "NBVAL_RAISES_EXCEPTION")


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def definitions(notebook):
    """Names of functions and classes that the cells define."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [
        node.name
        for cell in code_cells(notebook)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, kinds)
    ]


def unexecuted(notebook):
    """Numbers of the code cells that are not part of one run from the top."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    return [number for number, count in enumerate(counts, 1) if count != number]


def is_exempt(cell):
    return bool(EXEMPT_TAGS & set(cell.metadata.get("tags", []))) or any(
        line.strip().lstrip("# ") in EXEMPT_COMMENTS
        for line in cell.source.splitlines()
        if line.startswith("#")
    )


def compared_share(notebook):
    """Share of the cells with output whose output nbval compares."""
    cells = [cell for cell in code_cells(notebook) if cell.outputs]
    assert cells, "a notebook without any output shows nothing"
    return sum(not is_exempt(cell) for cell in cells) / len(cells)


def run_metadata(notebook):
    """Keys that papermill or the kernel leave and that differ between runs."""
    keys = {"papermill", "execution", "language_info"}
    places = [notebook.metadata, *(cell.metadata for cell in notebook.cells)]
    return [key for place in places for key in keys & set(place)]


def test_book_has_notebooks():
    assert NOTEBOOKS


def test_every_notebook_has_both_files(build_book):
    scripts = build_book.notebook_scripts(BOOK)
    assert scripts == [path.with_suffix(".py") for path in NOTEBOOKS]


each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@each_notebook
def test_pair_is_in_step(path, build_book):
    assert build_book.pair_in_step(path.with_suffix(".py")), (
        f"{path.name} and its .py file differ; run 'make notebooks'."
    )


@each_notebook
def test_notebook_is_stripped(path):
    assert run_metadata(read(path)) == []


@each_notebook
def test_notebook_stores_no_error(path, build_book):
    assert build_book.stored_errors(read(path)) == []


@each_notebook
def test_notebook_stores_its_figures(path, build_book):
    assert build_book.lost_figures(read(path), read(path)) == []


@each_notebook
def test_notebook_was_executed_from_the_top(path):
    assert unexecuted(read(path)) == []


@each_notebook
def test_notebook_defines_nothing(path):
    assert definitions(read(path)) == []


@each_notebook
def test_nbval_compares_most_outputs(path):
    assert compared_share(read(path)) >= 0.8


# --- the checks above, on notebooks that must fail them --------------------------


def notebook_with(source="x = 1", *, count=1, outputs=(), **metadata):
    cell = new_code_cell(source, execution_count=count, outputs=list(outputs))
    cell.metadata.update(metadata)
    return new_notebook(cells=[cell])


STREAM = new_output("stream", text="1\n")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(): return 1", ["f"]),
        ("if True:\n    class C: pass", ["C"]),
        ("async def g(): pass", ["g"]),
        ("f = lambda x: x", []),
    ],
)
def test_definitions_are_found(source, found):
    assert definitions(notebook_with(source)) == found


@pytest.mark.parametrize("count", [None, 2])
def test_unexecuted_cells_are_found(count):
    assert unexecuted(notebook_with(count=count)) == [1]


def test_exempt_cells_are_counted():
    cells = [
        *notebook_with("# NBVAL_IGNORE_OUTPUT\nx", outputs=[STREAM]).cells,
        *notebook_with(outputs=[STREAM], tags=["nbval-ignore-output"]).cells,
        *notebook_with(outputs=[STREAM]).cells,
        *notebook_with().cells,
    ]
    assert compared_share(new_notebook(cells=cells)) == pytest.approx(1 / 3)


def test_a_notebook_without_outputs_is_no_success():
    with pytest.raises(AssertionError, match="without any output"):
        compared_share(notebook_with())


def test_run_metadata_is_found():
    assert run_metadata(notebook_with(execution={"started": "now"})) == ["execution"]
