"""What the page on the algorithm says of its stored runs: tables, aims and checks."""

from collections.abc import Iterator, Sequence
from statistics import median

from experiments.figures.checks_table import Check
from experiments.figures.markdown import Row, tabulated
from experiments.figures.solver_records import Comparison, FollowedPath, LongSearch
from experiments.figures.the_algorithm import RAMP, SEARCH

# The aims that were set before the runs; those of the benchmark are its constants.
GAP_AIM, GAIN_AIM, DISTANCE_AIM, TIME_AIM, PATH_AIM = 1.0, 1.5, 0.1, 2.0, 4.0
MET, MISSED = "✓ met", "✗ missed"
_RECORDS = "tests/regression/test_stored_defenses.py::"
_TABLES = "tests/experiments/figures/test_solver_tables.py::"


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


@tabulated()
def held_out_table(records: Sequence[Comparison]) -> Iterator[Row]:
    """Average what each method covers, of its sample and of points held out.

    Args:
        records: The comparisons.

    Yields:
        A row for each method, in percent.
    """
    for name in records[0].methods:
        found = [one.methods[name] for one in records]
        sample = [one.percent(one.methods[name].count) for one in records]
        holdout = sum(one.holdout for one in found)
        yield {
            "mean over the instances, %": name,
            "of the sample": f"{sum(sample) / len(records):.2f}",
            "held out": f"{100 * holdout / len(records):.2f}",
        }


@tabulated()
def path_table(followed: Sequence[FollowedPath]) -> Iterator[Row]:
    """Set families of budgets beside single searches.

    Args:
        followed: The paths.

    Yields:
        For each pair at how many budgets rows are gained and lost, and the time.
    """
    for one in followed:
        yield {
            "pair": one.name,
            "rows": f"{one.rows:,}",
            "budgets with as many": one.gains.count(0),
            "the path covers fewer": one.off(-1),
            "the path covers more": one.off(1),
            "time, in single searches": f"{one.ratio:.2f}",
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


def solver_checks(
    records: Sequence[Comparison], longer: Sequence[LongSearch]
) -> list[Check]:
    """Check what the page says of all stored instances together.

    Args:
        records: The comparisons.
        longer: Ten minutes of search for each instance.

    Returns:
        Rows of the page's table.
    """
    return [
        _gaps(records),
        _gains(records),
        Check(
            what="in the second run both rounds found the same",
            cases=len(longer),
            figure="bit for bit",
            holds=all(one.repeats for one in longer),
            test=_RECORDS + "test_ten_minutes_of_search_add_little_to_the_defaults",
        ),
        *_unseen(records),
    ]


def _gaps(records: Sequence[Comparison]) -> Check:
    """Check certificates, and that moments leave less than half of the gap of pairs."""
    ratios = [one.gap("moments") / one.gap("pairs") for one in records]
    return Check(
        what="every stored certificate was checked; it leaves less than half of the "
        "gap of pairs",
        cases=len(records),
        figure=f"{min(ratios):.2f} to {max(ratios):.2f}",
        holds=all(bool(one.bounds["moments"].verified) for one in records)
        and max(ratios) < 0.5,
        test=_TABLES + "test_moments_halve_the_gap",
    )


def _gains(records: Sequence[Comparison]) -> Check:
    """Check that the search covers more than the paper's ascent."""
    gains = [
        one.percent(one.methods[SEARCH].count - one.methods[RAMP].count)
        for one in records
    ]
    return Check(
        what="on every stored instance the search covers more than the ramp",
        cases=len(gains),
        figure=f"{median(gains):.2f} points in the middle",
        holds=min(gains) > 0,
        test=_TABLES + "test_the_search_gains_everywhere",
    )


def _unseen(records: Sequence[Comparison]) -> list[Check]:
    """Check what is covered of points that no fit saw."""
    smoother = [
        one.methods["annealed"].holdout >= one.methods[SEARCH].holdout
        for one in records
    ]
    odd = next(one for one in records if one.name == "fashion-mnist 2-4, 1")
    fitted = {name: one for name, one in odd.methods.items() if name != "no defense"}
    fewest = min(fitted, key=lambda name: fitted[name].count)
    most = max(fitted, key=lambda name: fitted[name].holdout)
    return [
        Check(
            what="held out, annealing alone covers no less than the search",
            cases=len(smoother),
            figure=f"{sum(smoother)}",
            holds=all(smoother),
            test=_TABLES + "test_annealing_holds_out_as_much",
        ),
        Check(
            what="Fashion-MNIST 2 against 4: what covers fewest of the sample covers "
            "most held out",
            cases=len(fitted),
            figure=fewest,
            holds=fewest == most,
            test=_TABLES + "test_worst_fitted_best_held_out",
        ),
    ]
