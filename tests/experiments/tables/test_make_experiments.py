"""Table 1 by papermill from an empty store, with the command that is promised."""

import os
import subprocess

import nbformat
import pytest

from experiments.tables.group_sweep import load_plan
from experiments.tables.planning import plan
from tests.test_structure import ROOT

PAIRS = ((0, 1), (2, 4), (3, 8))


def make(store):
    """Fill a store with three pairs of MNIST, one seed, the primary choice."""
    words = {
        "DEVICE": "cpu",
        "DATASET": "mnist",
        "PAIRS": ",".join(f"{a}-{b}" for a, b in PAIRS),
        "SEEDS": "0",
        "PRIMARY_ONLY": "True",
        "STORE": store,
    }
    ours = ("MAKEFLAGS", "MAKELEVEL", "PYTEST_CURRENT_TEST")
    subprocess.run(
        ["make", "experiments", *(f"{name}={value}" for name, value in words.items())],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in ours},
        check=True,
    )
    return {path.name: path.read_bytes() for path in store.glob("*.json")}


@pytest.mark.slow
@pytest.mark.fulldata
def test_papermill_fills_an_empty_store_and_leaves_a_full_one(tmp_path):
    store = tmp_path / "table1"
    groups = plan(datasets=("mnist",), pairs=PAIRS, seeds=(0,), primary_only=True)
    assert load_plan(groups, store) == ((), groups)
    first = make(store)
    (found,), missing = load_plan(groups, store)
    assert (found.pairs, missing) == (PAIRS, ())
    # Three pairs, their budget, the page's pictures of pairs, and the manifest.
    assert first.keys() == {*found.names, "examples.json", "manifest.json"}
    assert all(score.provenance.seconds > 0 for score in found.scores)
    page = nbformat.read(ROOT / "_build/experiments/all_pairs.ipynb", as_version=4)
    assert page.metadata["papermill"]["parameters"]["pairs"] == "0-1,2-4,3-8"
    assert not page.metadata["papermill"]["exception"]
    records = {name: text for name, text in make(store).items() if name in found.names}
    assert records == {name: first[name] for name in found.names}
