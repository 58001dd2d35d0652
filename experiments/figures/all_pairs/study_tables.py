"""What the study of Table 1 found, as Markdown tables and pictures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.figures.drawing import COLORS, in_turn, legend_outside, new_figure
from experiments.figures.markdown import Row, tabulated
from experiments.study.choosing import choose_on_halves
from experiments.study.combinations import FACTORS, Combination
from experiments.study.misses import ATTACKED, StudyTable, effects
from paper_lib.evaluation.plays import play_name

# The factors as the paper's readers call them.
FACTOR_NAMES = {
    "network": "classifier",
    "protocol": "budget",
    "start": "start of the ascent",
    "rows": "rows of the defense",
    "reading": "reading of PGD",
    "points": "points scored",
}


def described(combination: Combination) -> str:
    """Write a combination in one line.

    Args:
        combination: The combination.

    Returns:
        Its choices, in the order of the factors.
    """
    return "; ".join(f"{FACTOR_NAMES[n]}: {getattr(combination, n)}" for n in FACTORS)


@tabulated()
def effects_table(table: StudyTable) -> Iterator[Row]:
    """Show which factor moves which row of Table 1.

    Args:
        table: Combinations in which every choice meets every other.

    Yields:
        Each factor with several choices: by how much the mean over pairs, and behind it
        the spread, differ at most between two choices, the larger of both data sets.
    """
    for factor, sizes in effects(table).items():
        row = {"what is chosen": FACTOR_NAMES[factor]}
        moved = table.of_table_1(sizes).max(0).tolist()
        for play, both in zip(ATTACKED, moved, strict=True):
            row[play_name(play)] = "{:.1f} / {:.1f}".format(*both)
        yield row


@tabulated("llrlr")
def choices_table(table: StudyTable, factors: Sequence[str] = FACTORS) -> Iterator[Row]:
    """Say how near the paper each choice can come, whatever is chosen besides.

    Args:
        table: The combinations.
        factors: Of which choices.

    Yields:
        Each choice of each factor: the least distance of a combination that has it, and
        the number that this combination misses most.
    """
    for factor in factors:
        for choice, own in table.having(factor).items():
            best = np.where(own, table.distances, np.inf).argmin()
            worst = np.abs(table.misses[best]).argmax()
            yield {
                "what is chosen": FACTOR_NAMES[factor],
                "choice": choice,
                "least distance": f"{table.distances[best]:.1f}",
                "which number misses most then": table.names[worst],
                "by": f"{table.misses[best][worst]:+.1f}",
            }


@tabulated("llrrrrrr")
def changes_table(table: StudyTable, combination: Combination) -> Iterator[Row]:
    """Change one choice of a combination at a time.

    Args:
        table: All combinations.
        combination: One of them.

    Yields:
        The combination, then each other choice of each factor: by how much the means
        with PGD are above the paper's, the largest miss of Table 1 and of all numbers.
    """
    is_first = np.array([not name.startswith("0-1") for name in table.names])
    changed = [("nothing", "", combination)] + [
        (FACTOR_NAMES[factor], choice, replace(combination, **{factor: choice}))
        for factor in FACTORS
        for choice in table.having(factor)
        if choice != getattr(combination, factor)
    ]
    for factor, choice, one in changed:
        misses = table.misses[table.at(one)]
        row = {"what is changed": factor, "to": choice}
        for name, miss in zip(table.names, misses, strict=True):
            if "PGD" in name and name.endswith(", mean"):
                row[name.removesuffix(", mean")] = f"{miss:+.1f}"
        row["worst of Table 1"] = f"{np.abs(misses[is_first]).max():.1f}"
        row["of all"] = f"{np.abs(misses).max():.1f}"
        yield row


def halves_line(table: StudyTable) -> str:
    """Say how small a distance choosing alone makes.

    Args:
        table: The combinations, on at least four pairs.

    Returns:
        A sentence, of Table 1's numbers.
    """
    found = choose_on_halves(table)
    return (
        f"On the half that chose, the nearest of {len(table.combinations)} "
        f"combinations is {found.chosen_on.mean():.1f} points from the paper; on the "
        f"other half the same one is {found.judged_on.mean():.1f} points from it, and "
        f"the nearest there {found.least_there.mean():.1f}. So choosing makes a "
        f"distance smaller by {found.optimism:.1f} points (means over "
        f"{len(found.judged_on):,} partings)."
    )


# How near the paper a number was to come, in points: of Table 1, and of Table 2.
GOALS = (4.0, 8.0)


def plot_misses(
    names: tuple[str, ...], misses: Mapping[str, Float[np.ndarray, " numbers"]]
) -> Figure:
    """Draw by how much each number is above the paper's.

    Args:
        names: What the numbers are called.
        misses: For each way to compute them, in points.

    Returns:
        The figure, a row for each number, with the goals shaded.
    """
    figure, (axis,) = new_figure(4.7, 0.27 * len(names) + 1.5)
    rows = np.arange(len(names))
    goals = np.array([GOALS[name.startswith("0-1")] for name in names])
    axis.barh(rows, 2 * goals, 1.0, -goals, color="0.92", label="the goal")
    axis.axvline(0.0, color="0.5", linewidth=1)
    for color, marker, (number, name) in in_turn(enumerate(misses)):
        look = {"color": color, "label": name, "markersize": 5}
        look |= {"alpha": 0.9 if number == 0 else 0.7, "zorder": 4 - number}
        axis.plot(misses[name], rows, marker, **look)
    axis.set_yticks(rows, names)
    axis.set(ylim=(len(names) - 0.5, -0.5), xlabel="points above")
    legend_outside(figure, 1)
    return figure


def plot_choices(table: StudyTable) -> Figure:
    """Draw the distance of every combination, once for each of its choices.

    Args:
        table: The combinations.

    Returns:
        The figure, a row for each choice; the nearest of each is marked.
    """
    choices = [
        (factor, choice, table.distances[own])
        for factor in FACTORS
        for choice, own in table.having(factor).items()
    ]
    figure, (axis,) = new_figure(4.7, 0.3 * len(choices) + 0.9)
    for row, (factor, _, some) in enumerate(choices):
        # Spread by rank, so that no point hides another.
        offsets = (np.arange(len(some)) % 7 - 3) / 12
        look = {"color": COLORS[4], "markersize": 2.5, "alpha": 0.7}
        axis.plot(np.sort(some), row + offsets, "o", **look)
        axis.plot(some.min(), row, "D", color=COLORS[1], markersize=6)
        if row and factor != choices[row - 1][0]:
            axis.axhline(row - 0.5, color="0.8", linewidth=1)
    names = [f"{FACTOR_NAMES[factor]}: {choice}" for factor, choice, _ in choices]
    axis.set_yticks(range(len(names)), names)
    axis.set(ylim=(len(names) - 0.5, -0.5), xlim=(0, None))
    axis.set_xlabel("largest miss (points)")
    return figure
