"""Compute what the study lacks, and write its tables beside its records.

``python -m experiments.study`` explores; ``--pairs all --seeds 60,61,62 --declared``
confirms; with ``--views`` as well an image of each pair is kept. A command that is
stopped goes on where it was.
"""

import argparse
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, get_args

from experiments.store.record_files import save_csv
from experiments.study import study_plan
from experiments.study.choosing import choose_on_halves
from experiments.study.combinations import FACTORS
from experiments.study.declared import declared_groups
from experiments.study.misses import StudyTable, effects, study_table
from experiments.study.pair_views import pair_views
from experiments.sweep.resume import load_or_compute
from experiments.sweep.runner import executor_for
from experiments.tables.planning import DATASETS, parse_pairs, parse_seeds
from paper_lib.data.pairs import Source


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the study as a command line asks.

    Args:
        arguments: The arguments; None: those of the process.

    Raises:
        ValueError: If pairs or seeds are none, nothing is declared yet, or a network or
            protocol is named beside what is declared.
        SweepError: If a run failed; the others are kept.
    """
    asked = _parser().parse_args(arguments)
    pairs = (
        study_plan.EXPLORED if asked.pairs == "explored" else parse_pairs(asked.pairs)
    )
    chosen: dict[str, Any] = {
        "datasets": asked.datasets,
        "pairs": pairs,
        "seeds": parse_seeds(asked.seeds),
    }
    named = {
        name: choices
        for name in ("networks", "protocols")
        if (choices := getattr(asked, name)) is not None
    }
    if asked.declared and named:
        raise ValueError(f"{[*named]} must be left to what --declared names.")
    list_groups = declared_groups if asked.declared else study_plan.study_groups
    groups = list_groups(**chosen, **named)
    options = {"source": asked.source, "root": asked.root, "progress": True}
    with executor_for(asked.workers, asked.scheduler) as executor:
        options["executor"] = executor
        runs = study_plan.run_study(groups, asked.store, device=asked.device, **options)
        if asked.views:
            load_or_compute(pair_views(runs), asked.store, **options)
    # A part has a folder of its own, so that it never stands in for the whole.
    part = ["declared"] if asked.declared else []
    part += [one for choices in named.values() for one in choices]
    part += asked.datasets if {*asked.datasets} != {*DATASETS} else []
    name = "-".join(["tables", *part, asked.pairs, asked.seeds]).replace(" ", "-")
    tables = asked.store / name
    write_tables(study_table(runs), tables)
    if {*study_plan.OTHERS} < {*pairs}:
        write_tables(study_table(runs, pairs=study_plan.OTHERS), tables / "others")


def write_tables(table: StudyTable, folder: Path) -> None:
    """Write what the study found, as tables of comma-separated values.

    Args:
        table: All combinations.
        folder: Where ``combinations.csv`` goes and, of several combinations,
            ``effects.csv`` and, where there are four pairs, ``halves.csv``; made if
            it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paper = ["paper", *[""] * len(FACTORS), *table.printed]
    lines = [
        [*astuple(table.combinations[place]), table.distances[place], *numbers]
        for place, numbers in zip(table.order, table.numbers[table.order], strict=True)
    ]
    files = {"combinations.csv": [[*FACTORS, "distance", *table.names], paper, *lines]}
    several = len(table.combinations) > 1
    if several:
        moved = [[factor, *sizes] for factor, sizes in effects(table).items()]
        files["effects.csv"] = [["factor", *table.names], *moved]
    if several and len(table.pairs) >= 4:
        halves = choose_on_halves(table)
        columns = (halves.chosen_on, halves.judged_on, halves.least_there)
        names = ["chosen_on", "judged_on", "least_there"]
        files["halves.csv"] = [names, *zip(*columns, strict=True)]
    for name, rows in files.items():
        save_csv(rows, folder / name, decimals=2)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _parser() -> argparse.ArgumentParser:
    """Say what the command line takes."""
    parser = argparse.ArgumentParser(prog="experiments.study", description=__doc__)
    add = parser.add_argument
    add("--store", type=Path, default=Path("results/study"))
    add(
        "--networks",
        type=_names,
        help=f"of {', '.join(study_plan.NETWORKS)}; else the first two",
    )
    add(
        "--protocols",
        type=_names,
        help=f"of {', '.join(study_plan.PROTOCOLS)}; else both",
    )
    add("--datasets", type=_names, default=list(DATASETS))
    add("--pairs", default="explored", help="explored, all, or like 0-1,3-5")
    add("--seeds", default=str(study_plan.EXPLORING_SEED), help="like 60,61,62")
    add("--declared", action="store_true", help="the declared combination alone")
    add(
        "--views", action="store_true", help="an image of each pair as well, on the CPU"
    )
    add("--workers", type=int, default=2, help="processes; 0: this one alone")
    add("--scheduler", help="a Dask scheduler, tcp://host:port, instead")
    add("--device", default="cpu")
    add("--source", choices=get_args(Source), default="auto")
    add("--root", help="folder of the data")
    return parser


if __name__ == "__main__":
    main()
