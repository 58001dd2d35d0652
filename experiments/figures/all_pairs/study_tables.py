"""What the study of Table 1 found, as Markdown tables and pictures."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.figures.all_pairs.gain_tables import mean_with_interval
from experiments.figures.markdown import Row, cell_name, mean_and_span, tabulated
from experiments.study.choosing import choose_on_halves
from experiments.study.combinations import FACTORS, Combination
from experiments.study.misses import ATTACKED, KINDS, Pairs, StudyTable, effects
from experiments.study.study_cells import POINTS, UNDEFENDED
from experiments.study.study_plan import StudyRun
from experiments.tables.paper_numbers import PAPER_TABLE_1, PAPER_TABLE_2
from experiments.tables.planning import DATASETS
from paper_lib.evaluation.plays import play_name
from paper_lib.plotting.style import COLORS, MARKERS, new_figure

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


@tabulated("llrrrrr")
def declared_table(found: StudyTable, others: StudyTable) -> Iterator[Row]:
    """Set one combination beside the paper's Table 1.

    Args:
        found: The combination on all pairs, with fresh seeds.
        others: The same on the pairs that did not explore.

    Yields:
        Each data set and attacked play: mean and spread over pairs.
    """
    parts = (found.printed, found.numbers[0], others.numbers[0], found.misses[0])
    by_play = np.stack([_of_table_1(part, found) for part in parts], 2)
    for place, dataset in enumerate(found.datasets):
        for number, play in enumerate(ATTACKED):
            seeds = found.table_1[0, :, place, number, :, 1].mean(-1)
            paper, here, apart, miss = by_play[place, number].tolist()
            yield {
                "data set": dataset,
                "play": play_name(play),
                "paper": "{:.1f} ({:.1f})".format(*paper),
                "here": "{:.1f} ({:.1f})".format(*here),
                "over seeds": f"{seeds.min():.1f} to {seeds.max():.1f}",
                "the other pairs": "{:.1f} ({:.1f})".format(*apart),
                "miss of mean and spread": "{:+.1f}, {:+.1f}".format(*miss),
            }


def _of_table_1(
    values: Float[np.ndarray, " numbers"], table: StudyTable
) -> Float[np.ndarray, "datasets plays 2"]:
    """Take from the numbers of a table the means and spreads of each play."""
    shape = len(table.datasets), len(ATTACKED), 2
    return values[: math.prod(shape)].reshape(shape)


@tabulated("lrrr")
def declared_table_2(found: StudyTable) -> Iterator[Row]:
    """Set one combination beside the attacked cells of Table 2.

    Args:
        found: The combination, MNIST 0 against 1 among its pairs.

    Yields:
        Each cell: the paper's, the mean over seeds with the span, the difference.
    """
    cells = product(KINDS, ATTACKED)
    for (kind, play), values in zip(cells, found.table_2[0].T, strict=True):
        paper = PAPER_TABLE_2[*play, kind]
        yield {
            "accuracy in percent": cell_name((*play, kind)),
            "paper": f"{paper:.1f}",
            "here": mean_and_span(values.tolist()),
            "difference": f"{values.mean() - paper:+.1f}",
        }


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
        moved = _of_table_1(sizes, table).max(0).tolist()
        yield {
            "what is chosen": FACTOR_NAMES[factor],
            **{
                play_name(play): "{:.1f} / {:.1f}".format(*both)
                for play, both in zip(ATTACKED, moved, strict=True)
            },
        }


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


def halves_line(table: StudyTable) -> str:
    """Say how small a distance choosing alone makes.

    Args:
        table: The combinations, on at least four pairs.

    Returns:
        A sentence, of Table 1's numbers.
    """
    found = choose_on_halves(table)
    chosen, judged, least = (
        float(values.mean())
        for values in (found.chosen_on, found.judged_on, found.least_there)
    )
    return (
        f"On the half that chose, the nearest of {len(table.combinations)} "
        f"combinations is {chosen:.1f} points from the paper; on the other half the "
        f"same one is {judged:.1f} points from it, and the nearest there {least:.1f}. "
        f"So choosing makes a distance smaller by {found.optimism:.1f} points "
        f"(means over {len(found.judged_on):,} partings)."
    )


@tabulated("llrrr")
def training_table(runs: Sequence[StudyRun], pairs: Pairs) -> Iterator[Row]:
    """Show how many points each classifier labels right, without attack and defense.

    Args:
        runs: Runs of one seed and protocol.
        pairs: Over which pairs.

    Yields:
        Each data set and classifier: mean and spread over pairs, of test points and of
        points that trained it, beside the paper's.
    """
    for run in sorted(
        runs, key=lambda run: DATASETS.index(run.group.calibration.dataset)
    ):
        network, _, dataset, _ = run.key
        percents = {
            points: [run.of[p].percents[points, "none", *UNDEFENDED][0] for p in pairs]
            for points in POINTS
        }
        yield {
            "data set": dataset,
            "classifier": network,
            **{
                f"{points} points": f"{np.mean(some):.1f} ({np.std(some, ddof=1):.1f})"
                for points, some in percents.items()
            },
            "paper": "{:.1f} ({:.1f})".format(*PAPER_TABLE_1[dataset]["none", "none"]),
        }


@tabulated("lllrr")
def declared_gains(found: StudyTable) -> Iterator[Row]:
    """Ask under one combination whether SMOOTH helps, over pairs.

    Args:
        found: The combination on several pairs; gains are means over seeds.

    Yields:
        For each data set, attack and accuracy the gain, and how many pairs gain.
    """
    means = found.table_1[0].mean(0)
    kinds = product(enumerate(found.datasets), ("FGM", "PGD"), reversed(KINDS))
    for (place, dataset), attack, kind in kinds:
        defended, alone = (
            means[place, ATTACKED.index((attack, defense)), :, KINDS.index(kind)]
            for defense in ("SMOOTH", "none")
        )
        gains = defended - alone
        yield {
            "data set": dataset,
            "attack": attack,
            "accuracy": kind,
            "mean gain (points)": mean_with_interval(gains.tolist(), found.pairs),
            "pairs that gain": f"{(gains > 0).sum()} of {len(gains)}",
        }


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
    figure, (axis,) = new_figure(7.2, 0.27 * len(names) + 1.1)
    rows = np.arange(len(names))
    goals = np.array([GOALS[name.startswith("0-1")] for name in names])
    axis.barh(rows, 2 * goals, 1.0, -goals, color="0.92", label="the goal")
    axis.axvline(0.0, color="0.5", linewidth=1)
    for number, (name, values) in enumerate(misses.items()):
        look = {"color": COLORS[number], "label": name, "markersize": 5}
        look |= {"alpha": 0.9 if number == 0 else 0.7, "zorder": 4 - number}
        axis.plot(values, rows, MARKERS[number], **look)
    axis.set_yticks(rows, names)
    axis.set(ylim=(len(names) - 0.5, -0.5), xlabel="above the paper (points)")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def plot_choices(table: StudyTable) -> Figure:
    """Draw the distance of every combination, once for each of its choices.

    Args:
        table: The combinations.

    Returns:
        The figure, a row for each choice; the nearest of each is marked.
    """
    found = [
        (f"{FACTOR_NAMES[factor]}: {choice}", factor, table.distances[own])
        for factor in FACTORS
        for choice, own in table.having(factor).items()
    ]
    names, factors, distances = zip(*found, strict=True)
    figure, (axis,) = new_figure(7.2, 0.3 * len(found) + 0.9)
    for row, some in enumerate(distances):
        # Spread by rank, so that no point hides another.
        offsets = (np.arange(len(some)) % 7 - 3) / 12
        look = {"color": COLORS[4], "markersize": 2.5, "alpha": 0.7}
        axis.plot(np.sort(some), row + offsets, "o", **look)
        axis.plot(some.min(), row, "D", color=COLORS[1], markersize=6)
        if row and factors[row] != factors[row - 1]:
            axis.axhline(row - 0.5, color="0.8", linewidth=1)
    axis.set_yticks(range(len(names)), names)
    axis.set(ylim=(len(found) - 0.5, -0.5), xlim=(0, None))
    axis.set_xlabel("largest miss of the 24 numbers (points)")
    return figure
