"""V* in a picture."""

import pytest
from matplotlib.patches import Polygon

from experiments.figures.lemma_1 import plot_maximizer_set
from paper_lib.defense import maximizer_set
from tests.experiments.figures.drawn import area, patches
from tests.paper_lib.game.game_cases import THREE_CELLS


def test_v_star_is_drawn_piece_by_piece():
    found = maximizer_set(THREE_CELLS)
    figure = plot_maximizer_set(found, draws=found.draw(50, seed=0))
    outlines = [area(patch.get_xy()) for patch in patches(figure, Polygon)]
    assert outlines == pytest.approx(found.areas, rel=2e-2)
    assert len(figure.axes[0].lines[0].get_xdata()) == 50
    shares = [text.get_text() for text in figure.axes[0].texts]
    assert shares == [f"{one / sum(found.areas):.0%}" for one in found.areas]
