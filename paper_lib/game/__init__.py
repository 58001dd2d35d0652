"""The game of Sec. 2 and its equilibrium: Lemmas 2 and 3, Theorem 1 (Sec. 3)."""

from paper_lib.game.attack_search import search_attack
from paper_lib.game.expectation import ExpectedUtility, expected_utility
from paper_lib.game.gains import Exploitability, exploitability
from paper_lib.game.matrix_games import (
    attack_candidates,
    judge_strategies,
    point_payoffs,
    solve_matrix_game,
)
from paper_lib.game.payoff import utility
from paper_lib.game.responses import attacker_best_response, defender_best_response
from paper_lib.game.smoothing import Equilibrium, equilibrium, smooth
from paper_lib.game.strategies import (
    ConstantDefense,
    DeterministicAttack,
    Mixture,
    PointwiseDefense,
    Sampler,
)
