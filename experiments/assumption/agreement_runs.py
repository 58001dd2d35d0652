r"""At which points f has the sign of its tangent in the whole ball, and what is lost.

At a point x and a budget :math:`\epsilon` the theorem needs :math:`f f_L \ge 0` in the
ball of radius :math:`2 \epsilon`. What a record holds of a point is three lengths: the
distance to the boundary of its tangent, the shortest disagreement found, and the
largest budget at which there is none, proven. They answer for every budget at once.
"""

import time
from dataclasses import dataclass
from typing import ClassVar

from experiments.assumption import verdicts
from experiments.assumption.subjects import SubjectResult, SubjectSettings, numbers
from experiments.store.keyed import Record, Run
from experiments.store.pair_settings import Site
from experiments.store.provenance import provenance
from experiments.tables.classifiers import classifier_of
from experiments.tables.results import Scores
from experiments.tables.scoring import ScoreConfig, plain_scores, play_pairs
from paper_lib.checks import check_count


@dataclass(frozen=True, kw_only=True, slots=True)
class DefenseOnF:
    r"""What SMOOTH keeps at one budget, of the tangents and of f itself.

    Attributes:
        epsilon: The budget of both players.
        kept: Points whose tangent it keeps: :math:`\phi_n(v)` times their number.
        safe: Points of which it is proven that no attack on f flips them at v.
        flipped: Points that an attack on f flips at v.
    """

    epsilon: float
    kept: int
    safe: int
    flipped: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Curvature:
    """What is left of Theorem 1 for f itself at one budget.

    Attributes:
        epsilon: The budget of both players.
        kept: Points whose tangent SMOOTH keeps.
        attacker_gain: No attack gains more over FGM, proven.
        defender_gain: No defense gains more over SMOOTH, proven.
        upper: Of each point a bound on the error of the tangent, proven.
        lower: The largest error found.
        slopes: The length of its gradient, the unit in which errors are read.
    """

    epsilon: float
    kept: int
    attacker_gain: float
    defender_gain: float
    upper: tuple[float | None, ...]
    lower: tuple[float, ...]
    slopes: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AgreementResult(SubjectResult["AgreementRun"]):
    """Where f and its tangent have one sign.

    Attributes:
        margins: Of each point the distance to the boundary of its tangent; None if
            there is none.
        found: The length of the shortest disagreement found; None if there is none.
        proven: The largest budget at which there is none, of the points that proofs
            were tried of; zero where nothing is proven. Empty for a classifier of
            which nothing can be proven here.
        defenses: What SMOOTH keeps, at each budget, of the points of the proofs.
        curved: What is left of Theorem 1, at each budget, on the same points.
        seconds: Processor seconds.
    """

    margins: tuple[float | None, ...]
    found: tuple[float | None, ...]
    proven: tuple[float, ...]
    defenses: tuple[DefenseOnF, ...]
    curved: tuple[Curvature, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AgreementRun(SubjectSettings, Run[AgreementResult]):
    """Everything that decides such a record, apart from the data.

    Attributes:
        budgets: Budgets at which agreement is searched and proven, increasing. The
            search goes on at the budget of Table 1.
        defended: Those at which SMOOTH is asked of f itself; the budget of Table 1
            comes last.
        curved: Those at which the game with f itself is bounded.
        num_proofs: The first of the points, of which something is to be proven.

    Raises:
        TypeError: See :class:`SubjectSettings`.
        ValueError: Likewise; or if a budget is not finite and > 0, or they do not
            increase.
    """

    schema: ClassVar[str] = "paper-lib/agreement-record/1"
    result_type = AgreementResult
    prefix: ClassVar[str] = "agreement-"

    budgets: tuple[float, ...] = (0.05, 0.1, 0.15, 0.25, 0.5, 1.0)
    defended: tuple[float, ...] = (0.1, 0.25, 0.5)
    curved: tuple[float, ...] = ()
    num_proofs: int = 16

    def __post_init__(self) -> None:
        """Reject settings for which a run is undefined.

        Raises:
            TypeError: See the class.
            ValueError: Likewise.
        """
        SubjectSettings.__post_init__(self)
        check_count(self.num_proofs, "num_proofs", 1)
        for name in ("budgets", "defended", "curved"):
            values = getattr(self, name)
            ordered = list(values) == sorted({*values})
            if not ordered or not all(0.0 < one < float("inf") for one in values):
                raise ValueError(
                    f"{name} must be finite, > 0 and increasing, got {values}."
                )

    def measure(self, site: Site) -> Record:
        """Search, prove, and play.

        Args:
            site: Where to find the images.

        Returns:
            The record beyond its settings, as :class:`AgreementResult` reads it.
        """
        began = time.process_time()
        subject = self.subject(site)
        searched = sorted({*self.budgets, subject.epsilon})
        found = verdicts.shortest_disagreements(subject, searched, self.seed)
        first, proven = subject.first(self.num_proofs), found[:0]
        defended, curved = (), ()
        if subject.is_piecewise_linear:
            proven = verdicts.largest_proven(
                first, self.budgets, found[: self.num_proofs]
            )
            defended, curved = (*self.defended, subject.epsilon), self.curved
        return {
            "provenance": provenance(subject.pair),
            "accuracy": subject.accuracy,
            "epsilon": subject.epsilon,
            "margins": numbers(subject.lin.margins),
            "found": numbers(found),
            "proven": numbers(proven),
            "defenses": [
                verdicts.defense_on_f(first, one, self.seed) for one in defended
            ],
            "curved": [verdicts.curvature(first, one, self.seed) for one in curved],
            "seconds": round(time.process_time() - began, 1),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class RowsResult(SubjectResult["RowsRun"]):
    """The accuracies of a classifier at the budget of Table 1.

    Attributes:
        scores: The accuracies.
    """

    scores: Scores


@dataclass(frozen=True, kw_only=True, slots=True)
class RowsRun(SubjectSettings, Run[RowsResult]):
    """Everything that decides such a record, apart from the data.

    Budget, defense and plays are those of the sweep of Table 1.
    """

    schema: ClassVar[str] = "paper-lib/rows-record/1"
    result_type = RowsResult
    prefix: ClassVar[str] = "rows-"

    # No pair has more test images.
    num_points: int = 10_000
    num_fit: int = 4000

    def measure(self, site: Site) -> Record:
        """Train, fit the defense, and score every play.

        Args:
            site: Where to find the images.

        Returns:
            The record beyond its settings, as :class:`RowsResult` reads it.
        """
        subject = self.subject(site)
        # Its network is the one at hand, whatever the configuration would train.
        classifier = classifier_of(self, self.num_fit)
        config = ScoreConfig(classifier=classifier, epsilon=subject.epsilon)
        return {
            "provenance": provenance(subject.pair),
            "accuracy": subject.accuracy,
            "epsilon": subject.epsilon,
            "scores": plain_scores(config, *play_pairs([config], [subject])),
        }
