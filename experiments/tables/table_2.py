r"""Table 2: one pair of classes from raw images to accuracies, at several budgets.

Composes the two stages: trains one classifier, takes its budget from the margins of its
training points, and scores it there under every reading of PGD, then at multiples.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.store.keyed import Record, Run
from experiments.store.pair_settings import PairSettings, Site
from experiments.store.provenance import note_seconds, provenance
from experiments.sweep.resume import load_or_compute
from experiments.tables.calibration import calibrate_shared_epsilon
from experiments.tables.classifiers import ClassifierConfig, classifier_of, train_pair
from experiments.tables.defenses import SOLVERS, ramp_config
from experiments.tables.points import LinearizedPair, linearize_pair
from experiments.tables.results import Provenance, Scores
from experiments.tables.scoring import ScoreConfig, plain_scores, play_pairs
from paper_lib.attacks import PGD_READINGS
from paper_lib.checks.arguments import check_choice, check_fraction, check_length
from paper_lib.defense import ramp_value
from paper_lib.models import TrainConfig
from paper_lib.robust_sets import RobustSets

# The classifier declared primary for Table 2.
WIDE = TrainConfig(channels=(20, 50), hidden=500, epochs=2)
MULTIPLES_TABLE_2 = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
# No data set has more training images, so all of a pair's are fitted on.
_ALL_POINTS = 60_000
# Margins are stored as this many quantiles, enough to draw their distribution.
_NUM_QUANTILES = 101


@dataclass(frozen=True, kw_only=True, slots=True)
class PairConfig(PairSettings, Run["PairResult"]):
    """Everything that decides the result of one pair, apart from the data.

    Attributes:
        calibration: Approximate accuracy under FGM without defense, on training points,
            at which the budget is set: a number of the paper's table.
        solver: The ascent the defense is fitted with, of ``SOLVERS``.
        ramp_steps: Steps of the ascent.
        primary: The reading of PGD declared primary; all are run.
        budget_multiples: Multiples of the calibrated budget at which the primary
            reading is scored again, for accuracy against budget.

    Raises:
        ValueError: If the reading or the ascent is unknown, a multiple is not > 0, the
            calibration target is outside (0, 1), there is no step, or the seed is no
            seed.
    """

    schema: ClassVar[str] = "paper-lib/pair-record/2"

    calibration: float = 0.483
    solver: str = SOLVERS[0]
    ramp_steps: int = 300
    primary: str = "literal"
    budget_multiples: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Reject settings for which a run is undefined.

        Raises:
            ValueError: See the class.
        """
        PairSettings.__post_init__(self)
        check_choice(self.primary, "primary", sorted(PGD_READINGS))
        check_choice(self.solver, "solver", SOLVERS[:2])
        ramp_config(self.solver, self.ramp_steps)
        for multiple in self.budget_multiples:
            check_length(multiple, "budget_multiples")
        check_fraction(self.calibration, "calibration")

    @property
    def classifier(self) -> ClassifierConfig:
        """The classifier, with all its training points to fit on. Stage A."""
        return classifier_of(self, _ALL_POINTS)

    def scores(self, epsilon: float) -> tuple[ScoreConfig, ...]:
        """Name the runs of stage B once the budget is known.

        Args:
            epsilon: The calibrated budget, in pixels.

        Returns:
            The run at this budget under all readings, then those at its multiples under
            the primary one.
        """
        budgets = [epsilon, *(multiple * epsilon for multiple in self.budget_multiples)]
        return tuple(
            ScoreConfig(
                classifier=self.classifier,
                epsilon=budget,
                readings=(self.primary,) if place else tuple(PGD_READINGS),
                solvers=(self.solver,),
                ramp_steps=self.ramp_steps,
            )
            for place, budget in enumerate(budgets)
        )

    @property
    def label(self) -> str:
        """What a person calls the run."""
        return f"{self.classifier.label}, {self.solver}"

    def measure(self, site: Site) -> Record:
        """Run one pair from raw images to accuracies.

        Args:
            site: Where to find the images, and where to compute.

        Returns:
            What :class:`PairResult` reads. Two runs of one configuration on one machine
            differ in ``provenance["seconds"]`` alone.
        """
        started = time.perf_counter()
        trained = train_pair(self.classifier, site)
        epsilon = calibrate_shared_epsilon([trained.margins], self.calibration)
        at = linearize_pair(trained, site)
        score, *curve = (_score(one, at) for one in self.scores(epsilon))
        parts = {"train": at.fit, "test": at.lin}
        record = {
            "epsilon": epsilon,
            "sizes": {name: len(lin.logits) for name, lin in parts.items()},
            "history": trained.record["history"],
            "margins": {name: _quantiles(lin.margins) for name, lin in parts.items()},
            "counts": {
                name: {"unlabeled": lin.num_unlabeled, "flat": lin.num_flat}
                for name, lin in parts.items()
            },
            "score": score,
            "curve": curve,
            "provenance": provenance(at.pair, site.device),
        }
        note_seconds([record], started)
        return record


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetScores(Scores):
    """The accuracies of a pair at one of several budgets.

    Attributes:
        epsilon: The budget, in pixels.
    """

    epsilon: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PairResult:
    """One pair of classes at several budgets.

    Attributes:
        config: What was run.
        epsilon: The calibrated budget, in pixels.
        sizes: Numbers of training and test points.
        history: Mean loss of each epoch of training, in nats.
        margins: Quantiles of the margins of training and of test points.
        counts: Of both, how many are unlabeled and how many flat.
        score: The accuracies at the calibrated budget.
        curve: Those at its multiples.
        provenance: What it was computed with.
    """

    config: PairConfig
    epsilon: float
    sizes: Mapping[str, int]
    history: tuple[float, ...]
    margins: Mapping[str, tuple[float, ...]]
    counts: Mapping[str, Mapping[str, int]]
    score: BudgetScores
    curve: tuple[BudgetScores, ...]
    provenance: Provenance


