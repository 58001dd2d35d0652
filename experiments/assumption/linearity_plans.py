"""What the page on local linearity shows: the runs, as published."""

from itertools import product

from experiments.assumption.agreement_runs import AgreementRun, RowsRun
from experiments.assumption.closeness_runs import ClosenessRun
from experiments.assumption.variations import VARIATIONS
from experiments.tables.planning import CLASSIFIERS, DATASETS, TEN_PAIRS
from paper_lib.data.pairs import Dataset

# Each class once.
FIVE_PAIRS = ((0, 1), (2, 4), (3, 8), (5, 6), (7, 9))
SEEDS = (0, 1, 2)
# Where classifiers are varied: an easy pair, and a harder one of each set.
VARIED: tuple[tuple[Dataset, tuple[int, int]], ...] = (
    ("mnist", (0, 1)),
    ("mnist", (3, 8)),
    ("fashion-mnist", (2, 4)),
)
# The variation nearest to its tangents at an accuracy within a point.
MOST_LINEAR = "average pool, penalty"
# Doubled up to what Table 1 gives most networks; proofs end long before.
_BUDGETS = (0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0, 4.0)
# Budgets at which the game with f itself is bounded, for the first seed.
_CURVED = (0.05, 0.1)


def agreement_plan() -> tuple[AgreementRun, ...]:
    """List the searches and proofs for the network that was declared first.

    Returns:
        The runs: ten pairs of each data set, three seeds.
    """
    return tuple(
        AgreementRun(
            dataset=dataset,
            classes=classes,
            seed=seed,
            budgets=_BUDGETS,
            curved=() if seed else _CURVED,
            num_proofs=8 if seed else 16,
        )
        for seed, dataset, classes in product(SEEDS, DATASETS, TEN_PAIRS)
    )


def declared_plan() -> tuple[AgreementRun, ...]:
    """List the same for the network that the study of Table 1 declared.

    Its rule sets the budgets, on as many training points.

    Returns:
        The runs: ten pairs of each data set, the first of the study's fresh seeds.
    """
    return tuple(
        AgreementRun(
            dataset=dataset,
            classes=classes,
            seed=60,
            train=CLASSIFIERS["20-50-500"],
            budgets=(0.01, 0.02, *_BUDGETS),
            defended=(0.02, 0.1),
            num_fit=4000,
            num_proofs=8,
        )
        for dataset, classes in product(DATASETS, TEN_PAIRS)
    )


def closeness_plan() -> tuple[ClosenessRun, ...]:
    """List the measurements along directions, in windows and under the plays.

    Returns:
        The runs, for the same classifiers.
    """
    return tuple(
        ClosenessRun(dataset=dataset, classes=classes, seed=seed)
        for seed, dataset, classes in product(SEEDS, DATASETS, TEN_PAIRS)
    )


def variation_plan() -> tuple[tuple[str, AgreementRun], ...]:
    """List the searches and proofs for classifiers that vary those of the tables.

    Returns:
        The runs, each with the name of its variation.
    """
    return tuple(
        (
            name,
            AgreementRun(
                dataset=dataset,
                classes=classes,
                train=train,
                variation=variation,
                curved=_CURVED,
                num_proofs=8,
            ),
        )
        for name, (train, variation) in VARIATIONS.items()
        for dataset, classes in VARIED
    )


def rows_plan() -> tuple[RowsRun, ...]:
    """List the rows of Table 1 for the most linear of the variations.

    Returns:
        The runs: five pairs of each data set, in which each class occurs once.
    """
    train, variation = VARIATIONS[MOST_LINEAR]
    return tuple(
        RowsRun(dataset=dataset, classes=classes, train=train, variation=variation)
        for dataset, classes in product(DATASETS, FIVE_PAIRS)
    )
