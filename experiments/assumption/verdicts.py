"""What is found and what is proven at the points of one classifier."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.assumption.subjects import Subject, numbers
from experiments.tables.defenses import fit_solver
from paper_lib import local_linearity
from paper_lib.attacks import pgd
from paper_lib.evaluation import logits_at
from paper_lib.geometry import l2_norm
from paper_lib.linearize import linearize
from paper_lib.robust_sets import RobustSets

# Steps just before the tangent's boundary and just beyond it, in shares of the margin.
_BESIDE = (1.0 - 1e-4, 1.0 + 1e-4)


def shortest_disagreements(
    subject: Subject, budgets: Sequence[float], seed: int
) -> Float[Tensor, " n"]:
    """Search balls of twice each budget, the smallest first.

    Args:
        subject: The classifier at its points.
        budgets: Budgets, increasing.
        seed: Seed of the search.

    Returns:
        The length of the shortest disagreement in the smallest ball in which one was
        found; infinite where none was.
    """
    lengths = torch.full_like(subject.lin.margins, torch.inf)
    for epsilon in budgets:
        rows = lengths.isinf().nonzero()[:, 0]
        if len(rows):
            lengths[rows] = _found(subject, rows, 2.0 * epsilon, seed)
    return lengths


def _found(
    subject: Subject, rows: Tensor, radius: float, seed: int
) -> Float[Tensor, " m"]:
    images = subject.test.images[rows]
    if subject.is_piecewise_linear:
        return local_linearity.find_disagreements(
            subject.model, images, radius, seed
        ).lengths
    return attacked_disagreements(subject.model, images, radius)


def attacked_disagreements(
    model: torch.nn.Module, images: Float[Tensor, "n ..."], radius: float
) -> Float[Tensor, " n"]:
    """Search where attacks lead, which need to know no layers.

    On both sides of the boundary of the tangent, and where PGD ends that keeps its
    label.

    Args:
        model: The classifier.
        images: The centers of the balls.
        radius: Their radius.

    Returns:
        The length of the shorter disagreement; infinite where neither is one.
    """
    exact, points = copy.deepcopy(model).double(), images.double()
    lin = linearize(exact, points)
    margins = lin.margins.nan_to_num(0.0, 0.0).unsqueeze(1)
    beside = [share * margins * lin.descent_directions for share in _BESIDE]
    settings = {"steps": 20, "step_size": radius / 4, "direction": "original"}
    flipping = pgd(exact, points, radius, projection="ball", **settings)
    best = torch.full_like(lin.margins, torch.inf)
    for offsets in (*beside, flipping):
        lengths, moved = l2_norm(offsets), logits_at(exact, points, offsets)
        differs = (lin.signs * moved > 0) != lin.label_survives(offsets)
        is_one = differs & (moved != 0) & (lengths <= radius)
        best = torch.where(is_one, torch.minimum(best, lengths), best)
    return best


def largest_proven(
    subject: Subject, budgets: Sequence[float], found: Float[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """Prove agreement in balls of twice each budget, as far as that goes.

    Args:
        subject: The classifier at its points.
        budgets: Budgets, increasing.
        found: The length of the shortest disagreement known, infinite where none is.

    Returns:
        The largest budget proven, after which no larger one is tried; zero where
        nothing is proven.

    Raises:
        RuntimeError: If something is proven in a ball that holds a disagreement.
    """
    proven = torch.zeros_like(found)
    left = torch.arange(len(found))
    for epsilon in budgets:
        agrees = local_linearity.certify_agreement(
            subject.model, subject.test.images[left], 2.0 * epsilon
        )
        left = left[agrees]
        if not len(left):
            break
        proven[left] = epsilon
    if bool((found <= 2.0 * proven).any()):
        raise RuntimeError("a disagreement lies in a ball that is proven to have none.")
    return proven


def fitted_defense(subject: Subject, epsilon: float, seed: int) -> Float[Tensor, " d"]:
    """Fit SMOOTH as the tables do, on the points to fit on.

    Args:
        subject: The classifier at its points.
        epsilon: The budget.
        seed: Seed of the fit.

    Returns:
        The perturbation.
    """
    sets = RobustSets.from_linearization(subject.fit, epsilon)
    return fit_solver(sets, seed)[0]


def _kept(
    subject: Subject, epsilon: float, seed: int
) -> tuple[Float[Tensor, " d"], RobustSets, int]:
    """Fit SMOOTH, and count the points whose tangent it keeps."""
    v = fitted_defense(subject, epsilon, seed)
    sets = RobustSets.from_linearization(subject.lin, epsilon)
    return v, sets, int(sets.contains(v).sum())


def defense_on_f(subject: Subject, epsilon: float, seed: int) -> dict[str, Any]:
    r"""Count what SMOOTH keeps, of the tangents and of f itself.

    Args:
        subject: The classifier at its points.
        epsilon: The budget of both players.
        seed: Seed of the fit and of the attacks.

    Returns:
        Plain values, as ``DefenseOnF`` reads them.
    """
    v, _, kept = _kept(subject, epsilon, seed)
    on_f = local_linearity.network_coverage(
        subject.model, subject.test.images, v, epsilon, seed
    )
    return {
        "epsilon": epsilon,
        "kept": kept,
        "safe": int(on_f.safe.sum()),
        "flipped": int(on_f.flipped.sum()),
    }


def curvature(subject: Subject, epsilon: float, seed: int) -> dict[str, Any]:
    """Bound what is left of Theorem 1 for f itself.

    Args:
        subject: The classifier at its points.
        epsilon: The budget of both players.
        seed: Seed of the fit and of the searches.

    Returns:
        Plain values, as ``Curvature`` reads them.
    """
    v, sets, kept = _kept(subject, epsilon, seed)
    images, radius = subject.test.images, 2.0 * epsilon
    error = local_linearity.linearization_error(subject.model, images, radius, seed)
    game = local_linearity.curved_game(sets, v, error.upper, seed=seed)
    return {
        "epsilon": epsilon,
        "kept": kept,
        "attacker_gain": game.attacker_gain,
        "defender_gain": game.defender_gain,
        "upper": numbers(error.upper),
        "lower": numbers(error.lower),
        "slopes": numbers(l2_norm(subject.lin.gradients)),
    }
