r"""Uniform draws from V*, the set of all maximizers of coverage: s_SMOOTH.

In the plane all pieces of V* are known. In general one is, around the maximizer that a
solver found, and draws come from that one. Where it has no volume "uniform" says
nothing; any point of it is a best response all the same, and the result says so.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from paper_lib.checks.arguments import check_count, check_seed, check_type
from paper_lib.defense.draws.hit_and_run import HitAndRunConfig, hit_and_run
from paper_lib.defense.draws.inner_ball import Piece, inner_ball, rounding
from paper_lib.defense.draws.planar_maximizers import MARGIN, maximizer_set
from paper_lib.defense.maximize import maximize_coverage
from paper_lib.defense.rows import unit_rows
from paper_lib.defense.solution import Solution
from paper_lib.robust_sets import RobustSets

# Balls smaller than this, relative to the budget, are rounding.
_LEAST_RADIUS = 1e-8


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MaximizerDraws:
    r"""Draws from V*, or from what is known of it, and what is known.

    Attributes:
        points: The draws; each in as many robust sets as ``solution``.
        solution: The maximizer they start from, with the certificate that says whether
            it is one.
        method: ``"cells"``: exact, from all of V* in the plane. ``"hit_and_run"``: from
            the one piece around ``solution``. ``"point"``: it has no volume, or none
            that can be told from rounding; every draw is the same maximizer, or one of
            several touching points.
        num_pieces: Pieces of V* that are known.
        inner_radius: Radius of a ball inside the piece, in the units of the inputs;
            None in the plane, where areas say more.
        r_hat: Split R-hat of the chains; 1 where there are none.
        effective_size: Effective number of draws.
        is_mixed: Whether the chains agree and are long enough; True without chains.
    """

    points: Float[Tensor, "k d"]
    solution: Solution
    method: Literal["cells", "hit_and_run", "point"]
    num_pieces: int = 1
    inner_radius: float | None = None
    r_hat: float = 1.0
    effective_size: float
    is_mixed: bool = True

    @property
    def has_volume(self) -> bool:
        """Whether what is known of V* has volume, so that "uniform" has a meaning."""
        return self.method != "point"

    @property
    def is_complete(self) -> bool:
        """Whether all of V* was drawn from, not one piece of it alone."""
        return self.method == "cells"

    @property
    def is_maximal(self) -> bool:
        """Whether the certificate proves that these are maximizers."""
        return self.solution.certificate.gap == 0.0


def draw_maximizers(
    sets: RobustSets,
    num_draws: int,
    *,
    solution: Solution | None = None,
    config: HitAndRunConfig | None = None,
    seed: int = 0,
) -> MaximizerDraws:
    """Draw from V*: in the plane from all of it, else from one piece of it.

    Args:
        sets: The robust sets.
        num_draws: How many.
        solution: A maximizer, of these sets; None: ``maximize_coverage`` finds one.
        config: The chains, where d is not 2.
        seed: Seed of the solver and of the draws.

    Returns:
        The draws and how far to trust them: see the fields.

    Raises:
        TypeError: If ``sets`` are no :class:`RobustSets`.
        ValueError: If ``num_draws`` is below one, or below four for each chain, or the
            solution does not fit the sets.

    Example:
        >>> sets = RobustSets(normals=torch.eye(2), offsets=torch.zeros(2), epsilon=1.0)
        >>> draws = draw_maximizers(sets, 100)
        >>> draws.method, bool((draws.points >= 0.0).all())
        ('cells', True)
    """
    check_type(sets, "sets", RobustSets)
    num_draws, seed = check_count(num_draws, "num_draws", 1), check_seed(seed)
    if solution is None:
        solution = maximize_coverage(sets, seed=seed)
    held = sets.contains(solution.perturbation)
    if int(held.sum()) != round(solution.coverage * len(held)):
        raise ValueError(
            f"solution must be one of these sets, got coverage {solution.coverage} "
            f"where it reaches {float(held.double().mean())}."
        )
    if sets.normals.shape[1] != 2:
        return _draw_around(sets, num_draws, solution, held, config, seed)
    known = maximizer_set(sets)
    return MaximizerDraws(
        points=known.draw(num_draws, seed),
        solution=solution,
        method="cells" if known.has_volume else "point",
        num_pieces=len(known.cells) + len(known.touches),
        effective_size=float(num_draws if known.has_volume else 1),
    )


def _draw_around(
    sets: RobustSets,
    num_draws: int,
    solution: Solution,
    held: Bool[Tensor, " n"],
    config: HitAndRunConfig | None,
    seed: int,
) -> MaximizerDraws:
    """Draw from the piece around a maximizer, in units of the budget."""
    rows = unit_rows(sets)
    kept = held.cpu()[rows.index]
    margin = MARGIN[sets.normals.dtype]
    # One margin to round, one for a shorter radius.
    thresholds = rows.thresholds[kept].numpy() + 2 * margin
    piece = Piece(rows.normals[kept].numpy(), thresholds)
    start = solution.perturbation.double().cpu().numpy() / (sets.epsilon or 1.0)
    inside, radius = inner_ball(piece, start) if sets.epsilon else (start, 0.0)
    if radius < _LEAST_RADIUS:
        return MaximizerDraws(
            points=solution.perturbation.expand(num_draws, -1).clone(),
            solution=solution,
            method="point",
            inner_radius=0.0,
            effective_size=1.0,
        )
    center, shape = rounding(piece, inside)
    draws = hit_and_run(piece, center, num_draws, shape=shape, config=config, seed=seed)
    length = sets.epsilon * (1.0 - margin)
    return MaximizerDraws(
        points=(length * torch.from_numpy(draws.points)).to(sets.normals),
        solution=solution,
        method="hit_and_run",
        inner_radius=sets.epsilon * radius,
        r_hat=draws.r_hat,
        effective_size=draws.effective_size,
        is_mixed=draws.is_mixed,
    )
