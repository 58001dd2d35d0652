"""How the agreement of f with its tangents moves with the classifier."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.assumption.agreement_runs import AgreementResult
from experiments.assumption.linearity_summary import lost
from experiments.figures.linearity_pictures import SETS
from paper_lib.plotting.style import COLORS, MARKERS, new_figure


def plot_variations(results: Mapping[str, Sequence[AgreementResult]]) -> Figure:
    """Draw how the agreement moves with the classifier.

    Args:
        results: The records of each variation, by its name.

    Returns:
        The figure, a line for each variation.
    """
    figure, axes = new_figure(4.7, 1.7 + 0.27 * len(results), 1, 3, sharey=True)
    places = range(len(results))
    columns = (
        ("test\naccuracy", lambda one: one.accuracy),
        ("lost at\na quarter", lambda one: lost(one, one.epsilon / 4)),
        ("budget\nproven", _median_proven),
    )
    for axis, (label, value) in zip(axes, columns, strict=True):
        for place, some in zip(places, results.values(), strict=True):
            for color, marker, one in zip(COLORS, MARKERS, some, strict=False):
                classes = "-".join(map(str, one.config.classes))
                name = f"{SETS[one.config.dataset]} {classes}"
                shown = value(one)
                if shown is not None:
                    label_once = name if place == 0 else None
                    axis.plot(shown, place, marker, color=color, ms=5, label=label_once)
        axis.set_xlabel(label)
        axis.xaxis.set_major_locator(MaxNLocator(2))
        axis.grid(axis="y", alpha=0.3)
    axes[0].set_yticks(places, results)
    axes[0].invert_yaxis()
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _median_proven(result: AgreementResult) -> float | None:
    return float(np.median(result.proven)) if result.proven else None
