"""What is reported of plays once they are judged."""

from collections.abc import Mapping
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from experiments.tables.points import LinearizedPair
from paper_lib.evaluation.labels import keeps_label
from paper_lib.evaluation.plays import Cell
from paper_lib.geometry import l2_norm
from paper_lib.geometry.sums import row_dots
from paper_lib.isotropic import isotropic_draws, majority
from paper_lib.linearize import Linearization

# As ``judge`` gives them: by the names of attack, defense and kind of accuracy.
Verdicts = Mapping[Cell, Bool[Tensor, " n"]]


def alignment(lin: Linearization, v: Float[Tensor, " d"]) -> list[float]:
    """Compute quantiles of the cosine between v and the normals sgn(f) grad f.

    Args:
        lin: The classifier linearized at the points.
        v: The perturbation.

    Returns:
        The quantiles 0, 0.1, 0.25, 0.5, 0.75, 0.9 and 1; a point or v of zero counts
        as a cosine of zero.
    """
    normals, v = lin.signs.unsqueeze(-1) * lin.gradients, v.unsqueeze(0)
    lengths = l2_norm(normals) * l2_norm(v)
    cosines = row_dots(normals, v) / torch.where(lengths > 0, lengths, 1.0)
    levels = torch.tensor([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0], dtype=torch.float64)
    return torch.quantile(cosines.double().cpu(), levels).tolist()


def stronger_than_fgm(verdicts: Verdicts) -> dict[str, int]:
    """Count points that FGM leaves alone and another attack flips, for each play.

    Lemma 2 holds for each point and each perturbation of the defender, so that only
    rounding can bring a count above zero.

    Args:
        verdicts: What ``judge`` gave.

    Returns:
        The counts, under the names of the other attack and the defense.
    """
    counts = {}
    for (attack, defense, accuracy), kept in verdicts.items():
        if accuracy == "approximate" and (attack, defense) != ("none", "none"):
            resists = verdicts["FGM", defense, "approximate"]
            counts[f"{attack}, {defense}"] = int((resists & ~kept).sum())
    return counts


def changes(
    verdicts: Verdicts, defense: str, labels: Float[Tensor, " n"]
) -> dict[str, list[int]]:
    """Count the points that a defense saves and loses, in each class.

    Args:
        verdicts: What ``judge`` gave.
        defense: The defense.
        labels: The labels of the data.

    Returns:
        For each attack and accuracy: saved and lost in the first class, saved and lost
        in the second.
    """
    counts = {}
    for (attack, name, accuracy), kept in verdicts.items():
        if name == defense:
            before = verdicts[attack, "none", accuracy]
            counts[f"{attack}, {accuracy}"] = [
                int((one & ~other & (labels == label)).sum())
                for label in (-1.0, 1.0)
                for one, other in ((kept, before), (before, kept))
            ]
    return counts


def judge_isotropic(
    at: LinearizedPair,
    attacks: Mapping[str, Float[Tensor, "n d"]],
    *,
    epsilon: float,
    num_draws: int,
    seed: int,
) -> Verdicts:
    """Judge isotropic smoothing: the first draw, and the vote of all.

    Args:
        at: The classifier at the points to score.
        attacks: Perturbations of the attacker under their names.
        epsilon: The budget of both players, in pixels.
        num_draws: Draws to take a vote of; 0: nothing is judged.
        seed: Seed of the classifier; draws take seeds far from it.

    Returns:
        The verdicts under the names of attack, defense and accuracy.
    """
    result: dict[Cell, Bool[Tensor, " n"]] = {}
    if not num_draws:
        return result
    num, dim = at.lin.gradients.shape
    seeds = [seed + 1000 * (draw + 1) for draw in range(num_draws)]
    judge = partial(keeps_label, at.model, at.test, at.lin)
    for noise in ("uniform", "gaussian"):
        draws = [
            isotropic_draws(num, dim, epsilon, noise=noise, seed=one).to(
                at.lin.gradients
            )
            for one in seeds
        ]
        for attack, move in {"none": torch.zeros_like(draws[0]), **attacks}.items():
            judged = [judge(move, draw) for draw in draws]
            for number, accuracy in enumerate(("true", "approximate")):
                kept = [verdict[number] for verdict in judged]
                result[attack, f"{noise}, one draw", accuracy] = kept[0]
                result[attack, f"{noise}, vote", accuracy] = majority(kept)
    return result
