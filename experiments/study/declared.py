"""The combination declared once exploring was done, and the runs that judge it.

It was set from the explored pairs alone, before any fresh seed was run: of the 256
combinations of the first two networks those within half a point of the nearest, of
these one that meets most goals, among equals the start of the ascent without data.
The third network, run by then on five pairs, was nearer and was left out.
"""

from collections.abc import Iterable
from typing import Any, get_args

from experiments.study.combinations import BETTER, Combination
from experiments.study.own_rows import ASCENTS
from experiments.study.study_plan import FRESH_SEEDS, StudyGroup, study_groups
from experiments.tables.calibration import Protocol
from experiments.tables.planning import ALL_PAIRS

DECLARED: Combination | None = Combination(
    network="20-50-500",
    protocol="margin quantile",
    start="v = 0",
    rows="own",
    reading="ball",
    points="test",
)
# What the tables of this project rested on before the study.
FIRST_DECLARED = Combination(
    network="10-20-50",
    protocol="one budget",
    start="v = 0",
    rows="FGM",
    reading="ball",
    points="test",
)


def declared_groups(
    combination: Combination | None = DECLARED,
    *,
    pairs: tuple[tuple[int, int], ...] = ALL_PAIRS,
    seeds: Iterable[int] = FRESH_SEEDS,
    **settings: Any,
) -> tuple[StudyGroup, ...]:
    """List the runs of one combination, with no cell that it does not ask for.

    Args:
        combination: The combination.
        pairs: The pairs of classes.
        seeds: The seeds.
        **settings: What else ``study_groups`` takes.

    Returns:
        The groups.

    Raises:
        ValueError: If nothing is declared.
    """
    if combination is None:
        raise ValueError("DECLARED must be a combination, got None: explore first.")
    (protocol,) = (one for one in get_args(Protocol) if one == combination.protocol)
    return study_groups(
        networks=(combination.network,),
        protocols=(protocol,),
        pairs=pairs,
        seeds=seeds,
        readings=(combination.reading,),
        starts=ASCENTS if combination.start == BETTER else (combination.start,),
        rows=(combination.rows,),
        points=(combination.points,),
        **settings,
    )
