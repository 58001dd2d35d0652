"""What the page on local linearity says of its own live run and of the records."""

import re

import jupytext
import pytest
import torch

from experiments.assumption.closeness import church_windows
from paper_lib.data import load_pair
from paper_lib.linearize import linearize
from paper_lib.models import TrainConfig, train_classifier


@pytest.fixture(scope="module")
def windows():
    pair = load_pair("mnist", (3, 8), source="embedded")
    config = TrainConfig(epochs=10)
    model = train_classifier(pair.train, config=config, seed=0).model
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(pair.test.labels), generator=generator)
    points = pair.test.images[order[:16]]
    lin = linearize(model, points)
    side = 1.1 * float(lin.margins.max())
    return church_windows(model, points, lin, side, seed=0, size=31)


def test_windows_look_straight_and_are_not_the_tangents(windows):
    # Where f has a boundary a straight line is right but for a small share of the
    # window, and the tangent's is further off.
    held = windows.holding_boundary
    assert int(held.sum()) >= 8
    misses, areas = windows.line_misses[held], windows.areas[held]
    assert float(misses.mean()) < 0.03
    assert float(areas.mean()) > 2.0 * float(misses.mean())


def test_every_link_to_the_page_says_what_it_measures(root):
    named = [
        path.name
        for path in sorted((root / "book").glob("*.py"))
        if "(local_linearity.ipynb)" in path.read_text()
    ]
    leaning = {
        "all_pairs.py",
        "lemma_1.py",
        "lemma_2.py",
        "lemma_3.py",
        "mnist_0_against_1.py",
        "play.py",
        "sharper_bounds.py",
        "the_algorithm.py",
        "the_game.py",
        "the_vc_bound.py",
        "theorem_1.py",
    }
    assert leaning <= set(named)
    intro = (root / "book/intro.md").read_text()
    assert re.search(
        r"Does the theorem apply to the network at Table 1's budget\?", intro
    )


def test_the_parameters_have_their_ranges_beside_them(root):
    notebook = jupytext.read(root / "book/local_linearity.py")
    (cell,) = (
        cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])
    )
    assert all("#" in line for line in cell.source.splitlines())
