"""Games scored with f itself: what is proven of them, and what a search finds.

The search evaluates f at grids of attacks and defenses, and knows nothing of bounds.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from experiments.figures.curved_cases import LINE_BUDGET, LINE_DEFENSE, CurvedCase
from paper_lib.attacks import fgm
from paper_lib.defense import maximize_coverage
from paper_lib.geometry import disc_grid
from paper_lib.linearize import Linearization, linearize
from paper_lib.local_linearity import curved_game
from paper_lib.local_linearity.curved import CurvedGame
from paper_lib.robust_sets import RobustSets

# What the gains found may exceed a bound by: the rounding of a mean of counts.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class JudgedGame:
    """A game scored with f: the theorem's bounds, and what a search over plays finds.

    Attributes:
        sets: The robust sets, with both budgets.
        budgets: The attacker's and the defender's.
        defense: The draws of the defense, one a row.
        error: The bounds on ``|f - f_L|`` that were used.
        proven: The theorem's bounds.
        attacker_gain: The most that an attack found gains over FGM.
        defender_gain: The most that a defense found saves against FGM.
        attacker_best: What the best attack found gets against the defense.
        defender_best: What FGM gets against the best defense found.
        safe: Pairs of a point and a draw with a slack of at least the error, and those
            of them where an attack found flips f.
        lost: Pairs with a slack below minus the error, and those of them where FGM does
            not flip f.
    """

    sets: RobustSets
    budgets: tuple[float, float]
    defense: Float[Tensor, "k d"]
    error: Float[Tensor, " n"]
    proven: CurvedGame
    attacker_gain: float
    defender_gain: float
    attacker_best: float
    defender_best: float
    safe: tuple[int, int]
    lost: tuple[int, int]

    @property
    def excess(self) -> float:
        """By how much a bound was exceeded, if any: at most rounding, or it is none."""
        low, high = self.proven.value
        return max(
            self.attacker_gain - self.proven.attacker_gain,
            self.defender_gain - self.proven.defender_gain,
            low - self.defender_best,
            self.attacker_best - high,
        )

    @property
    def holds(self) -> bool:
        """Whether no bound was exceeded."""
        return self.excess <= _ROUNDING


def robust_sets(case: CurvedCase, budgets: tuple[float, float]) -> RobustSets:
    """Make the robust sets of a case.

    Args:
        case: The classifier at its points.
        budgets: The attacker's and the defender's.

    Returns:
        The rows of Eq. (7).
    """
    lin = linearize(case.model, case.inputs)
    return RobustSets.from_linearization(lin, budgets[1], attack_epsilon=budgets[0])


def judge_game(
    case: CurvedCase,
    budgets: tuple[float, float],
    *,
    error: Float[Tensor, " n"] | None = None,
    v: Float[Tensor, "k d"] | None = None,
) -> JudgedGame:
    """Set the theorem's bounds beside what a search over plays finds.

    Args:
        case: The classifier at its points, on the line or in the plane.
        budgets: The attacker's and the defender's.
        error: Bounds on ``|f - f_L|`` to use, right or wrong; None: those of the case
            for both budgets together.
        v: Draws of the defense; None: a maximizer of coverage.

    Returns:
        Both.
    """
    reach, epsilon = budgets
    error = case.error(reach + epsilon) if error is None else error
    lin, sets = linearize(case.model, case.inputs), robust_sets(case, budgets)
    draws = maximize_coverage(sets).perturbation.unsqueeze(0) if v is None else v
    step, (num, dim) = fgm(lin, reach).unsqueeze(1), case.inputs.shape
    attacks = torch.cat([step, _grid(dim, reach).expand(num, -1, -1)], dim=1)
    tried = _kept(case, lin, attacks, draws)
    against = _kept(case, lin, step, torch.cat([_grid(dim, epsilon), draws]))
    slack = draws @ sets.normals.T + sets.offsets
    safe, lost = (slack >= error).T, (slack < -error).T
    # An attack cannot answer the draw that is played.
    weakest = tried.double().mean(2).amin(1)
    most = float(against[:, 0].double().mean(0).amax())
    kept, left = float(tried[:, 0].double().mean()), float(weakest.mean())
    return JudgedGame(
        sets=sets,
        budgets=budgets,
        defense=draws,
        error=error,
        proven=curved_game(sets, draws, error),
        attacker_gain=2.0 * (kept - left),
        defender_gain=2.0 * (most - kept),
        attacker_best=1.0 - 2.0 * left,
        defender_best=1.0 - 2.0 * most,
        safe=(int(safe.sum()), int((safe & ~tried.all(1)).sum())),
        lost=(int(lost.sum()), int((lost & tried[:, 0]).sum())),
    )


def _grid(dim: int, radius: float) -> Float[Tensor, "k d"]:
    """List moves of a player, on the line or in the plane."""
    if dim == 1:
        return torch.linspace(-radius, radius, 481, dtype=torch.float64).unsqueeze(1)
    return disc_grid(radius, num_rings=6, num_angles=72)


@torch.no_grad()
def _kept(
    case: CurvedCase,
    lin: Linearization,
    attacks: Float[Tensor, "n j d"],
    draws: Float[Tensor, "k d"],
) -> Bool[Tensor, "n j k"]:
    """Evaluate f wherever an attack and a draw lead, and compare labels."""
    moved = (case.inputs[:, None] + attacks)[:, :, None] + draws
    values = case.model(moved.flatten(end_dim=2)).view(moved.shape[:3])
    signs = lin.signs[:, None, None]
    return (signs * values >= 0) & (signs != 0)


def judge_line(
    case: CurvedCase, error: Float[Tensor, " n"] | None = None
) -> JudgedGame:
    """Judge the game of the line at its defense, which maximizes coverage.

    Args:
        case: Of :func:`~experiments.figures.curved_cases.line_case`.
        error: Bounds on ``|f - f_L|``, right or wrong; None: the exact ones.

    Returns:
        The judged game.
    """
    v = torch.full((1, 1), LINE_DEFENSE, dtype=torch.float64)
    return judge_game(case, (LINE_BUDGET, LINE_BUDGET), error=error, v=v)


def cautious_defense(
    case: CurvedCase, budgets: tuple[float, float]
) -> Float[Tensor, "1 d"]:
    """Find the v that is proven safe at most points: offsets lowered by the errors.

    Args:
        case: The classifier at its points, without infinite errors.
        budgets: The attacker's and the defender's.

    Returns:
        One draw.
    """
    sets = robust_sets(case, budgets)
    lowered = replace(sets, offsets=sets.offsets - case.error(sum(budgets)))
    return maximize_coverage(lowered).perturbation.unsqueeze(0)
