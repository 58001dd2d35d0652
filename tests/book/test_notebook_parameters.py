"""Every notebook runs at other settings, or refuses them in one sentence.

What a notebook declares as parameters is there to be changed: the tables below hold
settings at which each runs to its end, and settings outside the ranges that its cell of
parameters states, with the sentence that says so.
"""

import re

import jupytext
import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from experiments.figures.checks_table import FAILS
from tests.book.test_book_notebooks import BOOK, NOTEBOOKS

ACCEPTED = {
    "play": [({"epsilon": 0.1},), ({"epsilon": 1.6},), ({"epsilon": 2.0},)],
    "sharper_bounds": [
        ({"split": 0, "smallest": 10, "workers": 0},),
        ({"smallest": 300, "source": "torchvision", "workers": 64},),
    ],
    "the_algorithm": [
        ({"seed": 7, "epochs": 1},),
        ({"seed": 2**62, "epochs": 20},),
    ],
    "the_vc_bound": [
        (
            {
                "seed": 2**62 - 20,
                "population_size": 16,
                "num_draws": 100,
                "epsilon": 0.1,
            },
        ),
        ({"seed": 5, "population_size": 120, "num_draws": 5000, "epsilon": 1.5},),
    ],
    "all_pairs": [
        ({"datasets": "mnist", "seeds": "0,7"},),
        ({"primary_only": True, "seeds": "2"},),
        (
            {
                "batched": True,
                "primary_only": True,
                "seeds": "1,4",
                "store": "../results/table1_gpu",
            },
        ),
        (
            {
                "datasets": "mnist",
                "pairs": "0-1",
                "seeds": "0",
                "source": "embedded",
                "compute": True,
                "workers": 0,
                "store": "../_build/experiments/one-pair",
            },
        ),
    ],
    "mnist_0_against_1": [
        ({"classes": "8-3", "budget": 0.1, "epochs": 1, "primary": "fixed-label"},),
        ({"classes": "4-9", "seed": 3, "epochs": 3, "primary": "ball"},),
        ({"budget": 20, "epochs": 1},),
    ],
    "the_game": [
        ({"epsilon": 0.3, "seed": 1},),
        ({"epsilon": 0.42, "seed": 2},),
    ],
    "lemma_1": [
        ({"num_cases": 200, "seed": 1},),
        ({"num_cases": 20_000, "seed": 2},),
    ],
    "lemma_2": [
        ({"num_points": 30, "num_games": 40, "seed": 1},),
        ({"num_points": 300, "num_games": 100, "seed": 2},),
    ],
    "lemma_3": [
        ({"epsilon": 0.9, "seed": 3},),
        ({"epsilon": 1.1, "seed": 2},),
    ],
    "theorem_1": [
        ({"epsilon": 0.9, "seed": 1},),
        ({"epsilon": 1.1, "seed": 2},),
    ],
    "local_linearity": [
        ({"seed": 2**32, "classes": "1-7"},),
        ({"seed": 3, "classes": "4-9", "source": "auto", "workers": 0},),
    ],
    "curved_boundaries": [
        ({"epsilon": 0.04, "per_class": 2, "seed": 1},),
        ({"epsilon": 0.3, "per_class": 3, "seed": 2**32},),
    ],
}

