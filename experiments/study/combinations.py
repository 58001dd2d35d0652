"""A combination: one choice for each thing that the paper leaves open."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import product

from experiments.study.own_rows import ASCENTS
from experiments.study.study_cells import UNDEFENDED, StudyCell, StudyResult
from experiments.study.study_plan import StudyRun
from paper_lib.evaluation.plays import Play

# A start as well: that whose ascent reaches the larger ramp.
BETTER = "best of both"


@dataclass(frozen=True, kw_only=True, slots=True)
class Combination:
    """One choice of each factor.

    Attributes:
        network: The classifier, a name in ``study_plan.NETWORKS``.
        protocol: How its budget was set.
        start: Where the ascent begins, or ``"best of both"``, the larger ramp on the
            points to fit on.
        rows: What the defense is fitted to.
        reading: The reading of PGD.
        points: Which points are scored.
    """

    network: str
    protocol: str
    start: str
    rows: str
    reading: str
    points: str

    def cell(self, play: Play, result: StudyResult) -> StudyCell:
        """Name a play as a record names it.

        Args:
            play: The attack and the defense, as the paper names them.
            result: The record.

        Returns:
            Points, attack, rows and start.
        """
        attack, defense = play
        attack = self.reading if attack == "PGD" else attack
        if defense == "none":
            return self.points, attack, *UNDEFENDED
        is_own = self.rows == "own" and attack != "FGM"
        start = self.start
        if start == BETTER:
            start = result.better_start(attack if is_own else "FGM")
        return self.points, attack, "own" if is_own else "FGM", start


FACTORS = tuple(field.name for field in fields(Combination))


def combinations_in(runs: Iterable[StudyRun]) -> tuple[Combination, ...]:
    """List every combination of which runs hold all cells.

    Args:
        runs: The runs.

    Returns:
        The combinations.
    """
    found = {}
    for run in runs:
        config = run.results[0].config
        both = (BETTER,) if {*ASCENTS} <= {*config.starts} else ()
        for start, rows, reading, points in product(
            (*config.starts, *both), config.rows, config.readings, config.points
        ):
            one = Combination(
                network=run.group.network,
                protocol=run.group.calibration.protocol,
                start=start,
                rows=rows,
                reading=reading,
                points=points,
            )
            found[one] = None
    return tuple(found)
