"""All that is stored of the solvers in one table, and the aims set before the runs."""

from collections.abc import Iterator, Sequence
from statistics import median

from experiments.figures.markdown import Row, tabulated
from experiments.figures.solver_records import Comparison, FollowedPath, LongSearch

# The aims that were set before the runs; those of the benchmark are its constants.
GAP_AIM, GAIN_AIM, DISTANCE_AIM, TIME_AIM, PATH_AIM = 1.0, 1.5, 0.1, 2.0, 4.0
MET, MISSED = "✓ met", "✗ missed"


@tabulated()
def solver_table(
    records: Sequence[Comparison], longer: Sequence[LongSearch]
) -> Iterator[Row]:
    """Put all that is stored of each instance on one line.

    Args:
        records: The comparisons.
        longer: The second run, of the same instances in any order.

    Yields:
        For each instance a cell a method: percent covered, percent held out, seconds;
        a cell a bound: percent, gap in points; and what the second run counted.
    """
    again = {one.name: one for one in longer}
    for one in records:
        second = again[one.name]
        yield {
            "instance": one.name,
            **{
                name: f"{one.percent(found.count):.2f}<br>{100 * found.holdout:.2f}"
                f"<br>{found.seconds:.2f}"
                for name, found in one.methods.items()
            },
            **{
                name: f"{one.percent(bound.count):.2f}"
                f"<br>{one.percent(one.gap(name)):.2f}<br>{bound.seconds:.0f}"
                for name, bound in one.bounds.items()
            },
            "ratio": f"{one.gap('moments') / one.gap('pairs'):.2f}",
            "second run": "<br>".join(map(str, [*second.counts.values(), second.best])),
            "its figures": f"{second.gain:.2f}<br>{second.distance:.2f}"
            f"<br>{second.time_ratio:.2f}",
        }


@tabulated("lrrl")
def aims_table(
    records: Sequence[Comparison],
    longer: Sequence[LongSearch],
    followed: Sequence[FollowedPath],
) -> Iterator[Row]:
    """Judge every aim that was set before the runs.

    Args:
        records: The comparisons.
        longer: Ten minutes of search for each instance.
        followed: Families of budgets.

    Yields:
        A row for each aim.
    """
    gap = min(one.percent(one.gap("moments")) for one in records)
    gain = median(one.gain for one in longer)
    left = max(one.distance for one in longer)
    time = max(one.time_ratio for one in longer)
    gains = [gain for one in followed for gain in one.gains]
    lost = sum(gain < 0 for gain in gains)
    slowest = max(one.ratio for one in followed)
    yield _aim("smallest gap, points", gap, "at most", GAP_AIM)
    yield _aim("median gain over the ramp, points", gain, "at least", GAIN_AIM)
    yield _aim("most that ten minutes add, points", left, "at most", DISTANCE_AIM)
    yield _aim("longest time to the ramp's", time, "at most", TIME_AIM)
    yield _aim("longest time of a path, in single searches", slowest, "below", PATH_AIM)
    what = f"budgets of {len(gains)} at which a path loses rows"
    yield _aim(what, lost, "at most", 0)


def _aim(what: str, figure: float | int, side: str, aim: float | int) -> Row:
    """Write an aim, what came out, and whether that is on the right side of it."""
    met = {"at most": figure <= aim, "at least": figure >= aim, "below": figure < aim}
    return {
        "what": what,
        "aim": f"{side} {aim:g}",
        "came out": f"{figure:.2f}" if isinstance(figure, float) else f"{figure}",
        "verdict": MET if met[side] else MISSED,
    }
