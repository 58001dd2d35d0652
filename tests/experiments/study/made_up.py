"""Records with whatever numbers a test wants."""

from collections.abc import Callable
from itertools import product

from experiments.study.combinations import Combination
from experiments.study.own_rows import READINGS, STARTS
from experiments.study.study_cells import POINTS, ROWS, StudyConfig, StudyResult
from experiments.study.study_plan import StudyGroup, StudyRun, study_groups
from experiments.tables.calibration import CalibrationResult
from experiments.tables.results import Provenance

CHOSEN = Combination(
    network="10-20-50",
    protocol="margin quantile",
    start="v = 0",
    rows="own",
    reading="ball",
    points="test",
)
TOTAL = 10**7
PROVENANCE = Provenance(
    data={},
    device="cpu",
    processor="none",
    kernels="none",
    threads=1,
    versions={},
    code="",
    seconds=0.0,
)
# A record's accuracies, true and approximate, in percent: for data set and pair, then
# points, attack, rows and start.
Accuracies = Callable[..., tuple[float, float]]


def made_up(
    accuracies: Accuracies, *, ramps: dict | None = None, **choice: object
) -> tuple[StudyRun, ...]:
    """Make the runs of some groups."""
    return tuple(
        _run(group, accuracies, ramps or {}) for group in study_groups(**choice)
    )


def _run(group: StudyGroup, accuracies: Accuracies, ramps: dict) -> StudyRun:
    config = group.calibration
    scores = group.scores([1.0] * len(config.pairs))
    results = tuple(
        _result(one, ramps, lambda *cell, p=pair: accuracies(config.dataset, p, *cell))
        for pair, one in zip(config.pairs, scores, strict=True)
    )
    ones = (1.0,) * len(results)
    budgets = CalibrationResult(
        config=config, target=1.0, budgets=ones, kept=ones, source="none", code=""
    )
    return StudyRun(group=group, calibration=budgets, scores=results)


def _result(config: StudyConfig, ramps: dict, of: Accuracies) -> StudyResult:
    plays = [("none", "none", "none"), ("FGM", "none", "none")]
    plays += [("FGM", "FGM", start) for start in STARTS]
    plays += [(reading, "none", "none") for reading in READINGS]
    plays += [*product(READINGS, ROWS, STARTS)]
    cells = [
        (points, *play, *(round(TOTAL * share / 100) for share in of(points, *play)))
        for points, play in product(POINTS, plays)
    ]
    even = dict.fromkeys(STARTS, 0.5)
    return StudyResult(
        config=config,
        path="single",
        source="none",
        sizes=dict.fromkeys(("train", *POINTS), TOTAL),
        ramp_values={attack: even | ramps for attack in ("FGM", *READINGS)},
        # A share of the points for each start, so that the later covers more.
        coverages={
            attack: {start: 0.5 + 0.1 * n for n, start in enumerate(STARTS)}
            for attack in ("FGM", *READINGS)
        },
        cells=tuple(cells),
        provenance=PROVENANCE,
    )
