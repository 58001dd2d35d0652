"""What the page on local linearity tabulates."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from experiments.assumption.agreement_runs import AgreementResult
from experiments.assumption.closeness_runs import ClosenessResult
from experiments.assumption.linearity_summary import (
    KINDS,
    Interval,
    difference_on_f,
    lost,
    of_set,
    over_pairs,
    shares,
)
from experiments.assumption.rows_runs import RowsResult
from experiments.figures.linearity_pictures import SETS
from experiments.figures.markdown import Row, tabulated
from experiments.tables.group_results import GroupResult
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
    for dataset, title in SETS.items():
        some = of_set(results, dataset)
        budgets = {f"{at:g}": (lambda one, at=at: at) for at in some[0].config.budgets}
        for name, of in {**budgets, "Table 1": lambda one: one.epsilon}.items():
            at = {
                kind: over_pairs(
                    some, lambda one, of=of, kind=kind: shares(one, of(one))[kind]
                )
                for kind in KINDS
            }
            yield {
                "images": title,
                "budget": name,
                **{kind: _percent(share) for kind, share in at.items()},
            }


@tabulated()
def coverage_table(results: Sequence[AgreementResult]) -> Iterator[Row]:
    """Tabulate what SMOOTH keeps, of the tangents and of f itself.

    Args:
        results: The records of the tables' classifiers.

    Returns:
        Markdown: means over classifiers.
    """
    for dataset, title in SETS.items():
        some = of_set(results, dataset)
        for place, defense in enumerate(some[0].defenses):
            is_table = place == len(some[0].defenses) - 1
            kept, safe, flipped = (
                np.mean(
                    [
                        getattr(one.defenses[place], name) / len(one.proven)
                        for one in some
                    ]
                )
                for name in ("kept", "safe", "flipped")
            )
            low, high = (
                over_pairs(
                    some, lambda one, end=end, at=place: difference_on_f(one, at)[end]
                )
                for end in (0, 1)
            )
            yield {
                "images": title,
                "budget": "Table 1" if is_table else f"{defense.epsilon:g}",
                r"$\phi_n(v)$": f"{kept:.2f}",
                r"$\phi_f(v)$, between": f"{safe:.2f} and {1 - flipped:.2f}",
                "the difference, between": f"{low.mean:.2f} and {high.mean:.2f}",
            }


@tabulated()
def bends_table(results: Sequence[ClosenessResult]) -> Iterator[Row]:
    """Tabulate how often f bends on the way from a point.

    Args:
        results: The records of the tables' classifiers.

    Returns:
        Markdown: means over classifiers.
    """
    for place, distance in enumerate(results[0].config.distances):
        row: dict[str, object] = {"within (pixels)": f"{distance:g}"}
        for dataset, title in SETS.items():
            for name in ("FGM", "random"):
                bends = [
                    walk.bends[place]
                    for one in of_set(results, dataset)
                    for walk in one.walks
                    if walk.direction == name
                ]
                row[f"{title}, {name}"] = f"{np.mean(bends):.0f}"
        yield row


@tabulated()
def variations_table(
    results: Mapping[str, Sequence[AgreementResult]], epsilon: float = 0.5
) -> Iterator[Row]:
    """Tabulate how the agreement moves with the classifier.

    Args:
        results: The records of each variation, by its name.
        epsilon: The budget at which disagreements are counted.

    Returns:
        Markdown: means over the classifiers of a variation.
    """
    for name, some in results.items():
        found = f"{100 * np.mean([lost(one, epsilon) for one in some]):.0f}%"
        at_table = [lost(one, one.epsilon) for one in some]
        lengths = [_reach(one) for one in some]
        yield {
            "classifier": name,
            "accuracy": f"{100 * np.mean([one.accuracy for one in some]):.1f}%",
            "budget of Table 1": f"{np.mean([one.epsilon for one in some]):.1f}",
            f"lost at {epsilon:g}": found,
            "lost at Table 1": f"{100 * np.mean(at_table):.0f}%",
            "reach of the tangent": f"{np.mean(lengths):.2f}",
            "proven, budget": _proven(some),
            "gain left": _gain(some),
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
    for dataset, title in SETS.items():
        some = of_set(rows, dataset)
        pairs = {one.config.classes for one in some}
        (group,) = (one for one in tables if one.dataset == dataset)
        own = [one for one in group.scores if one.config.classifier.classes in pairs]
        for play in PLAYS:
            row: dict[str, object] = {"images": title, "play": play_name(play)}
            for name, scores in (("tables", own), ("varied", [r.scores for r in some])):
                for kind in ("approximate", "true"):
                    cell = stored_cell(play, kind)
                    mean = np.mean([one.cells[cell].percent for one in scores])
                    row[f"{name}, {kind}"] = f"{mean:.1f}"
            yield row


def _reach(result: AgreementResult) -> float:
    """The shortest disagreement in shares of the margin, the median over points."""
    shares_ = [
        1.0 if found is None or margin is None else min(found / margin, 1.0)
        for found, margin in zip(result.found, result.margins, strict=True)
        if margin is None or margin > 0.0
    ]
    return float(np.median(shares_))


def _proven(results: Sequence[AgreementResult]) -> str:
    if not all(one.proven for one in results):
        return "none known"
    return f"{np.mean([np.median(one.proven) for one in results]):.2f}"


def _gain(results: Sequence[AgreementResult]) -> str:
    """The larger of both players' gains at the largest budget that was bounded."""
    if not all(one.curved for one in results):
        return "none known"
    last = [one.curved[-1] for one in results]
    gains = [max(at.attacker_gain, at.defender_gain) for at in last]
    return f"{np.mean(gains):.2f} at {last[0].epsilon:g}"