REFUSED = {
    "play": [({"epsilon": 2.5}, r"epsilon must be from 0\.1 to 2, got 2\.5")],
    "sharper_bounds": [
        (
            {"store": "../nowhere"},
            r"store must be a folder with .*nowhere is not there",
        ),
        ({"table1": "../nowhere"}, r"table1 must be a folder with .*nowhere is not"),
        ({"smallest": 301}, r"smallest must be from 10 to 300, got 301\."),
        ({"split": 2}, r"split must be from 0 to 1, got 2\."),
        ({"source": "embedded"}, r"source must be one of 'auto', .*got 'embedded'\."),
    ],
    "the_algorithm": [
        ({"store": "results"}, r"store must be a folder with .* is not there; run the"),
        ({"epochs": 0}, r"epochs must be from 1 to 20, got 0\."),
        ({"source": "internet"}, r"source must be one of 'embedded', 'auto', got"),
    ],
    "the_vc_bound": [
        (
            {"table2": "results/table2"},
            r"table2 must be a folder .* --cwd book, or give",
        ),
        ({"population_size": 15}, r"population_size must be from 16 to 120, got 15\."),
        ({"epsilon": 2.0}, r"epsilon must be from 0\.1 to 1\.5, got 2\.0\."),
    ],
    "all_pairs": [
        ({"pairs": "3-3"}, "a pair must be two different digits like '0-1', got '3-3'"),
        ({"pairs": "0-1"}, "holds none of these runs for source 'auto'; set compute"),
        ({"workers": -1}, "workers must be from 0 to 256, got -1"),
    ],
    "mnist_0_against_1": [
        (
            {"classes": "3-3"},
            "a pair must be two different digits like '0-1', got '3-3'",
        ),
        ({"budget": 0}, "budget must be from 0.1 to 20, got 0"),
        ({"epochs": 51}, "epochs must be from 1 to 50, got 51"),
        ({"primary": "pgd"}, "primary must be one of .*got 'pgd'"),
    ],
    "the_game": [({"epsilon": 0.2}, "epsilon must be from 0.3 to 0.42, got 0.2")],
    "lemma_1": [({"num_cases": 100}, "num_cases must be from 200 to 20000, got 100")],
    "lemma_2": [({"num_points": 1}, "num_points must be from 30 to 300, got 1")],
    "lemma_3": [({"epsilon": 0.5}, "epsilon must be from 0.9 to 1.1, got 0.5")],
    "theorem_1": [({"epsilon": 2.0}, "epsilon must be from 0.9 to 1.1, got 2.0")],
    "local_linearity": [
        ({"store": "../nowhere"}, r"store must be a folder with .*nowhere is not"),
        ({"table1": "../nowhere"}, r"table1 must be a folder with .*nowhere is not"),
        ({"classes": "3-3"}, "a pair must be two different digits like '0-1', got"),
        ({"source": "internet"}, "source must be one of 'embedded', .*got 'internet'"),
        ({"workers": 65}, "workers must be from 0 to 64, got 65"),
    ],
    "curved_boundaries": [
        ({"epsilon": 0.5}, "epsilon must be from 0.04 to 0.3, got 0.5"),
        ({"per_class": 1}, "per_class must be from 2 to 20, got 1"),
    ],
}

# Rows of checks that say what was found in the runs, not what a theorem has.
FINDINGS = {
    "all_pairs": (
        "Fresh seeds, declared choice:",
        "Ten pairs:",
        "Declared network and budgets:",
        "SMOOTH gains approximate accuracy against",
        "Against FGM no defense covers more",
    ),
}


def cases(table):
    return [(name, *case) for name, listed in table.items() for case in listed]


@pytest.fixture(scope="module")
def kernel(build_book):
    """One kernel for all the runs: starting one takes longer than most of them."""
    environment = build_book.clean_environment()
    build_book.prepare(environment)
    manager, client = start_new_kernel(cwd=str(BOOK), env=environment)
    runner = NotebookClient(nbformat.v4.new_notebook(), km=manager, timeout=600)
    runner.kc = client
    yield runner
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(build_book, kernel, name, parameters):
    """Run the cells in a kernel that holds no variables, and return them."""
    notebook = jupytext.read(BOOK / f"{name}.py")
    build_book.check_parameters(notebook, parameters)
    place = next(
        number
        for number, cell in enumerate(notebook.cells)
        if "parameters" in cell.metadata.get("tags", ())
    )
    given = "\n".join(f"{key} = {value!r}" for key, value in parameters.items())
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(given))
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    kernel.nb = notebook
    return kernel.execute()


def found(name):
    """How a row of the page begins that may fail, as a page and as a text write it."""
    return [
        start + row for row in FINDINGS.get(name, ()) for start in ("| ", f"{FAILS}: ")
    ]


def texts(notebook):
    """What the cells printed or displayed, as plain text."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(
        str(output.get("text", output.get("data", {}).get("text/markdown", "")))
        for output in outputs
    )


def test_each_notebook_with_parameters_is_tried_at_two_settings_and_refuses_one(
    build_book,
):
    declared = {
        path.stem
        for path in NOTEBOOKS
        if build_book.parameter_names(jupytext.read(path.with_suffix(".py")))
    }
    assert {name for name, listed in ACCEPTED.items() if len(listed) >= 2} == declared
    assert set(REFUSED) == declared


@pytest.mark.slow
@pytest.mark.parametrize(("name", "parameters"), cases(ACCEPTED))
def test_a_notebook_runs_at_other_settings(build_book, kernel, name, parameters):
    said = texts(run(build_book, kernel, name, parameters))
    # What is judged is judged right, and what a setting makes meaningless says so.
    assert not [line for line in said.splitlines() if line.endswith("False")]
    failed = [line for line in said.splitlines() if FAILS in line]
    assert not [line for line in failed if not any(map(line.count, found(name)))]
    assert "nan" not in said.split()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "parameters", "sentence"), cases(REFUSED))
def test_a_notebook_refuses_what_is_out_of_range(
    build_book, kernel, name, parameters, sentence
):
    with pytest.raises(CellExecutionError) as caught:
        run(build_book, kernel, name, parameters)
    assert re.search(sentence, caught.value.evalue)
