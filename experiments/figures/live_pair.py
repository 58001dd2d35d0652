"""What the page on zeros against ones computes live."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from experiments.figures.markdown import Row, tabulated
from experiments.figures.mnist_0_against_1 import percent_of
from experiments.tables.points import LinearizedPair
from experiments.tables.results import Scores
from experiments.tables.scoring import ScoreResult
from paper_lib.defense import ramp_ascent
from paper_lib.evaluation import PLAYS, disagreement, logits_at, play_name
from paper_lib.geometry import scale_to_radius, unit_vectors
from paper_lib.plotting.perturbations import plot_images
from paper_lib.robust_sets import RobustSets


def lemma_2_holds(result: Scores) -> bool:
    """Say whether no reading of PGD leaves less than FGM at the same defense.

    Args:
        result: Accuracies with one defense.

    Returns:
        Whether approximate accuracy is nowhere lower, defended or not.
    """
    return all(
        percent_of(result, reading, ("PGD", defense, "approximate"))
        >= percent_of(result, reading, ("FGM", defense, "approximate"))
        for reading in result.num_returned
        for defense in ("none", "SMOOTH")
    )


def plot_attack_and_defense(
    at: LinearizedPair, attack: Float[Tensor, "n d"], v: Float[Tensor, " d"]
) -> Figure:
    """Draw two test images of each class, the attack and the defense.

    Args:
        at: The classifier at its points.
        attack: The perturbation of each test point.
        v: The defense.

    Returns:
        The figure; under each image the class that f itself sees.
    """
    labels, digits = at.test.labels, at.pair.classes
    chosen = torch.cat([(labels == label).nonzero()[:2, 0] for label in (-1.0, 1.0)])
    images, moves = at.test.images[chosen], attack[chosen]
    clean, defense = images.flatten(1), v.expand(len(chosen), -1)
    columns = {
        "image $x$": clean,
        "attack $a$": moves,
        "$x + a$": clean + moves,
        "defense $v$": defense,
        "$x + a + v$": clean + moves + defense,
    }
    logits = {
        "image $x$": logits_at(at.model, images),
        "$x + a$": logits_at(at.model, images, moves),
        "$x + a + v$": logits_at(at.model, images, moves, defense),
    }
    seen = {
        title: [f"seen as {digits[int(logit > 0)]}" for logit in found]
        for title, found in logits.items()
    }
    return plot_images(columns, signed=("attack $a$", "defense $v$"), notes=seen)


@tabulated()
def disagreement_table(
    at: LinearizedPair,
    fgm_attack: Float[Tensor, "n d"],
    pgd_attack: Float[Tensor, "n d"],
    v: Float[Tensor, " d"],
) -> Iterator[Row]:
    """Show for each play how often the network and its linear model disagree.

    Args:
        at: The classifier at its points.
        fgm_attack: What FGM plays at the test points.
        pgd_attack: What PGD plays there.
        v: The defense.

    Yields:
        Each play.
    """
    still = torch.zeros_like(v).unsqueeze(0)
    moves = {"none": still, "FGM": fgm_attack, "PGD": pgd_attack}
    answers = {"none": still, "SMOOTH": v.unsqueeze(0)}
    for attack, defense in PLAYS:
        only_f, only_linear = disagreement(
            at.model, at.test.images, at.lin, moves[attack], answers[defense]
        )
        yield {
            "percent of test points": play_name((attack, defense)),
            "only f keeps": f"{100 * only_f:.1f}",
            "only f_L keeps": f"{100 * only_linear:.1f}",
        }


def coverage_from_elsewhere(
    at: LinearizedPair, curve: Sequence[ScoreResult]
) -> list[float]:
    """Start the ascent in the direction of the mean unit normal instead of at zero.

    Args:
        at: The classifier at its points.
        curve: The accuracies at several budgets.

    Returns:
        The training coverage it ends with at each of these budgets.
    """
    coverages = []
    for point in curve:
        sets = RobustSets.from_linearization(at.fit, point.config.epsilon)
        start = scale_to_radius(unit_vectors(sets.normals).mean(0), sets.epsilon)
        coverages.append(ramp_ascent(sets, start=start).coverage)
    return coverages


@tabulated()
def start_table(
    multiples: Sequence[float], from_zero: Sequence[float], elsewhere: Sequence[float]
) -> Iterator[Row]:
    """Set the training coverage from both starts side by side.

    Args:
        multiples: The budgets, as multiples of the calibrated one.
        from_zero: The coverage from zero at each.
        elsewhere: The coverage from the mean normal.

    Yields:
        Each budget.
    """
    for multiple, *both in zip(multiples, from_zero, elsewhere, strict=True):
        zero, other = (f"{100 * share:.1f}" for share in both)
        yield {
            "budget, multiple": multiple,
            "from zero (%)": zero,
            "from the mean normal (%)": other,
        }
