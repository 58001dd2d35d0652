"""SMOOTH, and draws from its maximizers."""

import pytest
import torch

from paper_lib.defense import HitAndRunConfig
from paper_lib.game import (
    ConstantDefense,
    Mixture,
    equilibrium,
    exploitability,
    smooth,
)
from paper_lib.linearize import Linearization
from paper_lib.robust_sets import RobustSets
from tests.paper_lib.game.game_cases import (
    F64,
    NAMED_GAME,
    POINT_GAME,
    random_game,
)


@pytest.mark.parametrize("seed", range(3))
def test_mixtures_over_the_maximizers_are_in_equilibrium(seed):
    """The support of SMOOTH is not one point: all of V* is as good."""
    lin = random_game(n=9, dim=2, seed=seed)
    pair = equilibrium(lin, epsilon=1.0)
    drawn = smooth(pair.sets).draw(6, 0)
    defender = Mixture(tuple(map(ConstantDefense, drawn)), (0.25,) * 2 + (0.125,) * 4)
    found = exploitability(lin, pair.attacker, defender, epsilon=1.0)
    assert found.is_exact
    assert found.total <= 1e-12


def test_smooth_itself_is_in_equilibrium():
    pair = equilibrium(NAMED_GAME, epsilon=1.0)
    found = exploitability(
        NAMED_GAME, pair.attacker, smooth(pair.sets), epsilon=1.0, num_draws=400
    )
    assert found.is_sampled
    assert not found.is_exact
    assert (found.attacker_gain, found.defender_gain) == pytest.approx(
        (0, 0), abs=1e-12
    )
    assert found.gain_bounds.attacker[1] > 0.0
    assert found.utility.value == pytest.approx(pair.value)


def test_smooth_in_space_says_how_far_to_trust_its_draws():
    lin = random_game(n=12, dim=4)
    pair = equilibrium(lin, epsilon=1.0)
    few = HitAndRunConfig(num_chains=4)
    played = smooth(pair.sets, solution=pair.solution, config=few)
    drawn = played.draw(70, 0)
    assert (pair.sets.coverage(drawn.rows) == pair.solution.coverage).all()
    assert len(drawn.rows.unique(dim=0)) == 70
    assert drawn.is_mixed
    assert 60 < drawn.effective_size <= 70
    found = exploitability(lin, pair.attacker, played, epsilon=1.0, num_draws=400)
    assert found.is_mixed
    assert not found.utility.is_independent
    assert 300 < found.utility.effective_size <= 400
    assert found.total == pytest.approx(0.0, abs=1e-12)
    # Chains too short to leave where they began.
    hasty = smooth(
        pair.sets,
        solution=pair.solution,
        config=HitAndRunConfig(thin=1, burn_in=0),
    )
    found = exploitability(lin, pair.attacker, hasty, epsilon=1.0, num_draws=400)
    assert not found.is_mixed
    assert found.gain_bounds.attacker[1] == 2.0


def test_smooth_on_a_flat_set_plays_its_point():
    """No chains, nothing to mix: a point mass, and its draws are independent."""
    flat = torch.nn.functional.pad(POINT_GAME.gradients, (0, 2))
    sets = RobustSets.from_linearization(
        Linearization(logits=POINT_GAME.logits, gradients=flat), 1.0
    )
    flattened = RobustSets(
        normals=torch.cat(
            [sets.normals, torch.eye(4, dtype=F64), -torch.eye(4).double()]
        ),
        offsets=torch.cat([sets.offsets, torch.zeros(8, dtype=F64)]),
        epsilon=1.0,
    )
    drawn = smooth(flattened).draw(5, 0)
    assert isinstance(drawn, torch.Tensor)
    assert drawn.unique(dim=0).shape == (1, 4)
