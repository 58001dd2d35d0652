"""What the page on local linearity tabulates."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

import numpy as np

from experiments.assumption.agreement_runs import AgreementResult, RowsResult
from experiments.assumption.closeness_runs import ClosenessResult
from experiments.assumption.linearity_summary import (
    KINDS,
    Interval,
    difference_on_f,
    in_game,
    kept_shares,
    lost,
    over_pairs,
    shares,
)
from experiments.figures.linearity_pictures import SETS, by_title
from experiments.figures.markdown import Row, tabulated
from experiments.tables.groups import GroupResult
from experiments.tables.planning import stored_cell
from paper_lib.evaluation import PLAYS, play_name


def _percent(at: Interval) -> str:
    """Write a share with its interval, which shares cannot leave."""
    low, high = max(at.low, 0.0), min(at.high, 1.0)
    if at.low == at.high:
        return f"{100 * at.mean:.0f}%"
    return f"{100 * at.mean:.0f}% ({100 * low:.0f} to {100 * high:.0f})"


@tabulated()
def shares_table(results: Sequence[AgreementResult]) -> Iterator[Row]:
    """Tabulate the shares of points at each budget.

    Args:
        results: The records of the tables' classifiers.

    Returns:
        Markdown: means over classifiers, with 95% intervals over pairs.
    """
    for title, some in by_title(results):
        for at in (*some[0].config.budgets, None):  # None: each network's own
            row = {"images": title, "budget": f"{at:g}" if at else "Table 1"}
            for kind in KINDS:

                def share(one: AgreementResult, at=at, kind=kind) -> float:
                    return shares(one, at or one.epsilon)[kind]

                row[kind] = _percent(over_pairs(some, share))
            yield row


@tabulated()
def coverage_table(results: Sequence[AgreementResult]) -> Iterator[Row]:
    """Tabulate what SMOOTH keeps, of the tangents and of f itself.

    Args:
        results: The records of the tables' classifiers.

    Returns:
        Markdown: means over classifiers.
    """
    for title, some in by_title(results):
        for place, defense in enumerate(some[0].defenses):
            is_table = defense is some[0].defenses[-1]
            kept, safe, most = np.mean([kept_shares(one, place) for one in some], 0)
            low, high = np.mean([difference_on_f(one, place) for one in some], 0)
            yield {
                "images": title,
                "budget": "Table 1" if is_table else f"{defense.epsilon:g}",
                r"$\phi_n(v)$": f"{kept:.2f}",
                r"$\phi_f(v)$, between": f"{safe:.2f} and {most:.2f}",
                "the difference, between": f"{low:.2f} and {high:.2f}",
            }


@tabulated()
def bends_table(results: Sequence[ClosenessResult]) -> Iterator[Row]:
    """Tabulate how often f may bend on the way from a point.

    Args:
        results: The records of the tables' classifiers.

    Returns:
        Markdown: means over classifiers, up to where the shortest segment ends.
    """
    reach = min(2.0 * one.epsilon for one in results)
    for place, distance in enumerate(results[0].config.distances):
        if distance > reach:
            return
        row: dict[str, object] = {"within (pixels)": f"{distance:g}"}
        for (title, some), name in product(by_title(results), ("FGM", "random")):
            walks = [walk for one in some for walk in one.walks]
            bends = [walk.bends[place] for walk in walks if walk.direction == name]
            row[f"{title}, {name}"] = f"{np.mean(bends):.0f}"
        yield row


@tabulated()
def gains_table(results: Sequence[AgreementResult]) -> Iterator[Row]:
    """Tabulate what the theorem on curved boundaries leaves to gain.

    Args:
        results: The records of the tables' classifiers, some with the game of f itself.

    Returns:
        Markdown: the larger gain of both players, over classifiers.
    """
    for title, some in by_title([one for one in results if one.curved]):
        for place, at in enumerate(some[0].curved):
            gains = [_gain(one, place) for one in some]
            yield {
                "images": title,
                "budget": f"{at.epsilon:g}",
                "networks": len(gains),
                "smallest": f"{min(gains):.2f}",
                "mean": f"{np.mean(gains):.2f}",
                "largest": f"{max(gains):.2f}",
                "nothing said (2)": sum(gain >= 2.0 for gain in gains),
            }


@tabulated()
def variations_table(results: Mapping[str, Sequence[AgreementResult]]) -> Iterator[Row]:
    """Tabulate how the agreement moves with the classifier.

    Args:
        results: The records of each variation, by its name.

    Returns:
        Markdown: accuracies by pair, and means over the pairs.
    """
    for name, some in results.items():
        quarter = [lost(one, one.epsilon / 4) for one in some]
        at_table = [lost(one, one.epsilon) for one in some]
        yield {
            "classifier": name,
            "accuracy by pair": " / ".join(f"{100 * one.accuracy:.1f}" for one in some),
            "Table 1's budget": " / ".join(f"{one.epsilon:.1f}" for one in some),
            "lost at a quarter": f"{100 * np.mean(quarter):.0f}%",
            "lost at Table 1": f"{100 * np.mean(at_table):.0f}%",
            "reach of the tangent": f"{np.mean([*map(_reach, some)]):.2f}",
            "proven, budget": _proven(some),
            "gain left": _gains(some),
        }


@tabulated()
def rows_table(
    rows: Sequence[RowsResult], tables: Sequence[GroupResult]
) -> Iterator[Row]:
    """Tabulate the rows of Table 1 for a variation, beside the tables' classifiers.

    Args:
        rows: The records of the variation.
        tables: The groups of Table 1 that have the same pairs, a budget for each pair.

    Returns:
        Markdown: means over the pairs, in percent.
    """
    for title, some in by_title(rows):
        pairs = {one.config.classes for one in some}
        (group,) = (one for one in tables if SETS[one.dataset] == title)
        own = [one for one in group.scores if one.config.classifier.classes in pairs]
        for play in PLAYS:
            row: dict[str, object] = {"images": title, "play": play_name(play)}
            shown = {"tables": own, "varied": [one.scores for one in some]}
            for name, kind in product(shown, ("approximate", "true")):
                cell = stored_cell(play, kind)
                mean = np.mean([one.cells[cell].percent for one in shown[name]])
                row[f"{name}, {kind}"] = f"{mean:.1f}"
            yield row


def _reach(result: AgreementResult) -> float:
    """Give the shortest disagreement in shares of the margin, the median of points."""
    # At 1 the tangent is right up to its own boundary. Left out are points of which
    # nothing is known, as their boundary was out of reach.
    searched = 2.0 * max(result.epsilon, *result.config.budgets)
    reached = [
        1.0 if found is None else min(found / margin, 1.0)
        for found, margin in zip(result.found, result.margins, strict=True)
        if margin and (found is not None or margin <= searched)
    ]
    return float(np.median(reached))


def _proven(results: Sequence[AgreementResult]) -> str:
    if not all(one.proven for one in results):
        return "none known"
    return f"{np.mean([np.median(one.proven) for one in results]):.2f}"


def _gains(results: Sequence[AgreementResult]) -> str:
    """The larger of both players' gains at the largest budget that was bounded."""
    if not all(one.curved for one in results):
        return "none known"
    gains = [_gain(one, -1) for one in results]
    return f"{np.mean(gains):.2f} at {results[0].curved[-1].epsilon:g}"


