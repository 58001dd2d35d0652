"""What the page on zeros against ones computes live."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor, nn

from experiments.figures.checks_table import Check, judged
from experiments.study.own_rows import mean_normal
from paper_lib.attacks import PGD_READINGS, fgm
from paper_lib.data.pairs import ClassPair
from paper_lib.defense import ramp_ascent
from paper_lib.defense.ramp import RampSolution
from paper_lib.evaluation import evaluate, logits_at, percents
from paper_lib.evaluation.plays import Cell
from paper_lib.geometry import in_l2_ball
from paper_lib.linearize import Linearization
from paper_lib.plotting.perturbations import plot_images
from paper_lib.robust_sets import RobustSets

# A count that differs by one, computed from shares.
_ONE_POINT = 1.0 + 1e-6
_EVALUATION = "tests/paper_lib/evaluation/test_evaluation.py"
_RAMP = "tests/paper_lib/defense/test_ramp.py"


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveGame:
    """A classifier at its points, and what the defender plays.

    Attributes:
        pair: The images.
        model: The classifier.
        train: The classifier linearized at the training points.
        test: The same at the test points.
        epsilon: The budget of both players, in pixels.
        solution: The defense, fitted on training points.
    """

    pair: ClassPair
    model: nn.Module
    train: Linearization
    test: Linearization
    epsilon: float
    solution: RampSolution

    @cached_property
    def attacks(self) -> Mapping[str, Float[Tensor, "n d"]]:
        """What FGM and each reading of PGD play at the test points."""
        images = self.pair.test.images
        return {"FGM": fgm(self.test, self.epsilon)} | {
            name: reading.attack(self.model, images, self.epsilon).perturbations
            for name, reading in PGD_READINGS.items()
        }

    def scores(self, attack: Float[Tensor, "n d"]) -> dict[Cell, float]:
        """Score an attack in the place of PGD.

        Args:
            attack: What it plays at the test points.

        Returns:
            The ten rows of Table 3, in percent.
        """
        rows = evaluate(
            self.model,
            self.pair.test,
            self.test,
            epsilon=self.epsilon,
            defense=self.solution.perturbation,
            pgd_attack=attack,
        )
        return percents(rows)


def live_checks(
    game: LiveGame, *, formula: float, target: float | None, as_stored: bool
) -> list[Check]:
    """Check what must hold on every machine.

    Args:
        game: The classifier and both players.
        formula: The share of test points that Table 3's formula keeps under FGM with
            SMOOTH, computed apart.
        target: The share of training points that FGM was to leave alone; None if the
            budget was set by hand.
        as_stored: Whether the page runs with its own parameters.

    Returns:
        The rows of the page's table.
    """
    return [
        *_of_players(game, target),
        *_of_lemmas(game, formula),
        *_of_the_ascent(game, as_stored),
    ]


def _points_off(off: float) -> str:
    """Write by how many points two counts differ; one is for rounding to decide."""
    return "at most 1 off" if off <= _ONE_POINT else f"{off:.0f} off"


def _of_players(game: LiveGame, target: float | None) -> list[Check]:
    """Check that moves are in the budget, and that the budget is calibrated."""
    moves = (*game.attacks.values(), game.solution.perturbation.unsqueeze(0))
    margins = game.train.margins
    share = float((margins >= game.epsilon).double().mean())
    off = None if target is None else abs(share - target) * len(margins)
    return [
        judged(
            "tests/paper_lib/test_attacks.py",
            "live: each perturbation of FGM and of PGD, and $v$, is in the budget",
            torch.cat([in_l2_ball(move, game.epsilon) for move in moves]).tolist(),
            "test_no_perturbation_exceeds_the_budget",
        ),
        Check(
            what="live: the share of training points that FGM leaves alone is the "
            "paper's number, to one point (calibrated)",
            cases=len(margins),
            figure=_points_off(off or 0.0),
            holds=None if off is None else off <= _ONE_POINT,
            test=f"{_EVALUATION}::test_the_calibrated_budget_leaves_the_share_asked_for",
        ),
    ]


def _of_lemmas(game: LiveGame, formula: float) -> list[Check]:
    """Check that accuracies are what Lemmas 1 and 2 say, and notice a wrong attack."""
    sets = RobustSets.from_linearization(game.test, game.epsilon)
    covered, num = sets.coverage(game.solution.perturbation), len(game.test.logits)
    row = game.scores(game.attacks["FGM"])["FGM", "SMOOTH", "approximate"] / 100
    off = num * float(max(abs(row - covered), abs(formula - covered)))
    tables = [game.scores(game.attacks[reading]) for reading in PGD_READINGS]
    kept = game.scores(-game.attacks["FGM"])["PGD", "none", "approximate"]
    return [
        Check(
            what="live: the formula of Table 3 above, the row FGM, SMOOTH and, by "
            "Lemma 1, the coverage of $v$ are one number, to one test point",
            cases=num,
            figure=_points_off(off),
            holds=off <= _ONE_POINT,
            test=f"{_EVALUATION}::test_fgm_rows_are_coverage",
        ),
        judged(
            _EVALUATION,
            "live: by Lemma 2 no reading of PGD leaves less approximate accuracy than "
            "FGM, defended or not",
            [
                table["PGD", kind, "approximate"] >= table["FGM", kind, "approximate"]
                for table in tables
                for kind in ("none", "SMOOTH")
            ],
            "test_no_attack_lowers_approximate_accuracy_below_fgm",
        ),
        Check(
            what="live: FGM with the wrong sign, scored by the same code, leaves every "
            "label in place",
            cases=len(game.test.logits),
            figure=f"{kept:.0f}%",
            holds=kept == 100.0,
            test=f"{_EVALUATION}::"
            "test_an_attack_of_the_wrong_sign_is_beaten_by_random_ones",
        ),
    ]


def _of_the_ascent(game: LiveGame, as_stored: bool) -> list[Check]:
    """Check that the ramp is below the count, and where another start ends."""
    below = bool(game.solution.ramp_value <= game.solution.coverage)
    zero, other = coverage_by_start(game, 1.25)
    gain = other - zero
    return [
        Check(
            what="live: the ramp at $v$ is at most the share of points that $v$ covers",
            cases=len(game.train.logits),
            figure="below" if below else "above",
            holds=below,
            test=f"{_RAMP}::"
            "test_the_result_is_feasible_counted_and_no_better_than_its_count",
        ),
        Check(
            what="live: at 1.25 times the budget an ascent from the mean normal covers "
            "over 10 points more than that from zero",
            cases=2,
            figure="over 10" if gain > 0.1 else f"{100 * gain:.0f}",
            holds=gain > 0.1 if as_stored else None,
            test=f"{_RAMP}::test_a_better_start_leaves_the_dead_zone",
        ),
    ]


def coverage_by_start(game: LiveGame, multiple: float) -> tuple[float, float]:
    """Fit the defense from two starts, at a multiple of the budget.

    Args:
        game: The classifier and its budget.
        multiple: Of the budget.

    Returns:
        The training coverage of the ascent from zero, and of that which starts in the
        direction of the mean unit normal.
    """
    sets = RobustSets.from_linearization(game.train, multiple * game.epsilon)
    other = ramp_ascent(sets, start=mean_normal(sets))
    return ramp_ascent(sets).coverage, other.coverage


def plot_attack_and_defense(game: LiveGame) -> Figure:
    """Draw a test image of each class, the attack of FGM and the defense.

    Args:
        game: The classifier and both players.

    Returns:
        The figure; under each image the class that f itself sees.
    """
    labels, digits = game.pair.test.labels, game.pair.classes
    chosen = torch.stack([(labels == label).nonzero()[0, 0] for label in (-1.0, 1.0)])
    images, attack = game.pair.test.images[chosen], game.attacks["FGM"][chosen]
    clean, defense = images.flatten(1), game.solution.perturbation.expand(2, -1)
    columns = {
        "image $x$": clean,
        "attack $a$": attack,
        "$x + a$": clean + attack,
        "defense $v$": defense,
        "$x + a + v$": clean + attack + defense,
    }
    seen = {}
    for title, *moves in (
        ("image $x$",),
        ("$x + a$", attack),
        ("$x + a + v$", attack, defense),
    ):
        logits = logits_at(game.model, images, *moves)
        seen[title] = [f"seen as {digits[int(logit > 0)]}" for logit in logits]
    return plot_images(columns, signed=("attack $a$", "defense $v$"), notes=seen)
