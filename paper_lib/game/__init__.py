"""The game of Sec. 2 and its equilibrium: Lemmas 2 and 3, Theorem 1 (Sec. 3).

``paper_lib.game.proofs`` is imported on demand: it needs z3.
"""

from paper_lib.game.attack_search import search_attack
from paper_lib.game.fictitious_play import FictitiousPlay, play_fictitiously
from paper_lib.game.gains import Exploitability, GainBounds, exploitability
from paper_lib.game.matrix_games import (
    MatrixEquilibrium,
    attack_candidates,
    judge_strategies,
    point_payoffs,
    solve_matrix_game,
)
from paper_lib.game.payoff import ExpectedUtility, expected_utility, utility
from paper_lib.game.responses import (
    AttackerResponse,
    DefenderResponse,
    answered_sets,
    attacker_best_response,
    defender_best_response,
)
from paper_lib.game.smoothing import Equilibrium, equilibrium, smooth
from paper_lib.game.strategies import (
    ChainDraws,
    ConstantDefense,
    DeterministicAttack,
    Mixture,
    PointwiseDefense,
    Sampler,
)