def _gain(result: AgreementResult, place: int) -> float:
    at = result.curved[place]
    return max(at.attacker_gain, at.defender_gain)


def summary_lines(
    results: Sequence[AgreementResult],
    closeness: Sequence[ClosenessResult] = (),
    *,
    proven_at: float = 0.05,
) -> str:
    """Say in a few lines what all records came to.

    Args:
        results: Searches and proofs.
        closeness: Measurements along directions, if there are any.
        proven_at: The budget of which it says what is proven.

    Returns:
        Markdown, a line for each data set.
    """
    sets = zip(by_title(results), by_title(closeness), strict=True)
    return "\n".join(
        f"- **{title}.** {_summary(some, proven_at)}{_windows(near)}"
        for (title, some), (_, near) in sets
    )


def _summary(results: Sequence[AgreementResult], proven_at: float) -> str:
    def percent(value: Callable[[AgreementResult], float]) -> str:
        return f"{100 * np.mean([value(one) for one in results]):.0f}%"

    proven = percent(lambda one: shares(one, proven_at)[KINDS[0]])
    found = percent(lambda one: lost(one, one.epsilon))
    near = percent(in_game)
    kept = percent(lambda one: kept_shares(one, -1)[0])
    most = percent(lambda one: kept_shares(one, -1)[2])
    return (
        f"At a budget of {proven_at:g} agreement is proven at {proven} of the points, "
        f"none of them in the game. At Table 1's budget {near} have the boundary of "
        f"their tangent in the ball, and a disagreement was found at {found}. SMOOTH "
        f"keeps {kept} of the tangents there, and of f at most {most}."
    )


def _windows(closeness: Sequence[ClosenessResult]) -> str:
    areas = [area for one in closeness for area in one.windows[-1].areas]
    if not areas:
        return ""
    share = f"{100 * np.mean(areas):.1f}%"
    return f" In church windows of that size the signs differ on {share} of the area."
