"""Table 1 and what it depends on, as Markdown tables."""

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.figures.markdown import (
    NOT_APPLICABLE,
    Row,
    mean_with_spread,
    tabulated,
)
from experiments.tables.groups import GroupResult
from experiments.tables.planning import ALL_PAIRS, RunGroup
from experiments.tables.summary import SummaryRow
from paper_lib.evaluation import play_name

# How far from the paper the primary choice was to come, in points.
GOALS = {("FGM", "SMOOTH"): 3.0, ("PGD", "none"): 5.0, ("PGD", "SMOOTH"): 5.0}


def missing_runs(missing: Sequence[RunGroup]) -> list[str]:
    """Say which runs a store lacks.

    Args:
        missing: The groups of which something is missing.

    Returns:
        A sentence for each classifier, protocol and multiple of the budget.
    """
    seeds: dict[tuple[str, str, float], set[int]] = {}
    for group in missing:
        kind = (group.classifier, group.calibration.protocol, group.multiple)
        seeds.setdefault(kind, set()).add(group.calibration.seed)
    return [
        f"not run yet: classifier {classifier}, {protocol}, {multiple:g} times the "
        f"budget, seeds {sorted(lacking)}"
        for (classifier, protocol, multiple), lacking in seeds.items()
    ]


@tabulated("lllrrrr")
def calibration_table(results: Sequence[GroupResult]) -> Iterator[Row]:
    """Say which budgets were set, and how near each came to its target.

    Args:
        results: The groups; those at multiples of the budget are left out.

    Yields:
        Each of the others.
    """
    for result in results:
        if result.group.multiple != 1.0:
            continue
        config, found = result.group.calibration, result.calibration
        low, high = min(found.budgets), max(found.budgets)
        kept = 100 * np.array(found.kept)
        spread = kept.std(ddof=1) if len(kept) > 1 else None
        yield {
            "data set": config.dataset,
            "classifier": result.group.classifier,
            "protocol": config.protocol,
            "seed": config.seed,
            "budget (pixels)": f"{low:.2f}" + (f" to {high:.2f}" if low < high else ""),
            "target (%)": f"{100 * config.target:.1f}",
            "reached, mean (spread) over pairs": mean_with_spread(kept.mean(), spread),
        }


@tabulated("llrrrrl")
def table_1(rows: Sequence[SummaryRow]) -> Iterator[Row]:
    """Set the primary choice beside the paper's Table 1, and judge the goals it had.

    Args:
        rows: What ``summarize`` gave.

    Yields:
        Each cell that the paper has; the paper's means are over all pairs, so that a
        difference to them is given for all pairs alone.
    """
    for row in rows:
        if row.is_primary and row.paper_mean is not None:
            span = "" if row.low is None else f"[{row.low:.1f}, {row.high:.1f}]"
            gap = row.mean - row.paper_mean if row.pairs == len(ALL_PAIRS) else None
            yield {
                "data set": row.dataset,
                "play": play_name((row.attack, row.defense)),
                "paper": mean_with_spread(row.paper_mean, row.paper_std),
                "here": _row_text(row),
                "over seeds": span or "one seed",
                "difference": NOT_APPLICABLE if gap is None else f"{gap:+.1f}",
                "goal": _goal_text(GOALS.get((row.attack, row.defense)), gap),
            }


def _goal_text(goal: float | None, gap: float | None) -> str:
    """Say which distance to the paper was set as the goal, and whether it was met."""
    if goal is None:
        return "none"
    if gap is None:
        return NOT_APPLICABLE
    return f"{goal:.0f} points: {'met' if abs(gap) <= goal else 'missed'}"


@tabulated("lllllrrrl")
def cell_table(rows: Sequence[SummaryRow], accuracy: str) -> Iterator[Row]:
    """List every cell under every choice.

    Args:
        rows: What ``summarize`` gave.
        accuracy: ``"true"`` or ``"approximate"``.

    Yields:
        Each cell of that accuracy.
    """
    for row in rows:
        if row.accuracy == accuracy and row.defense in ("none", "SMOOTH"):
            yield {
                "data set": row.dataset,
                "classifier": row.classifier,
                "protocol": row.protocol,
                "attack": ", ".join(filter(None, (row.attack, row.pgd_reading))),
                "defense": ", ".join(filter(None, (row.defense, row.solver))),
                "here": _row_text(row),
                "paper": mean_with_spread(row.paper_mean, row.paper_std),
                "seeds": row.seeds,
                "choice": row.choice,
            }


def _row_text(row: SummaryRow) -> str:
    return mean_with_spread(row.mean, row.std if row.pairs > 1 else None)
