"""The theorem on curved boundaries, checked by search, and what breaks it."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from experiments.figures.checks_table import Check
from experiments.figures.curved_cases import (
    CurvedCase,
    disc_case,
    line_case,
    random_case,
)
from experiments.figures.curved_games import (
    JudgedGame,
    cautious_defense,
    judge_game,
    judge_line,
    robust_sets,
)
from experiments.figures.markdown import Row, tabulated
from experiments.figures.planar_classifiers import PolygonClassifier
from paper_lib.game import smooth
from paper_lib.geometry import sample_l2_ball

# Gains that are no more than the rounding of a mean of counts.
_ROUNDING = 1e-9
# The tests that repeat the page's table of checks.
_GAMES = "experiments/figures/test_curved_"
_THEOREM = "paper_lib/local_linearity/test_curved.py::test_"
_ON_THE_DISC = (
    f"{_GAMES}games.py::test_on_the_disc_the_search_finds_what_closed_forms_say"
)
_TINY = f"{_THEOREM}the_gains_of_tiny_networks_never_exceed_their_bounds"
_DRAWS = f"{_GAMES}checks.py::test_draws_are_maximizers_and_many"
_STRAIGHT = f"{_THEOREM}without_error_it_is_theorem_1"
_UNKNOWN = f"{_THEOREM}with_infinite_error_nothing_is_known"


@tabulated("rrrrrr")
def sharpness_table(saved: Sequence[int] = (0, 1, 2, 4)) -> Iterator[Row]:
    """Set proven gains beside true ones on the family of the line.

    Args:
        saved: How many points of a hundred are of the profile "saved".

    Yields:
        Each count, with both players' gains.
    """
    for count in saved:
        yield {"points saved": count, **gain_cells(judge_line(line_case(count)))}


def gain_cells(game: JudgedGame) -> Row:
    """Write both gains of a game, found and proven.

    Args:
        game: The judged game.

    Returns:
        Four cells and the verdict.
    """
    return {
        "attacker, found": f"{game.attacker_gain:.2f}",
        "attacker, proven": f"{game.proven.attacker_gain:.2f}",
        "defender, found": f"{game.defender_gain:.2f}",
        "defender, proven": f"{game.proven.defender_gain:.2f}",
        "bounds": "✓ hold" if game.holds else "✗ exceeded",
    }


def random_cases(
    num_games: int, seed: int, *, ratio: float = 1.0
) -> Iterator[tuple[CurvedCase, tuple[float, float]]]:
    """Draw discs and random networks, one after the other, and budgets.

    Args:
        num_games: How many games, of 12 points each.
        seed: Seed of the first; each has its own.
        ratio: The attacker's budget, in units of the defender's.

    Yields:
        Each case, with the attacker's budget and the defender's, from 0.05 to 0.3.
    """
    for number in range(num_games):
        epsilon = 0.05 * (1 + number % 6)
        case = (disc_case, random_case)[number % 2](12, seed + number)
        yield case, (ratio * epsilon, epsilon)


def judge_draws(
    case: CurvedCase, budgets: tuple[float, float], num_draws: int, seed: int
) -> JudgedGame:
    """Judge a game in which the defender draws from V* with equal chances.

    Args:
        case: The classifier at its points, in the plane.
        budgets: The attacker's and the defender's.
        num_draws: How many draws he mixes.
        seed: Seed of the draws.

    Returns:
        The judged game.
    """
    draws = smooth(robust_sets(case, budgets)).draw(num_draws, seed)
    return judge_game(case, budgets, v=torch.as_tensor(draws))


@tabulated("rrrrr")
def defense_table(case: CurvedCase, budgets: Sequence[float]) -> Iterator[Row]:
    r"""Set a maximizer of coverage beside the v that is proven safe at most points.

    Args:
        case: The classifier at its points.
        budgets: Budgets of both players.

    Yields:
        For each budget both :math:`\eta`, and the most that is given away.
    """
    for epsilon in budgets:
        pair = (epsilon, epsilon)
        smoothed = judge_game(case, pair).proven
        careful = judge_game(case, pair, v=cautious_defense(case, pair)).proven
        yield {
            r"$\epsilon$": epsilon,
            r"$\eta$, $v$ of $\phi$": f"{smoothed.defender_gain:.2f}",
            r"$\eta$, $v$ of $\phi_+$": f"{careful.defender_gain:.2f}",
            r"gives at most, $v$ of $\phi$": f"{smoothed.value[1]:.2f}",
            r"gives at most, $v$ of $\phi_+$": f"{careful.value[1]:.2f}",
        }


def curved_checks(num_games: int, seed: int) -> list[Check]:
    """Search for what the theorem excludes.

    Args:
        num_games: Games of each kind.
        seed: Seed of the games.

    Returns:
        The rows of the page's table; each figure counts the exceptions.
    """
    equal = [judge_game(*drawn) for drawn in random_cases(num_games, seed)]
    other = [
        judge_game(*drawn)
        for ratio in (0.6, 1.5)
        for drawn in random_cases(num_games, seed, ratio=ratio)
    ]
    mixed = [judge_draws(*drawn, 20, seed) for drawn in random_cases(num_games, seed)]
    every = [*equal, *other, *mixed]
    safe = sum(game.safe[0] for game in every), sum(game.safe[1] for game in every)
    lost = sum(game.lost[0] for game in every), sum(game.lost[1] for game in every)
    rows = (
        ("a slack of at least $e$: no attack flips $f$", safe, _ON_THE_DISC),
        ("a slack below $-e$: FGM flips $f$", lost, _ON_THE_DISC),
        ("equal budgets: gains and value", _counted(equal), _ON_THE_DISC),
        ("two budgets: gains and value", _counted(other), _TINY),
        ("draws from $V^*$: gains and value", _counted(mixed), _DRAWS),
        ("$e = 0$: nobody gains", _straight(num_games, seed), _STRAIGHT),
        (r"$e = \infty$: nothing is known", _unknown(num_games, seed), _UNKNOWN),
    )
    return [
        Check(
            what=what,
            cases=cases,
            figure=f"{exceptions} exceptions",
            holds=not exceptions,
            test=f"tests/{test}",
        )
        for what, (cases, exceptions), test in rows
    ]


def _counted(games: Sequence[JudgedGame]) -> tuple[int, int]:
    """Count the games, and those that exceed a bound."""
    return len(games), sum(not game.holds for game in games)


def _straight(num_games: int, seed: int) -> tuple[int, int]:
    """Count linear classifiers, and those where a player gains."""
    wrong = 0
    for number in range(num_games):
        points = sample_l2_ball(12, 2, 1.0, seed=seed + number)
        line = PolygonClassifier(points[:1], points.new_tensor([0.1]))
        case = CurvedCase(
            model=line, inputs=points[1:], error_at=lambda at, _: at.new_zeros(len(at))
        )
        game = judge_game(case, (0.3, 0.3))
        gain = max(game.proven.attacker_gain, game.proven.defender_gain)
        wrong += gain > _ROUNDING or not game.holds
    return num_games, wrong


def _unknown(num_games: int, seed: int) -> tuple[int, int]:
    """Count discs without a known error, and those where anything else is proven."""
    wrong = 0
    for number in range(num_games):
        case = disc_case(12, seed + number)  # the last point has no label
        game = judge_game(case, (0.2, 0.2), error=torch.full((12,), torch.inf))
        proven = game.proven
        found = np.array([proven.attacker_gain, proven.defender_gain, *proven.value])
        wrong += not np.allclose(found, [22 / 12, 22 / 12, -10 / 12, 1.0])
    return num_games, wrong


@tabulated("lrrrrl")
def control_table(games: Mapping[str, JudgedGame]) -> Iterator[Row]:
    """Set found gains beside what a wrong error would prove.

    Args:
        games: Judged games under the names of their errors.

    Yields:
        Each game.
    """
    for name, game in games.items():
        yield {"error used": name, **gain_cells(game)}


@tabulated("rrr")
def factor_table(num_games: int, seed: int) -> Iterator[Row]:
    """Count games whose bounds are exceeded when the error is taken too small.

    Args:
        num_games: How many games, of discs and of networks.
        seed: Seed of the games.

    Yields:
        Each factor of the error.
    """
    drawn = list(random_cases(num_games, seed))
    defenses = [judge_game(*one).defense for one in drawn]
    for factor in (1.0, 0.5, 0.25, 0.1, 0.0):
        games = [
            judge_game(case, pair, error=factor * case.error(sum(pair)), v=v)
            for (case, pair), v in zip(drawn, defenses, strict=True)
        ]
        cases, exceeded = _counted(games)
        yield {"error times": factor, "games": cases, "a bound exceeded": exceeded}