PairConfig.result_type = PairResult


def load_table_2(
    store: str | os.PathLike[str], *, compute: bool = False
) -> dict[str, list[PairResult]]:
    """Load the published runs of Table 2, or compute those a store lacks.

    Args:
        store: The folder of the records.
        compute: Compute what is missing, on the complete data, and show progress;
            otherwise it is an error.

    Returns:
        By the widths of the classifier its results, a seed each, the declared one
        first; and last that with unit rows, one seed.

    Raises:
        FileNotFoundError: If something is missing that is not to be computed.
    """
    primary, *others = range(5)
    curve = PairConfig(train=WIDE, budget_multiples=MULTIPLES_TABLE_2, seed=primary)
    runs = {
        "20-50-500": [curve, *(PairConfig(seed=one, train=WIDE) for one in others)],
        "10-20-50": [PairConfig(seed=one) for one in (primary, *others)],
        "20-50-500, unit rows": [PairConfig(train=WIDE, solver=SOLVERS[1])],
    }
    return {
        name: load_or_compute(configs, store, compute=compute, progress=compute)
        for name, configs in runs.items()
    }


def _score(config: ScoreConfig, at: LinearizedPair) -> Record:
    """Score one budget as stage B does, and keep v and its ramp as well."""
    (played,) = play_pairs([config], [at])
    record = {"epsilon": config.epsilon, **plain_scores(config, played)}
    sets = RobustSets.from_linearization(at.fit, config.epsilon)
    for solver, (v, _) in played.defenses.items():
        rows = ramp_config(solver, config.ramp_steps).rows
        record["defenses"][solver] |= {
            # Nine digits give every float32 value back exactly.
            "perturbation": [float(f"{x:.9g}") for x in v.tolist()],
            "ramp_value": ramp_value(sets, v, rows=rows),
        }
    return record


def _quantiles(margins: Float[Tensor, " n"]) -> list[float]:
    """Summarize margins; the infinite ones of flat points are counted elsewhere."""
    finite = margins[torch.isfinite(margins)]
    levels = torch.linspace(0.0, 1.0, _NUM_QUANTILES, dtype=torch.float64)
    return torch.quantile(finite.cpu(), levels).tolist()
